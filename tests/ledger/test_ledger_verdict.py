"""The rules of decision, at and beside every edge."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcrepro.experiments.statistics import Estimate, exact, rate
from mcrepro.ledger.schema import Bound, Curve, Order, Statement, Tolerance, Value
from mcrepro.ledger.verdict import (
    SLACK,
    bands,
    consistent,
    joint_confidence,
    judge,
    judge_band,
)

ROUNDING = Tolerance(reason="as printed")
PRINTED = Value(value=0.99, decimals=2)  # the band is [.985, .995]


def estimate(low, high, confidence=0.95):
    return Estimate((low + high) / 2, low, high, confidence, "mean", 10)


def around(centre, half):
    """The band of a number printed without rounding, with an absolute tolerance."""
    tolerance = Tolerance(absolute=half, reason="test")
    return bands(Value(value=centre, decimals="exact"), tolerance)[""]


def verdict(printed, computed, tolerance=ROUNDING):
    return judge(printed, tolerance, computed).verdict


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.987, 0.993, "reproduced"),  # inside
        (0.985, 0.995, "reproduced"),  # fills the band
        (0.980, 1.000, "reproduced"),  # leaves it by half a band on both sides, and no more
        (0.979, 0.990, "not run"),  # by more below
        (0.990, 1.001, "not run"),  # by more above
        (0.500, 1.500, "not run"),
        (0.995, 0.999, "reproduced"),  # touches the edge
        (0.9951, 0.999, "discrepant"),  # does not
        (0.980, 0.985, "reproduced"),
        (0.980, 0.9849, "discrepant"),
        (-math.inf, math.inf, "not run"),
        (1.0, math.inf, "discrepant"),
    ],
)
def test_printed_value(low, high, expected):
    value = 0.99 if math.isinf(high - low) else (low + high) / 2
    found = judge(PRINTED, ROUNDING, Estimate(value, low, high, 0.95, "mean", 10))
    assert found.verdict == expected
    assert ("inconclusive" in found.reason) == (expected == "not run")


@pytest.mark.parametrize("number", [0.985, 0.99, 0.995])
def test_exact_number_that_rounds_to_the_printed_one_reproduces_it(number):
    assert verdict(PRINTED, exact(number)) == "reproduced"


@pytest.mark.parametrize("number", [0.9849999, 0.9950001])
def test_exact_number_that_rounds_elsewhere_is_discrepant(number):
    assert verdict(PRINTED, exact(number)) == "discrepant"


def test_half_widths_of_rounding_and_tolerance_add_up():
    tolerance = Tolerance(absolute=0.1, relative=0.01, reason="test")
    band = bands(Value(value=200, decimals=0), tolerance)[""]
    assert band.low == pytest.approx(200 - 0.5 - 0.1 - 2)
    assert band.high == pytest.approx(200 + 0.5 + 0.1 + 2)


def test_relative_tolerance_of_a_negative_number_widens_its_band():
    printed = Value(value=-200, decimals="exact")
    band = bands(printed, Tolerance(relative=0.01, reason="test"))[""]
    assert (band.low, band.high) == (pytest.approx(-202), pytest.approx(-198))


def test_unrounded_printed_number_is_decided_by_exact_estimates_only():
    quarter = Value(value=0.25, decimals="exact")
    assert verdict(quarter, exact(0.25)) == "reproduced"
    assert verdict(quarter, exact(0.25000001)) == "discrepant"
    assert verdict(quarter, estimate(0.2499, 0.2501)) == "not run"


@pytest.mark.parametrize(
    ("bound", "low", "high", "expected"),
    [
        ({"at_least": 0.0}, 0.0, 0.2, "reproduced"),
        ({"above": 0.0}, 0.0, 0.2, "not run"),
        ({"above": 0.0}, 0.0, 0.0, "discrepant"),
        ({"at_least": 0.0}, -0.001, 0.2, "not run"),  # a bound has no slack
        ({"at_least": 0.0}, -0.2, -0.001, "discrepant"),
        ({"at_least": 0.0}, -0.2, 0.0, "not run"),
        ({"at_most": 1.0}, 0.9, 1.0, "reproduced"),
        ({"below": 1.0}, 0.9, 1.0, "not run"),
        ({"below": 1.0}, 1.0, 1.1, "discrepant"),
        ({"at_most": 1.0}, 1.0, 1.1, "not run"),
        ({"at_most": 1.0}, -math.inf, 0.5, "reproduced"),
        ({"at_least": 1.0, "at_most": 2.0}, 1.0, 2.0, "reproduced"),
        ({"at_least": 1.0, "at_most": 2.0}, 0.9, 1.5, "not run"),
        ({"at_least": 1.0, "at_most": 2.0}, 2.1, 2.2, "discrepant"),
    ],
)
def test_bound(bound, low, high, expected):
    found = Estimate(low if math.isfinite(low) else high, low, high, 0.95, "mean", 10)
    assert verdict(Bound(**bound), found) == expected


def test_tolerance_moves_both_ends_of_a_bound_outwards():
    bound = Bound(at_least=-10.0, at_most=10.0)
    band = bands(bound, Tolerance(absolute=1, relative=0.1, reason="test"))[""]
    assert (band.low, band.high) == (-12, 12)


@given(
    st.floats(-1e6, 1e6), st.floats(0, 1e3), st.floats(-1e6, 1e6), st.floats(0, 1e3),
    st.floats(0.01, 1),
)  # fmt: skip
def test_narrowing_an_interval_never_turns_a_verdict_round(centre, half, value, width, shrink):
    """What more trials can do to a decided claim: nothing, if the value stays."""
    band = around(centre, half)
    wide = Estimate(value, value - width, value + width, 0.95, "mean", 10)
    narrow = Estimate(value, value - shrink * width, value + shrink * width, 0.95, "mean", 10)
    before, after = judge_band(band, wide).verdict, judge_band(band, narrow).verdict
    if before == "discrepant":
        assert after == "discrepant"
    if after == "not run":
        assert before == "not run"


@given(st.floats(-100, 100), st.floats(0, 10), st.floats(-100, 100))
def test_exact_estimate_is_always_decided(centre, half, value):
    found = judge_band(around(centre, half), exact(value)).verdict
    inside = centre - half <= value <= centre + half
    if abs(abs(value - centre) - half) > 1e-12:
        assert found == ("reproduced" if inside else "discrepant")


def test_curve_needs_every_point():
    curve = Curve(curve=((1, 2.0), (2, 4.0)), decimals=0)
    good = {1: exact(2.1), 2: exact(3.9), 3: exact(-7)}
    assert verdict(curve, good) == "reproduced"
    assert verdict(curve, good | {2: exact(4.6)}) == "discrepant"
    wide = Estimate(4, 1, 7, 0.999, "mean", 3)
    assert verdict(curve, good | {2: wide}) == "not run"
    assert verdict(curve, {1: exact(9), 2: wide}) == "discrepant"
    found = judge(curve, ROUNDING, good | {2: exact(4.6)})
    assert "1 of 2 points" in found.reason
    assert "at 2.0" in found.reason


def test_curve_refuses_a_missing_point():
    with pytest.raises(ValueError, match=r"needs an Estimate for \[2.0\]"):
        verdict(Curve(curve=((1, 2.0), (2, 4.0)), decimals=0), {1: exact(2)})


def test_order():
    order = Order(increasing=("als", "bm", "gnmr"))
    level = joint_confidence(3)

    def names(*intervals):
        return {
            name: estimate(*interval, level)
            for name, interval in zip(order.increasing, intervals, strict=True)
        }

    assert judge(order, None, names((0, 1), (2, 3), (4, 5))).verdict == "reproduced"
    assert judge(order, None, names((0, 2), (2, 3), (4, 5))).verdict == "not run"
    assert judge(order, None, names((0, 2.5), (2, 3), (4, 5))).verdict == "not run"
    assert judge(order, None, names((0, 1), (4, 5), (2, 3))).verdict == "discrepant"
    # An overlap elsewhere does not hide a pair in the wrong order.
    assert judge(order, None, names((0, 4.5), (4, 5), (2, 3))).verdict == "discrepant"
    equal = {"als": exact(0), "bm": exact(0), "gnmr": exact(1)}
    assert judge(order, None, equal).verdict == "discrepant"


def test_joint_verdicts_refuse_intervals_of_single_confidence():
    assert joint_confidence(1) == pytest.approx(0.95)
    assert joint_confidence(5) == pytest.approx(0.99)
    curve = Curve(curve=((1, 0.5), (2, 0.5)), decimals=1)
    weak = {x: rate(500, 1000) for x in (1, 2)}
    with pytest.raises(ValueError, match=r"at 1.0 needs an interval of confidence 0.975, got 0.95"):
        verdict(curve, weak)
    strong = {x: rate(500, 1000, confidence=0.975) for x in (1, 2)}
    assert verdict(curve, strong) == "reproduced"


def test_single_verdict_refuses_low_confidence():
    with pytest.raises(ValueError, match=r"confidence 0.95, got 0.9"):
        verdict(PRINTED, estimate(0.98, 1.0, confidence=0.9))


def test_printed_number_without_tolerance_is_refused():
    with pytest.raises(ValueError, match="needs a tolerance, got None"):
        judge(PRINTED, None, exact(0.99))


def test_statement():
    assert judge(Statement(holds=True), None, True).verdict == "reproduced"
    assert judge(Statement(holds=True), None, False).verdict == "discrepant"


@pytest.mark.parametrize(
    ("printed", "computed", "message"),
    [
        (PRINTED, 0.99, "a printed value needs an Estimate, got float"),
        (PRINTED, {"a": exact(1)}, "a printed value needs an Estimate, got dict"),
        (Bound(at_most=1), True, "a bound needs an Estimate, got bool"),
        (Statement(holds=True), exact(1), "a statement needs a bool, got Estimate"),
        (Order(increasing=("a", "b")), exact(1), "a ranking needs a mapping"),
        (Curve(curve=((1, 1),), decimals=0), exact(1), "a curve needs a mapping"),
    ],
)
def test_wrong_return_type_is_refused(printed, computed, message):
    with pytest.raises(TypeError, match=message):
        judge(printed, ROUNDING, computed)


@pytest.mark.parametrize(
    "numbers", [(math.nan, 0, 1), (0, math.nan, 1), (0, 0, math.nan), (0, 1, -1)]
)
def test_nan_and_reversed_intervals_are_refused(numbers):
    with pytest.raises(ValueError, match="needs a value and low <= high"):
        verdict(PRINTED, Estimate(*numbers, 0.95, "mean", 10))


def test_consistent_at_its_edge():
    a = Estimate(0.0, -1, 3, 0.95, "mean", 10)
    reach = SLACK * 5  # the sides that face each other have widths 3 and 4
    assert consistent(a, Estimate(reach, reach - 4, reach + 9, 0.95, "mean", 10)) is True
    far = reach + 1e-9
    assert consistent(a, Estimate(far, far - 4, far + 9, 0.95, "mean", 10)) is False
    assert consistent(Estimate(far, far - 4, far + 9, 0.95, "mean", 10), a) is False


def test_consistent_uses_the_sides_that_face_each_other():
    low = rate(0, 10)  # the interval reaches up from 0 and not at all down
    assert consistent(low, exact(0.3)) is True
    assert consistent(low, exact(-0.01)) is False
    assert consistent(exact(-0.01), low) is False


def test_consistent_tells_nothing_from_an_unbounded_interval():
    single = Estimate(1.0, -math.inf, math.inf, 0.95, "mean", 1)
    assert consistent(single, exact(1.0)) is None


def test_consistent_forgives_rounding_of_exact_values():
    assert consistent(exact(0.1 + 0.2), exact(0.3)) is True
    assert consistent(exact(0.3001), exact(0.3)) is False
