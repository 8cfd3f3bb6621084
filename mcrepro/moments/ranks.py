"""Choosing the rank by pairs of columns that were seen, but not shown to the fit.

A rank that is too small misses what the held-out pairs show; one that is too large fits the noise
of the others. Pairs are held out, not rows: the moments are enough, no row is needed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mcrepro._checks import generator, integer
from mcrepro.moments.recover import recover_second_moment
from mcrepro.moments.second_moment import SecondMoment


@dataclass(frozen=True, eq=False)
class RankChoice:
    """What held-out pairs say about the rank.

    Attributes
    ----------
    best : int
        The rank with the smallest mean error; 0 if none beats the answer zero.
    ranks : ndarray of int, shape (m,)
        0, which is the answer zero, and the ranks that were tried, increasing.
    errors : ndarray, shape (folds, m)
        Sum of ``N_ij (X X^T - Tbar)_ij^2`` over the held-out pairs i < j, over that of zero.
    """

    best: int
    ranks: np.ndarray
    errors: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over the folds, shape (m,)."""
        return self.errors.mean(axis=0)

    @property
    def parsimonious(self) -> int:
        """The smallest rank within one standard error of the best."""
        at = int(np.argmin(self.mean))
        spread = self.errors[:, at].std(ddof=1) / np.sqrt(len(self.errors))
        return int(self.ranks[np.argmax(self.mean <= self.mean[at] + spread)])


def select_rank(
    moments: SecondMoment, ranks: Iterable[int], seed=0, *, folds: int = 5, **options
) -> RankChoice:
    """Compare ranks on held-out co-observed pairs.

    Parameters
    ----------
    moments : SecondMoment
        With at least one pair off the diagonal for each fold.
    ranks : iterable of int
        Ranks to try, between 1 and d.
    seed : int, SeedSequence or Generator, default 0
        Decides the folds, and the starts of the fits.
    folds : int, default 5
        At least 2. Every pair is held out once; the diagonal never is.
    **options
        Of `recover_second_moment`.

    Returns
    -------
    RankChoice

    Raises
    ------
    ValueError
        No ranks, or fewer pairs than folds.

    Notes
    -----
    The score of a pair has the noise of its Tbar in it, the same for every rank. Where most pairs
    were seen once, the differences between ranks may be smaller than their own spread over the
    folds: look at `RankChoice.errors` before you believe `RankChoice.best`.

    Examples
    --------
    >>> from mcrepro.moments import MixtureStream, accumulate, select_rank
    >>> moments = accumulate(MixtureStream(n=50_000, d=40, C=4.0, rank=3, chunk=10_000), d=40)
    >>> select_rank(moments, ranks=range(1, 6)).best
    3
    """
    if not isinstance(moments, SecondMoment):
        raise TypeError(f"moments must be a mcrepro.SecondMoment, got {type(moments).__name__}")
    tried = sorted({integer("ranks", rank, 1, moments.d) for rank in ranks})
    if not tried:
        raise ValueError("ranks must hold at least one rank, got none")
    folds = integer("folds", folds, 2)
    i, j, counts, sums = moments.pairs()
    off = np.flatnonzero(i != j)
    if len(off) < folds:
        raise ValueError(f"{folds} folds need as many pairs off the diagonal, got {len(off)}")
    rng = generator(seed)
    fold = np.full(len(i), -1)
    fold[off] = rng.permutation(len(off)) % folds
    T = sums / counts
    errors = np.empty((folds, 1 + len(tried)))
    for held in range(folds):
        out = fold == held
        part = moments.without_pairs(i[out], j[out])
        weights, target = counts[out], T[out]
        errors[held, 0] = zero = np.sum(weights * target**2)
        if not zero > 0:
            raise ValueError("the sums of the held-out pairs are all zero")
        for at, rank in enumerate(tried, 1):
            result = recover_second_moment(part, rank, rng, **options)
            error = result.predict(i[out], j[out]) - target
            errors[held, at] = np.sum(weights * error**2)
        errors[held] /= zero
    values = np.array([0, *tried])
    return RankChoice(int(values[np.argmin(errors.mean(axis=0))]), values, errors)
