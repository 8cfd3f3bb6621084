"""Builds that are killed, interrupted, or have nowhere to write."""

import functools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcrepro.companion.build import build
from mcrepro.companion.files import only_one
from mcrepro.errors import BuildError

from .conftest import notebook
from .test_build import ALL, outputs

posix = pytest.mark.skipif(os.name != "posix", reason="signals and file systems of POSIX")


def kernels_of(project):
    """Return the process ids of kernels that run in the project's root."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
            if "ipykernel_launcher" in words and os.readlink(entry / "cwd") == str(project.root):
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended
    return found


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for kernels in /proc")


@pytest.mark.slow
@posix
def test_kill_at_random_moments_and_build_again(toy, built_once):
    rng = random.Random(2601)
    for _ in range(5):
        process = toy.command("build", "--jobs", "2", stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 6))
        process.kill()
        process.communicate()
        for path in toy.build.rglob("*.ipynb"):
            json.loads(path.read_text())  # nothing half-written
    report = build(toy, jobs=2)
    assert report.missing == ()
    for name in ALL:
        assert outputs(toy, name) == outputs(built_once, name)
    assert undated(toy) == undated(built_once)
    assert not list(toy.build.glob("tmp-*"))
    assert not list(toy.build.rglob("*.part"))


def undated(project):
    """Return the pages without what may differ between two builds: day and runtime."""
    return {
        path.relative_to(project.html): re.sub(
            r"executed \d{4}-\d\d-\d\d in [\w ]+ ·|<td[^>]*><p>[\d-]+ ?s?</p></td>",
            "",
            path.read_text(),
        )
        for path in project.html.rglob("*.html")
    }


@posix
@proc
def test_no_kernel_survives_a_killed_build(toy):
    toy.write("two.md", notebook("two", "import time; time.sleep(300)"))
    process = toy.command("build", "--only", "two", stderr=subprocess.DEVNULL)
    assert wait_until(lambda: (toy.build / "scratch").exists() and _wrote(toy, "two.csv"))
    assert len(kernels_of(toy)) == 1
    process.kill()
    process.communicate()
    assert wait_until(lambda: not kernels_of(toy)), "an orphan kernel goes on"


@posix
@proc
def test_ctrl_c_ends_the_kernels_and_keeps_what_is_finished(toy):
    toy.write("two.md", notebook("two", "import time; time.sleep(300)"))
    # What a shell starts in the background ignores Ctrl-C, and so would all that it starts itself.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = toy.command("build", "--jobs", "2", preexec_fn=heed)
    finished = [toy.executed("quick") / f"{name}.ipynb" for name in ("one/alpha", "one/beta")]
    assert wait_until(lambda: all(path.is_file() for path in finished) and _wrote(toy, "two.csv"))
    process.send_signal(signal.SIGINT)
    try:  # far below what is left of the cell's sleep, far above what a busy machine takes
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not kernels_of(toy)
    assert not (toy.executed("quick") / "two.ipynb").exists()
    toy.write("two.md", notebook("two"))
    assert build(toy).executed == ("two",)


def _wrote(project, name):
    return list((project.build / "scratch").rglob(name))


@pytest.mark.slow
@pytest.mark.usefixtures("no_site")
def test_two_kernels_at_once_round_after_round(toy):
    for _ in range(5):
        assert len(build(toy, jobs=3, force=True).executed) == 3


@pytest.mark.usefixtures("no_site")
def test_the_processors_are_shared(toy):
    for name in ("one/alpha", "two"):
        toy.edit(f"{name}.md", "print(", "print(os.environ['MCREPRO_JOBS'], 'jobs', ")
    build(toy, jobs=4, only=["one/alpha", "two"])
    assert "2 jobs" in str(outputs(toy, "two"))
    build(toy, jobs=4, only=["two"], force=True)
    assert "4 jobs" in str(outputs(toy, "two"))


def test_one_build_at_a_time(toy):
    if os.name != "posix":
        pytest.skip("there is no lock")
    with only_one(toy.build / ".lock"), pytest.raises(BuildError, match="another build"):
        build(toy)


@posix
def test_a_corrupt_stored_notebook_is_made_again(built, no_site):  # noqa: ARG001
    path = built.executed("quick") / "two.ipynb"
    path.write_bytes(path.read_bytes()[:200])
    assert build(built).executed == ("two",)
    json.loads(path.read_text())


@pytest.fixture
def small_disk(toy):
    """Give the toy's ``_build`` a file system of 1 MB."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount")):
        pytest.skip("needs the right to mount")
    toy.build.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(toy.build)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    yield toy
    subprocess.run(["umount", str(toy.build)], check=True)


def test_a_full_disk_is_one_message(small_disk):
    done = small_disk.run("build")
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "No space left on device" in errors[0]
    assert "Traceback" not in done.stderr
    assert not small_disk.html.exists()
    for path in small_disk.build.rglob("*.ipynb"):
        json.loads(path.read_text())

    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk.build)], check=True)
    assert small_disk.run("build").returncode == 0


def test_a_read_only_folder_is_one_message(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.build)], check=True)
    done = small_disk.run("build")
    assert done.returncode == 1
    assert re.fullmatch(r"error: Read-only file system: .*_build\S+\n", done.stderr)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere"
)
def test_a_forbidden_folder_is_one_message(toy):
    toy.root.chmod(0o555)
    done = toy.run("build")
    toy.root.chmod(0o755)
    assert done.returncode == 1
    assert re.fullmatch(r"error: Permission denied: .*_build\S*\n", done.stderr)


def test_the_package_imports_nothing_heavy_for_a_message(toy):
    code = (
        "import sys; from mcrepro.companion.cli import main; main(['run', 'two', '-p', 'm', '1'])\n"
        "print([name for name in ('papermill', 'numpy', 'sphinx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=toy.root,
        env=dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2])),
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n"
    assert done.stderr == "error: two has no parameter 'm'; known: 'n', 'p'\n"
