"""Section 4 and appendices B and C: what holds, what does not, and that the checks can fail."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from mcrepro import experiments
from mcrepro.experiments.landscape import (
    conditions,
    entries,
    inequalities,
    nearby,
    noise,
    recovery,
    requirements,
    rows,
    stationary,
)
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.landscape_rank_r import factor


@pytest.fixture(scope="module")
def table():
    names = ("conditions", "requirements", "inequalities", "stationary", "nearby", "noise")
    return {
        name: experiments.run(f"landscape-{name}", profile="smoke")
        for name in (*names, "entries", "recovery")
    }


def test_conditions(table):
    found = table["conditions"]
    assert conditions.conditions_are_derivatives(found)
    assert conditions.cube_is_gradient(found)
    assert conditions.penalty_pushes_outward(found)
    assert not conditions.fourth_power_is_gradient(found)
    assert not conditions.conditions_are_derivatives(found.assign(curvature_gap=1))


def test_inequalities(table):
    found = table["inequalities"]
    assert inequalities.rows_kept_suffice(found)
    assert inequalities.subspace_meets_weak_direction(found)
    assert inequalities.penalty_can_be_removed(found)
    assert inequalities.parts_are_bounded(found)
    assert inequalities.penalty_agrees_with_direction(found)
    assert inequalities.factor_is_near(found)
    assert inequalities.steps_are_bounded(found)
    assert not inequalities.rows_kept_suffice_as_quoted(found)
    assert not inequalities.smaller_subspace_meets_weak_direction(found)
    assert not inequalities.printed_step_of_removal(found)
    assert not inequalities.penalty_agrees_as_quoted(found)


@pytest.mark.parametrize("column", ["factor_gap", "q_part", "removed", "kept", "far_part"])
def test_inequalities_notice_a_planted_constant(table, column):
    statistics = {
        "factor_gap": inequalities.factor_is_near,
        "q_part": inequalities.steps_are_bounded,
        "removed": inequalities.penalty_can_be_removed,
        "kept": inequalities.rows_kept_suffice,
        "far_part": inequalities.parts_are_bounded,
    }
    assert not statistics[column](table["inequalities"].assign(**{column: 1.01}))


def test_squared_quotient_grows_with_the_square_of_the_size():
    quotient = inequalities.squared_quotient
    assert quotient(Fraction(10)) == 100 * quotient(Fraction(1))


def test_requirements_by_hand(table):
    found = table["requirements"]
    log = np.log(1000) ** 1.5 / 1000
    assert requirements.share_thousand_rank_one(found).value == pytest.approx(log)
    assert requirements.share_thousand_rank_two(found).value == pytest.approx(64 * log)
    assert requirements.least_length(found).value == pytest.approx(1 / np.sqrt(3))
    assert requirements.largest_mu_ratio(found).value == pytest.approx(2)


def test_stationary_points(table):
    found = table["stationary"]
    for check in (
        stationary.rows_are_bounded,
        stationary.frobenius_is_bounded,
        stationary.residual_is_bounded,
        stationary.scaled_residual_is_bounded,
        stationary.sixth_powers_are_bounded,
        stationary.short_points_are_saddles,
        stationary.minima_are_near,
    ):
        assert check(found).value == 1
    assert stationary.frobenius_is_bounded_where_held(found).value == 1
    assert stationary.sixth_powers_are_bounded_where_held(found).value == 1
    assert found["penalised"].any()  # else Lemma 4.4 is not tried
    assert (found["smallest"] < 0.25).any()  # nor Lemma 4.6


def test_longest_row_with_its_own_entry_seen_is_short(table):
    found = table["stationary"]
    assert found["held"].any()
    assert not found["held"].all()
    assert found["held_ratio"].max() <= 1 + 1e-9
    assert found["held_ratio"].max() > 0.1


def test_exceptions_are_told_apart(table):
    found = table["stationary"].assign(frobenius_ratio=2.0, sixth_ratio=2.0)
    assert stationary.frobenius_is_bounded(found).value == 0
    assert stationary.frobenius_is_bounded_where_held(found).value == 0
    unseen = found.assign(frobenius_ratio=np.where(found["held"], 1.0, 2.0))
    assert stationary.frobenius_is_bounded_where_held(unseen).value == 1


def test_stationary_checks_notice_a_planted_minimum(table):
    found = table["stationary"].assign(lowest=0.0)
    assert stationary.short_points_are_saddles(found).value == 0
    assert stationary.minima_are_near(found).value == 0
    assert stationary.rows_are_bounded(found.assign(row_ratio=1.1)).value == 0


def test_worst_direction_is_worse_than_random_ones():
    rng = np.random.default_rng(3)
    Z, mask = factor(15, 2, 2.0, rng), symmetric_mask(15, 0.6, rng)

    def quotient(E):
        H = Z @ E.T + E @ Z.T
        return np.sum(H[mask] ** 2) / np.sum(H**2)

    worst = quotient(nearby.worst_direction(Z, mask))
    assert worst < min(quotient(rng.standard_normal(Z.shape)) for _ in range(200))


def test_nearby(table):
    found = table["nearby"]
    assert nearby.gradient_points_away(found).value == 1
    assert nearby.data_gradient_points_away(found).value == 1
    assert nearby.descent_from_there_is_exact(found).value == 1
    assert nearby.gradient_points_away(found.assign(quotient=0.2)).value == 0


def test_noise(table):
    found = table["noise"]
    assert noise.within_promise(found).value == 1
    assert noise.mask_noise_is_small(found).value == 1
    assert noise.starts_agree(found).value == 1
    assert noise.exponent_in_share(found).value < 0
    assert noise.within_promise(found.assign(promise=0.0)).value == 0
    assert entries.entries_fit(table["entries"]).value < 0.1
    assert entries.entries_fit_with_room(table["entries"]).value > 0.8
    # With the sum of the two terms of μ̂² in place of their maximum, which are equal here.
    assert (table["entries"]["ratio"] <= 2).all()


def test_long_row_ends_at_the_fence_or_runs_off():
    setting = {"d": 60, "rank": 2, "p": 0.6, "starts": 4}
    fenced = rows.trial(np.random.SeedSequence(6), penalty="theorem", **setting)
    assert fenced["spurious"] == 1
    assert fenced["curvature"] > 0.1
    assert 1 < fenced["length"] < 1.2
    assert rows.trial(np.random.SeedSequence(3), penalty="none", **setting)["escaped"] > 0
    both = [{"penalty": "theorem", **fenced}, {"penalty": "none", **fenced, "escaped": 2}]
    table = pd.DataFrame(both).assign(d=60, rank=2, p=0.6, trial=0)
    assert rows.none_found(table).value == 0
    assert rows.none_found(table.assign(spurious=0)).value == 1


def test_recovery(table):
    found = table["recovery"]
    assert recovery.ordinary_starts_recover(found).value == 1
    assert recovery.ordinary_starts_recover(found.assign(end="stuck")).value == 0
    stuck = found.assign(end=found["end"].mask(found["start"] == "spiky", "stuck"))
    assert recovery.ordinary_starts_recover(stuck).value == 1
    assert recovery.spiky_starts_recover(stuck).value == 0
