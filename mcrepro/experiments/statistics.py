"""Estimates with intervals: what a protocol's table says, and how surely.

Protocols define named reductions of their table with these functions; the ledger compares the
estimate with what the paper printed.

References
----------
.. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the
   case of the binomial", Biometrika 26 (1934).
.. [2] B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987).
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    value : float
    low, high : float
        The two-sided interval; infinite where the data cannot bound it.
    confidence : float
        In (0, 1); 1 for an exact value.
    kind : {"rate", "mean", "bootstrap", "exact", "statement"}
        How the interval was made.
    n : int
        Number of values behind it.
    """

    value: float
    low: float
    high: float
    confidence: float
    kind: str
    n: int

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def rate(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """Success rate with the Clopper-Pearson interval [1]_.

    The interval covers at least with its confidence at every true rate. With no success it begins
    at 0, and with nothing but successes it ends at 1; the other end stays away from the value.

    Parameters
    ----------
    successes, trials : int
        ``0 <= successes <= trials``, ``trials >= 1``.
    confidence : float, default 0.95

    Raises
    ------
    ValueError
        If a count or the confidence is out of range, or a count is no whole number.
    """
    counts = {"successes": successes, "trials": trials}
    for name, count in counts.items():
        if count != int(count):
            raise ValueError(f"{name} must be a whole number; got {count!r}")
    k, n = int(successes), int(trials)
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"need 0 <= successes <= trials and trials >= 1; got {k} of {n}")
    tail = _tail(confidence)
    low = float(special.betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(special.betainccinv(k + 1, n - k, tail)) if k < n else 1.0
    return Estimate(k / n, low, high, confidence, "rate", n)


def mean(
    values: npt.ArrayLike, confidence: float = CONFIDENCE, bound: float | None = None
) -> Estimate:
    """Mean with Student's t interval.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite. One value gives an infinite interval, for it says nothing of the spread. Equal
        values give an interval of no width unless there is a bound: for outcomes that are 0 or 1
        use `rate`.
    confidence : float, default 0.95
    bound : float, optional
        The values lie in [-bound, bound], as differences of shares do with 1. Then n equal values
        have an interval too: if a share q of all values differed, n of them would all agree with
        chance (1 - q)^n, and the q that is just credible moves the mean at most to either end.

    Raises
    ------
    ValueError
        If there is no value, or one is not finite or beyond the bound.
    """
    x = _checked(values)
    if bound is not None and np.abs(x).max() > bound:
        raise ValueError(f"values must lie in [-{bound:g}, {bound:g}]; got {x[np.abs(x).argmax()]}")
    tail, n = _tail(confidence), x.size
    centre = float(x.mean())
    if n == 1:
        return Estimate(centre, -math.inf, math.inf, confidence, "mean", n)
    if np.ptp(x) == 0:  # the computed mean and deviation of equal values carry rounding
        value, share = float(x[0]), -math.expm1(math.log(tail) / n)
        down, up = (0.0, 0.0) if bound is None else (value + bound, bound - value)
        return Estimate(value, value - share * down, value + share * up, confidence, "mean", n)
    half = float(-special.stdtrit(n - 1, tail) * x.std(ddof=1) / math.sqrt(n))
    return Estimate(centre, centre - half, centre + half, confidence, "mean", n)


def ratio(values: npt.ArrayLike, others: npt.ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of one sample over the mean of another, drawn independently of it.

    The interval knows that both means are estimated: the squares of their relative standard errors
    add up (to first order, so that of the second mean has to be small), and Welch's formula gives
    the degrees of freedom. Paired samples are divided pair by pair instead, and go to `mean`.

    Parameters
    ----------
    values, others : array_like, shapes (n,) and (m,)
        Finite. One value on either side gives an infinite interval.
    confidence : float, default 0.95

    Raises
    ------
    ValueError
        As `mean`, and if the mean of `others` is zero.
    """
    samples, tail = (_checked(values), _checked(others)), _tail(confidence)
    above, below = (float(x.mean()) for x in samples)
    if below == 0:
        raise ValueError("the mean of others must not be zero")
    value, n = above / below, samples[0].size
    if min(x.size for x in samples) == 1:
        return Estimate(value, -math.inf, math.inf, confidence, "mean", n)
    # Variances of the two means, in the unit of the ratio; equal values have none.
    first, second = (
        0.0 if np.ptp(x) == 0 else unit**2 * float(x.var(ddof=1)) / x.size
        for x, unit in zip(samples, (1 / below, value / below), strict=True)
    )
    if first + second == 0:
        return Estimate(value, value, value, confidence, "mean", n)
    shares = (first / (first + second), second / (first + second))
    freedom = 1 / sum(s**2 / (x.size - 1) for s, x in zip(shares, samples, strict=True))
    half = float(-special.stdtrit(freedom, tail) * math.sqrt(first + second))
    return Estimate(value, value - half, value + half, confidence, "mean", n)


def bootstrap(
    values: npt.ArrayLike,
    statistic: Callable[..., float] = np.mean,
    seed: int = 0,
    confidence: float = CONFIDENCE,
    resamples: int = 9999,
    method: str = "BCa",
) -> Estimate:
    """Any statistic of a sample with a bootstrap interval [2]_.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite. One value gives an infinite interval, equal values one of no width.
    statistic : callable, default `numpy.mean`
        From a sample, shape (n,), to a number. It is called once a resample unless it takes an
        ``axis``.
    seed : int, default 0
        Of the resampling.
    confidence : float, default 0.95
    resamples : int, default 9999
    method : {"BCa", "percentile", "basic"}
        "BCa" corrects bias and skewness.

    Raises
    ------
    ValueError
        If there is no value, one is not finite, or the "BCa" correction is not defined for this
        sample (the jackknife does not move the statistic, as for a median among ties).
    """
    x = _checked(values)
    _tail(confidence)
    value = float(statistic(x))
    if x.size == 1:
        return Estimate(value, -math.inf, math.inf, confidence, "bootstrap", 1)
    if np.ptp(x) == 0:
        return Estimate(value, value, value, confidence, "bootstrap", x.size)
    from scipy import stats  # a second to load, which the others need not wait for

    # Both warnings speak of the nan that is looked for below.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (x,),
            statistic,
            n_resamples=resamples,
            confidence_level=confidence,
            method=method,
            rng=np.random.default_rng(seed),
        ).confidence_interval
    if math.isnan(found.low) or math.isnan(found.high):
        raise ValueError(f"method {method!r} is not defined for this sample; use 'percentile'")
    return Estimate(value, float(found.low), float(found.high), confidence, "bootstrap", x.size)


def exact(value: float) -> Estimate:
    """A value known without error, as from a proof or a complete enumeration."""
    value = float(value)
    return Estimate(value, value, value, 1.0, "exact", 1)


def _checked(values: npt.ArrayLike | Sequence[float]) -> np.ndarray:
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"values must be of shape (n,) with n >= 1; got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"values must be finite; {int((~np.isfinite(x)).sum())} are not")
    return x


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie in (0, 1); got {confidence!r}")
    return (1 - confidence) / 2
