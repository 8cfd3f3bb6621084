"""Finding protocols by name, without importing more than the one asked for.

Protocols of your own are found too: lay a folder out as this one, ``<paper>/<name>.py``, and put
its path in the environment variable ``MCREPRO_PROTOCOLS`` (several are separated as in ``PATH``).
They are imported as ``mcrepro.experiments.<paper>.<name>``, so the folder of a paper must have a
name of its own.
"""

import importlib
import os
import re
from pathlib import Path
from types import ModuleType

from mcrepro.errors import ParameterError
from mcrepro.experiments.protocol import Protocol, check_known

ENVIRONMENT = "MCREPRO_PROTOCOLS"
HERE = Path(__file__).parent

_PAPER = re.compile(r"[a-z][a-z0-9]*")
_MODULE = re.compile(r"[a-z][a-z0-9_]*")


def names() -> list[str]:
    """Names of all protocols, sorted.

    The protocol of ``<paper>/<some_name>.py`` is called ``<paper>-<some-name>``. Files that start
    with an underscore are helpers of their folder. Nothing is imported.
    """
    return sorted(_files())


def get(name: str) -> Protocol:
    """The protocol of this name.

    Raises
    ------
    ParameterError
        If there is none (the near miss is suggested), or its module holds no ``PROTOCOL``.
    """
    protocol = getattr(module(name), "PROTOCOL", None)
    if not isinstance(protocol, Protocol):
        raise ParameterError(f"{file(name).name} must define PROTOCOL = Protocol(...)")
    return protocol


def module(name: str) -> ModuleType:
    """The module of a protocol, where its statistics are found as functions of the table."""
    path = file(name)
    _extend_path()
    return importlib.import_module(f"mcrepro.experiments.{path.parent.name}.{path.stem}")


def file(name: str) -> Path:
    """The file of a protocol.

    Raises
    ------
    ParameterError
        If there is no protocol of this name; the near miss is suggested.
    """
    files = _files()
    check_known("protocol", name, files)
    return files[name]


def _roots() -> list[Path]:
    extra = os.environ.get(ENVIRONMENT, "")
    return [HERE, *(Path(part).resolve() for part in extra.split(os.pathsep) if part)]


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    papers: dict[str, Path] = {}
    for root in _roots():
        if not root.is_dir():
            raise ParameterError(f"{ENVIRONMENT} names {root}, which is not a folder")
        for folder in sorted(root.iterdir()):
            if not (folder.is_dir() and _PAPER.fullmatch(folder.name)):
                continue
            if papers.setdefault(folder.name, folder) != folder:
                raise ParameterError(
                    f"the folder {folder.name!r} of {ENVIRONMENT} has the name of another paper's"
                )
            for path in folder.glob("*.py"):
                if _MODULE.fullmatch(path.stem):
                    found[f"{folder.name}-{path.stem.replace('_', '-')}"] = path
    return found


def _extend_path() -> None:
    package = importlib.import_module("mcrepro.experiments").__path__
    for root in _roots():
        if str(root) not in package:
            package.append(str(root))
            importlib.invalidate_caches()
