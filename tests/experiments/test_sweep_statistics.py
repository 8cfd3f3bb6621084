import math

import numpy as np
import pytest
from scipy import stats

from mcrepro.experiments import statistics
from mcrepro.experiments.statistics import Estimate


@pytest.mark.parametrize(("k", "n"), [(1, 2), (3, 10), (7, 8), (40, 200)])
def test_rate_solves_the_tail_equations_of_clopper_and_pearson(k, n):
    found = statistics.rate(k, n, confidence=0.9)
    assert found.value == k / n
    # At the ends of the interval, a count as extreme as this one has probability 5 %.
    assert stats.binom.sf(k - 1, n, found.low) == pytest.approx(0.05, rel=1e-9)
    assert stats.binom.cdf(k, n, found.high) == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize("n", [1, 5, 50])
def test_rate_of_none_and_of_all_has_the_closed_form(n):
    bound = 0.025 ** (1 / n)
    none, everything = statistics.rate(0, n), statistics.rate(n, n)
    assert (none.low, everything.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1 - bound, rel=1e-12)
    assert everything.low == pytest.approx(bound, rel=1e-12)


def test_rate_covers_at_least_with_its_confidence_at_every_rate():
    n = 12
    intervals = [statistics.rate(k, n, confidence=0.8) for k in range(n + 1)]
    for p in np.linspace(0.01, 0.99, 33):
        weights = stats.binom.pmf(range(n + 1), n, p)
        covered = sum(w for w, i in zip(weights, intervals, strict=True) if p in i)
        assert covered >= 0.8


def test_mean_agrees_with_the_formula_for_two_values():
    # With one degree of freedom t is Cauchy: its 97.5 % point is tan(0.475 pi).
    found = statistics.mean([1.0, 4.0])
    assert found.value == 2.5
    assert found.high - found.value == pytest.approx(1.5 * math.tan(0.475 * math.pi), rel=1e-12)
    assert found.value - found.low == pytest.approx(found.high - found.value, rel=1e-12)


def coverage(make, draw, truth, repeats):
    rng = np.random.default_rng(5)
    return np.mean([truth in make(draw(rng)) for _ in range(repeats)])


def test_mean_covers_with_its_confidence():
    got = coverage(
        lambda x: statistics.mean(x, confidence=0.8), lambda rng: rng.normal(3, 2, 6), 3, 1500
    )
    assert got == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / 1500))


@pytest.mark.parametrize("n", [2, 20, 40])
def test_equal_values_within_a_bound_have_the_interval_of_the_rate(n):
    found, other = statistics.mean([0.0] * n, bound=1), statistics.rate(0, n)
    assert (found.low, found.high) == pytest.approx((-other.high, other.high))
    found = statistics.mean([1.0] * n, bound=1)  # at the bound: to the other side only
    assert (found.low, found.high) == pytest.approx((1 - 2 * other.high, 1.0))
    spread = [0.25, *[0.0] * n]
    assert statistics.mean(spread, bound=1) == statistics.mean(spread)


def test_ratio_covers_with_its_confidence():
    # Dividing by the other sample's mean as if it were known covers about 65 % here.
    got = coverage(
        lambda x: statistics.ratio(x[:8], x[8:], confidence=0.8),
        lambda rng: rng.normal(10, 1, 16),
        1.0,
        1500,
    )
    assert got == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / 1500))


def test_ratio_with_a_known_denominator_is_a_mean():
    x = [1.0, 4.0, 5.0]
    found, plain = statistics.ratio(x, [2.0, 2.0]), statistics.mean([v / 2 for v in x])
    assert (found.value, found.n) == (plain.value, plain.n)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), rel=1e-12)
    assert statistics.ratio([3.0, 3.0], [2.0, 2.0]).high == 1.5
    assert statistics.ratio(x, [2.0]).high == math.inf


def test_bootstrap_covers_about_with_its_confidence():
    got = coverage(
        lambda x: statistics.bootstrap(x, confidence=0.8, resamples=300),
        lambda rng: rng.exponential(size=60),
        1.0,
        200,
    )
    assert 0.7 <= got <= 0.9


def test_bootstrap_is_seeded():
    x = np.random.default_rng(0).normal(size=41)
    one, again, other = (statistics.bootstrap(x, seed=s, resamples=500) for s in (1, 1, 2))
    assert one == again
    assert one.value == other.value
    assert one.low != other.low


def test_bootstrap_takes_any_statistic():
    x = np.random.default_rng(0).normal(size=41)

    def middle(sample):
        return float(np.sort(sample)[len(sample) // 2])

    one = statistics.bootstrap(x, middle, seed=1, resamples=500, method="percentile")
    assert one.value == np.median(x)
    assert one.low in x
    assert one.low < one.value < one.high


@pytest.mark.parametrize("make", [statistics.mean, statistics.bootstrap])
def test_degenerate_samples(make):
    alone = make([3.0])
    assert (alone.value, alone.low, alone.high, alone.n) == (3.0, -math.inf, math.inf, 1)
    equal = make([0.1, 0.1, 0.1])
    assert equal.low == equal.high == equal.value == pytest.approx(0.1, rel=1e-15)


def test_bootstrap_says_when_its_correction_is_not_defined():
    with pytest.raises(ValueError, match="'BCa' is not defined"):
        statistics.bootstrap([1, 1, 1, 1, 1, 1, 9], np.median)


def test_exact():
    assert statistics.exact(np.float64(2.5)) == Estimate(2.5, 2.5, 2.5, 1.0, "exact", 1)
    assert 2.5 in statistics.exact(2.5)
    assert 2.4 not in statistics.exact(2.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: statistics.rate(3, 2), "got 3 of 2"),
        (lambda: statistics.rate(0, 0), "trials >= 1; got 0 of 0"),
        (lambda: statistics.rate(-1, 2), "got -1 of 2"),
        (lambda: statistics.rate(0.5, 2), "successes must be a whole number; got 0.5"),
        (lambda: statistics.rate(1, 2, confidence=95), r"in \(0, 1\); got 95"),
        (lambda: statistics.mean([]), r"shape \(n,\)"),
        (lambda: statistics.mean([0.5, -2], bound=1), r"lie in \[-1, 1\]; got -2"),
        (lambda: statistics.mean([[1, 2]]), r"shape \(n,\).*got \(1, 2\)"),
        (lambda: statistics.mean([1, math.nan, math.inf]), "finite; 2 are not"),
        (lambda: statistics.bootstrap([1, math.inf]), "finite; 1 are not"),
        (lambda: statistics.ratio([1, 2], [1, -1]), "others must not be zero"),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
