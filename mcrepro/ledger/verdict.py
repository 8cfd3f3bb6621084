"""The rules of decision: an estimate and what the paper prints give a verdict and its reason.

Printed numbers become a *band*. For ``value`` it is centred at the printed number v with half-width

    h = half a unit of the last printed place + absolute + relative·|v|,

and for a bound it is the half-line or interval that the bound leaves, its ends moved outwards by
absolute + relative·|end|. With the confidence interval [low, high] of the estimate, the claim is

reproduced
    when the interval meets the band and leaves it on neither side by more than the *slack*. The
    slack is h for a value, so that the interval can tell the printed number from one that is a
    band's width away, and 0 for a bound, which asserts everything inside it and nothing outside.
discrepant
    when the interval lies wholly outside the band.
not run
    otherwise; the reason says "inconclusive" and how wide the interval is. More trials decide.

A band is closed, except at ``above`` and ``below``. An exact estimate has low = high, so that it is
always decided. A ``curve`` is reproduced when all its points are, and discrepant when one is.
``increasing`` is reproduced when the intervals of all neighbours are disjoint in the printed order,
and discrepant when those of two neighbours are disjoint in the other order, or exactly equal. So that these verdicts too
err with probability at most 1 - `CONFIDENCE`, each of k intervals must then have confidence
1 - (1 - `CONFIDENCE`)/k (Bonferroni; `joint_confidence`); lower ones are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, inf, isclose, isfinite, isnan
from typing import NamedTuple

from mcrepro.experiments.statistics import Estimate

from .schema import Bound, Curve, Order, Statement, Tolerance, Value

CONFIDENCE = 0.95
"""Confidence that a verdict about one number needs."""

SLACK = 1.5
"""Widening of the combined half-width in `consistent`: three standard errors instead of two."""

REPRODUCED, DISCREPANT, NOT_RUN = "reproduced", "discrepant", "not run"
INCONCLUSIVE = "inconclusive"  # how the reason begins where an interval is too wide
UNDER_SPECIFIED, BLOCKED, NOT_CHECKED = "under-specified", "blocked", "not checked"
VERDICTS = (REPRODUCED, DISCREPANT, UNDER_SPECIFIED, BLOCKED, NOT_RUN, NOT_CHECKED)

Printed = Value | Bound | Order | Curve | Statement
Computed = Estimate | bool | Mapping[float | str, Estimate]
"""What a statistic returns."""


class Verdict(NamedTuple):
    """A verdict and the sentence that gives its reason."""

    verdict: str
    reason: str


@dataclass(frozen=True)
class Band:
    """The numbers that count as printed: an interval, perhaps without its ends."""

    low: float = -inf
    high: float = inf
    low_open: bool = False
    high_open: bool = False
    slack: float = 0.0

    def above_low(self, number: float) -> bool:
        """Tell whether `number` is on the band's side of its lower end."""
        return number > self.low if self.low_open else number >= self.low

    def below_high(self, number: float) -> bool:
        """Tell whether `number` is on the band's side of its upper end."""
        return number < self.high if self.high_open else number <= self.high

    def widened(self) -> "Band":
        """Return the band moved outwards by its slack."""
        return replace(self, low=self.low - self.slack, high=self.high + self.slack, slack=0.0)

    def __str__(self):
        left = "(" if self.low_open or self.low == -inf else "["
        right = ")" if self.high_open or self.high == inf else "]"
        return f"{left}{self.low:.6g}, {self.high:.6g}{right}"


def bands(printed: Printed, tolerance: Tolerance | None) -> dict[float | str, Band]:
    """Return the band of every printed number: by x for a curve, else under the name "".

    Empty where no number is printed.
    """
    if isinstance(printed, Order | Statement):
        return {}
    if tolerance is None:
        raise ValueError("a printed number needs a tolerance, got None")
    match printed:
        case Value():
            return {"": _value_band(printed.value, printed.rounding(), tolerance)}
        case Bound():
            return {"": _bound_band(printed, tolerance)}
        case Curve():
            return {x: _value_band(y, printed.rounding(), tolerance) for x, y in printed.curve}
    raise TypeError(f"printed is of no known kind: {type(printed).__name__}")


def _value_band(value: float, rounding: float, tolerance: Tolerance) -> Band:
    half = rounding + tolerance.absolute + tolerance.relative * abs(value)
    # The ends are decimal numbers that binary ones miss by a few units in the last place.
    ends = half + 4e-16 * (abs(value) + half)
    return Band(value - ends, value + ends, slack=ends)


def _bound_band(bound: Bound, tolerance: Tolerance) -> Band:
    low = bound.above if bound.at_least is None else bound.at_least
    high = bound.below if bound.at_most is None else bound.at_most

    def room(end: float) -> float:
        return tolerance.absolute + tolerance.relative * abs(end)

    return Band(
        low=-inf if low is None else low - room(low),
        high=inf if high is None else high + room(high),
        low_open=bound.above is not None,
        high_open=bound.below is not None,
    )


