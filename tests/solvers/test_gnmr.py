"""Gauss-Newton: least squares against dense algebra, the paper's steps, recovery, honest failure."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers._gauss_newton import Run, marquardt
from mcrepro.solvers._least_squares import TangentLeastSquares

SHAPES = [(9, 7), (6, 10), (8, 8)]


def problem(shape, share=0.75, seed=0):
    rng = np.random.default_rng(seed)
    return mc.Problem.from_dense(rng.standard_normal(shape), rng.random(shape) < share)


def dense(p, U, V):
    """Matrix of (A, B) -> P_Omega(U B^T + A V^T)."""
    (n1, n2), r = p.shape, U.shape[1]
    J = np.zeros((p.n_observed, (n1 + n2) * r))
    for t, (i, j) in enumerate(zip(p.rows, p.cols, strict=True)):
        J[t, i * r : (i + 1) * r] = V[j]
        J[t, (n1 + j) * r : (n1 + j + 1) * r] = U[i]
    return J


def stacked(A, B):
    return np.concatenate([A.ravel(), B.ravel()])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("solver", ["auto", "direct", "cg", "lsqr"])
class TestLeastSquares:
    def data(self, shape, solver, share=0.75):
        p, rng = problem(shape, share), np.random.default_rng(1)
        U, V = rng.standard_normal((shape[0], 2)), 3 * rng.standard_normal((shape[1], 2))
        return p, U, V, rng.standard_normal(p.n_observed), TangentLeastSquares(p, solver, 2000)

    def test_damped_is_the_dense_solution(self, shape, solver):
        p, U, V, e, system = self.data(shape, solver)
        J = dense(p, U, V)
        expected = np.linalg.solve(J.T @ J + 0.3 * np.eye(J.shape[1]), J.T @ e)
        got = stacked(*system.damped(U, V, e, 0.3))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)

    def test_least_norm_is_that_of_the_pseudoinverse(self, shape, solver):
        p, U, V, e, system = self.data(shape, solver, share=0.95)
        expected = np.linalg.lstsq(dense(p, U, V), e, rcond=1e-10)[0]
        got = stacked(*system.least_norm(U, V, e))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)

    def test_least_norm_where_more_than_the_gauge_is_open(self, shape, solver):
        p, U, V, e, system = self.data(shape, solver, share=0.3)
        J = dense(p, U, V)
        assert np.linalg.matrix_rank(J) < J.shape[1] - 4
        if solver in ("direct", "cg"):
            with pytest.raises(ValueError, match="at least rank=2 observed entries in every row"):
                system.least_norm(U, V, e)
            return
        expected = np.linalg.lstsq(J, e, rcond=1e-10)[0]
        got = stacked(*system.least_norm(U, V, e))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("variant", "alpha"), [("setting", 1), ("averaging", 0), ("updating", -1)])
def test_a_step_is_the_one_of_the_paper(variant, alpha):
    p = mc.instances.oversampled(12, 10, 2, ratio=2.0, condition=2.0, seed=3)
    rng = np.random.default_rng(0)
    U, V = rng.standard_normal((12, 2)), rng.standard_normal((10, 2))
    X = (U @ V.T)[p.rows, p.cols]
    x = np.linalg.lstsq(dense(p, U, V), p.values + alpha * X, rcond=1e-12)[0]
    U1 = (1 - alpha) / 2 * U + x[:24].reshape(12, 2)
    V1 = (1 - alpha) / 2 * V + x[24:].reshape(10, 2)
    a, s, bt = np.linalg.svd(U @ V1.T + U1 @ V.T - U @ V.T)
    expected = (a[:, :2] * s[:2]) @ bt[:2]
    seen = []
    mc.complete(
        p,
        "gnmr",
        rank=2,
        variant=variant,
        start=(U, V),
        max_iter=1,
        callback=lambda _, iterate: seen.append(iterate.left @ iterate.right.T),
    )
    np.testing.assert_allclose(seen[0], U @ V.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(seen[1], expected, rtol=0, atol=1e-6 * s[0])


@pytest.mark.parametrize("variant", ["setting", "averaging"])
def test_elimination_and_lsqr_reach_the_same_matrix(variant):
    p = mc.instances.oversampled(30, 25, 2, ratio=4.0, condition=2.0, seed=0)
    results = [
        mc.complete(p, "gnmr", rank=2, variant=variant, least_squares=solver, rtol=1e-12)
        for solver in ("direct", "lsqr")
    ]
    for result in results:
        assert result.stop_reason == "residual"
        assert result.relative_error(p.truth) < 1e-10


def unobserved_error(result, p):
    hidden = np.ones(p.shape, dtype=bool)
    hidden[p.rows, p.cols] = False
    return np.linalg.norm((result.matrix() - p.truth)[hidden]) / np.linalg.norm(p.truth[hidden])


@pytest.mark.parametrize("ratio", [1.1, 1.2, 1.5, 3.0])
@pytest.mark.parametrize("seed", [42, 43])
def test_recovers_where_data_are_few(ratio, seed):
    p = mc.instances.oversampled(300, 350, 5, ratio=ratio, condition=10.0, seed=seed)
    result = mc.complete(p, "gnmr", rank=5)
    assert result.stop_reason == "residual"
    if result.certificate["undetermined"]:
        # This mask leaves the completion open.
        assert (ratio, seed) == (1.1, 42)
        return
    assert unobserved_error(result, p) < 1e-9


def test_failure_is_reported_with_the_best_point():
    # No matrix of rank 2 fits: the answer is a stationary point or no answer, never "residual".
    p = problem((30, 30), share=0.6)
    result = mc.complete(p, "gnmr", rank=2, max_iter=40, gtol=0.0)
    assert not result.converged
    assert result.certificate["residual"] == min(h["residual"] for h in result.history)


def test_noisy_data_reach_the_error_of_the_oracle():
    clean = mc.instances.oversampled(150, 130, 3, ratio=5.0, condition=4.0, seed=5)
    noise = np.random.default_rng(6).standard_normal(clean.n_observed)
    noise *= 0.1 * np.linalg.norm(clean.values) / np.linalg.norm(noise)
    p = mc.Problem(clean.rows, clean.cols, clean.values + noise, clean.shape)
    a, s, bt = np.linalg.svd(clean.truth)
    U, V = a[:, :3] * np.sqrt(s[:3]), bt[:3].T * np.sqrt(s[:3])
    x = np.linalg.lstsq(dense(p, U, V), noise, rcond=1e-10)[0]
    A, B = x[:450].reshape(150, 3), x[450:].reshape(130, 3)
    oracle = np.linalg.norm(U @ B.T + A @ V.T) / np.linalg.norm(clean.truth)
    result = mc.complete(p, "gnmr", rank=3)
    assert result.stop_reason == "gradient"
    assert result.relative_error(clean.truth) < 1.05 * oracle


def test_identifiability_tells_a_unique_completion_from_another():
    p = mc.instances.oversampled(40, 30, 2, ratio=3.0, condition=2.0, seed=0)
    unique = mc.complete(p, "gnmr", rank=2, identifiability=True)
    assert unique.certificate["sigma_min"] > 1e-3
    # One entry in row 0 cannot determine its two coefficients.
    keep = p.rows != 0
    keep[np.flatnonzero(p.rows == 0)[0]] = True
    q = mc.Problem(p.rows[keep], p.cols[keep], p.values[keep], p.shape)
    result = mc.complete(q, "gnmr", rank=2, identifiability=True)
    assert result.certificate["residual"] < 1e-12
    assert result.certificate["sigma_min"] < 1e-7


def test_start_of_another_shape_is_refused():
    p = problem((6, 10))
    with pytest.raises(ValueError, match=r"start: right must have shape \(10, 2\), got"):
        mc.complete(p, "gnmr", rank=2, start=(np.ones((6, 2)), np.ones((9, 2))))
    with pytest.raises(ValueError, match=r"start: left must have shape \(6, 2\), got"):
        mc.complete(p, "gnmr", rank=2, variant="setting", start=(np.ones((6, 1)), np.ones((10, 1))))
    with pytest.raises(ValueError, match=r"start has 3 columns, more than rank=2"):
        mc.complete(p, "gnmr", rank=2, start=(np.ones((6, 3)), np.ones((10, 3))))


@pytest.mark.parametrize("n", range(1, 11))
def test_structured_instances_as_rectangular_problems(n):
    # With zeros every sign pattern fits; with another value the completion is unique.
    for even_value, unique in ((0.0, n < 3), (0.2, True)):
        s = mc.instances.structured(n, even_value)
        p = mc.Problem(s.rows, s.cols, s.values, s.shape)
        result = mc.complete(p, "gnmr", rank=1, identifiability=True)
        assert result.stop_reason == "residual"
        assert (result.certificate["sigma_min"] > 1e-3) == unique
        if unique:
            assert result.relative_error(s.truth) < 1e-10


def test_peeled_rows_are_fitted_too():
    p = mc.instances.oversampled(60, 50, 3, ratio=2.5, seed=0)
    # Row 0 keeps three entries, enough to determine it; row 1 two, which leave it open.
    order = np.argsort(p.rows, kind="stable")
    rank_in_row = np.empty(p.n_observed, dtype=int)
    rank_in_row[order] = np.concatenate([np.arange(k) for k in np.bincount(p.rows)])
    keep = rank_in_row < np.where(p.rows == 0, 3, np.where(p.rows == 1, 2, 50))
    q = mc.Problem(p.rows[keep], p.cols[keep], p.values[keep], p.shape)
    result = mc.complete(q, "gnmr", rank=3)
    assert result.stop_reason == "residual"
    assert result.certificate["undetermined"] == 1
    others = np.delete(np.arange(60), 1)
    error = (result.matrix() - p.truth)[others]
    assert np.linalg.norm(error) < 1e-9 * np.linalg.norm(p.truth)


def test_peeled_rows_that_hang_on_nearly_dependent_ones():
    mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1]], dtype=bool)
    rng = np.random.default_rng(1)
    for _ in range(100):
        M = rng.standard_normal((4, 2)) @ rng.standard_normal((2, 4))
        result = mc.complete(mc.Problem.from_dense(M, mask), "gnmr", rank=2)
        assert result.converged
        assert result.relative_error(M) < 1e-6


def test_steps_end_where_no_damping_makes_the_system_regular():
    class Singular(TangentLeastSquares):
        def damped(self, *_):
            raise np.linalg.LinAlgError

    p = problem((5, 4))
    run = Run(p, 2, np.random.default_rng(0), Singular(p, "direct", 10), 1e-13)
    assert len(list(marquardt(run, np.ones((5, 2)), np.eye(4)[:, :2]))) == 1
