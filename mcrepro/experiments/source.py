"""What a trial's numbers depend on besides its parameters: source, environment and data."""

import functools
import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mcrepro.errors import McreproError
from mcrepro.experiments import registry
from mcrepro.experiments.protocol import Protocol

PACKAGE = Path(__file__).parents[1]

# No trial may import these (they stand above the protocols), so changing them changes no number.
ABOVE = ("experiments", "ledger", "companion")

# The files of this folder that do bear on a trial's numbers.
ENGINE = ("protocol.py", "statistics.py", "threads.py", "trial.py")

SUFFIXES = (".py", ".yml", ".csv", ".json")

# Packages that compute, with the solvers that cvxpy hands its problems to.
COMPUTING = ("numpy", "scipy", "numba", "scikit-learn", "cvxpy", "clarabel", "scs", "osqp")


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


def hash_files(files: Iterable[Path]) -> str:
    """Sha256 over the names and the bytes of files, as they are."""
    total = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        total.update(f"{path.parent.name}/{path.name} {len(content)}\n".encode())
        total.update(content)
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


def identity(name: str, protocol: Protocol) -> dict[str, Any]:
    """Source hash, environment and data fingerprints: the part of a key all trials share.

    Raises
    ------
    SourceChangedError
        If the source was edited after this process first asked: what it has imported is no longer
        what the files say, and its numbers would be stored under the wrong key.
    DataError
        If a data set is missing and cannot be had.
    """
    source = hash_files(source_files(registry.file(name)))
    if _first_seen.setdefault(name, source) != source:
        raise SourceChangedError(
            f"the source of {name} changed while Python was running; restart Python to run it"
        )
    return {
        "source": source,
        "environment": environment(),
        "data": {data: _fingerprint(data) for data in protocol.data},
    }


_first_seen: dict[str, str] = {}


def _fingerprint(data: str) -> str:
    import mcrepro.data

    fingerprint = mcrepro.data.fingerprint(data)
    if fingerprint == "missing":
        mcrepro.data.load(data)  # fetches it, or raises the error that says how to get it
        fingerprint = mcrepro.data.fingerprint(data)
    return fingerprint