def judge(printed: Printed, tolerance: Tolerance | None, computed: Computed) -> Verdict:
    """Decide one claim, or one reading of it.

    Parameters
    ----------
    printed : Value, Bound, Order, Curve or Statement
        What the paper prints.
    tolerance : Tolerance or None
        Needed where a number is compared.
    computed : Estimate, bool or mapping
        What the statistic returned; which type each kind needs stands in `mcrepro.ledger.schema`.

    Returns
    -------
    Verdict
        One of "reproduced", "discrepant" and "not run", with its reason.

    Raises
    ------
    TypeError
        If `computed` is not what `printed` needs.
    ValueError
        If a number is missing or NaN, or an interval's confidence is too low.
    """
    match printed:
        case Statement():
            if not isinstance(computed, bool):
                raise TypeError(f"a statement needs a bool, got {type(computed).__name__}")
            if computed:
                return Verdict(REPRODUCED, "a proof in code shows that it holds")
            return Verdict(DISCREPANT, "a proof in code shows that it does not hold")
        case Curve():
            return _judge_curve(bands(printed, tolerance), computed)
        case Order():
            return _judge_order(printed, computed)
    what = "a printed value" if isinstance(printed, Value) else "a bound"
    return judge_band(bands(printed, tolerance)[""], _single(computed, what))


def judge_band(band: Band, estimate: Estimate) -> Verdict:
    """Decide by the place of the estimate's interval relative to the band."""
    interval = f"[{estimate.low:.6g}, {estimate.high:.6g}]"
    if not (band.above_low(estimate.high) and band.below_high(estimate.low)):
        return Verdict(DISCREPANT, f"the interval {interval} lies outside {band}")
    wide = band.widened()
    if wide.above_low(estimate.low) and wide.below_high(estimate.high):
        return Verdict(REPRODUCED, f"the interval {interval} agrees with {band}")
    return Verdict(NOT_RUN, f"{INCONCLUSIVE}: the interval {interval} is too wide to tell {band}")


def joint_confidence(k: int) -> float:
    """Return the confidence that each of `k` intervals needs in a verdict about all of them."""
    return 1 - (1 - CONFIDENCE) / k


def consistent(estimate: Estimate, reference: Estimate) -> bool | None:
    """Tell whether a reduced profile's estimate agrees with the reference one.

    With q and r the two values, and a and b the parts of their intervals that face each other, the
    test is |q - r| <= `SLACK`·√(a² + b²). For normal estimates with 95 % intervals, computed from
    independent trials, it fails by chance once in 300 times; shared trials make that rarer, and so
    do the wider intervals of few trials (Student's) and of many points (Bonferroni). It finds
    errors of the size of the intervals, and no smaller ones.

    Returns
    -------
    bool or None
        None where an interval is unbounded on that side, so that nothing can be told.
    """
    q, r = estimate.value, reference.value
    if q <= r:
        a, b = estimate.high - q, r - reference.low
    else:
        a, b = q - estimate.low, reference.high - r
    if not (isfinite(a) and isfinite(b)):
        return None
    rounding = isclose(q, r, rel_tol=1e-9, abs_tol=1e-12)
    return rounding or abs(q - r) <= SLACK * hypot(a, b)


def _judge_curve(points: Mapping[float | str, Band], computed: Computed) -> Verdict:
    estimates = _several(computed, "a curve", list(points))
    outcomes = {
        x: judge_band(band, estimate)
        for (x, band), estimate in zip(points.items(), estimates, strict=True)
    }
    for verdict in (DISCREPANT, NOT_RUN):
        at = [x for x, outcome in outcomes.items() if outcome.verdict == verdict]
        if at:
            where = f"at {len(at)} of {len(outcomes)} points, first at {at[0]}"
            return Verdict(verdict, f"{where}: {outcomes[at[0]].reason}")
    return Verdict(REPRODUCED, f"all {len(outcomes)} points agree with the printed curve")


def _judge_order(printed: Order, computed: Computed) -> Verdict:
    names = printed.increasing
    estimates = _several(computed, "a ranking", names)
    neighbours = list(zip(names, names[1:], estimates, estimates[1:], strict=False))
    for a, b, lower, upper in neighbours:
        exactly_equal = lower.low == lower.high == upper.low == upper.high
        if lower.low > upper.high or exactly_equal:
            return Verdict(DISCREPANT, f"{a} is not smaller than {b}: {_pair(lower, upper)}")
    for a, b, lower, upper in neighbours:
        if upper.low <= lower.high:
            return Verdict(NOT_RUN, f"{INCONCLUSIVE}: {a} and {b} overlap: {_pair(lower, upper)}")
    return Verdict(REPRODUCED, "all neighbours' intervals are disjoint, in the printed order")


def _pair(a: Estimate, b: Estimate) -> str:
    return f"[{a.low:.6g}, {a.high:.6g}] and [{b.low:.6g}, {b.high:.6g}]"


def _single(computed: Computed, what: str) -> Estimate:
    if not isinstance(computed, Estimate):
        raise TypeError(f"{what} needs an Estimate, got {type(computed).__name__}")
    _check(computed, CONFIDENCE, what)
    return computed


def _several(computed: Computed, what: str, keys: Sequence) -> list[Estimate]:
    if not isinstance(computed, Mapping):
        raise TypeError(f"{what} needs a mapping of Estimates, got {type(computed).__name__}")
    missing = [key for key in keys if key not in computed]
    if missing:
        raise ValueError(f"{what} needs an Estimate for {missing}; got {list(computed)}")
    for key in keys:
        _check(computed[key], joint_confidence(len(keys)), f"{what} of {len(keys)} at {key}")
    return [computed[key] for key in keys]


def _check(estimate: Estimate, confidence: float, what: str) -> None:
    if isnan(estimate.value) or not estimate.low <= estimate.high:
        raise ValueError(f"{what} needs a value and low <= high, got {estimate}")
    if estimate.confidence < confidence - 1e-12:
        raise ValueError(
            f"{what} needs an interval of confidence {confidence:g}, got {estimate.confidence:g}"
        )
