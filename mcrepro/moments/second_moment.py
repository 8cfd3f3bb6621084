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

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import integer, one_of, real

# What counts and adds is compiled by numba, which takes a second to import: on first use.
if TYPE_CHECKING:
    from mcrepro.moments import _pairs


class SecondMoment:
    """Co-occurrence counts and sums of a matrix that arrives row by row.

    Instances over the same d columns form a commutative monoid under ``+``, with a fresh instance
    as its zero, so that ``sum(parts)`` works: counts add exactly, sums up to rounding of the order
    of addition (exactly, where the products are integers).

    Parameters
    ----------
    d : int
        Number of columns.
    storage : {"auto", "dense", "sparse"}
        Keep all d (d + 1) / 2 pairs of columns, 12 bytes each, or those that were seen, 20 bytes
        each. "auto" keeps all of them where this takes at most 1 GiB (d up to 13,376).
    threads : int, optional
        Threads of `update`; they change no digit. Default: numba's number of threads.

    Attributes
    ----------
    d : int
    n_rows : int
        Rows seen, rows without any observed entry included.
    n_entries : int
        Observed entries seen.
    n_pairs : int
        Pairs {i, j}, i = j included, seen in at least one row.
    counts : csr_array of int64, shape (d, d)
        N, symmetric; its stored entries are Omega, all positive. Assembled when asked for.
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

    def __init__(self, d: int, *, storage: str = "auto", threads: int | None = None):
        from mcrepro.moments import _pairs

        self.d = integer("d", d, 1, 2**31 - 1)
        self.n_rows = 0
        self.n_entries = 0
        self.threads = None if threads is None else integer("threads", threads, 1)
        one_of("storage", storage, ("auto", "dense", "sparse"))
        dense = storage == "dense" or (storage == "auto" and _pairs.fits(self.d))
        self._pairs: _pairs.DensePairs | _pairs.SparsePairs
        self._pairs = _pairs.DensePairs(self.d) if dense else _pairs.SparsePairs(self.d)

    def update(self, rows) -> SecondMoment:
        """Add rows.

        Parameters
        ----------
        rows : SciPy sparse matrix or array, shape (n, d), or an iterable of such
            The stored entries are the observed ones, stored zeros included. Chunks of an iterable
            are added one by one; `mcrepro.moments.accumulate` does this with a progress bar,
            checkpoints or a Dask cluster.

        Returns
        -------
        SecondMoment
            This object.

        Raises
        ------
        TypeError
            `rows` is not sparse or not real.
        ValueError
            Another width than d, an entry stored twice, NaN or infinity. Nothing of these rows (of
            an iterable: of this chunk) is added then.
        """
        if isinstance(rows, Iterable) and not sp.issparse(rows) and not hasattr(rows, "dtype"):
            for chunk in rows:
                self.update(chunk)
            return self
        from mcrepro.moments import _pairs

        values = _observed(rows, self.d)
        self._pairs.make_room(self.n_rows + values.shape[0])
        threads = self.threads or _pairs.default_threads()
        self._pairs.add(values.indptr, values.indices, values.data, threads)
        self.n_rows += values.shape[0]
        self.n_entries += len(values.data)
        return self

    def __add__(self, other: SecondMoment) -> SecondMoment:
        if not isinstance(other, SecondMoment):
            return NotImplemented
        # Dense if either is: so the result does not depend on which comes first.
        first, second = (self, other) if self.storage == "dense" else (other, self)
        return first.copy().__iadd__(second)

    def __iadd__(self, other: SecondMoment) -> Self:
        """Add in place, in the storage of this object."""
        if not isinstance(other, SecondMoment):
            return NotImplemented
        if other.d != self.d:
            raise ValueError(
                f"both moments must have the same number of columns, got {self.d} and {other.d}"
            )
        self._pairs.make_room(self.n_rows + other.n_rows)
        self._pairs.merge(other._pairs)
        self.n_rows += other.n_rows
        self.n_entries += other.n_entries
        return self

    def __radd__(self, other: object) -> SecondMoment:
        """``0 + self``, with which ``sum(parts)`` begins: a new object, equal to this one."""
        if isinstance(other, int) and other == 0:
            return self.copy()
        return NotImplemented

    def copy(self) -> SecondMoment:
        """A copy that shares nothing that changes."""
        return SecondMoment.from_state(self.state(), threads=self.threads)

    @property
    def storage(self) -> str:
        """ "dense" or "sparse"."""
        return self._pairs.storage

    @property
    def n_pairs(self) -> int:
        return self._pairs.n_pairs

    @property
    def counts(self) -> sp.csr_array:
        upper = self._pairs.upper()
        return self._symmetric(upper, upper.counts)

    @property
    def sums(self) -> sp.csr_array:
        upper = self._pairs.upper()
        return self._symmetric(upper, upper.sums)

    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Columns i <= j, counts and sums of the pairs that were seen, by i and then by j.

        Returns
        -------
        i, j : ndarrays of int32, shape (n_pairs,)
        counts : ndarray of int64, shape (n_pairs,)
        sums : ndarray of float64, shape (n_pairs,)
        """
        upper = self._pairs.upper()
        return upper.i, upper.j.copy(), upper.counts.copy(), upper.sums.copy()

    def without_pairs(self, i, j) -> SecondMoment:
        """A copy, in sparse storage, in which these pairs were never seen together.

        Parameters
        ----------
        i, j : array_like of int, shape (m,)
            Columns, in any order. A pair that was not seen is ignored.
        """
        from mcrepro.moments import _pairs

        i, j = np.minimum(i, j).astype(np.int64), np.maximum(i, j)
        upper = self._pairs.upper()
        keep = ~np.isin(upper.i.astype(np.int64) * self.d + upper.j, i * self.d + j)
        rows = np.bincount(upper.i[keep], minlength=self.d)
        left = _pairs.Upper(
            np.concatenate([[0], np.cumsum(rows)]), *(column[keep] for column in upper[1:])
        )
        part = SecondMoment(self.d, storage="sparse", threads=self.threads)
        part.n_rows, part.n_entries = self.n_rows, self.n_entries
        part._pairs.merge(_pairs.SparsePairs(self.d, (left,)))
        return part

    def hajek(self) -> sp.csr_array:
        """The Hájek estimate ``S_ij / N_ij`` of T_ij, on Omega only.

        Given that (i, j) is in Omega its expectation is T_ij, for every n and p, as long as every
        row shows the pair with the same probability.

        Returns
        -------
        csr_array, shape (d, d)
            Stored entries are Omega, estimates that are zero included; the rest is not estimated.
        """
        upper = self._pairs.upper()
        return self._symmetric(upper, upper.sums / upper.counts)

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
        upper = self._pairs.upper()
        probability = np.where(upper.i == upper.j, p, p * p)
        return self._symmetric(upper, upper.sums / (self.n_rows * probability))

    def state(self) -> dict[str, np.ndarray]:
        """Everything there is to know, as arrays to be kept; `from_state` turns them back.

        Returns
        -------
        dict of str to ndarray
            The arrays are copies. Where less than half of all pairs were seen, only these are in it.
        """
        size = {"size": np.array([self.d, self.n_rows, self.n_entries])}
        pairs = self._pairs
        if (whole := pairs.whole()) is not None:
            return size | dict(zip(("all_counts", "all_sums"), whole, strict=True))
        upper = pairs.upper()
        kept = {"indptr": upper.indptr, "j": upper.j, "counts": upper.counts, "sums": upper.sums}
        dense = np.array(self.storage == "dense")
        return size | {name: array.copy() for name, array in kept.items()} | {"dense": dense}

    @classmethod
    def from_state(cls, state, *, threads: int | None = None) -> SecondMoment:
        """The moments whose `state` this was; takes over its arrays."""
        from mcrepro.moments import _pairs

        d, n_rows, n_entries = map(int, state["size"])
        whole = "all_counts" in state
        moments = cls(d, storage="dense" if whole or state["dense"] else "sparse", threads=threads)
        moments.n_rows, moments.n_entries = n_rows, n_entries
        pairs = moments._pairs
        if whole:
            pairs.counts, pairs.sums = state["all_counts"], state["all_sums"]  # type: ignore[union-attr]
        else:
            pairs.make_room(n_rows)
            kept = _pairs.Upper(*(state[name] for name in ("indptr", "j", "counts", "sums")))
            pairs.merge(_pairs.SparsePairs(d, (kept,)))
        return moments

    def __reduce__(self):
        return _restored, (self.state(), self.threads)

    def _symmetric(self, upper: _pairs.Upper, values: np.ndarray) -> sp.csr_array:
        from mcrepro.moments import _kernels

        indptr, indices, data = _kernels.mirrored(upper.indptr, upper.j, values)
        return sp.csr_array((data, indices, indptr), shape=(self.d, self.d))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecondMoment):
            return NotImplemented
        mine, theirs = ((m.d, m.n_rows, m.n_entries, m.n_pairs) for m in (self, other))
        return mine == theirs and all(
            map(np.array_equal, self._pairs.upper(), other._pairs.upper())
        )

    __hash__ = None  # type: ignore[assignment]  # it changes under update

    def __repr__(self) -> str:
        return (
            f"SecondMoment({self.n_rows} rows of {self.d} columns, {self.n_entries} entries, "
            f"{self.n_pairs} of {self.d * (self.d + 1) // 2} pairs seen)"
        )


