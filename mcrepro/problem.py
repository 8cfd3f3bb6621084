"""What is asked: some entries of a matrix. Nothing here knows how to complete it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import generator, integer, real, reals


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Observed entries of an n1 x n2 matrix, checked and brought to one canonical form.

    Parameters
    ----------
    rows, cols : array_like of int, shape (m,)
        Zero-based indices of the observed entries, in any order, each pair at most once.
    values : array_like of real, shape (m,)
        The observed values. ``float32`` and ``float64`` are kept, everything else becomes
        ``float64``.
    shape : (int, int)
        Size (n1, n2) of the matrix.
    symmetric : bool, default False
        The matrix is known to be symmetric. Entries need not be observed in pairs; where both
        (i, j) and (j, i) are given, their values must agree up to rounding.
    truth : array_like, shape (n1, n2), optional
        The whole matrix, where it is known. Kept for scoring; no solver reads it.

    Attributes
    ----------
    rows, cols, values : ndarray, shape (m,)
        Sorted by row, then by column, and read-only.
    shape, symmetric, truth
        As given.

    Raises
    ------
    TypeError
        Indices that are not integers, values that are not real numbers, a shape that is not a
        pair of integers, a `symmetric` that is not a bool.
    ValueError
        No entries, unequal lengths, an index out of range, an entry given twice, NaN or infinity,
        a symmetric matrix that is not square or has two values for one pair, a truth of another
        shape.

    Examples
    --------
    >>> problem = Problem([0, 1], [1, 0], [2.0, 3.0], shape=(2, 3))
    >>> problem
    Problem(2 x 3, 2 entries, density 0.333)
    """

    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]
    symmetric: bool = False
    truth: np.ndarray | None = None

    def __post_init__(self):
        shape = _shape(self.shape)
        rows, cols = _indices("rows", self.rows, shape[0]), _indices("cols", self.cols, shape[1])
        values = reals("values", self.values)
        if values.ndim != 1:
            raise ValueError(f"values must be one-dimensional, got shape {values.shape}")
        if not len(rows) == len(cols) == len(values):
            raise ValueError(
                "rows, cols and values must have equal lengths, got "
                f"{len(rows)}, {len(cols)} and {len(values)}"
            )
        if len(values) == 0:
            raise ValueError("values is empty: a problem needs at least one observed entry")
        order = np.lexsort((cols, rows))
        rows, cols, values = rows[order], cols[order], values[order]
        _refuse_repeats(rows, cols)
        _refuse_nonfinite(rows, cols, values)
        if not isinstance(self.symmetric, bool | np.bool_):
            raise TypeError(f"symmetric must be True or False, got {self.symmetric!r}")
        if self.symmetric:
            _check_symmetry(rows, cols, values, shape)
        truth = self.truth if self.truth is None else _truth(self.truth, shape)
        for array in (rows, cols, values, truth):
            if array is not None:
                array.flags.writeable = False
        for name, value in {
            "rows": rows,
            "cols": cols,
            "values": values,
            "shape": shape,
            "symmetric": bool(self.symmetric),
            "truth": truth,
        }.items():
            object.__setattr__(self, name, value)

    def __reduce__(self):
        # Unpickling checks again, and makes the arrays read-only again.
        return type(self), (
            self.rows,
            self.cols,
            self.values,
            self.shape,
            self.symmetric,
            self.truth,
        )

    @classmethod
    def from_dense(cls, M, mask, symmetric: bool = False) -> Problem:
        """Observe the entries of a matrix where a mask is true.

        Parameters
        ----------
        M : array_like of real, shape (n1, n2)
            Kept as the truth unless some of it is missing: where the mask is false NaN is allowed.
        mask : array_like of bool, shape (n1, n2)
        symmetric : bool, default False
        """
        M = reals("M", M)
        mask = np.asarray(mask)
        if M.ndim != 2:
            raise ValueError(f"M must be a matrix, got an array of shape {M.shape}")
        if mask.dtype != bool:
            raise TypeError(f"mask must be an array of bool, got dtype {mask.dtype}")
        if mask.shape != M.shape:
            raise ValueError(f"mask must have the shape {M.shape} of M, got {mask.shape}")
        rows, cols = np.nonzero(mask)
        truth = M if np.isfinite(M).all() else None
        return cls(rows, cols, M[rows, cols], M.shape, symmetric=symmetric, truth=truth)

    @classmethod
    def from_csr(cls, entries, symmetric: bool = False, truth=None) -> Problem:
        """Take the stored entries of a SciPy sparse matrix, stored zeros included, as observed."""
        if not sp.issparse(entries):
            raise TypeError(
                f"entries must be a SciPy sparse matrix or array, got {type(entries).__name__}"
            )
        coo = entries.tocoo()
        return cls(coo.row, coo.col, coo.data, coo.shape, symmetric=symmetric, truth=truth)

    def to_csr(self) -> sp.csr_array:
        """The observed entries as a new CSR array of shape (n1, n2); observed zeros are stored."""
        indptr = np.searchsorted(self.rows, np.arange(self.shape[0] + 1))
        return sp.csr_array((self.values.copy(), self.cols.copy(), indptr), shape=self.shape)

    @property
    def n_observed(self) -> int:
        """Number m of observed entries."""
        return len(self.values)

    @property
    def density(self) -> float:
        """Observed share m / (n1 n2) of the entries."""
        return self.n_observed / (self.shape[0] * self.shape[1])

    def oversampling(self, rank: int) -> float:
        """Observed entries per degree of freedom of a matrix of the given rank.

        A rank-r matrix has ``r (n1 + n2 - r)`` degrees of freedom, a symmetric one
        ``n r - r (r - 1) / 2``; for a symmetric problem (i, j) and (j, i) count once.

        Parameters
        ----------
        rank : int
            Between 1 and min(n1, n2).
        """
        n1, n2 = self.shape
        r = integer("rank", rank, 1, min(n1, n2))
        if self.symmetric:
            pairs = np.unique(_pair_keys(self.rows, self.cols, n1))
            return len(pairs) / (n1 * r - r * (r - 1) / 2)
        return self.n_observed / (r * (n1 + n2 - r))

    def split(self, fraction: float, seed=0) -> tuple[Problem, Problem]:
        """Divide the observed entries at random into a part to solve and a part to score.

        Parameters
        ----------
        fraction : float
            Share of the entries in the first part, strictly between 0 and 1. For a symmetric
            problem (i, j) and (j, i) stay together, and the share is one of pairs.
        seed : int, SeedSequence or Generator, default 0

        Returns
        -------
        (Problem, Problem)
            Training and test part; both have at least one entry and keep shape and truth.
        """
        fraction = real("fraction", fraction, 0, 1, open_low=True)
        if self.symmetric:
            _, group = np.unique(
                _pair_keys(self.rows, self.cols, self.shape[0]), return_inverse=True
            )
        else:
            group = np.arange(self.n_observed)
        n_groups = int(group.max()) + 1
        n_train = round(fraction * n_groups)
        if not 0 < n_train < n_groups:
            raise ValueError(
                f"fraction={fraction} of {n_groups} entries leaves one part empty; "
                "both parts need at least one entry"
            )
        chosen = np.zeros(n_groups, dtype=bool)
        chosen[generator(seed).permutation(n_groups)[:n_train]] = True
        train = chosen[group]
        return self._part(train), self._part(~train)

    def _part(self, keep: np.ndarray) -> Problem:
        return Problem(
            self.rows[keep],
            self.cols[keep],
            self.values[keep],
            self.shape,
            symmetric=self.symmetric,
            truth=self.truth,
        )

    def __repr__(self) -> str:
        n1, n2 = self.shape
        symmetric = ", symmetric" if self.symmetric else ""
        return (
            f"Problem({n1} x {n2}{symmetric}, {self.n_observed} entries, "
            f"density {self.density:.3g})"
        )


