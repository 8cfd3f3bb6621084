import numpy as np
import pytest

import mcrepro as mc

SOLVERS = ("scs", "clarabel")


def nuclear(X):
    return np.linalg.svd(X, compute_uv=False).sum()


def lasso(problem, X, lam, weights=1.0):
    misfit = X[problem.rows, problem.cols] - problem.values
    return 0.5 * np.sum(weights * misfit**2) + lam * nuclear(X)


@pytest.fixture
def easy():
    return mc.instances.oversampled(14, 12, 1, 5.0, seed=0)


@pytest.fixture
def noisy():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((12, 2)) @ rng.standard_normal((2, 10))
    M += 0.2 * rng.standard_normal(M.shape)
    return mc.Problem.from_dense(M, rng.random(M.shape) < 0.6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_by_two_with_both_diagonal_entries_one(solver):
    # The textbook's example. For any X with diagonal (1, 1), ||X||_* >= |<I, X>| = 2, because
    # ||I||_2 = 1; the identity (rank 2) and the matrix of ones (rank 1) both attain 2. The
    # observed entries alone carry the certificate Y = I.
    problem = mc.Problem([0, 1], [0, 1], [1.0, 1.0], (2, 2))
    result = mc.complete(problem, "nuclear_norm", solver=solver)
    assert result.stop_reason == "gradient"
    assert result.certificate["objective"] == pytest.approx(2.0, abs=1e-6)
    assert nuclear(result.matrix()) == pytest.approx(2.0, abs=1e-6)
    np.testing.assert_allclose(np.diagonal(result.matrix()), 1.0, atol=1e-6)
    assert abs(result.certificate["duality_gap"]) <= 1e-6
    assert nuclear(np.eye(2)) == nuclear(np.ones((2, 2))) == pytest.approx(2.0)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("symmetric", [False, True])
def test_two_by_two_with_a_unique_answer(solver, symmetric):
    # X = [[2, 1], [1, x]] has determinant 2x - 1. For x >= 1/2 it is positive semidefinite with
    # ||X||_* = 2 + x; below, ||X||_* = sqrt((2 + x)^2 - 4 (2x - 1)) = sqrt(x^2 - 4x + 8), which
    # decreases. So x = 1/2, of rank one, with ||X||_* = 5/2.
    problem = mc.Problem([0, 0, 1], [0, 1, 0], [2.0, 1.0, 1.0], (2, 2), symmetric=symmetric)
    result = mc.complete(problem, "nuclear_norm", solver=solver)
    assert result.converged
    assert result.rank == 1
    np.testing.assert_allclose(result.matrix(), [[2, 1], [1, 0.5]], atol=1e-5)
    assert result.certificate["objective"] == pytest.approx(2.5, abs=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_exact_recovery(easy, solver):
    result = mc.complete(easy, "nuclear_norm", solver=solver)
    assert result.converged
    assert result.rank == 1
    assert result.relative_error(easy.truth) < 1e-6


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("share", [0.3, 0.03])
def test_lasso_has_the_objective_of_soft_impute(noisy, solver, share):
    lam = share * np.linalg.norm(noisy.to_csr().toarray(), 2)
    cone = mc.complete(noisy, "nuclear_norm", solver=solver, regularization=lam)
    soft = mc.complete(noisy, "soft_impute", regularization=lam)
    assert cone.converged
    assert soft.converged
    one, two = (lasso(noisy, result.matrix(), lam) for result in (cone, soft))
    assert one == pytest.approx(two, rel=1e-5)
    assert cone.certificate["objective"] == pytest.approx(one, rel=1e-9)


def test_weighted_lasso_has_the_objective_of_soft_impute(noisy):
    w = 1 / np.random.default_rng(1).uniform(0.2, 1.0, noisy.n_observed)
    cone = mc.complete(noisy, "nuclear_norm", regularization=1.0, weights=w)
    soft = mc.complete(noisy, "soft_impute", regularization=1.0, weights=w)
    plain = mc.complete(noisy, "nuclear_norm", regularization=1.0)
    value = lasso(noisy, cone.matrix(), 1.0, w)
    assert value == pytest.approx(lasso(noisy, soft.matrix(), 1.0, w), rel=1e-5)
    assert lasso(noisy, plain.matrix(), 1.0, w) > value * (1 + 1e-3)


def test_weighted_symmetric_lasso_has_the_objective_of_soft_impute():
    problem = mc.instances.bernoulli(9, 0.5, 2, seed=2)
    w = np.random.default_rng(1).uniform(1.0, 3.0, problem.n_observed)
    cone = mc.complete(problem, "nuclear_norm", regularization=1.0, weights=w)
    soft = mc.complete(problem, "soft_impute", regularization=1.0, weights=w)
    np.testing.assert_allclose(cone.matrix(), cone.matrix().T, atol=1e-7)
    one, two = (lasso(problem, r.matrix(), 1.0, w) for r in (cone, soft))
    assert one == pytest.approx(two, rel=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_ball_is_the_lasso_at_another_parameter(noisy, solver):
    # At the lasso's solution the misfit has some norm d; among all matrices within d of the data
    # none has a smaller nuclear norm.
    soft = mc.complete(noisy, "soft_impute", regularization=1.0, gtol=1e-10)
    d = np.linalg.norm(soft.predict(noisy.rows, noisy.cols) - noisy.values)
    ball = mc.complete(noisy, "nuclear_norm", solver=solver, noise=d)
    assert ball.converged
    misfit = np.linalg.norm(ball.predict(noisy.rows, noisy.cols) - noisy.values)
    assert misfit == pytest.approx(d, rel=1e-5)
    assert nuclear(ball.matrix()) == pytest.approx(nuclear(soft.matrix()), rel=1e-5)
    assert ball.certificate["objective"] == pytest.approx(nuclear(ball.matrix()), rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("form", "share"), [({}, 1.0), ({"regularization": 0.5}, 0.6), ({"noise": 2.0}, 0.7)]
)
def test_entry_bound_binds_and_is_certified(noisy, solver, form, share):
    free = mc.complete(noisy, "nuclear_norm", **form)
    bound = share * np.abs(noisy.values).max()
    bounded = mc.complete(noisy, "nuclear_norm", solver=solver, max_abs=bound, **form)
    assert bounded.converged
    assert bounded.certificate["duality_gap"] <= 1e-5 * bounded.certificate["objective"]
    assert np.abs(bounded.matrix()).max() <= bound * (1 + 1e-5)
    if share < 1:
        assert np.abs(free.matrix()).max() > bound
        assert bounded.certificate["objective"] > free.certificate["objective"] * (1 + 1e-4)


def test_gap_and_lower_bound_are_honest_after_a_truncation(noisy):
    full = mc.complete(noisy, "nuclear_norm", regularization=0.1)
    assert full.rank > 1
    cut = mc.complete(noisy, "nuclear_norm", rank=1, regularization=0.1)
    assert cut.rank == 1
    assert cut.certificate["solution_rank"] == full.rank
    assert not cut.converged
    value = lasso(noisy, cut.matrix(), 0.1)
    assert cut.certificate["objective"] == pytest.approx(value)
    # The bound from below is that of the whole program.
    best = full.certificate["objective"]
    assert cut.certificate["duality_gap"] == pytest.approx(value - best, rel=1e-4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_unfinished_is_not_converged(noisy, solver):
    result = mc.complete(noisy, "nuclear_norm", solver=solver, max_iter=3)
    assert not result.converged
    assert result.stop_reason == "max_iter"
    assert result.certificate["status"] != "optimal"


def test_data_rounded_to_single_precision_end_with_a_certificate(easy):
    # No matrix of rank one agrees with them, and the solver's own tolerance is out of reach.
    rounded = mc.Problem(easy.rows, easy.cols, easy.values.astype(np.float32), easy.shape)
    result = mc.complete(rounded, "nuclear_norm", rank=1)
    assert result.converged
    assert result.relative_error(easy.truth) < 1e-6


def test_a_tolerance_the_answer_does_not_meet_is_not_met(noisy):
    result = mc.complete(noisy, "nuclear_norm", tol=1e-3, gtol=1e-12)
    assert result.certificate["status"] == "optimal"
    assert not result.converged


@pytest.mark.parametrize("solver", SOLVERS)
def test_infeasible_is_said(noisy, solver):
    # Every entry at most 0.1 and yet within 0.1 of data of norm above 1.
    result = mc.complete(noisy, "nuclear_norm", solver=solver, noise=0.1, max_abs=0.1)
    assert result.stop_reason == "diverged"
    assert result.certificate["status"].startswith("infeasible")
    assert np.isnan(result.matrix()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "scss"}, "did you mean 'scs'"),
        ({"noise": 0.1, "regularization": 0.1}, "not both"),
        ({"noise": 0.0}, "noise"),
        ({"regularization": 0.0}, "regularization"),
        ({"weights": np.ones((12, 10))}, "weights need"),
        ({"max_abs": 0.01}, "below the largest observed value"),
        ({"tol": 0.0}, "tol"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_bad_options(noisy, options, message):
    with pytest.raises(ValueError, match=message):
        mc.complete(noisy, "nuclear_norm", **options)
