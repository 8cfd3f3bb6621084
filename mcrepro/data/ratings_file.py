"""A file of ratings of any size and order, as chunks of whole rows.

The records are dealt out to files by their user, so that each of these files has all records of
its users and fits into memory; there they are sorted. So the memory needed does not grow with the
file, but for the labels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import integer, one_of
from mcrepro.data.columnar import Parquet
from mcrepro.data.delimited import Delimited
from mcrepro.errors import DataError

_RECORD = np.dtype([("user", np.int64), ("item", np.int64), ("rating", np.float64)])

# Bytes of text that make one chunk: some millions of ratings.
_CHUNK = 64 * 2**20


@dataclass(frozen=True)
class Report:
    """What became of the lines of a file: ``lines`` is the sum of the next five.

    Attributes
    ----------
    lines : int
        Lines of text, or rows of a Parquet file.
    ratings : int
        Ratings in the chunks.
    header : int
        Lines of column names, 0 or 1.
    blank : int
        Empty lines.
    missing : int
        Lines without a rating, left out.
    repeated : int
        Lines about a user and an item that another line is about too, merged with it.
    users, items : int
        Rows and columns: those with at least one rating.
    """

    lines: int
    ratings: int
    header: int
    blank: int
    missing: int
    repeated: int
    users: int
    items: int


class RatingsFile(Sequence):
    """Ratings of a CSV or Parquet file as a sequence of sparse arrays, a row for each user.

    Lines may come in any order. What cannot be used is refused with its line and the reason; what
    is left out or merged at your wish is counted in `report`. Text may be packed with gzip, bzip2
    or xz, and may have a byte order mark and line ends of any kind.

    Parameters
    ----------
    path : path-like
    columns : sequence of three int or str, default (0, 1, 2)
        Positions, or names in the header, of user, item and rating. Other columns are ignored.
        Change the first two, and items are the rows.
    sep : str, optional
        One character. Default: the one of comma, tab, semicolon and bar that the first line has
        most of.
    header : bool, optional
        Whether the first line has column names. Default: if its rating is not a number.
    ids : {"integer", "text"}
        "integer": from 0 on, "007" is 7. "text": any label, "007" is not "7".
    missing : {"refuse", "drop"}
        What to do with a line whose rating is empty, NaN, NA, null or None.
    repeated : {"refuse", "first", "last", "mean"}
        What to do with several ratings of an item by a user.
    folder : path-like, optional
        Where a temporary folder of about 32 bytes for each rating is made. Default: the system's.
    chunks : int, optional
        How many chunks. Default: one for about 64 MB of text.
    progress : bool, default False
        Show a progress bar on standard error.

    Attributes
    ----------
    shape : (int, int)
        Number of users and items.
    report : Report
    col_labels : ndarray, shape (d,)
        Labels of the columns, increasing.

    Raises
    ------
    DataError
        The file cannot be opened, unpacked or used; with the line and the reason.

    Examples
    --------
    >>> from pathlib import Path; from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "ratings.csv"
    ...     _ = path.write_text("user,item,rating\\n7,30,4.5\\n2,30,1\\n7,10,3\\n")
    ...     with RatingsFile(path) as file:
    ...         file[0].toarray()
    array([[0. , 1. ],
           [3. , 4.5]])
    """

    def __init__(
        self,
        path,
        columns=(0, 1, 2),
        *,
        sep: str | None = None,
        header: bool | None = None,
        ids: str = "integer",
        missing: str = "refuse",
        repeated: str = "refuse",
        folder=None,
        chunks: int | None = None,
        progress: bool = False,
    ):
        path = Path(path)
        text = one_of("ids", ids, ("integer", "text")) == "text"
        drop = one_of("missing", missing, ("refuse", "drop")) == "drop"
        one_of("repeated", repeated, ("refuse", "first", "last", "mean"))
        columns = _columns(columns)
        if sep is not None and (not isinstance(sep, str) or len(sep) != 1):
            raise ValueError(f"sep must be one character, got {sep!r}")
        self._source: Delimited | Parquet
        if _is_parquet(path):
            self._source = Parquet(path, columns=columns, text=text, missing=drop)
        else:
            self._source = Delimited(
                path, columns=columns, sep=sep, header=header, text=text, missing=drop
            )
        packed = 4 if _is_packed(path) else 1
        self._length = (
            1 + packed * path.stat().st_size // _CHUNK
            if chunks is None
            else integer("chunks", chunks, 1)
        )
        self._temporary = tempfile.TemporaryDirectory(prefix="ratings-", dir=folder)
        self._folder = Path(self._temporary.name)
        try:
            self._read(text, repeated, progress)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, k):
        """Chunk k as a csr_array of float64; which users are in it, and their order, is arbitrary."""
        if not -len(self) <= k < len(self):
            raise IndexError(f"chunk must be between 0 and {len(self) - 1}, got {k}")
        return sp.load_npz(self._folder / f"{k % len(self)}.npz")

    def close(self) -> None:
        """Delete the temporary folder; the chunks are gone."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __getstate__(self):
        # The folder belongs to the process that made it; others on the same disk may read it.
        return self.__dict__ | {"_temporary": None, "_source": None}

    def __repr__(self) -> str:
        return (
            f"RatingsFile({self.report.ratings:,} ratings of {self.shape[1]:,} items by "
            f"{self.shape[0]:,} users, {len(self)} chunks)"
        )

    def _read(self, text: bool, repeated: str, progress: bool) -> None:
        users, items = (_Labels(), _Labels()) if text else (_Integers(), _Integers())
        n_records, n_missing = self._deal(users, items, progress)
        self.col_labels, column_of = items.sorted()
        n_rows = n_ratings = 0
        seen = np.zeros(len(self.col_labels), dtype=bool)
        parts = [self._settled(k, column_of, users, items, repeated) for k in range(len(self))]
        for rows in parts:
            n_rows, n_ratings = n_rows + rows[0], n_ratings + rows[1]
            seen[rows[2]] = True
        assert seen.all(), "a label without a rating"
        self.shape = n_rows, len(self.col_labels)
        header = int(isinstance(self._source, Delimited) and self._source.layout.header)
        self.report = Report(
            lines=self._source.lines,
            ratings=n_ratings,
            header=header,
            blank=self._source.lines - header - n_records,
            missing=n_missing,
            repeated=n_records - n_missing - n_ratings,
            users=n_rows,
            items=len(self.col_labels),
        )

    def _deal(self, users, items, progress: bool) -> tuple[int, int]:
        """Write the records to one file a chunk, by their user; how many there were, and missing."""
        from tqdm import tqdm

        n_records = n_missing = 0
        files = [(self._folder / f"{k}.raw").open("wb") for k in range(len(self))]
        try:
            with tqdm(desc="lines", unit=" lines", unit_scale=True, disable=not progress) as bar:
                for piece in self._source.pieces():
                    rated = ~np.isnan(piece.ratings)
                    n_records += len(rated)
                    n_missing += len(rated) - int(rated.sum())
                    records = np.empty(int(rated.sum()), _RECORD)
                    records["user"] = users.codes(piece.users[rated])
                    records["item"] = items.codes(piece.items[rated])
                    records["rating"] = piece.ratings[rated]
                    # A product with an odd number mixes ids that have a step in common.
                    mixed = records["user"].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
                    chunk = (mixed >> np.uint64(40)) % np.uint64(len(self))
                    order = np.argsort(chunk, kind="stable")
                    cuts = np.searchsorted(chunk[order], np.arange(len(self) + 1))
                    for k, file in enumerate(files):
                        records[order[cuts[k] : cuts[k + 1]]].tofile(file)
                    bar.update(len(rated))
        finally:
            for file in files:
                file.close()
        return n_records, n_missing

    def _settled(self, k: int, column_of, users, items, repeated: str):
        """Make chunk k: its number of rows and of ratings, and its columns."""
        raw = self._folder / f"{k}.raw"
        records = np.fromfile(raw, _RECORD)
        raw.unlink()
        # Stable: repeated ratings stay in the order of the file.
        records = records[np.lexsort((records["item"], records["user"]))]
        new_row = np.ones(len(records), dtype=bool)
        new_row[1:] = records["user"][1:] != records["user"][:-1]
        new = new_row.copy()
        new[1:] |= records["item"][1:] != records["item"][:-1]
        if repeated == "refuse" and not new.all():
            twice = records[np.argmin(new)]
            user, item = users.label(twice["user"]), items.label(twice["item"])
            lines = self._source.lines_of(user, item)
            kind = "rows" if isinstance(self._source, Parquet) else "lines"
            raise DataError(
                f"{self._source.path.name}, {kind} {', '.join(map(str, lines[:3]))}"
                f"{', ...' if len(lines) > 3 else ''}: the user {user!r} rates the item {item!r} "
                "more than once; repeated='first', 'last' or 'mean' decides"
            )
        begin = np.flatnonzero(new)
        end = np.append(begin[1:], len(records))
        if repeated == "mean" and len(begin):
            values = np.add.reduceat(records["rating"], begin) / (end - begin)
        else:
            values = records["rating"][end - 1 if repeated == "last" else begin]
        kept = records[begin]
        cols = column_of(kept["item"])
        rows = np.cumsum(new_row[begin]) - 1
        n_rows = int(new_row.sum())
        shape = (n_rows, len(self.col_labels))
        chunk = sp.csr_array((values, (rows, cols)), shape=shape)
        chunk.sort_indices()
        sp.save_npz(self._folder / f"{k}.npz", chunk, compressed=False)
        return n_rows, len(kept), cols


