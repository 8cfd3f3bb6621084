import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import mcrepro as mc
from mcrepro.data import sources
from mcrepro.errors import DataError, ParameterError
from mcrepro.experiments import registry, source, trial

FILES = {
    "problem.py": True,
    "lifting.py": True,
    "solvers/als.py": True,
    "solvers/deep/er.py": True,
    "data/sets.yml": True,
    "experiments/protocol.py": True,
    "experiments/trial.py": True,
    "experiments/noise/fig2a.py": True,
    "experiments/noise/_common.py": True,
    "experiments/store.py": False,
    "experiments/engine.py": False,
    "experiments/noise/fig2b.py": False,
    "experiments/hajek/bias.py": False,
    "experiments/hajek/_common.py": False,
    "ledger/rules.py": False,
    "ledger/claims/noise/rank_one.yml": False,
    "companion/cli.py": False,
    "solvers/__pycache__/als.cpython-311.pyc": False,
}


@pytest.fixture
def package(tmp_path):
    """A tree like the package's."""
    for name in (*FILES, *(f"experiments/{name}" for name in source.ENGINE)):
        path = tmp_path / "mcrepro" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return tmp_path / "mcrepro"


def key(package):
    protocol = package / "experiments" / "noise" / "fig2a.py"
    return source.hash_files(source.source_files(protocol, package), package)


@pytest.mark.parametrize(("name", "counts"), FILES.items())
def test_one_byte_changes_the_key_where_a_trial_can_depend_on_it(package, name, counts):
    before = key(package)
    path = package / name
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    assert (key(package) != before) == counts


def test_a_release_changes_no_key_and_the_rest_of_its_file_does(package):
    root = package / "__init__.py"
    root.write_text('import time\n__version__ = "0.1.0"\n')
    before = key(package)
    root.write_text('import time\n__version__ = "0.2.0"\n')
    assert key(package) == before
    root.write_text('import times\n__version__ = "0.2.0"\n')
    assert key(package) != before


@pytest.mark.parametrize("change", ["rename", "remove", "add"])
def test_so_do_files_that_come_go_or_move(package, change):
    before = key(package)
    path = package / "solvers" / "als.py"
    if change == "rename":
        path.rename(package / "solvers" / "bls.py")
    elif change == "remove":
        path.unlink()
    else:
        (package / "solvers" / "new.py").touch()
    assert key(package) != before


def test_the_key_does_not_depend_on_where_the_package_lies(package, tmp_path):
    moved = tmp_path / "elsewhere" / "mcrepro"
    shutil.copytree(package, moved)
    assert key(moved) == key(package)


def test_the_real_package_is_covered():
    files = source.source_files(registry.file("toy-walk"))
    names = {path.relative_to(source.PACKAGE).as_posix() for path in files[:-2]}
    assert {"__init__.py", "errors.py", "solvers/__init__.py"} <= names
    assert {"experiments/trial.py", "experiments/threads.py"} <= names
    assert [path.name for path in files[-2:]] == ["_helper.py", "walk.py"]


def test_an_edit_under_a_running_python_is_refused(tmp_path, monkeypatch):
    shutil.copytree(Path(__file__).parent / "protocols" / "toy", tmp_path / "edited")
    monkeypatch.setenv("MCREPRO_PROTOCOLS", str(tmp_path))
    mc.experiments.run("edited-walk")
    helper = tmp_path / "edited" / "_helper.py"
    helper.write_text(helper.read_text() + "\n")
    with pytest.raises(source.SourceChangedError, match=r"_helper.py.*restart Python"):
        mc.experiments.run("edited-walk")
    # Seen per file, not per protocol: this one was not asked for before.
    with pytest.raises(source.SourceChangedError, match=r"_helper.py.*restart Python"):
        mc.experiments.run("edited-proof")


def test_data_and_environment_enter_the_key(monkeypatch):
    monkeypatch.setattr(source, "_fingerprint", lambda name: f"contents of {name}")
    identity = source.identity("toy-walk", ["ml-small-2016"])
    assert identity["data"] == {"ml-small-2016": "contents of ml-small-2016"}
    assert identity["environment"]["numpy"] == __import__("numpy").__version__


def test_edit_between_the_import_and_the_first_run_is_noticed(tmp_path):
    package = tmp_path / "mcrepro"
    shutil.copytree(source.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    program = """
import pathlib, sys, time
import mcrepro as mc
import mcrepro.solvers.bm as bm
time.sleep(0.05)
if sys.argv[1] == "edit":
    with open(bm.__file__, "a") as file:
        file.write("# edited\\n")
print(mc.experiments.run("hajek-enumeration", profile="smoke", cache=sys.argv[2]).shape)
"""
    for action in ("leave", "edit"):
        done = subprocess.run(
            [sys.executable, "-c", program, action, tmp_path / action],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "MCREPRO_PROTOCOLS": ""},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == (action == "leave"), done.stderr
    assert "bm.py" in done.stderr
    assert "restart Python" in done.stderr


def test_data_named_by_a_parameter_enters_the_key_of_its_own_trials(monkeypatch):
    protocol = mc.experiments.get("hajek-movielens")
    assert protocol.data == ("{dataset}",)

    def key(dataset, contents):
        monkeypatch.setattr(source, "_fingerprint", lambda name: contents[name])
        identity = source.identity("hajek-movielens", contents)
        parameters = {"dataset": dataset, "films": 100, "keep": 0.5}
        return trial.make("hajek-movielens", protocol, identity, parameters, 0).key

    contents = {"ml-100k": "a", "ml-1m": "b"}
    changed = {"ml-100k": "a", "ml-1m": "c"}
    assert key("ml-100k", contents) == key("ml-100k", changed)
    assert key("ml-1m", contents) != key("ml-1m", changed)


def test_a_stand_in_enters_the_key_only_where_the_trial_would_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv("MCREPRO_DATA", raising=False)
    monkeypatch.setenv("MCREPRO_DATA_CACHE", str(tmp_path))
    tried = []

    def download(spec):
        tried.append(spec.name)
        raise DataError("no network")

    monkeypatch.setattr(sources, "download", download)
    found = source.identity("hajek-movielens", ["ml-latest-small"])["data"]["ml-latest-small"]
    assert found == mc.data.fingerprint("ml-small-2016")
    # A trial that loads the data tries the publisher first.
    assert tried == ["ml-latest-small"]


def test_data_cannot_be_named_by_a_parameter_that_is_not_there():
    good = mc.experiments.get("hajek-movielens")
    with pytest.raises(ParameterError, match=r"datset.*dataset"):
        replace(good, data=("{datset}",))


EDITS_ITSELF = """
from pathlib import Path

from mcrepro.experiments import Protocol, Sweep


def trial(seed, *, k: int):
    if k == 2:  # as if somebody did, while the sweep runs
        with Path(__file__).open("a") as file:
            file.write("# edited\\n")
    return {"k2": k * k}


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(("smoke", "quick", "paper"), Sweep({"k": [1, 2, 3]})),
)
"""


def test_a_trial_during_which_the_source_changed_is_not_kept(tmp_path, monkeypatch, cache):
    (tmp_path / "own" / "edited").mkdir(parents=True)
    (tmp_path / "own" / "edited" / "self.py").write_text(EDITS_ITSELF)
    monkeypatch.setenv("MCREPRO_PROTOCOLS", str(tmp_path / "own"))
    with pytest.raises(source.SourceChangedError, match=r"self\.py, which .* changed while Python"):
        mc.experiments.run("edited-self", k=2)
    stored = sqlite3.connect(cache / "edited-self.sqlite").execute("SELECT key FROM trials")
    assert stored.fetchall() == []
