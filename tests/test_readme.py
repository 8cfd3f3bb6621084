"""Every command that the README prints is run, in a clone, as it is printed.

Two things are changed, and only from outside, so that the test ends in minutes: the default profile
becomes `smoke` (`MCREPRO_PROFILE`), as does the word `paper`; and pytest, called by the test command
from inside a test, collects without running. `.ci/run` runs that one in full.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [
    line.split("#")[0].strip()
    for block in blocks("bash")
    for line in block.splitlines()
    if line.strip()
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the working tree with no build, sharing this environment so as not to install it anew."""
    if Path(sys.prefix) != ROOT / ".nox" / "mcrepro":
        pytest.skip("runs in the project's own environment: python3 noxfile.py -s tests")
    target = tmp_path_factory.mktemp("clone") / "mcrepro"
    ignored = shutil.ignore_patterns("_build", ".nox", ".git", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, target, ignore=ignored)
    (target / ".nox").mkdir()
    (target / ".nox" / "mcrepro").symlink_to(sys.prefix, target_is_directory=True)
    return target


def test_the_first_screen_has_two_commands():
    first = blocks("bash")[0].strip().splitlines()
    assert [line.split("#")[0].strip() for line in first] == [
        "python3 noxfile.py -s book",
        "python3 noxfile.py -s tests",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs(command, clone):
    words = ["smoke" if word == "paper" else word for word in shlex.split(command)]
    assert words[0] == "python3"
    env = {
        **os.environ,
        "MCREPRO_PROFILE": "smoke",
        "PYTEST_ADDOPTS": "--collect-only -q -p no:cacheprovider",
    }
    done = subprocess.run(
        [sys.executable, *words[1:]],
        check=False,
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    if "book" in words:
        index = re.search(r"\S+index\.html", done.stdout)
        assert index, done.stdout[-3000:]
        assert Path(index.group()).is_file()
        assert not (clone / "_build" / "executed" / "quick").exists()


@pytest.mark.parametrize("code", blocks("python"))
def test_python_example_runs(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_files_named_in_the_readme_exist():
    for name in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / name).exists(), name