def _restored(state, threads) -> SecondMoment:
    return SecondMoment.from_state(state, threads=threads)


class _Rows(NamedTuple):
    """A CSR array of float64, with indices of 32 bits that increase in each row."""

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    shape: tuple[int, int]


def _observed(rows, d: int) -> _Rows:
    """The rows, checked and sorted, nothing summed and no zero dropped."""
    from mcrepro.moments import _kernels

    if not sp.issparse(rows):
        raise TypeError(f"rows must be a SciPy sparse matrix or array, got {type(rows).__name__}")
    if rows.ndim != 2 or rows.shape[1] != d:
        raise ValueError(f"rows must have shape (n, {d}), got {rows.shape}")
    if rows.dtype == bool or np.issubdtype(rows.dtype, np.complexfloating):
        raise TypeError(f"rows must hold real numbers, got dtype {rows.dtype}")
    if rows.format == "csr":
        indptr = rows.indptr.astype(np.int64, copy=False)
        data = rows.data.astype(np.float64, copy=False)
        # Checked before the cast, which would bring an index beyond 32 bits into the range.
        if _kernels.check_rows(indptr, rows.indices, data, d) == _kernels.OK:
            return _Rows(indptr, rows.indices.astype(np.int32, copy=False), data, rows.shape)
    return _sorted(rows)


def _sorted(rows) -> _Rows:
    """Rows that are not in order, or not in CSR form, or faulty; says what is wrong."""
    coo = rows.tocoo()
    if coo.nnz and not 0 <= coo.col.min() <= coo.col.max() < rows.shape[1]:
        raise ValueError(f"rows has shape {rows.shape}, but a column index outside of it")
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
    indptr = np.searchsorted(row, np.arange(rows.shape[0] + 1)).astype(np.int64)
    return _Rows(indptr, col.astype(np.int32), coo.data[order].astype(np.float64), rows.shape)
