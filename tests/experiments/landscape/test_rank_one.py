"""The statements on rank one, and that their checks can fail."""

import numpy as np
import pandas as pd
import pytest

from mcrepro import experiments
from mcrepro.experiments.landscape import (
    _reductions,
    constants,
    critical,
    descent,
    identities,
    regions,
    sizes,
    traps,
)
from mcrepro.experiments.landscape import (
    rank_one_threshold as threshold,
)


@pytest.fixture(scope="module")
def table():
    names = ("identities", "constants", "sizes", "critical", "regions")
    return {name: experiments.run(f"landscape-{name}", profile="smoke") for name in names}


def test_identities_hold_and_slips_do_not(table):
    t = table["identities"]
    assert identities.gradient_of_objective(t)
    assert identities.optimality_conditions(t)
    assert identities.residual_repaired(t)
    assert identities.full_observation(t)
    assert identities.penalty_only_adds(t)
    assert not identities.terms_in_the_proof(t)
    assert not identities.residual_as_printed(t)


def test_identities_notice_a_wrong_gradient(monkeypatch):
    monkeypatch.setattr(identities, "_slope", lambda t, alpha: 3 * max(abs(t) - alpha, 0) ** 3)
    row = identities.trial(None, d=3, instance=1)
    assert not row["first"]
    assert not row["signs"]


def test_constants(table):
    t = table["constants"]
    assert constants.relaxed_factor(t).value == pytest.approx(1.9)
    assert constants.cube_of_size(t).value < 0.05
    assert constants.squared_distance(t).value < 0.21
    assert constants.squared_distance_from_eighth(t).value > 20
    assert constants.slope_dominates(t)
    assert constants.penalizes_both_sides(t)
    assert not constants.penalizes_printed(t)
    assert not constants.curvature_is_lipschitz(t)
    assert constants.curvature_is_lipschitz_on_balls(t)
    assert constants.norm_with_vector(t)
    assert not constants.norm_with_matrix_only(t)


def test_growth_is_the_exponent():
    rows = [{"d": d, "trial": k, "ratio": (2 + k) * d**0.5} for d in (10, 20, 40) for k in range(3)]
    estimate = _reductions.growth(pd.DataFrame(rows), "ratio")
    assert estimate.value == pytest.approx(0.5)
    with pytest.raises(ValueError, match="two values of d"):
        _reductions.growth(pd.DataFrame(rows[:3]), "ratio")


def test_uniform_bounds_can_fail(table):
    t = table["sizes"]
    assert sizes.quarter(t).value == 1
    assert sizes.quarter(t.assign(size34=0.2)).value == 0
    assert sizes.strongly_convex(t.assign(curvature=0.0)).value == 0


def test_variance_of_the_mask_is_no_growth():
    rows = [
        {
            "d": d,
            "trial": k,
            "p": 8 / d,
            "right": 0.1,
            "deviation": np.sqrt(1 - 8 / d),
            "growing": d**0.5,
        }
        for d in (10, 20, 40)
        for k in range(2)
    ]
    t = pd.DataFrame(rows)
    assert sizes.deviation_grows(t).value == pytest.approx(0)
    assert sizes.deviation_grows(
        t.assign(deviation=t["deviation"] * t["growing"])
    ).value == pytest.approx(0.5)


def test_stationary_points_keep_to_the_lemmas(table):
    t = table["critical"]
    assert critical.only_truth(t).value == 1
    assert critical.inside_ball(t).value == 1
    assert (t["points"] > 3).all()
    assert critical.only_truth(t.assign(spurious=1)).value == 0
    assert critical.sup_is_bounded(t.assign(sup=1.2)).value == 0


def test_regions_cover_the_planes_unless_a_reason_is_missing(table):
    t = table["regions"]
    assert regions.regions_cover(t)
    assert not regions.regions_cover(t.assign(bend=1.0))
    assert not regions.regions_cover(t.assign(slope=0.0))


def test_every_kind_of_start_is_another_point():
    rows = descent.trial(
        np.random.SeedSequence(1),
        d=20,
        p=0.8,
        mu=1.2,
        rank=1,
        regularizer="row_norm",
        optimizer="trust_region",
    )
    assert [row["start"] for row in rows] == list(descent.STARTS)
    assert sum(row["recovered"] for row in rows) >= 5


def test_trap_is_a_local_minimum():
    row = traps.trial(np.random.SeedSequence(3), d=40, p=0.4, factor=10.0, starts=6)
    open_ = traps.trial(np.random.SeedSequence(3), d=40, p=0.4, factor=0.0, starts=6)
    assert row["escaped"] == 0
    assert row["spurious"] + open_["escaped"] > 0
    assert row["curvature"] >= 0


def test_constant_is_held_to_at_other_sizes():
    rows = [
        {"mu": mu, "d": d, "constant": c, "p": 0.5, "recovered": c >= need}
        for (mu, d, need) in ((1.0, 50, 0.5), (1.0, 100, 1.0), (1.0, 200, 1.0))
        for c in (0.5, 1.0, 2.0)
        for _ in range(4)
    ]
    t = pd.DataFrame(rows)
    assert threshold.enough(t).loc[(1.0, 50)] == 0.5
    assert threshold.same_constant_suffices(t).value == pytest.approx(4 / 6)
