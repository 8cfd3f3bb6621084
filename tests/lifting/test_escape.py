"""Leaving spurious points: exact steps, honest failures, and the theorem's own direction."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.lifting import FewTerms, best_direction, descend, escape
from mcrepro.lifting.escape import lowest_point, theorem_direction


@pytest.fixture(scope="module")
def spurious():
    problem = mc.instances.structured(20, 0.35 / np.sqrt(10))
    found = mc.complete(problem, "bm", rank=1, seed=0, init="random", gtol=1e-10, rtol=0.0)
    assert found.relative_error(problem.truth) > 0.1
    return problem, found.left


def test_order_seven_leaves_what_order_three_does_not(spurious):
    problem, X = spurious
    stuck = escape(FewTerms(problem, 3), X)
    assert stuck.ratio > 1
    assert stuck.X is None
    assert stuck.values[0] == stuck.values[2]
    misfit, fits = np.inf, []
    for _ in range(4):
        found = escape(FewTerms(problem, 7), X)
        if found.X is None:
            break
        assert found.ratio < 1
        assert found.values[0] > found.values[1] > found.values[2]
        result = mc.complete(problem, "bm", rank=1, start=(found.X, found.X))
        X, misfit = result.left, result.relative_error(problem.truth)
        fits.append(found.values[0])
    assert fits == sorted(fits, reverse=True)
    assert misfit < 1e-6


def test_a_saddle_may_lead_to_another_trap():
    # One wrong sign of six: a way down at order 7 ends at two terms that stand for the same matrix.
    problem = mc.instances.structured(12, 0.35 / np.sqrt(6))
    z = np.sqrt(np.diag(problem.truth))[:, None]
    start = np.where(np.arange(12)[:, None] == 6, -1, 1) * z
    X = mc.complete(problem, "bm", rank=1, start=(start, start), gtol=1e-10, rtol=0.0).left
    found = escape(FewTerms(problem, 7), X)
    assert found.ratio < 1
    assert found.X is not None
    again = mc.complete(problem, "bm", rank=1, start=(found.X, found.X)).left
    np.testing.assert_allclose(again @ again.T, X @ X.T, atol=1e-4)


def test_the_whole_tensor_agrees_that_order_three_is_stuck(spurious):
    problem, X = spurious
    lifted = mc.lifting.LiftedObjective(problem, 3, 0.0)
    w = lifted.lift(X)
    rng = np.random.default_rng(0)
    for _ in range(10):
        d = lifted.lift(rng.standard_normal((20, 1)))
        assert np.vdot(d, lifted.hessian_product(w, d)) > 0


def test_the_step_is_the_exact_minimiser(spurious):
    problem, X = spurious
    terms = FewTerms(problem, 7)
    found = escape(terms, X, max_iter=0)
    line = terms.line(X[None], found.direction[None])
    grid = np.polyval(line[::-1], found.step * np.linspace(-3, 3, 601))
    assert found.values[1] <= grid.min() + 1e-12
    # The sign of t goes into the term.
    signed = np.sign(found.step) * np.abs(found.step) ** (1 / 7) * found.direction
    assert terms.value(np.stack([X, signed])) == pytest.approx(found.values[1], rel=1e-12)


def test_nothing_leads_down_from_the_truth():
    problem = mc.instances.structured(12, 0.2)
    X = np.sqrt(np.diag(problem.truth))[:, None]
    for order in (1, 3, 7):
        found = escape(FewTerms(problem, order, 0.0), X)
        assert found.ratio >= 1 - 1e-6
        assert found.X is None


def test_direction_of_the_theorem(spurious):
    problem, X = spurious
    U = theorem_direction(FewTerms(problem, 3, 0.0), X)
    seen = np.zeros(problem.shape)
    seen[problem.rows, problem.cols] = 1
    gradient = seen * (X @ X.T - problem.truth)
    values, vectors = np.linalg.eigh((gradient + gradient.T) / 2)
    assert abs(vectors[:, 0] @ U[:, 0]) == pytest.approx(1.0)
    assert values[0] < 0
    best = best_direction(FewTerms(problem, 3, 0.0), X)[1]
    assert escape(FewTerms(problem, 3, 0.0), X, direction="theorem").ratio > best


def test_direction_of_the_theorem_beyond_dense_sizes_and_rank_one():
    problem = mc.instances.bernoulli(80, 0.3, rank=2, seed=0)
    X = np.random.default_rng(1).standard_normal((80, 2))
    U = theorem_direction(FewTerms(problem, 3), X)
    assert np.linalg.norm(U) == pytest.approx(1.0)
    assert np.linalg.matrix_rank(U) == 1
    # q is the right singular vector of the smallest singular value.
    assert np.linalg.norm(X @ U.T) == pytest.approx(np.linalg.svd(X)[1][-1])


@pytest.mark.parametrize(
    ("quartic", "expected"),
    [([0, 0, 1, 0, 1], 0.0), ([0, 0, -2, 0, 1], 1.0), ([1, -4, 0, 0, 1], 1.0), ([0] * 5, 0.0)],
)
def test_lowest_point_by_hand(quartic, expected):
    assert abs(lowest_point(np.array(quartic, float))) == pytest.approx(expected, abs=1e-9)


def test_descent_on_two_terms_reaches_a_stationary_pair():
    problem = mc.instances.structured(8, 0.3)
    terms = FewTerms(problem, 3)
    start = np.random.default_rng(0).standard_normal((2, 8, 1))
    pair, value, count = descend(terms, start, max_iter=500)
    assert value == pytest.approx(terms.value(pair))
    assert value < terms.value(start)
    assert count > 0
    assert np.linalg.norm(terms.gradient(pair)) < 1e-4 * np.linalg.norm(terms.gradient(start))


def test_same_seed_same_escape(spurious):
    problem, X = spurious
    one, two = (escape(FewTerms(problem, 7), X, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.X, two.X)


def test_unknown_direction(spurious):
    problem, X = spurious
    with pytest.raises(ValueError, match="direction"):
        escape(FewTerms(problem, 3), X, direction="bset")
