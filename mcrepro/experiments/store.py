"""Finished trials on disk: one SQLite file a protocol, one row a trial, committed one by one.

SQLite's write-ahead log makes a commit whole or absent whatever kills the process, and lets workers
and other runs write to the same file at once. A row is readable text: no pickle.
"""

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from mcrepro.errors import CacheError
from mcrepro.experiments.protocol import canonical
from mcrepro.experiments.provenance import project_root
from mcrepro.experiments.trial import Trial

ENVIRONMENT = "MCREPRO_CACHE"
BUSY_SECONDS = 60.0

_TABLE = """CREATE TABLE IF NOT EXISTS trials (key TEXT PRIMARY KEY, parameters TEXT NOT NULL,
trial INTEGER NOT NULL, rows TEXT NOT NULL, seconds REAL NOT NULL, checksum TEXT NOT NULL)"""


def cache_dir() -> Path:
    """Folder of the stores.

    The environment variable ``MCREPRO_CACHE``; else ``_build/cache/trials`` of the checkout the
    package runs from; else the user's cache folder.
    """
    if given := os.environ.get(ENVIRONMENT):
        return Path(given)
    if root := project_root():
        return root / "_build" / "cache" / "trials"
    import platformdirs

    return Path(platformdirs.user_cache_dir("mcrepro")) / "trials"


def clear(name: str | None = None, cache: str | os.PathLike | None = None) -> list[Path]:
    """Delete the finished trials of one protocol, or of all.

    Parameters
    ----------
    name : str, default all protocols
    cache : path, default `cache_dir()`

    Returns
    -------
    list of Path
        The stores that were deleted.

    Raises
    ------
    CacheError
        If a file cannot be deleted.
    """
    folder = Path(cache) if cache is not None else cache_dir()
    removed = sorted(folder.glob(f"{name or '*'}.sqlite"))
    for path in removed:
        # The log goes first: without its store it is nothing, the store without it merely older.
        for part in (f"{path}-wal", f"{path}-shm", path):
            try:
                Path(part).unlink(missing_ok=True)
            except OSError as error:
                raise CacheError(f"cannot delete {part}: {error.strerror}") from error
    return removed


class Record(NamedTuple):
    """A finished trial: its rows in JSON and the seconds it took."""

    rows: str
    seconds: float


class Store:
    """The finished trials of one protocol.

    Parameters
    ----------
    path : Path
        The file; it and its folder are made if they are not there.

    Raises
    ------
    CacheError
        Here and in every method: the file or a row is damaged, the folder cannot be written, or
        the disk is full. The message names the file and what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._explained():
            self._connection.close()

    def get(self, key: str) -> Record | None:
        """The finished trial of this key, or None."""
        with self._explained():
            found = self._connection.execute(
                "SELECT parameters, trial, rows, seconds, checksum FROM trials WHERE key = ?",
                (key,),
            ).fetchone()
        if found is None:
            return None
        parameters, number, rows, seconds, checksum = found
        if _checksum(key, parameters, number, rows, seconds) != checksum:
            raise CacheError(
                f"{self.path} is damaged: the checksum of trial {number} of {parameters} is wrong; "
                "delete the file and run again"
            )
        return Record(rows, seconds)

    def put(self, trial: Trial, rows: str, seconds: float) -> None:
        """Keep a finished trial; one that is there already (another run was first) stays."""
        entry = (trial.key, canonical(trial.parameters), trial.number, rows, seconds)
        with self._explained():
            self._connection.execute(
                "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?)",
                (*entry, _checksum(*entry)),
            )

    def _open(self) -> sqlite3.Connection:
        # Turning the log on needs the file alone for a moment, and SQLite does not wait for that
        # when two runs begin together.
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                # Commits survive the process at this level; only a power cut can take the last.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(_TABLE)
                return connection
            except sqlite3.OperationalError as error:
                connection.close()
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            except sqlite3.DatabaseError:
                connection.close()
                raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)
            raise CacheError(f"{self.path} {_advice(code, str(error))}") from error
        except OSError as error:
            raise CacheError(
                f"{self.path} {_advice(None, error.strerror or str(error))}"
            ) from error


def _advice(code: int | None, message: str) -> str:
    kind = None if code is None else code & 0xFF  # the rest refines it
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        return f"is damaged ({message}); delete the file and run again"
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return (
            f"cannot be written ({message}), most likely because the disk is full; free some space, "
            f"or name another folder in {ENVIRONMENT}, and run again"
        )
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"is held by another process ({message}); wait for it to end and run again"
    return f"cannot be written ({message}); name another folder in {ENVIRONMENT} and run again"


def _checksum(key: str, parameters: str, number: int, rows: str, seconds: float) -> str:
    return hashlib.sha256(canonical([key, parameters, number, rows, seconds]).encode()).hexdigest()
