"""What a trial's numbers depend on besides its parameters: source, environment and data."""

import functools
import hashlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mcrepro
from mcrepro.errors import McreproError
from mcrepro.experiments import registry

PACKAGE = Path(__file__).parents[1]

# No trial may import these (they stand above the protocols), so changing them changes no number.
ABOVE = ("experiments", "ledger", "companion")

# The files of this folder that do bear on a trial's numbers.
ENGINE = ("protocol.py", "statistics.py", "threads.py", "trial.py")

SUFFIXES = (".py", ".yml", ".csv", ".json")

# Packages that compute, with the solvers that cvxpy hands its problems to.
COMPUTING = (
    "numpy", "scipy", "numba", "pandas", "sympy", "scikit-learn", "cvxpy", "clarabel", "scs", "osqp",
)  # fmt: skip

# A release changes no number: whatever the version, its line counts as it first stood.
VERSION = re.compile(rb'^__version__ = ".*"$', re.MULTILINE)
FIRST_VERSION = b'__version__ = "0.1.0.dev0"'


class SourceChangedError(McreproError):
    """The files on disk are no longer those this process has imported."""


def source_files(protocol_file: Path, package: Path = PACKAGE) -> list[Path]:
    """Files whose bytes decide the numbers of a protocol's trials.

    These are all of the package but the layers above the trials, and of the protocol's folder its
    own module and the helpers (``_*.py``): not the other protocols.

    Parameters
    ----------
    protocol_file : Path
        Module of the protocol; it may stand outside the package.
    package : Path, default that of mcrepro

    Returns
    -------
    list of Path, sorted within each part
    """
    core = [
        path
        for path in sorted(package.rglob("*"))
        if path.suffix in SUFFIXES and path.relative_to(package).parts[0] not in ABOVE
    ]
    engine = [package / "experiments" / name for name in ENGINE]
    helpers = sorted(protocol_file.parent.glob("_*.py"))
    return [*core, *engine, *helpers, protocol_file]


def hash_files(files: Iterable[Path], package: Path = PACKAGE) -> str:
    """Sha256 over the places (in the package, or the folder) and the bytes of files."""
    total = hashlib.sha256()
    for path in files:
        place = path.relative_to(package if path.is_relative_to(package) else path.parents[1])
        total.update(f"{place.as_posix()} {_hash_file(path)}\n".encode())
    return total.hexdigest()


@functools.cache
def environment() -> dict[str, str]:
    """Python, platform, and the versions of the packages that can change a number."""
    versions = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    versions["platform"] = f"{platform.system()} {platform.machine()}"
    for package in COMPUTING:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return versions


def source_hash(name: str) -> str:
    """Hash of the source that a protocol's trials depend on.

    Ask before importing the protocol: what is imported later is then at least as new.

    Raises
    ------
    SourceChangedError
        If a file was edited since this process first asked about it, or since it imported the
        package and the file's module with it: what was imported is no longer what the file says,
        and its numbers would be stored under the wrong key.
    """
    files = source_files(registry.file(name))
    imported = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    for path in files:
        content = _hash_file(path)
        edited = (
            path not in _first_seen
            and path.is_relative_to(PACKAGE)
            and str(path) in imported
            and path.stat().st_mtime > mcrepro._imported_at
        )
        if edited or _first_seen.setdefault(path, content) != content:
            raise SourceChangedError(
                f"{path.name}, which {name} depends on, changed while Python was running; "
                "restart Python and run again"
            )
    return hash_files(files)


def identity(name: str, data: Iterable[str]) -> dict[str, Any]:
    """Source hash, environment and data fingerprints: the part of a key all trials share.

    Parameters
    ----------
    name : str
        Name of the protocol.
    data : iterable of str
        Names of the data sets it reads; a missing one is fetched.

    Raises
    ------
    SourceChangedError
        As `source_hash`.
    DataError
        If a data set is missing and cannot be had.
    """
    return {
        "source": source_hash(name),
        "environment": environment(),
        "data": {each: _fingerprint(each) for each in data},
    }


_first_seen: dict[Path, str] = {}


def _hash_file(path: Path) -> str:
    status = path.stat()
    return _hash_content(path, (status.st_size, status.st_mtime_ns, status.st_ino))


@functools.lru_cache(maxsize=4096)
def _hash_content(path: Path, _status: tuple[int, ...]) -> str:
    # Asked for after every trial, so that files are read again only when they look changed.
    content = path.read_bytes()
    if path.name == "__init__.py":
        content = re.sub(VERSION, FIRST_VERSION, content)
    return hashlib.sha256(content).hexdigest()


def _fingerprint(data: str) -> str:
    from mcrepro import data as sets
    from mcrepro.data import registry as known
    from mcrepro.data import sources

    if sources.locate(known.find(data)) is None:
        # Fetches it, as the trial would, has a stand-in, or raises the error that says how to get it.
        sets.load(data)
    return sets.fingerprint(data)
