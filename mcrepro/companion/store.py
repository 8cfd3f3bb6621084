"""Executed notebooks on disk: each one file that carries its own stamp."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mcrepro.companion.files import sha256, write_atomic

KEY = "mcrepro"


@dataclass(frozen=True)
class Record:
    """How a stored notebook was made; kept in the metadata of the notebook itself.

    Attributes
    ----------
    stamp : str
        What the outputs depend on (:mod:`mcrepro.companion.stamp`).
    profile : str
    injected : dict
        The parameters that differed from the notebook's cell.
    own : dict
        Those of them that a reader chose, against the profile.
    seconds : float
        How long it ran.
    executed : str
        The day, as ``YYYY-MM-DD``.
    files : dict
        The data files it wrote: name -> SHA-256.
    """

    stamp: str
    profile: str
    injected: dict[str, Any]
    own: dict[str, Any]
    seconds: float
    executed: str
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Executed:
    """A stored notebook: its record, and its code cells with their outputs, in order."""

    record: Record
    cells: tuple[Mapping[str, Any], ...]


def load(path: Path, data: Path) -> Executed | None:
    """Return the notebook stored at `path`, or None where it, or a file it wrote, is not intact.

    Parameters
    ----------
    path : Path
    data : Path
        Folder of the data files.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        record = Record(**notebook["metadata"][KEY])
        cells = tuple(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    for name, digest in record.files.items():
        if not (data / name).is_file() or sha256((data / name).read_bytes()) != digest:
            return None
    return Executed(record, cells)


def save(path: Path, notebook: Any, record: Record) -> None:
    """Store an executed notebook with its record, entirely or not at all."""
    notebook.metadata[KEY] = asdict(record)
    write_atomic(path, dump(notebook))


def dump(notebook: Any) -> bytes:
    """Return a notebook as the bytes of an ``.ipynb`` file."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
