"""The row space: principal components of rows that nobody has seen whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcrepro._checks import integer
from mcrepro.moments.recover import recover_second_moment
from mcrepro.moments.second_moment import SecondMoment
from mcrepro.result import Result


@dataclass(frozen=True, eq=False)
class Subspace:
    """A subspace of R^d with an orthonormal basis.

    Attributes
    ----------
    basis : ndarray, shape (d, k)
        Orthonormal columns, by decreasing eigenvalue. Their signs are arbitrary.
    eigenvalues : ndarray, shape (k,)
        Of T: mean squares of the rows' coordinates, about zero and not about their mean.
    """

    basis: np.ndarray
    eigenvalues: np.ndarray

    def angles(self, other) -> np.ndarray:
        """Principal angles to another subspace of R^d, in radians, increasing.

        Parameters
        ----------
        other : Subspace or array_like, shape (d, l)
            An array stands for the span of its columns, which need not be orthonormal.

        Returns
        -------
        ndarray, shape (min(k, l),)

        Notes
        -----
        Cosines are the singular values of the product of the bases, sines those of the part of the
        smaller space outside the larger one; each is used where it is accurate (Björck and Golub,
        "Numerical methods for computing angles between linear subspaces", 1973).
        """
        large, small = self.basis, _basis(other, len(self.basis))
        if large.shape[1] < small.shape[1]:
            large, small = small, large
        inside = large.T @ small
        cosines = np.linalg.svd(inside, compute_uv=False)
        sines = np.linalg.svd(small - large @ inside, compute_uv=False)[::-1]
        cosines, sines = np.clip(cosines, 0, 1), np.clip(sines, 0, 1)
        return np.where(cosines**2 > 0.5, np.arcsin(sines), np.arccos(cosines))

    def error(self, other) -> float:
        """Sine of the largest principal angle: for equal dimensions, the distance of projectors."""
        return float(np.sin(self.angles(other)[-1]))

    def coordinates(self, rows) -> np.ndarray:
        """Coordinates of whole rows, (n, d), in the basis: shape (n, k)."""
        return rows @ self.basis


def principal_subspace(source, k: int, rank: int | None = None, seed=0, **options) -> Subspace:
    """The span of the k leading eigenvectors of the recovered second moment.

    Parameters
    ----------
    source : SecondMoment or Result
        Moments are completed first; a Result is that of `recover_second_moment`.
    k : int
        Dimension, between 1 and the rank.
    rank : int, optional
        Rank of the completion; default k.
    seed, **options
        Of `recover_second_moment`; only for moments.

    Returns
    -------
    Subspace

    Raises
    ------
    TypeError, ValueError
        `source` is neither, or the completion has fewer than k dimensions.

    Notes
    -----
    How far the answer can be trusted is seen without the truth: give half of the rows to one
    `SecondMoment` and half to another, and ask for the `Subspace.error` between the two answers.

    Examples
    --------
    >>> from mcrepro.moments import MixtureStream, accumulate, principal_subspace
    >>> stream = MixtureStream(n=100_000, d=40, C=4.0, rank=3, chunk=20_000)
    >>> subspace = principal_subspace(accumulate(stream, d=40), k=3)
    >>> subspace.error(stream.factors.T) < 0.2
    True
    """
    if isinstance(source, SecondMoment):
        k = integer("k", k, 1, source.d)
        source = recover_second_moment(source, k if rank is None else rank, seed, **options)
    elif not isinstance(source, Result):
        raise TypeError(
            f"source must be a mcrepro.SecondMoment or a Result, got {type(source).__name__}"
        )
    elif rank is not None or options:
        raise TypeError("rank and options are for moments; a Result is completed already")
    X = source.left
    k = integer("k", k, 1, X.shape[1])
    left, singular, _ = np.linalg.svd(X, full_matrices=False)
    if not singular[k - 1] > X.shape[0] * np.finfo(float).eps * singular[0]:
        raise ValueError(f"the completion spans fewer than k={k} dimensions")
    return Subspace(left[:, :k], singular[:k] ** 2)


def _basis(other, d: int) -> np.ndarray:
    if isinstance(other, Subspace):
        other = other.basis
        Q = other
    else:
        other = np.asarray(other, dtype=float)
        if other.ndim != 2 or not 1 <= other.shape[1] <= other.shape[0]:
            raise ValueError(f"other must be a matrix of columns in R^{d}, got shape {other.shape}")
        Q, singular, _ = np.linalg.svd(other, full_matrices=False)
        if not singular[-1] > len(other) * np.finfo(float).eps * singular[0]:
            raise ValueError("other must have independent columns")
    if len(Q) != d:
        raise ValueError(f"both subspaces must be of R^{d}, got one of R^{len(Q)}")
    return Q