def _shape(shape) -> tuple[int, int]:
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"shape must be a pair of positive integers, got {shape!r}")
    return integer("shape[0]", shape[0], 1), integer("shape[1]", shape[1], 1)


def _indices(name: str, given, size: int) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.size == 0:
        return array.astype(np.intp)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    out = np.flatnonzero((array < 0) | (array >= size))
    if out.size:
        raise ValueError(
            f"{name}[{out[0]}] = {array[out[0]]} is out of range: indices are zero-based and "
            f"shape allows 0 to {size - 1}"
        )
    return array.astype(np.intp)


def _refuse_repeats(rows: np.ndarray, cols: np.ndarray) -> None:
    repeats = np.flatnonzero((rows[1:] == rows[:-1]) & (cols[1:] == cols[:-1]))
    if repeats.size:
        k = repeats[0]
        raise ValueError(
            f"entry (row {rows[k]}, col {cols[k]}) is given more than once "
            f"({repeats.size} repeats in all); each entry may be observed once"
        )


def _refuse_nonfinite(rows: np.ndarray, cols: np.ndarray, values: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        k = bad[0]
        raise ValueError(
            f"values must be finite, got {values[k]} at entry (row {rows[k]}, col {cols[k]}) "
            f"({bad.size} such values in all); leave unobserved entries out"
        )


def _pair_keys(rows: np.ndarray, cols: np.ndarray, n: int) -> np.ndarray:
    """One integer for each unordered pair {i, j}."""
    return np.minimum(rows, cols) * n + np.maximum(rows, cols)


def _check_symmetry(rows, cols, values, shape) -> None:
    if shape[0] != shape[1]:
        raise ValueError(f"symmetric=True needs a square matrix, got shape {shape}")
    keys = _pair_keys(rows, cols, shape[0])
    order = np.argsort(keys, kind="stable")
    twin = keys[order[1:]] == keys[order[:-1]]
    first, second = order[:-1][twin], order[1:][twin]
    # Products such as X @ X.T are symmetric up to rounding only.
    tolerance = 100 * np.finfo(values.dtype).eps * np.abs(values).max()
    apart = np.flatnonzero(np.abs(values[first] - values[second]) > tolerance)
    if apart.size:
        k, l = first[apart[0]], second[apart[0]]
        raise ValueError(
            f"symmetric=True, but entry ({rows[k]}, {cols[k]}) = {values[k]} and entry "
            f"({rows[l]}, {cols[l]}) = {values[l]} differ"
        )


def _truth(given, shape) -> np.ndarray:
    truth = reals("truth", given)
    if truth.shape != shape:
        raise ValueError(f"truth must have shape {shape}, got {truth.shape}")
    if truth.flags.writeable:
        truth = truth.copy()
    return truth
