"""What loading returns: ratings as coordinate triples, or a dense array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from mcrepro.problem import Problem


def compact(values: np.ndarray) -> np.ndarray:
    """Return `values` in the smallest of int8, float32, float64 that holds each one exactly."""
    for dtype in (np.int8, np.float32):
        with np.errstate(invalid="ignore", over="ignore"):
            smaller = values.astype(dtype)
        if np.array_equal(smaller, values):
            return smaller
    return values.astype(np.float64)


def _freeze(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False, repr=False)
class Ratings:
    """Observed entries of a ratings matrix, each (row, column) pair at most once.

    Parameters
    ----------
    name : str
        Name under which the data set was asked for.
    rows, cols : (n_ratings,) int32 array
        Ids counted from 0 without gaps, in the order of the file: every row and every column has a
        rating. Id ``k`` is the `k`-th smallest original label, kept in `row_labels`, `col_labels`.
    values : (n_ratings,) int8, float32 or float64 array
        The ratings, in the smallest of these types that holds them exactly.
    shape : (int, int)
        Number of rows and of columns.
    source : {"folder", "cache", "download", "embedded"}
        Where the data came from.
    sha256 : str
        Fingerprint of the data that were read; see `mcrepro.data.fingerprint`.
    release : str
        Which release of the data set this is.
    notes : tuple of str
        What was done to the data, and what is unusual about them.
    row_kind, col_kind : str
        What rows and columns are, say "item" and "user".
    row_labels : (n,) array
    col_labels : (d,) array
        Original labels of the ids.

    All arrays are read-only.
    """

    name: str
    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]
    source: str
    sha256: str
    release: str
    notes: tuple[str, ...]
    row_kind: str
    col_kind: str
    row_labels: np.ndarray
    col_labels: np.ndarray

    @property
    def n_ratings(self) -> int:
        return self.values.size

    @property
    def density(self) -> float:
        """Observed share of the matrix, in [0, 1]."""
        return self.n_ratings / (self.shape[0] * self.shape[1])

    def __repr__(self) -> str:
        n, d = self.shape
        return (
            f"Ratings({self.name!r}: {n:,} {self.row_kind}s x {d:,} {self.col_kind}s, "
            f"{self.n_ratings:,} ratings, {self.density:.3%}; {self.release}, from {self.source})"
        )

    def to_csr(self) -> sp.csr_array:
        """Return the ratings as an (n, d) float64 sparse array; what is not stored is unobserved."""
        triples = (self.values.astype(np.float64), (self.rows, self.cols))
        return sp.coo_array(triples, shape=self.shape).tocsr()

    def to_problem(self) -> Problem:
        """Return the completion problem these ratings pose."""
        from mcrepro.problem import Problem

        return Problem(self.rows, self.cols, self.values.astype(np.float64), shape=self.shape)


@dataclass(frozen=True, eq=False, repr=False)
class Dense:
    """A fully observed array.

    Parameters
    ----------
    name : str
        Name under which the data set was asked for.
    values : array
        The data, read-only, in the smallest of int8, float32, float64 that holds them exactly.
    axes : tuple of str
        What each axis counts, say ``("time", "sensor")``.
    source, sha256, release, notes
        As in `Ratings`.
    """

    name: str
    values: np.ndarray
    axes: tuple[str, ...]
    source: str
    sha256: str
    release: str
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __repr__(self) -> str:
        size = " x ".join(f"{k:,} {axis}s" for k, axis in zip(self.shape, self.axes, strict=True))
        return f"Dense({self.name!r}: {size}; {self.release}, from {self.source})"


def distinct(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted distinct labels and, for each entry, its label's position among them."""
    names, ids = np.unique(labels, return_inverse=True)
    return _freeze(names), ids.astype(np.int32)


def without_repeats(rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Return the positions, ascending, at which a (row, column) pair occurs for the first time."""
    pairs = rows.astype(np.int64) * (int(cols.max(initial=0)) + 1) + cols
    return np.sort(np.unique(pairs, return_index=True)[1])


def from_triples(
    row_labels: np.ndarray, col_labels: np.ndarray, values: np.ndarray, **about
) -> Ratings:
    """Build `Ratings` from triples as a file lists them.

    The first rating of a repeated pair is kept; a note counts those dropped.

    Parameters
    ----------
    row_labels, col_labels : (m,) array
        Original labels, integers or strings.
    values : (m,) array
        Finite ratings.
    **about
        The other fields of `Ratings`.
    """
    row_names, rows = distinct(row_labels)
    col_names, cols = distinct(col_labels)
    keep = without_repeats(rows, cols)
    notes = tuple(about.pop("notes", ()))
    if repeats := values.size - keep.size:
        notes += (f"{repeats:,} ratings of a pair already rated were dropped, the first is kept",)
    return Ratings(
        rows=_freeze(rows[keep]),
        cols=_freeze(cols[keep]),
        values=_freeze(compact(values[keep])),
        shape=(row_names.size, col_names.size),
        row_labels=row_names,
        col_labels=col_names,
        notes=notes,
        **about,
    )


def from_array(values: np.ndarray, **about) -> Dense:
    """Build `Dense` from an array in any numeric type; `about` holds its other fields."""
    return Dense(values=_freeze(compact(values)), **about)
