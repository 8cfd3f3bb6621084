"""From the staged book to the site, in one swap."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcrepro.companion.check import check_site
from mcrepro.companion.files import mirror, sha256, strip_ansi, write_atomic
from mcrepro.companion.project import Project
from mcrepro.companion.stamp import PACKAGE, folder_hash, package_first, version
from mcrepro.errors import BuildError

#: Beside the pages: what the site was made from. It moves with them, so it is never ahead of them.
STAMP = ".mcrepro-stamp"

_WORK = "tmp-"

#: jupyter-book, which ends when the build that started it was killed.
_JUPYTER_BOOK = """
import os, threading, time
from jupyter_book.cli.main import main

def watch():
    while os.getppid() == {parent}:
        time.sleep(0.2)
    os._exit(1)

if os.name == "posix":
    threading.Thread(target=watch, daemon=True).start()
main()
"""

TOOLS = (
    "docutils",
    "jupyter-book",
    "myst-nb",
    "myst-parser",
    "sphinx",
    "sphinx-book-theme",
    "sphinx-exercise",
    "sphinx-proof",
    "sphinxcontrib-bibtex",
)


def build_site(project: Project, files: Mapping[str, bytes], strict: bool = True) -> bool:
    """Stage `files`, build the site from them and check it; return whether there was work to do.

    Parameters
    ----------
    project : Project
    files : mapping
        The staged book: path -> content; those below ``data/`` are published as they are.
    strict : bool, default True
        Whether a warning of Sphinx fails the build.

    Raises
    ------
    BuildError
        If Sphinx warns or fails, or the check finds something. The site that was there stays.
    """
    stamp = _stamp(project, files, strict)
    mirror(files, project.staged)
    if (project.html / STAMP).is_file() and (project.html / STAMP).read_text() == stamp:
        return False
    for left in project.build.glob(f"{_WORK}*"):  # by builds that were killed
        shutil.rmtree(left, ignore_errors=True)
    print("Building the site", file=sys.stderr, flush=True)
    with _work_folder(project.build) as work:
        html = _sphinx(project, project.staged, work, strict)
        for name, content in files.items():
            if name.startswith("data/"):
                write_atomic(html / name, content)
        findings = check_site(html, _pages(files))
        if findings:
            kept = project.failed / "html"
            _swap(html, kept)
            raise BuildError(
                "\n".join(
                    [
                        f"the site has {len(findings)} fault{'s' * (len(findings) > 1)}:",
                        *("  " + finding for finding in findings),
                        f"The site as far as it goes: {project.shown(kept / 'index.html')}",
                    ]
                )
            )
        write_atomic(html / STAMP, stamp.encode())
        _swap(html, project.html)
    return True


def build_one(project: Project, files: Mapping[str, bytes], folder: Path) -> Path:
    """Build `files`, a book of one chapter, to ``folder/html``; return the path of its index.

    References to pages that are not there stay text, so warnings do not count.
    """
    with _work_folder(folder) as work:
        mirror(files, work / "book")
        html = _sphinx(project, work / "book", work / "site", strict=False)
        for name, content in files.items():
            if name.startswith("data/"):
                write_atomic(html / name, content)
        _swap(html, folder / "html")
    return folder / "html" / "index.html"


@contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    """Give a fresh folder: old doctrees would hide warnings, a killed Sphinx may still write."""
    with tempfile.TemporaryDirectory(
        prefix=_WORK, dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _sphinx(project: Project, source: Path, target: Path, strict: bool) -> Path:
    """Run Sphinx on `source`; return the folder of the pages, somewhere below `target`."""
    command = [sys.executable, "-c", _JUPYTER_BOOK.format(parent=os.getpid()), "build"]
    command += [str(source), "--config", str(project.config), "--path-output", str(target)]
    command += ["-W", "-n", "--keep-going"] if strict else []
    done = subprocess.run(
        command, check=False, env=package_first(), cwd=project.root, capture_output=True, text=True
    )
    if done.returncode:
        lines = strip_ansi(done.stderr + done.stdout).splitlines()
        if any(os.strerror(errno.ENOSPC) in line for line in lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        wanted = [line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-30:]
        shown = [_place(line.replace(f"{source}{os.sep}", "")) for line in dict.fromkeys(wanted)]
        raise BuildError("\n  ".join(["Sphinx is not content with the book:", *shown]))
    return target / "_build" / "html"


def _place(line: str) -> str:
    """Return a warning of Sphinx with MyST-NB's cell * 10000 + line said in words."""
    return re.sub(
        r"\.ipynb:(\d+)(\d{4}):", lambda m: f", cell {m[1]}, line {int(m[2])}:", line, count=1
    )


def _stamp(project: Project, files: Mapping[str, bytes], strict: bool) -> str:
    parts = {
        "files": {name: sha256(content) for name, content in files.items()},
        "config": sha256(project.config.read_bytes()),
        "companion": folder_hash(PACKAGE / "companion"),  # it brings a Sphinx extension
        "tools": {tool: version(tool) for tool in TOOLS},
        "strict": strict,
    }
    return sha256(json.dumps(parts, sort_keys=True).encode())


def _pages(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the pages among `files`, without extension."""
    return [str(Path(name).with_suffix("")) for name in files if name.endswith((".md", ".ipynb"))]


def _swap(new: Path, old: Path) -> None:
    """Put the folder `new` in the place of `old`."""
    aside = old.with_name(old.name + ".old")
    shutil.rmtree(aside, ignore_errors=True)
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.exists():
        os.rename(old, aside)
    os.rename(new, old)
    shutil.rmtree(aside, ignore_errors=True)
