"""User, item and rating from a Parquet file, in pieces; a fault is reported with its row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mcrepro.data.delimited import PIECE, Piece
from mcrepro.errors import DataError


class Parquet:
    """A Parquet file.

    Parameters
    ----------
    path : Path
    columns : three names, or three positions from 0
    text : bool
        Whether ids are any text, or integers from 0 on.
    missing : bool
        Whether a rating may be null or NaN.

    Attributes
    ----------
    lines : int
        Rows read so far.
    bytes_read : int
        0; pieces are of equal cost, and there are `n_rows` rows.
    """

    def __init__(self, path: Path, *, columns, text: bool, missing: bool):
        try:
            import pyarrow.parquet as pq
        except ImportError as error:
            raise DataError(
                f"{path.name} is a Parquet file, which needs pyarrow: pip install pyarrow"
            ) from error
        self.path, self.text, self.missing = path, text, missing
        self.lines = self.bytes_read = 0
        try:
            self._file = pq.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise DataError(f"{path.name} cannot be read: {error}") from error
        names = self._file.schema_arrow.names
        for column in columns:
            known = column in names if isinstance(column, str) else column < len(names)
            if not known:
                raise DataError(f"{path.name} has no column {column!r}, it has {names}")
        self._names = [c if isinstance(c, str) else names[c] for c in columns]

    def pieces(self) -> Iterator[Piece]:
        """All rows, in the order of the file.

        Raises
        ------
        DataError
            With the row, counted from 1, and the reason.
        """
        for batch in self._file.iter_batches(batch_size=PIECE, columns=self._names):
            users, items = (self._ids(batch, k) for k in range(2))
            yield Piece(users, items, self._ratings(batch))
            self.lines += batch.num_rows

    def lines_of(self, user, item) -> list[int]:
        """Numbers of the rows with this user and item."""
        found: list[int] = []
        self.lines = 0
        for piece in self.pieces():
            same = (piece.users == user) & (piece.items == item)
            found += (np.flatnonzero(same) + self.lines + 1).tolist()
        return found

    def _ids(self, batch, k: int) -> np.ndarray:
        import pyarrow as pa

        kind, column = ("user", "item")[k], batch.column(self._names[k])
        if column.null_count:
            self._refuse(np.asarray(column.is_null()), f"no {kind}")
        if self.text:
            return np.asarray(column.cast(pa.string()).to_pylist(), dtype=object)
        if not pa.types.is_integer(column.type):
            raise DataError(
                f"{self.path.name}: {kind}s are of type {column.type}, not integers; "
                "ids='text' takes any label"
            )
        ids = column.to_numpy(zero_copy_only=False)
        self._refuse(
            (ids < 0) | (ids > np.iinfo(np.int64).max),
            f"the {kind} is not in [0, 2^63); ids='text' takes any label",
        )
        return ids.astype(np.int64)

    def _ratings(self, batch) -> np.ndarray:
        import pyarrow as pa

        column = batch.column(self._names[2])
        kinds = pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal
        if not any(of_kind(column.type) for of_kind in kinds):
            raise DataError(f"{self.path.name}: ratings are of type {column.type}, not numbers")
        ratings = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        self._refuse(np.isinf(ratings), "the rating is not finite")
        if not self.missing:
            self._refuse(np.isnan(ratings), "no rating; missing='drop' leaves such rows out")
        return ratings

    def _refuse(self, bad: np.ndarray, reason: str) -> None:
        if bad.any():
            row = self.lines + int(np.argmax(bad)) + 1
            raise DataError(f"{self.path.name}, row {row}: {reason}")
