"""Files that a kill, a full disk or a read-only folder cannot leave half-written."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mcrepro.errors import BuildError


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_atomic(path: Path, content: bytes) -> None:
    """Give `path` the bytes `content`, entirely or not at all.

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def mirror(files: Mapping[str, bytes], folder: Path) -> None:
    """Make `folder` hold exactly `files` (POSIX path relative to it -> content).

    Files that already have the right bytes are not touched.
    """
    wanted = {folder / name: content for name, content in files.items()}
    folder.mkdir(parents=True, exist_ok=True)
    # Deepest first, so that a folder is empty by the time it is looked at.
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path not in wanted:
            path.unlink()
    for path, content in wanted.items():
        if not path.is_file() or path.read_bytes() != content:
            write_atomic(path, content)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold `lock` for the duration of the block; the system frees it when the process dies.

    Raises
    ------
    BuildError
        If another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two builds at once are the user's to avoid
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(f"another build is at work in {lock.parent}; wait for it") from None
        yield


def strip_ansi(text: str) -> str:
    """Return `text` without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
