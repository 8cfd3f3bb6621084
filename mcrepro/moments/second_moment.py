"""Estimating ``T = M^T M / n`` from rows of which few entries are seen.

Let I be the 0/1 matrix of observed entries of the n x d matrix M. All that is kept of the rows is

    N = I^T I          how many rows show columns i and j together,
    S = (I o M)^T (I o M)     the sum over those rows of M_ki M_kj,

and Omega = {(i, j) : N_ij > 0}. Both are sums over rows, so they can be collected in pieces and
added. The two estimators divide S differently: Hájek by the count that came out, Horvitz-Thompson
by the count that was to be expected. ("One-sided matrix completion from ultra-sparse samples",
arXiv:2601.12213, Mechanisms 1 and 2.)
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import integer, real


class SecondMoment:
    """Co-occurrence counts and sums of a matrix that arrives row by row.

    Instances over the same d columns form a commutative monoid under ``+``, with a fresh instance
    as its zero, so that ``sum(parts)`` works: counts add exactly, sums up to rounding of the order of addition (exactly, where the
    products are integers).

    Parameters
    ----------
    d : int
        Number of columns.

    Attributes
    ----------
    d : int
    n_rows : int
        Rows seen, rows without any observed entry included.
    n_entries : int
        Observed entries seen.
    counts : csr_array of int64, shape (d, d)
        N, symmetric; its stored entries are Omega, all positive.
    sums : csr_array of float64, shape (d, d)
        S on exactly the pattern of `counts`: a sum that cancels to zero is stored.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> moments = SecondMoment(3).update(sp.csr_array([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]]))
    >>> moments.hajek().toarray()
    array([[5., 2., 0.],
           [2., 4., 0.],
           [0., 0., 0.]])
    """

    def __init__(self, d: int):
        self.d = integer("d", d, 1)
        self.n_rows = 0
        self.n_entries = 0
        self.counts = sp.csr_array((self.d, self.d), dtype=np.int64)
        self.sums = sp.csr_array((self.d, self.d), dtype=np.float64)

    def update(self, rows) -> SecondMoment:
        """Add rows.

        Parameters
        ----------
        rows : SciPy sparse matrix or array, shape (n, d)
            The stored entries are the observed ones, stored zeros included.

        Returns
        -------
        SecondMoment
            This object.

        Raises
        ------
        TypeError
            `rows` is not sparse or not real.
        ValueError
            Another width than d, an entry stored twice, NaN or infinity. Nothing is added then.
        """
        values = _observed(rows, self.d)
        indicator = sp.csr_array(
            (np.ones(values.nnz, dtype=np.int64), values.indices, values.indptr), values.shape
        )
        counts = indicator.T @ indicator
        self._add(counts, values.T @ values, values.shape[0], values.nnz)
        return self

    def __add__(self, other: SecondMoment) -> SecondMoment:
        if not isinstance(other, SecondMoment):
            return NotImplemented
        if other.d != self.d:
            raise ValueError(
                f"both moments must have the same number of columns, got {self.d} and {other.d}"
            )
        total = SecondMoment(self.d)
        for part in (self, other):
            total._add(part.counts, part.sums, part.n_rows, part.n_entries)
        return total

    def __radd__(self, other: object) -> SecondMoment:
        """``0 + self``, with which ``sum(parts)`` begins: a new object, equal to this one."""
        if isinstance(other, int) and other == 0:
            return self + SecondMoment(self.d)
        return NotImplemented

    def _add(self, counts, sums, n_rows: int, n_entries: int) -> None:
        # Counts are positive, so their sum has exactly the union of the two patterns.
        union = _canonical(self.counts + counts)
        self.sums = _on_pattern(union, self.sums, sums)
        self.counts = union
        self.n_rows += n_rows
        self.n_entries += n_entries

    def hajek(self) -> sp.csr_array:
        """The Hájek estimate ``S_ij / N_ij`` of T_ij, on Omega only.

        Given that (i, j) is in Omega its expectation is T_ij, for every n and p, as long as every
        row shows the pair with the same probability.

        Returns
        -------
        csr_array, shape (d, d)
            Stored entries are Omega, estimates that are zero included; the rest is not estimated.
        """
        return self._filled(self.sums.data / self.counts.data)

    def horvitz_thompson(self, p: float) -> sp.csr_array:
        """The Horvitz-Thompson estimate ``S_ij / (n p^2)``, on the diagonal ``S_ii / (n p)``.

        Its expectation over all masks is T_ij; *given* that (i, j) is in Omega it is larger, by
        the factor ``theory.second_moment.conditional_ht_factor``.

        Parameters
        ----------
        p : float
            Probability, in (0, 1], with which each entry is observed, independently.

        Returns
        -------
        csr_array, shape (d, d)
            Stored entries are Omega. Elsewhere the estimate is zero, and so is the array.

        Raises
        ------
        ValueError
            `p` outside (0, 1], or no rows yet.
        """
        p = real("p", p, 0, 1, open_low=True)
        if self.n_rows == 0:
            raise ValueError("horvitz_thompson needs at least one row, got none; call update first")
        row = np.repeat(np.arange(self.d), np.diff(self.counts.indptr))
        probability = np.where(row == self.counts.indices, p, p * p)
        return self._filled(self.sums.data / (self.n_rows * probability))

    def _filled(self, data: np.ndarray) -> sp.csr_array:
        pattern = (self.counts.indices.copy(), self.counts.indptr.copy())
        return sp.csr_array((data, *pattern), shape=(self.d, self.d))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecondMoment):
            return NotImplemented
        return (
            (self.d, self.n_rows, self.n_entries) == (other.d, other.n_rows, other.n_entries)
            and np.array_equal(self.counts.indptr, other.counts.indptr)
            and np.array_equal(self.counts.indices, other.counts.indices)
            and np.array_equal(self.counts.data, other.counts.data)
            and np.array_equal(self.sums.data, other.sums.data)
        )

    __hash__ = None  # type: ignore[assignment]  # it changes under update

    def __repr__(self) -> str:
        return (
            f"SecondMoment({self.n_rows} rows of {self.d} columns, {self.n_entries} entries, "
            f"{self.counts.nnz} of {self.d**2} pairs seen)"
        )


def _observed(rows, d: int) -> sp.csr_array:
    """The rows as a checked CSR array of float64, nothing summed and no zero dropped."""
    if not sp.issparse(rows):
        raise TypeError(f"rows must be a SciPy sparse matrix or array, got {type(rows).__name__}")
    if rows.ndim != 2 or rows.shape[1] != d:
        raise ValueError(f"rows must have shape (n, {d}), got {rows.shape}")
    coo = rows.tocoo()
    if coo.dtype == bool or np.issubdtype(coo.dtype, np.complexfloating):
        raise TypeError(f"rows must hold real numbers, got dtype {coo.dtype}")
    bad = np.flatnonzero(~np.isfinite(coo.data))
    if bad.size:
        k = bad[0]
        raise ValueError(
            f"rows must be finite, got {coo.data[k]} at (row {coo.row[k]}, col {coo.col[k]}); "
            "leave unobserved entries out"
        )
    order = np.lexsort((coo.col, coo.row))
    row, col = coo.row[order], coo.col[order]
    twice = np.flatnonzero((row[1:] == row[:-1]) & (col[1:] == col[:-1]))
    if twice.size:
        k = twice[0]
        raise ValueError(f"rows stores the entry (row {row[k]}, col {col[k]}) more than once")
    indptr = np.searchsorted(row, np.arange(rows.shape[0] + 1))
    return sp.csr_array((coo.data[order].astype(np.float64), col, indptr), shape=rows.shape)


def _canonical(array) -> sp.csr_array:
    array = sp.csr_array(array)
    array.sort_indices()
    return array


def _keys(array: sp.csr_array) -> np.ndarray:
    """Position of each stored entry in the flattened matrix; increasing for sorted indices."""
    row = np.repeat(np.arange(array.shape[0], dtype=np.int64), np.diff(array.indptr))
    return row * array.shape[1] + array.indices


def _on_pattern(pattern: sp.csr_array, *parts) -> sp.csr_array:
    """The sum of `parts` stored on exactly the entries of `pattern`.

    Sparse addition and products may or may not store a sum that cancels; Omega must not depend on
    that, so it is taken from the counts.
    """
    where = _keys(pattern)
    data = np.zeros(pattern.nnz)
    for part in map(_canonical, parts):
        data[np.searchsorted(where, _keys(part))] += part.data
    return sp.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)
