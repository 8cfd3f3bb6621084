"""Where a table comes from: which package, at which commit."""

import functools
import subprocess
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def project_root() -> Path | None:
    """Folder of the checkout that the package runs from, or None if it is installed."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() else None


@functools.cache
def commit() -> str:
    """Short hash of the checkout's commit, with "+dirty" if the package differs from it.

    "unknown" outside a checkout, or where git is missing or refuses.
    """
    root = project_root()
    if root is None:
        return "unknown"
    try:
        head = _git(root, "rev-parse", "--short", "HEAD")
        dirty = _git(root, "status", "--porcelain", "--", PACKAGE.name)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+dirty" if dirty else head


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()
