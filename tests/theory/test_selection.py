"""Means under unequal chances: enumeration, closed forms, the repair."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import binom

import mcrepro as mc
from mcrepro.theory.selection import inverse_propensity, selected_limit, selected_mean


def enumerated(x, q):
    total = seen = 0.0
    for shown in product((0, 1), repeat=len(x)):
        shown = np.array(shown, bool)
        if shown.any():
            weight = np.prod(np.where(shown, q, 1 - q))
            seen += weight
            total += weight * x[shown].mean()
    return total / seen


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_selected_mean_is_the_sum_over_all_masks(n):
    rng = np.random.default_rng(n)
    x, q = rng.standard_normal(n), rng.uniform(0.05, 1, n)
    assert selected_mean(x, q) == pytest.approx(enumerated(x, q), abs=1e-12)


def test_equal_chances_give_the_mean():
    x = np.random.default_rng(0).standard_normal(2000)
    assert selected_mean(x, np.full(2000, 0.01)) == pytest.approx(x.mean(), abs=1e-12)


@pytest.mark.parametrize("n", [30, 3000, 100_000])
def test_the_nodes_suffice_for_many_rows(n):
    # Two kinds of rows, x = 1 and 0: the mean of N_1 / (N_1 + N_2) for two binomial counts.
    counts, chances = [], []
    for q in (0.2, 0.8):
        reach = 12 * np.sqrt(n * q * (1 - q))
        k = np.arange(max(0, int(n * q - reach)), min(n, int(n * q + reach) + 1) + 1)
        counts.append(k)
        chances.append(binom.pmf(k, n, q))
    total = np.add.outer(*counts)
    share = np.where(total > 0, counts[0][:, None] / np.maximum(total, 1), 0.0)
    exact = chances[0] @ share @ chances[1] / (1 - (0.8 * 0.2) ** n)
    x, q = np.repeat([1.0, 0.0], n), np.repeat([0.2, 0.8], n)
    assert selected_mean(x, q) == pytest.approx(exact, rel=1e-9)


def test_the_limit_is_approached_like_one_over_n():
    rng = np.random.default_rng(2)
    x, q = rng.standard_normal(5), rng.uniform(0.1, 0.9, 5)
    gaps = [
        abs(selected_mean(np.tile(x, k), np.tile(q, k)) - selected_limit(x, q)) for k in (20, 80)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(
    ("x", "q"), [([1.0], [0.0]), ([1.0], [1.5]), ([1.0, 2.0], [0.5]), ([], [])]
)
def test_bad_chances_are_refused(x, q):
    with pytest.raises(ValueError, match="q must"):
        selected_mean(x, q)


@pytest.fixture
def tiny():
    rng = np.random.default_rng(3)
    return rng.uniform(1, 3, (2, 2)), rng.uniform(0.2, 0.9, (2, 2))


def test_by_rows_is_unbiased_over_all_masks(tiny):
    M, pi = tiny
    mean = np.zeros((2, 2))
    for shown in product((0, 1), repeat=4):
        mask = np.array(shown, bool).reshape(2, 2)
        weight = np.prod(np.where(mask, pi, 1 - pi))
        rows = sp.csr_array((M[mask], np.nonzero(mask)), shape=M.shape)
        mean += weight * inverse_propensity(rows, pi[mask], normalise="rows").toarray()
    np.testing.assert_allclose(mean, M.T @ M / 2, atol=1e-12)


def test_equal_chances_give_hajek_and_horvitz_thompson():
    rows = mc.instances.sample_rows(np.random.default_rng(4).uniform(1, 2, (200, 6)), 0.3, seed=5)
    moments = mc.SecondMoment(6).update(rows)
    chance = np.full(rows.nnz, 0.3)
    np.testing.assert_allclose(
        inverse_propensity(rows, chance).toarray(), moments.hajek().toarray()
    )
    np.testing.assert_allclose(
        inverse_propensity(rows, chance, normalise="rows").toarray(),
        moments.horvitz_thompson(0.3).toarray(),
    )


@pytest.mark.parametrize("normalise", ["counts", "rows"])
def test_the_repair_lives_on_the_pairs_that_were_seen(normalise):
    # Nobody shows column 2, and the rows show the pair (0, 3) with a product of zero.
    rows = sp.csr_array(([1.0, 2.0, 0.0, 3.0, 2.0], [0, 1, 0, 3, 3], [0, 2, 4, 5]), shape=(3, 4))
    repaired = inverse_propensity(rows, np.full(5, 0.5), normalise=normalise)
    moments = mc.SecondMoment(4).update(rows)
    same = moments.hajek() if normalise == "counts" else moments.horvitz_thompson(0.5)
    np.testing.assert_array_equal(repaired.indptr, same.indptr)
    np.testing.assert_array_equal(repaired.indices, same.indices)
    np.testing.assert_allclose(repaired.data, same.data)


def test_repair_refuses_what_is_no_chance():
    rows = sp.csr_array(np.ones((2, 2)))
    with pytest.raises(ValueError, match="shape"):
        inverse_propensity(rows, [0.5])
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        inverse_propensity(rows, [0.5, 0.5, 0.0, 0.5])
    with pytest.raises(ValueError, match="normalise"):
        inverse_propensity(rows, np.full(4, 0.5), normalise="row")
