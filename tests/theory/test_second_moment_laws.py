"""The closed forms against enumeration of every mask, with its probability."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp

from mcrepro import SecondMoment
from mcrepro.theory import second_moment as theory

PROBABILITIES = [0.05, 0.3, 0.7, 1.0]


def all_masks(n, d, p):
    """Every n x d mask with its probability."""
    for bits in product([False, True], repeat=n * d):
        mask = np.array(bits).reshape(n, d)
        seen = int(mask.sum())
        weight = p**seen * (1 - p) ** (n * d - seen)
        if weight > 0:
            yield mask, weight


def estimates(M, mask, p, i, j):
    """Hájek and Horvitz-Thompson at (i, j), as the package computes them; None outside Omega."""
    rows, cols = np.nonzero(mask)
    moments = SecondMoment(M.shape[1]).update(
        sp.csr_array((M[rows, cols], (rows, cols)), shape=M.shape)
    )
    if moments.counts[i, j] == 0:
        return None
    return moments.hajek()[i, j], moments.horvitz_thompson(p)[i, j]


def moments_of(samples, weights):
    mean = np.average(samples, weights=weights)
    return mean, np.average((samples - mean) ** 2, weights=weights)


@pytest.mark.parametrize("p", PROBABILITIES)
@pytest.mark.parametrize(
    ("n", "d", "diagonal"),
    [(1, 2, False), (3, 2, False), (4, 2, False), (5, 1, True), (1, 1, True)],
)
def test_against_all_masks(n, d, diagonal, p):
    M = np.random.default_rng(n).standard_normal((n, d)) + 0.5
    i, j = (0, 0) if diagonal else (0, 1)
    x = M[:, i] * M[:, j]
    T = x.mean()

    hajek, ht, weights, unseen = [], [], [], 0.0
    for mask, weight in all_masks(n, d, p):
        both = estimates(M, mask, p, i, j)
        if both is None:
            unseen += weight
        else:
            hajek.append(both[0])
            ht.append(both[1])
            weights.append(weight)
    close = {"rel": 1e-12, "abs": 1e-12}
    P = theory.observation_probability(n, p, diagonal)
    assert pytest.approx(1 - unseen, **close) == P

    mean, variance = moments_of(hajek, weights)
    assert mean == pytest.approx(T, **close)
    assert theory.hajek_variance(x, p, diagonal) == pytest.approx(variance, **close)

    mean, variance = moments_of(ht, weights)
    assert mean == pytest.approx(T * theory.conditional_ht_factor(n, p, diagonal), **close)
    assert theory.conditional_ht_variance(x, p, diagonal) == pytest.approx(variance, **close)

    mean, variance = moments_of([*ht, 0.0], [*weights, unseen])
    assert mean == pytest.approx(T, **close)
    assert theory.ht_variance(x, p, diagonal) == pytest.approx(variance, **close)


@pytest.mark.parametrize("p", PROBABILITIES)
def test_mean_reciprocal_count_against_the_binomial_sum(p):
    from math import comb

    n, q = 12, p * p
    pmf = [comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]
    expected = sum(pmf[k] / k for k in range(1, n + 1)) / sum(pmf[1:])
    assert theory.mean_reciprocal_count(n, p) == pytest.approx(expected, rel=1e-12)


def test_no_cancellation_where_a_pair_is_hardly_ever_seen():
    # 1 - (1 - q)^n = n q (1 - (n - 1) q / 2 + ...)
    n, p = 1000, 1e-9
    assert theory.observation_probability(n, p) == pytest.approx(n * p * p, rel=1e-12)
    assert theory.mean_reciprocal_count(n, p) == pytest.approx(1.0, rel=1e-9)


def test_large_count_approximation_has_the_right_limits():
    x = np.random.default_rng(0).standard_normal(10_000) ** 2
    # n q = 100 and more: good; n q = 0.01: the exact variance is about S^2, not S^2 / (n q).
    for p, ratio in [(0.1, 1.02), (0.5, 1.001)]:
        exact = theory.hajek_variance(x, p)
        assert 1 < exact / theory.hajek_variance_large_count(x, p) < ratio
    exact = theory.hajek_variance(x, 1e-3)
    assert exact == pytest.approx(x.var(), rel=0.01)
    assert theory.hajek_variance_large_count(x, 1e-3) > 90 * exact


def test_hajek_beats_ht_by_the_square_of_the_mean():
    """Both linearised variances differ by exactly (1 - q)/(n q) T^2; none without a mean."""
    x, p = np.random.default_rng(1).standard_normal(50) + 2, 0.4
    gap = theory.ht_variance(x, p) - theory.hajek_variance_large_count(x, p)
    assert gap == pytest.approx((1 - p * p) / (50 * p * p) * x.mean() ** 2)
    x -= x.mean()
    assert theory.ht_variance(x, p) == pytest.approx(theory.hajek_variance_large_count(x, p))


def test_the_printed_variance_is_not_homogeneous():
    """A variance of a mean of squares scales with the fourth power of the data."""
    column, p = np.random.default_rng(2).standard_normal(40), 0.3
    right = [theory.hajek_variance_large_count((s * column) ** 2, p, diagonal=True) for s in (1, 2)]
    printed = [theory.hajek_variance_printed(s * column, p) for s in (1, 2)]
    assert right[1] == pytest.approx(16 * right[0])
    assert printed[1] != pytest.approx(16 * printed[0], rel=0.5)
    T = np.mean(column**2)
    by_hand = 0.7 / (40 * 0.3) * np.sum(column**2) - 0.7 / (40 * 0.3) * T**2
    assert printed[0] == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.observation_probability(0, 0.5), ValueError, "n must be at least 1, got 0"),
        (lambda: theory.observation_probability(5, 0.0), ValueError, r"p must be in \(0, 1\]"),
        (lambda: theory.hajek_variance([], 0.5), ValueError, "non-empty one-dimensional"),
        (lambda: theory.hajek_variance([1, np.nan], 0.5), ValueError, "x must be finite"),
        (lambda: theory.ht_variance([1.0], "0.5"), TypeError, "p must be a real number"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
