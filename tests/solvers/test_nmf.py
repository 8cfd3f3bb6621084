"""HALS against scikit-learn's, dense formulas and the textbook's example."""

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.decomposition import non_negative_factorization

import mcrepro as mc
from mcrepro.solvers._nonnegative import NonnegativeLoss, free


def sampled(n1=20, n2=15, rank=3, share=0.7, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((n1, rank)) @ rng.random((rank, n2))
    seen = np.abs(truth + noise * rng.standard_normal(truth.shape))
    return mc.Problem.from_dense(seen, rng.random(truth.shape) < share)


def started(problem, rank, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.random((n, rank)) for n in problem.shape)


def gradients(problem, U, V):
    mask = np.zeros(problem.shape, dtype=bool)
    mask[problem.rows, problem.cols] = True
    residual = np.where(mask, U @ V.T - problem.truth, 0.0)
    return residual @ V, residual.T @ U, np.linalg.norm(residual)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("sweeps", [1, 7, 40])
def test_full_data_give_the_iterates_of_scikit_learn(sweeps):
    problem = sampled(share=1.1, noise=0.3)
    U, V = started(problem, 3)
    W, H, _ = non_negative_factorization(
        problem.truth, W=U.copy(), H=V.T.copy(), n_components=3, init="custom", solver="cd",
        tol=0.0, max_iter=sweeps,
    )  # fmt: skip
    result = mc.complete(
        problem, "nmf", rank=3, start=(U, V), accelerate=False, max_iter=sweeps, gtol=0.0
    )
    np.testing.assert_allclose(result.left, W, atol=1e-10)
    np.testing.assert_allclose(result.right, H.T, atol=1e-10)


@pytest.mark.parametrize("init", ["nndsvd", "random"])
@pytest.mark.parametrize("accelerate", [True, False])
def test_the_objective_falls_and_the_factors_stay_nonnegative(init, accelerate):
    problem = sampled(noise=0.3)
    points = []
    result = mc.complete(
        problem, "nmf", rank=4, init=init, accelerate=accelerate, max_iter=300,
        callback=lambda _, point: points.append((point.left, point.right)),
    )  # fmt: skip
    objective = np.array([record["objective"] for record in result.history])
    assert (np.diff(objective) <= 1e-14 * objective[0]).all()
    assert objective[-1] < 0.9 * objective[0]
    assert min(factor.min() for point in points for factor in point) == 0.0
    U, V = points[-1]
    assert objective[-1] == pytest.approx(0.5 * gradients(problem, U, V)[2] ** 2)


def test_optimality_at_the_returned_point():
    problem = sampled(noise=0.3)
    result = mc.complete(problem, "nmf", rank=4, max_iter=20_000)
    assert result.stop_reason == "gradient"
    gU, gV, size = gradients(problem, result.left, result.right)
    W, g = np.vstack([result.left, result.right]), np.vstack([gU, gV])
    assert (W == 0).any()  # constraints bind, so that the multipliers matter
    violation = np.linalg.norm(np.where(W > 0, g, np.minimum(g, 0)))
    assert violation <= 1e-8 * size * np.linalg.norm(W)
    assert result.certificate["gradient_norm"] == pytest.approx(
        violation / (size * np.linalg.norm(W)), rel=1e-3
    )


def test_acceleration_reaches_the_same_point_sooner():
    problem = sampled(noise=0.1)
    start = started(problem, 3)
    quick, plain = (
        mc.complete(
            problem, "nmf", rank=3, start=start, accelerate=accelerate, max_iter=50_000, gtol=1e-6
        )
        for accelerate in (True, False)
    )
    assert quick.certificate["objective"] == pytest.approx(plain.certificate["objective"], rel=1e-6)
    assert quick.n_iter < plain.n_iter / 10


def test_rows_are_nonnegative_least_squares():
    problem = sampled(12, 15, noise=0.5)
    U, V = started(problem, 3)
    ours, _ = NonnegativeLoss(problem).descend(U, V, passes=10_000)
    exact = np.empty_like(U)
    for i in range(len(U)):
        of = problem.rows == i
        exact[i] = nnls(V[problem.cols[of]], problem.values[of])[0]
    assert (exact == 0).any()
    np.testing.assert_allclose(ours, exact, atol=0.05)  # until a row has settled
    settled = NonnegativeLoss(problem)
    for _ in range(20):
        ours, _ = settled.descend(ours, V)
    np.testing.assert_allclose(ours, exact, atol=1e-10)


def test_a_gauss_newton_step_minimises_the_linearized_model():
    """Near an exact solution, where no coordinate is held and the whole step is taken."""
    problem = sampled(9, 8, rank=2, share=0.9)
    loss = NonnegativeLoss(problem)
    U, V = mc.complete(problem, "nmf", rank=2).left, mc.complete(problem, "nmf", rank=2).right
    rng = np.random.default_rng(1)
    U, V = U + 1e-3 * (1 + rng.random(U.shape)), V + 1e-3 * (1 + rng.random(V.shape))
    columns = []
    for direction in np.eye(U.size + V.size):
        A, B = direction[: U.size].reshape(U.shape), direction[U.size :].reshape(V.shape)
        columns.append((A @ V.T + U @ B.T)[problem.rows, problem.cols])
    r = loss.residual(U, V)
    gradient = np.array(columns) @ r
    np.testing.assert_allclose(loss.gradient(r, U, V).ravel(), gradient, atol=1e-12)
    assert free(np.vstack([U, V]), gradient.reshape(-1, 2)).all()
    step = np.linalg.lstsq(np.array(columns).T, -r, rcond=1e-10)[0]
    A, B = step[: U.size].reshape(U.shape), step[U.size :].reshape(V.shape)
    best = np.linalg.norm(loss.residual(U + A, V + B))
    ours = np.linalg.norm(loss.residual(*loss.gauss_newton(U, V)))
    assert best < 1e-2 * np.linalg.norm(r)
    assert ours < 0.2 * np.linalg.norm(r)  # to the tenth that is asked for far from the end


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_sparse_data_need_few_steps(noise):
    problem = sampled(300, 300, rank=5, share=0.15, noise=noise)
    result = mc.complete(problem, "nmf", rank=5)
    assert result.stop_reason == ("gradient" if noise else "residual")
    assert result.n_iter < 100


def test_two_factorizations_of_the_textbook_matrix():
    """Both are exact, and no permutation and scaling of columns turns one into the other."""
    M = np.array([[1.0, 1, 2], [1, 2, 1]])
    problem = mc.Problem.from_dense(M, np.ones(M.shape, dtype=bool))
    trivial = np.eye(2), M.T.copy()
    separable = M[:, 1:].copy(), np.array([[1 / 3, 1 / 3], [1, 0], [0, 1]])
    for start in (trivial, separable):
        result = mc.complete(problem, "nmf", rank=2, start=start)
        assert (result.stop_reason, result.n_iter) == ("residual", 0)
        np.testing.assert_allclose(result.matrix(), M, atol=1e-12)
    between = np.linalg.solve(trivial[0], separable[0])
    assert (between != 0).sum(axis=0).max() == 2  # a scaled permutation has one in each column


def test_recovery_and_a_rank_too_low():
    problem = sampled(60, 50, rank=2, share=0.5)
    assert mc.complete(problem, "nmf", rank=2).relative_error(problem.truth) < 1e-7
    low = mc.complete(problem, "nmf", rank=1)
    assert low.stop_reason == "gradient"
    assert low.certificate["residual"] > 0.01


def test_a_symmetric_problem_sees_mirrored_entries():
    truth = np.outer([1.0, 2, 3, 4], [1.0, 2, 3, 4])
    upper = np.triu(np.ones((4, 4), dtype=bool), 1) | np.diag([True, False, False, False])
    problem = mc.Problem.from_dense(truth, upper, symmetric=True)
    result = mc.complete(problem, "nmf", rank=1)
    np.testing.assert_allclose(result.matrix(), truth, atol=1e-6)
    difference = (result.matrix() - truth)[upper]
    assert result.certificate["residual"] == pytest.approx(
        np.linalg.norm(difference) / np.linalg.norm(truth[upper]), rel=1e-3, abs=1e-14
    )


def test_edges():
    mask = np.ones((5, 4), dtype=bool)
    mask[2] = mask[:, 1] = False
    result = mc.complete(mc.Problem.from_dense(np.ones((5, 4)), mask), "nmf", rank=2)
    assert result.converged
    zero = mc.complete(mc.Problem.from_dense(np.zeros((5, 4)), mask), "nmf", rank=2)
    assert zero.converged
    assert not zero.matrix().any()


def test_refusals():
    problem = mc.Problem([0, 1, 1], [0, 0, 1], [1.0, -2.0, -3.0], (2, 2))
    with pytest.raises(ValueError, match=r"got -2.0 at entry \(row 1, col 0\) \(2 negative"):
        mc.complete(problem, "nmf", rank=1)
    problem = mc.Problem([0, 1], [0, 0], [1.0, 2.0], (2, 2))
    with pytest.raises(ValueError, match="left must be nonnegative, got -1"):
        mc.complete(problem, "nmf", rank=1, start=(-np.ones((2, 1)), np.ones((2, 1))))
    with pytest.raises(TypeError, match="accelerate must be"):
        mc.complete(problem, "nmf", rank=1, accelerate=1)
