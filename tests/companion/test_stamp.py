"""What the stamp covers: it has to know everything that a kernel uses."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mcrepro.companion.notebooks import read_page
from mcrepro.companion.stamp import BUILD_SIDE, ENVIRONMENT, PACKAGE, stamp

ROOT = PACKAGE.parent
PROJECT = ROOT / "pyproject.toml"


def test_the_environment_has_every_dependency():
    declared = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in declared}
    assert names <= set(ENVIRONMENT)


def test_what_the_build_uses_alone_exists():
    there = {path.name for path in (PACKAGE / "companion").glob("*.py")}
    # The theme is an extension of Sphinx that stands beside the build.
    assert there >= BUILD_SIDE - {"theme.py"}


@pytest.mark.skipif(
    not (PACKAGE / "companion" / "page.py").is_file(), reason="there is no page.py to look at"
)
def test_a_notebook_uses_nothing_of_the_build():
    code = "import sys, mcrepro.companion.page; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = {name.rpartition(".")[2] for name in done.stdout.split() if ".companion." in name}
    assert loaded
    assert not {f"{name}.py" for name in loaded} & BUILD_SIDE


@pytest.fixture
def stamp_of(toy):
    def compute(profile="quick", around=None, **overrides):
        chapter = read_page("two", toy.source("two"))
        return stamp(chapter, chapter.schema.resolve(profile, overrides), profile, around)

    return compute


def test_what_changes_the_stamp(toy, stamp_of):
    stamps = [
        stamp_of(),
        stamp_of(n=21),
        stamp_of(profile="smoke"),
        stamp_of(around={"package": "other"}),
    ]
    toy.edit("two.md", ":tags: [parameters]", ":tags: [parameters, hide-input]")
    stamps.append(stamp_of())
    toy.edit("two.md", "n = 20", "n = 19")
    stamps.append(stamp_of())
    assert len(set(stamps)) == len(stamps)


def test_prose_does_not_change_the_stamp(toy, stamp_of):
    before = stamp_of()
    toy.edit("two.md", "is shown", "is displayed")
    toy.edit("two.md", "help: How many rows.", "help: Rows.")
    assert stamp_of() == before


def test_data_changes_the_stamp(toy, stamp_of, monkeypatch):
    from mcrepro import data

    prints = iter(["a", "b", "missing"])
    monkeypatch.setattr(data, "fingerprint", lambda name: f"{name}-{next(prints)}", raising=False)
    toy.edit("two.md", "mcrepro:\n", "mcrepro:\n  data: [ml-small-2016]\n")
    assert len({stamp_of(), stamp_of(), stamp_of()}) == 3


def test_a_fresh_copy_has_the_same_package(package_copy):
    from mcrepro.companion.stamp import package_hash

    assert package_hash(package_copy) == package_hash(PACKAGE)
    (package_copy / "companion" / "site.py").write_text("")
    assert package_hash(package_copy) == package_hash(PACKAGE)
    Path(package_copy / "companion" / "__init__.py").write_text("")
    assert package_hash(package_copy) != package_hash(PACKAGE)
