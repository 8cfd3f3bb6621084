"""Arrays of a long computation on disk, replaced as a whole or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mcrepro.errors import DataError


class Checkpoint:
    """A file that holds the latest state of a computation.

    A process that is killed while it saves leaves the state before. Every array has a checksum,
    which is verified on loading.

    Parameters
    ----------
    path : path-like
        Where the file is or will be; ".npz" is what is in it, whatever its name. Its folder must
        exist.
    """

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise DataError(f"checkpoint: there is no folder {self.path.parent}")

    def load(self) -> dict[str, np.ndarray] | None:
        """The arrays saved last; None if there is no file.

        Raises
        ------
        DataError
            The file is damaged, or not a checkpoint.
        """
        if not self.path.exists():
            return None
        try:
            # A file of our own is closed even if NumPy cannot read it.
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                return dict(file)
        except (zipfile.BadZipFile, ValueError, EOFError, KeyError, AttributeError) as error:
            raise DataError(
                f"checkpoint {self.path} cannot be read ({error}); remove it to begin anew"
            ) from error

    def save(self, state: Mapping[str, np.ndarray]) -> None:
        """Replace what was saved before."""
        partial = self.path.with_name(f".{self.path.name}.part")
        with partial.open("wb") as file:
            np.savez(file, **dict(state))  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self.path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.path)!r})"
