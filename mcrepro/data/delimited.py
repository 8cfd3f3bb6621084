"""User, item and rating from delimited text, in pieces; a fault is reported with its line.

Pandas reads the text quickly, but cannot say reliably where it failed. So a piece that it cannot
read, or that holds something it should not, is only noticed; the file is then gone through once
more, line by line, with the rules written out in `_fault`, and the first offending line is named.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from mcrepro.errors import DataError

#: Ratings that are written down, but are none.
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None")

#: Records that are parsed at once.
PIECE = 500_000

_SEPARATORS = ",\t;|"
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_NUMBER = re.compile(
    r"\s*[+-]?(inf|infinity|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)\s*", re.IGNORECASE
)
_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class Piece(NamedTuple):
    """Some consecutive records; `ratings` is NaN where there is none."""

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are to be read.

    Attributes
    ----------
    sep : str
    header : bool
    fields : int
        Of the first line; no line may have more.
    columns : (int, int, int)
        Positions of user, item and rating.
    text : bool
        Whether ids are any text, or integers from 0 on.
    missing : bool
        Whether a record without a rating is allowed.
    """

    sep: str
    header: bool
    fields: int
    columns: tuple[int, int, int]
    text: bool
    missing: bool


class Delimited:
    """A delimited file, packed or not.

    Parameters
    ----------
    path : Path
    columns : three positions from 0, or three names in the header
    sep : str or None
        None: the one of comma, tab, semicolon and bar that the first line has most of.
    header : bool or None
        None: there is one if the first line has no number for a rating.
    text, missing : bool
        As in `Layout`.

    Attributes
    ----------
    layout : Layout
    lines : int
        Lines read so far, of every kind.
    bytes_read : int
        Unpacked bytes read so far.
    """

    def __init__(self, path: Path, *, columns, sep, header, text: bool, missing: bool):
        self.path = path
        self.lines = self.bytes_read = 0
        self.layout = self._layout(columns, sep, header, text, missing)

    def pieces(self) -> Iterator[Piece]:
        """All records, in the order of the file.

        Raises
        ------
        DataError
            With the line and the reason.
        """
        layout = self.layout
        user, item, rating = layout.columns
        # Integers are left to be found: asked for them, pandas takes 1.5e1 too, by way of a float.
        ids = {user: str, item: str} if layout.text else {}
        try:
            with self._opened() as raw:
                counted = _Counted(raw, self)
                reader = pd.read_csv(
                    io.BufferedReader(counted, 1 << 20),
                    sep=layout.sep,
                    header=None,
                    names=range(layout.fields),
                    index_col=False,
                    skiprows=self._before,
                    dtype={**ids, rating: np.float64},
                    na_values={rating: list(MISSING)},  # type: ignore[dict-item]
                    keep_default_na=False,
                    low_memory=False,
                    chunksize=PIECE,
                    encoding="utf-8",
                )
                with reader:
                    for frame in reader:
                        if frame.empty:
                            continue
                        piece = Piece(*(frame[k].to_numpy() for k in layout.columns))
                        if not self._sound(piece):
                            self._explain("a record cannot be used")
                        yield piece
                self.lines += counted.unfinished
        except pd.errors.EmptyDataError:
            return
        except (ValueError, OverflowError) as error:  # pandas' ParserError is a ValueError
            self._explain(str(error).strip())
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{self.path.name} cannot be unpacked: {error}") from error

    def lines_of(self, user, item) -> list[int]:
        """Numbers of the lines with this user and item."""
        kind = str if self.layout.text else int
        at_user, at_item, _ = self.layout.columns
        return [
            line
            for line, fields in self._records()
            if kind(fields[at_user]) == user and kind(fields[at_item]) == item
        ]

    def _sound(self, piece: Piece) -> bool:
        ids = piece.users, piece.items
        if self.layout.text:
            good = all(not (pd.isna(column) | (column == "")).any() for column in ids)
        else:
            good = all(c.dtype == np.int64 and c.min(initial=0) >= 0 for c in ids)
        infinite, missing = np.isinf(piece.ratings).any(), np.isnan(piece.ratings).any()
        return good and not infinite and (self.layout.missing or not missing)

    def _explain(self, otherwise: str) -> None:
        """Raise the DataError of the first line that breaks a rule."""
        for line, fields in self._records():
            if reason := _fault(fields, self.layout):
                raise DataError(f"{self.path.name}, line {line}: {reason}") from None
        raise DataError(f"{self.path.name} cannot be read: {otherwise}")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and fields of each record, read slowly."""
        header = self.layout.header
        for line, fields in self._all_records(self.layout.sep):
            if header:
                header = False
            else:
                yield line, fields

    def _all_records(self, sep: str) -> Iterator[tuple[int, list[str]]]:
        raw = self._opened()
        with io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="") as text:
            reader = csv.reader(text, delimiter=sep)
            try:
                for fields in reader:
                    if fields and not (len(fields) == 1 and fields[0].isspace()):
                        yield reader.line_num, fields
            except csv.Error as error:
                raise DataError(f"{self.path.name}, line {reader.line_num}: {error}") from error

    def _opened(self) -> IO[bytes]:
        try:
            with self.path.open("rb") as file:
                start = file.read(6)
            if start.startswith(b"PK"):
                raise DataError(f"{self.path.name} is an archive; unpack the file of ratings first")
            for magic, unpack in _PACKED.items():
                if start.startswith(magic):
                    return unpack(self.path, "rb")
            return self.path.open("rb")
        except OSError as error:
            raise DataError(f"{self.path} cannot be opened: {error.strerror or error}") from error

    def _layout(self, columns, sep, header, text, missing) -> Layout:
        name = self.path.name
        try:
            self._before, first = _first_line(self._opened())
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{name} cannot be unpacked: {error}") from error
        sep = sep or max(_SEPARATORS, key=first.count)
        fields = next(csv.reader([first], delimiter=sep), [])
        if any(isinstance(column, str) for column in columns):
            if header is False:
                raise DataError(f"{name}: columns are given by name, so header must not be False")
            for column in columns:
                if fields.count(column) != 1:
                    raise DataError(
                        f"{name}, line {self._before + 1}: there must be one column "
                        f"{column!r}, got {fields}"
                    )
            header, columns = True, [fields.index(column) for column in columns]
        places: Any = tuple(columns)
        if fields and len(fields) <= max(places):
            raise DataError(
                f"{name}, line {self._before + 1}: {len(fields)} fields with the separator "
                f"{sep!r}, need {max(places) + 1}; the separator is the option sep"
            )
        if header is None:
            rating = fields[places[2]] if fields else ""
            header = bool(fields) and rating not in MISSING and not _NUMBER.fullmatch(rating)
            # With users and items in whole numbers it is a rating that cannot be read.
            labels = [fields[k].strip() for k in places[:2]] if header else []
            header = header and (text or not all(label.isdigit() for label in labels))
        self._before += int(header)
        return Layout(sep, bool(header), len(fields) or 3, places, text, missing)


def _first_line(raw: IO[bytes]) -> tuple[int, str]:
    """Number of empty lines before the first other one, and that one."""
    empty = 0
    with io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape") as text:
        for line in text:
            if not line.isspace():
                return empty, line.rstrip("\n")
            empty += 1
    return empty, ""


def _fault(fields: list[str], layout: Layout) -> str | None:
    """Why a record cannot be used."""
    if len(fields) > layout.fields:
        return f"{len(fields)} fields, the first line has {layout.fields}"
    for kind, column in zip(("user", "item"), layout.columns, strict=False):
        if column >= len(fields) or not fields[column]:
            return f"no {kind}"
        label = fields[column]
        if any("\udc80" <= letter <= "\udcff" for letter in label):
            return f"the {kind} {label!a} is not text in UTF-8"
        if layout.text:
            continue
        if not _INTEGER.fullmatch(label):
            return f"the {kind} {label!r} is not an integer; ids='text' takes any label"
        if not 0 <= int(label) < 2**63:
            return f"the {kind} {label.strip()} is not in [0, 2^63); ids='text' takes any label"
    column = layout.columns[2]
    rating = fields[column] if column < len(fields) else ""
    if rating in MISSING:
        return None if layout.missing else "no rating; missing='drop' leaves such lines out"
    if not _NUMBER.fullmatch(rating):
        return f"the rating {rating!r} is not a number"
    if not np.isfinite(float(rating)):
        return f"the rating {rating.strip()} is not finite"
    return None


class _Counted(io.RawIOBase):
    """Bytes on their way to the parser: lines are counted, and what is no text is refused."""

    def __init__(self, raw: IO[bytes], counts: Delimited):
        self._raw, self._counts = raw, counts
        self._last = b"\n"

    @property
    def unfinished(self) -> int:
        """1 if the last line has no end."""
        return int(self._last not in b"\r\n")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        block = self._raw.read(len(buffer))
        if b"\0" in block:
            raise DataError(
                f"{self._counts.path.name} is not a text file in UTF-8: it has NUL bytes"
            )
        if block:
            # "\r" alone ends a line too, and a block may end within "\r\n".
            ends = block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
            ends -= self._last == b"\r" and block.startswith(b"\n")
            self._counts.lines += ends
            self._counts.bytes_read += len(block)
            self._last = block[-1:]
        buffer[: len(block)] = block
        return len(block)
