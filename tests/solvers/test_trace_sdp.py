import numpy as np
import pytest

import mcrepro as mc

SOLVERS = ("scs", "clarabel")


def lasso(problem, X, lam):
    misfit = X[problem.rows, problem.cols] - problem.values
    return 0.5 * np.sum(misfit**2) + lam * np.trace(X)


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_by_two(solver):
    # [[2, 1], [1, x]] is positive semidefinite for x >= 1/2, and its trace 2 + x is least there.
    problem = mc.Problem([0, 0], [0, 1], [2.0, 1.0], (2, 2), symmetric=True)
    result = mc.complete(problem, "trace_sdp", solver=solver)
    assert result.converged
    assert result.rank == 1
    np.testing.assert_allclose(result.matrix(), [[2, 1], [1, 0.5]], atol=1e-5)
    assert result.certificate["objective"] == pytest.approx(2.5, abs=1e-6)
    np.testing.assert_array_equal(result.left, result.right)


@pytest.mark.parametrize("solver", SOLVERS)
def test_exact_recovery_and_complementarity(solver):
    problem = mc.instances.bernoulli(16, 0.6, 2, seed=1)
    result = mc.complete(problem, "trace_sdp", solver=solver)
    assert result.converged
    assert result.rank == 2
    assert result.relative_error(problem.truth) < 1e-6
    # <S, X> = tr X - <M, y> is the gap.
    assert abs(result.certificate["duality_gap"]) <= 1e-6 * np.trace(problem.truth)
    assert result.certificate["dual_norm"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_lasso_optimality(solver):
    problem = mc.instances.bernoulli(10, 0.6, 2, seed=3)
    lam = 1.0
    result = mc.complete(problem, "trace_sdp", solver=solver, regularization=lam)
    assert result.converged
    X = result.matrix()
    assert result.certificate["objective"] == pytest.approx(lasso(problem, X, lam), rel=1e-9)
    Y = np.zeros(problem.shape)
    Y[problem.rows, problem.cols] = problem.values - X[problem.rows, problem.cols]
    S = lam * np.eye(10) - (Y + Y.T) / 2
    assert np.linalg.eigvalsh(S)[0] >= -1e-5 * lam
    assert abs(np.vdot(S, X)) <= 1e-5 * lam * np.trace(X)


def test_agrees_with_the_nuclear_norm_where_the_truth_is_positive_semidefinite():
    problem = mc.instances.bernoulli(10, 0.7, 1, seed=0)
    trace, nuclear = (mc.complete(problem, m) for m in ("trace_sdp", "nuclear_norm"))
    np.testing.assert_allclose(trace.matrix(), nuclear.matrix(), atol=1e-5)


def test_semidefinite_makes_a_difference():
    # Of [[a, 1], [1, b]] the nuclear norm is 2 for a = b = 0 as well, but semidefinite needs ab >= 1,
    # and the least a + b is then 2, at a = b = 1.
    problem = mc.Problem([0], [1], [1.0], (2, 2), symmetric=True)
    result = mc.complete(problem, "trace_sdp")
    np.testing.assert_allclose(result.matrix(), np.ones((2, 2)), atol=1e-5)
    assert np.linalg.eigvalsh(result.matrix())[0] >= -1e-12


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_semidefinite_completion(solver):
    # A zero on the diagonal forces its row to zero.
    problem = mc.Problem([0, 0, 1], [0, 1, 1], [0.0, 1.0, 1.0], (2, 2), symmetric=True)
    result = mc.complete(problem, "trace_sdp", solver=solver)
    assert not result.converged
    assert result.certificate["status"] != "optimal"


@pytest.mark.parametrize("solver", SOLVERS)
def test_unfinished_is_not_converged(solver):
    problem = mc.instances.bernoulli(12, 0.5, 2, seed=1)
    result = mc.complete(problem, "trace_sdp", solver=solver, max_iter=3)
    assert result.stop_reason == "max_iter"
    assert result.certificate["status"] != "optimal"


def test_a_rectangular_problem_is_refused():
    problem = mc.Problem([0], [0], [1.0], (2, 2))
    with pytest.raises(ValueError, match=r"symmetric=True.*nuclear_norm"):
        mc.complete(problem, "trace_sdp")