class _Integers:
    """Ids that are their own codes."""

    def __init__(self):
        self._seen = np.empty(0, np.int64)

    def codes(self, ids: np.ndarray) -> np.ndarray:
        self._seen = np.union1d(self._seen, ids)
        return ids

    def label(self, code) -> int:
        return int(code)

    def sorted(self):
        """Labels, increasing, and the function from codes to positions among them."""
        return self._seen, lambda codes: np.searchsorted(self._seen, codes)


class _Labels:
    """Texts, numbered as they come."""

    def __init__(self):
        self._codes: dict[str, int] = {}

    def codes(self, ids: np.ndarray) -> np.ndarray:
        codes = self._codes
        return np.array([codes.setdefault(label, len(codes)) for label in ids], dtype=np.int64)

    def label(self, code) -> str:
        return next(label for label, other in self._codes.items() if other == code)

    def sorted(self):
        """Labels, increasing, and the function from codes to positions among them."""
        names = sorted(self._codes)
        position = np.empty(len(names), np.int64)
        position[[self._codes[name] for name in names]] = np.arange(len(names))
        return np.array(names, dtype=str), position.__getitem__


def _columns(columns) -> tuple:
    given = tuple(columns) if not isinstance(columns, str) else (columns,)
    names = all(isinstance(column, str) for column in given)
    places = all(isinstance(c, int) and not isinstance(c, bool) and c >= 0 for c in given)
    if len(given) != 3 or len(set(given)) != 3 or not (names or places):
        raise ValueError(
            f"columns must be three different names or three positions from 0, got {columns!r}"
        )
    return given


def _magic(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror or error}") from error


def _is_parquet(path: Path) -> bool:
    return _magic(path) == b"PAR1"


def _is_packed(path: Path) -> bool:
    return _magic(path)[:2] in (b"\x1f\x8b", b"BZ", b"\xfd7")
