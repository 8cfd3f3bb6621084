"""Factored objective, starts and widths: derivatives, closed forms, and checks that can fail."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from mcrepro import experiments
from mcrepro.experiments.textbook import factored, signs, starts, surface, width
from mcrepro.experiments.textbook._descent import descend, random_start, spectral_start
from mcrepro.theory.factorization import objective


@pytest.fixture(scope="module")
def tables():
    return {n: experiments.run(f"textbook-{n}", profile="smoke") for n in ("factored", "surface")}


def test_identities_hold(tables):
    table = tables["factored"]
    assert factored.objective_has_this_gradient(table)
    assert factored.ridge_is_nuclear_norm(table)
    assert factored.fewer_variables(table)
    assert factored.zero_is_saddle(table)
    assert not factored.zero_is_saddle_with_any_ridge(table)


def test_identities_notice_a_planted_fault(tables):
    table = tables["factored"]
    assert not factored.objective_has_this_gradient(table.assign(gradient_gap=1e-3))
    assert not factored.ridge_is_nuclear_norm(table.assign(unbalanced=0.9))
    assert not factored.ridge_is_nuclear_norm(table.assign(balanced=2.0))
    assert not factored.fewer_variables(table.assign(variables=30))
    assert not factored.zero_is_saddle(table.assign(spectrum_gap=0.1))
    assert not factored.zero_is_saddle(table.assign(lowest_small=0.1))
    assert factored.zero_is_saddle_with_any_ridge(table.assign(lowest_large=-0.1))


def test_trap(tables):
    table = tables["surface"]
    assert surface.unequal_chances_trap(table)
    assert not surface.unequal_chances_trap(table.assign(trapped=False))
    assert not surface.unequal_chances_trap(table.assign(trapped=table["across"] > 1))
    assert surface.trial(None, weight="1/4")["across"] == float(Fraction(2, 5))


def problems(seed, b=3, n1=12, n2=10, p=0.7):
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((b, n1, 1)) @ rng.standard_normal((b, 1, n2))
    return rng, M, rng.random(M.shape) < p


def test_descent_ends_at_the_matrix():
    rng, M, seen = problems(1)
    for U, V in (spectral_start(M, seen, 1), random_start(rng, M.shape, 1, np.ones(3))):
        ends = descend(M, seen, U, V)
        np.testing.assert_allclose(ends.X, M, atol=1e-4)
        assert (ends.residual <= 1e-6).all()


def test_descent_with_a_ridge_shrinks_singular_values():
    rng, M, _ = problems(2)
    seen = np.ones(M.shape, bool)
    U, V = random_start(rng, M.shape, 3, np.ones(3))
    X = descend(M, seen, U, V, ridge=0.2, max_iter=5000, gtol=1e-9).X
    np.testing.assert_allclose(X, 0.8 * M, atol=1e-5)


def test_descent_never_raises_the_objective():
    rng, M, seen = problems(3, b=1, p=0.3)
    U, V = random_start(rng, M.shape, 2, np.ones(1))
    size = np.linalg.norm(np.where(seen, M, 0))
    residuals = [descend(M, seen, U, V, max_iter=k).residual[0] * size for k in range(0, 60, 5)]
    assert 0.5 * residuals[0] ** 2 == pytest.approx(objective(M[0], seen[0], U[0], V[0]))
    assert (np.diff(residuals) <= 0).all()


def test_a_batch_is_its_problems_one_by_one():
    _, M, seen = problems(4, p=0.4)
    U, V = spectral_start(M, seen, 2)
    together = descend(M, seen, U, V, max_iter=100).X
    alone = [descend(M[[k]], seen[[k]], U[[k]], V[[k]], max_iter=100).X[0] for k in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-8)


def test_start_statistics_of_a_planted_table():
    rows = [
        (p, start, k, k < good, 100 if start == "random" else 10 + k)
        for p, start, good in [
            (0.2, "random", 5), (0.2, "spectral", 15), (0.4, "random", 20), (0.4, "spectral", 19),
        ]
        for k in range(20)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["p", "start", "matrix", "recovered", "iterations"])
    assert starts.random_many(table).value == 1
    assert starts.random_fewer(table).value == 0.25
    assert starts.spectral_many(table).value == 0.95
    by_start = starts.fewer_by_start(table)
    assert (by_start["random"].value, by_start["spectral"].value) == (0.25, 0.75)
    logs = starts.log_iterations(table)
    assert logs["random"].value == pytest.approx(2)
    assert logs["spectral"].value < 1.5


def test_width_statistics_of_a_planted_table():
    rows = [
        (p, w, ridge, scale, 0, k, w == 30, w == 1)
        for p in (0.3, 0.5)
        for w in (1, 2, 30)
        for ridge, scale in ((0.0, 1.0), (0.0, 1e-3), (0.01, 1.0))
        for k in range(4)
    ]
    names = ["p", "width", "ridge", "scale", "trial", "matrix", "fitted", "found"]
    table = pd.DataFrame(rows, columns=names)
    assert width.fits_more(table).value == 1
    for statistic in (width.finds_more_large, width.finds_more_small, width.finds_more_ridge):
        assert statistic(table).value == -1
    assert width.finds_more_ridge(table.assign(found=table["ridge"] > 0)).value == 0


def test_structured_instance_is_not_found():
    table = experiments.run("textbook-signs", profile="smoke")
    largest = table[table["n"] == 21]
    assert signs.recovered(table).value < 1
    assert (largest["residual"] < 1e-6).all()
    assert (largest["completions"] == 1024).all()
