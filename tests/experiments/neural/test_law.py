"""The slides' statements about their matrices, and that the checks can fail."""

import numpy as np
import pytest

from mcrepro import experiments
from mcrepro.experiments.neural import (
    counting,
    examples,
    generator,
    law,
    masks,
    shares,
)
from mcrepro.experiments.neural._printed import CASE_4, PREDICTION_4


@pytest.fixture(scope="module")
def table():
    names = ("law", "shares", "generator", "masks", "counting", "examples")
    return {name: experiments.run(f"neural-{name}", profile="smoke") for name in names}


def test_every_statement_holds_but_three(table):
    assert law.k0_is_the_law(table["law"])
    assert law.k0_variance(table["law"]).value == pytest.approx(1, abs=1e-9)
    assert law.variance_is_rank(table["law"])
    assert law.bessel_law_of_every_rank(table["law"])
    assert generator.has_rank_r(table["generator"])
    assert generator.makes_rank_r(table["generator"])
    assert not generator.never_deficient(table["generator"])
    assert counting.formula_is_jacobian_rank(table["counting"])
    assert masks.some_mask_suffices(table["masks"])
    assert masks.printed_masks_suffice(table["masks"])
    assert masks.printed_masks_keep_to_the_weak_count(table["masks"])
    assert not masks.printed_masks_keep_to_the_count(table["masks"])
    assert not masks.every_mask_suffices(table["masks"])
    assert examples.example_4_is_rank_two(table["examples"])
    assert examples.truth_4_is_rank_two(table["examples"])


def test_checks_notice_a_planted_fault(table):
    assert not law.k0_is_the_law(table["law"].assign(wrong_moments=1))
    assert not law.variance_is_rank(table["law"].assign(variance_of_sum=1))
    assert not law.bessel_law_of_every_rank(table["law"].assign(laplace_gap=1e-3))
    assert not generator.has_rank_r(table["generator"].assign(minor=0))
    assert not generator.makes_rank_r(table["generator"].assign(numerical=1))
    wrong = table["counting"].assign(formula=lambda t: t["formula"] + t["r"] ** 2)
    assert not counting.formula_is_jacobian_rank(wrong)
    assert not masks.some_mask_suffices(table["masks"].assign(determined=0))
    assert not masks.printed_masks_keep_to_the_weak_count(table["masks"].assign(determined=1))


def test_the_32_masks_with_three_hidden_are_full_rows_and_columns(table):
    three = table["masks"].query("hidden == 3").iloc[0]
    assert three["masks"] - three["determined"] == 2 * 4 * 4


def test_moments_of_a_sum_with_one_and_two_terms():
    assert law.moments_of_sum(1, 3) == [1, 1, 9, 225]
    assert law.moments_of_sum(2, 2) == [1, 2, 9 + 6 + 9]


def test_shares_are_not_the_printed_one(table):
    assert shares.rank_one(table["shares"]).value == pytest.approx(0.7910, abs=5e-5)
    assert shares.rank_two(table["shares"]).value == pytest.approx(0.7569, abs=5e-5)
    assert shares.rank_hundreds(table["shares"]).value == pytest.approx(0.6840, abs=5e-5)


def test_printed_prediction_is_worse_than_zeros_and_not_of_rank_two(table):
    hidden = [(1, 3), (2, 0), (2, 1)]
    error = [PREDICTION_4[p] - CASE_4[p] for p in hidden]
    zero = [CASE_4[p] for p in hidden]
    assert np.sqrt(np.mean(np.square(error))) == pytest.approx(0.922, abs=1e-3)
    assert np.sqrt(np.mean(np.square(zero))) == pytest.approx(0.840, abs=1e-3)
    assert examples.prediction_4_against_zero(table["examples"]).value == pytest.approx(
        1.0978, abs=1e-3
    )
    assert not examples.prediction_4_is_rank_two(table["examples"])
    assert examples.prediction_2_error(table["examples"]).value == pytest.approx(0.0385, abs=1e-4)


def test_a_matrix_that_does_not_round_from_rank_one_is_told_apart():
    near = np.array([[1.0, 2.0], [3.0, 6.004]])
    assert np.abs(examples.nearest(near, 1, 0.005) - near).max() <= 0.005
    far = np.array([[1.0, 2.0], [3.0, 7.0]])
    assert np.abs(examples.nearest(far, 1, 0.005, 50) - far).max() > 0.005
