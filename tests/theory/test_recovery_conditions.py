"""The conditions of Table 1 against hand computation and their own definitions."""

import math

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.theory import recovery_conditions as conditions


def test_rows_by_hand():
    n, r, mu, kappa = 1000, 10, 3.0, 10.0
    log = math.log(1000)
    expected = {
        "semidefinite": 30 * math.log(30) * log / 1000,
        "factored": 30 * 30 * 100 / 1000,
        "lasso": 9 * log**3 / 1000,
        "spectral": 100 * 30 * log / 1000,
        "candes-recht": 30 * 1000**1.2 * log / 1000**2,
    }
    for approach, rate in expected.items():
        assert conditions.required_rate(approach, n, r, mu, kappa) == pytest.approx(rate)
    assert set(expected) == set(conditions.TABLE)


def test_semidefinite_row_vanishes_at_one():
    assert conditions.required_rate("semidefinite", 50, 1) == 0
    assert conditions.required_rate("spectral", 50, 1) > 0


def test_lasso_row_is_vacuous_up_to_93():
    assert conditions.required_rate("lasso", 93, 1) > 1 > conditions.required_rate("lasso", 94, 1)


def test_counting_rate_is_one_at_full_rank():
    assert conditions.counting_rate(7, 7) == 1
    assert conditions.counting_rate(50, 1) == pytest.approx(99 / 2500)


def test_incoherence_at_its_ends():
    assert conditions.incoherence(np.ones((6, 6))) == pytest.approx(1)
    single = np.zeros((6, 6))
    single[1, 2] = 3
    assert conditions.incoherence(single) == pytest.approx(6)
    assert conditions.incoherence(np.eye(6)) == pytest.approx(1)
    assert conditions.incoherence(mc.instances.structured(7).truth) == pytest.approx(7 / 4)


def test_incoherence_does_not_depend_on_scale_and_sees_both_sides():
    M = np.outer(np.ones(5), [1.0, 0, 0, 0, 0])
    assert conditions.incoherence(M) == conditions.incoherence(9 * M) == pytest.approx(5)


def test_search_rank_of_the_perturbed_operator():
    for eps in (0.5, 0.1):
        delta = (1 - eps**2) / (1 + eps**2)
        assert conditions.search_rank(delta, 3) == pytest.approx(3 * (1 / eps**2 - 1) ** 2 / 4)
    assert conditions.search_rank(0.5) == pytest.approx(1)
    assert conditions.search_rank(0.0) == 0


def test_only_base_ten_gives_29():
    found = {
        (form, base, q)
        for form in conditions.COLUMN_FORMULAS
        for base in (math.e, 10.0)
        for q in (0.2, 0.8)
        if math.ceil(conditions.column_entries(form, 50, q, base)) == 29
    }
    assert found == {("12 log(d/q)", 10.0, 0.2), ("9 log(d/q) + 12", 10.0, 0.8)}
    assert conditions.column_entries("12 (log(d/q) + 1)", 50, 0.2) == pytest.approx(78.26, abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conditions.required_rate("laso", 5, 1), "did you mean 'lasso'"),
        (lambda: conditions.required_rate("lasso", 5, 2, 3.0), r"mu must be in \[1, 2.5\]"),
        (lambda: conditions.counting_rate(5, 6), "rank must be between 1 and 5"),
        (lambda: conditions.incoherence(np.zeros((2, 2))), "must not be zero"),
        (lambda: conditions.search_rank(1.0), "below 1"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
