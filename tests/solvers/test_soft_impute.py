import importlib
import pickle

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers import _path
from mcrepro.solvers._convex import Entries
from mcrepro.solvers._path import largest_rank


def objective(problem, X, lam, weights=1.0):
    misfit = X[problem.rows, problem.cols] - problem.values
    return 0.5 * np.sum(weights * misfit**2) + lam * np.linalg.svd(X, compute_uv=False).sum()


def dense_prox(problem, lam, weights=1.0, steps=20_000):
    """Dense proximal gradient steps with momentum: slow, plain, and another algorithm."""
    w = np.zeros(problem.shape)
    M = np.zeros(problem.shape)
    w[problem.rows, problem.cols] = weights
    M[problem.rows, problem.cols] = problem.values
    L = w.max()
    X, Z, t = np.zeros(problem.shape), np.zeros(problem.shape), 1.0
    for _ in range(steps):
        U, s, Vt = np.linalg.svd(Z + w * (M - Z) / L, full_matrices=False)
        new = U * np.maximum(s - lam / L, 0) @ Vt
        t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
        if np.vdot(Z - new, new - X) > 0:  # the momentum points uphill
            t_new = 1.0
        if np.linalg.norm(new - X) <= 1e-13 * np.linalg.norm(new):
            return new
        Z = new + (t - 1) / t_new * (new - X)
        X, t = new, t_new
    return X


def zero_level(problem):
    return np.linalg.norm(problem.to_csr().toarray(), 2)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("accelerate", [True, False])
def test_same_minimum_as_dense_proximal_gradient(noisy, share, accelerate):
    lam = share * zero_level(noisy)
    result = mc.complete(
        noisy, "soft_impute", regularization=lam, accelerate=accelerate, max_iter=20_000
    )
    assert result.stop_reason == "gradient"
    X = result.matrix()
    best = objective(noisy, dense_prox(noisy, lam), lam)
    assert objective(noisy, X, lam) == pytest.approx(best, rel=2e-6)
    assert result.certificate["objective"] == pytest.approx(objective(noisy, X, lam), rel=1e-12)


def test_certificate_can_be_recomputed_and_bounds_the_error(noisy):
    lam = 0.1 * zero_level(noisy)
    best = objective(noisy, dense_prox(noisy, lam), lam)
    for max_iter in (0, 3, 10, 500):
        result = mc.complete(noisy, "soft_impute", regularization=lam, max_iter=max_iter)
        X, certificate = result.matrix(), result.certificate
        R = np.zeros(noisy.shape)
        R[noisy.rows, noisy.cols] = noisy.values - X[noisy.rows, noisy.cols]
        sigma = np.linalg.norm(R, 2)
        assert certificate["dual_norm"] == pytest.approx(sigma / lam, rel=1e-6)
        inner, square = np.sum(R[noisy.rows, noisy.cols] * noisy.values), np.sum(R**2)
        c = min(lam / sigma, inner / square)
        gap = objective(noisy, X, lam) - (c * inner - c**2 * square / 2)
        assert certificate["duality_gap"] == pytest.approx(gap, abs=1e-6 * best)
        assert objective(noisy, X, lam) - best <= gap + 1e-9 * best


def test_optimality_system(noisy):
    """At a solution U^T R V = lam I, R V = lam U and the rest of R is at most lam."""
    lam = 0.2 * zero_level(noisy)
    result = mc.complete(noisy, "soft_impute", regularization=lam, gtol=1e-10)
    U, s, Vt = np.linalg.svd(result.matrix())
    k = result.rank
    assert np.all(s[k:] <= 1e-12 * s[0])
    R = np.zeros(noisy.shape)
    R[noisy.rows, noisy.cols] = noisy.values - result.predict(noisy.rows, noisy.cols)
    np.testing.assert_allclose(R @ Vt[:k].T, lam * U[:, :k], atol=1e-6 * lam)
    np.testing.assert_allclose(R.T @ U[:, :k], lam * Vt[:k].T, atol=1e-6 * lam)
    assert np.linalg.norm(U[:, k:].T @ R @ Vt[k:].T, 2) < lam


@pytest.mark.parametrize("above", [1.0, 1.0 + 1e-10, 3.0])
def test_zero_from_the_critical_level_on(noisy, above):
    result = mc.complete(noisy, "soft_impute", regularization=above * zero_level(noisy))
    assert result.converged
    assert np.abs(result.matrix()).max() <= 1e-14
    assert np.abs(result.predict([0, 1], [2, 3])).max() <= 1e-14


def test_not_zero_below_the_critical_level(noisy):
    result = mc.complete(noisy, "soft_impute", regularization=0.99 * zero_level(noisy))
    assert result.rank == 1
    assert np.linalg.norm(result.matrix()) > 1e-3


def test_all_observed_is_soft_thresholding():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((12, 9))
    problem = mc.Problem.from_dense(M, np.ones(M.shape, bool))
    U, s, Vt = np.linalg.svd(M, full_matrices=False)
    expected = U * np.maximum(s - 2.0, 0) @ Vt
    result = mc.complete(problem, "soft_impute", regularization=2.0, gtol=1e-12)
    np.testing.assert_allclose(result.matrix(), expected, atol=1e-7)
    assert result.rank == np.sum(s > 2.0)


def test_acceleration_takes_fewer_sweeps_to_the_same_point(noisy):
    lam = 0.02 * zero_level(noisy)
    options = {"regularization": lam, "gtol": 1e-8, "max_iter": 50_000}
    fast = mc.complete(noisy, "soft_impute", **options)
    plain = mc.complete(noisy, "soft_impute", accelerate=False, **options)
    assert fast.converged
    assert plain.converged
    np.testing.assert_allclose(fast.matrix(), plain.matrix(), atol=1e-4)
    assert fast.n_iter < plain.n_iter / 2


def test_columns_are_added_until_the_problem_is_solved():
    rng = np.random.default_rng(1)
    M = rng.standard_normal((60, 25)) @ rng.standard_normal((25, 50))
    problem = mc.Problem.from_dense(M, rng.random(M.shape) < 0.9)
    lam = 0.05 * zero_level(problem)
    result = mc.complete(problem, "soft_impute", regularization=lam)
    assert result.converged
    assert result.rank > 20  # more than it begins with
    assert result.certificate["dual_norm"] <= 1 + 1e-5


def test_rank_limit_binds_and_says_so(noisy):
    lam = 0.02 * zero_level(noisy)
    result = mc.complete(noisy, "soft_impute", rank=2, regularization=lam, gtol=1e-9)
    assert result.rank == 2
    assert result.stop_reason == "gradient"
    # A stationary point of F, and not the solution of the convex problem.
    left, right = result.left, result.right
    R = np.zeros(noisy.shape)
    R[noisy.rows, noisy.cols] = noisy.values - result.predict(noisy.rows, noisy.cols)
    np.testing.assert_allclose(R @ right, lam * left, atol=1e-6 * lam)
    np.testing.assert_allclose(R.T @ left, lam * right, atol=1e-6 * lam)
    assert result.certificate["dual_norm"] > 1.1
    assert result.certificate["duality_gap"] > 1e-3 * result.certificate["objective"]


def test_hard_impute_recovers_exactly():
    problem = mc.instances.oversampled(60, 50, 2, 4.0, 2.0, seed=0)
    result = mc.complete(problem, "soft_impute", rank=2, regularization=0.0)
    assert result.stop_reason == "residual"
    assert result.relative_error(problem.truth) < 1e-7


def test_weights_are_those_of_the_objective(noisy):
    w = np.random.default_rng(0).uniform(0.5, 4.0, noisy.n_observed)
    lam = 1.5
    result = mc.complete(noisy, "soft_impute", regularization=lam, weights=w)
    best = objective(noisy, dense_prox(noisy, lam, w), lam, w)
    assert objective(noisy, result.matrix(), lam, w) == pytest.approx(best, rel=2e-6)
    assert result.certificate["objective"] == pytest.approx(best, rel=2e-6)
    whole = np.ones(noisy.shape)
    whole[noisy.rows, noisy.cols] = w
    again = mc.complete(noisy, "soft_impute", regularization=lam, weights=whole)
    np.testing.assert_array_equal(again.left, result.left)


def test_symmetric_problem_counts_entries_as_observed():
    problem = mc.instances.bernoulli(15, 0.4, 2, seed=5)
    lam = 0.7
    result = mc.complete(problem, "soft_impute", regularization=lam, gtol=1e-10)
    X = result.matrix()
    np.testing.assert_allclose(X, X.T, atol=1e-5)
    assert result.certificate["objective"] == pytest.approx(objective(problem, X, lam), rel=1e-7)
    # No symmetric direction lowers the objective.
    rng = np.random.default_rng(0)
    for scale in (1e-2, 1.0):
        D = scale * rng.standard_normal(X.shape)
        assert objective(problem, X + D + D.T, lam) > objective(problem, (X + X.T) / 2, lam)


def test_center_is_exactly_in_the_factors(noisy):
    shifted = mc.Problem(noisy.rows, noisy.cols, noisy.values + 100.0, noisy.shape)
    base = mc.complete(shifted, "mean", kind="rows+columns")
    lam = 0.1 * zero_level(noisy)
    result = mc.complete(shifted, "soft_impute", regularization=lam, center="rows+columns")
    rest = result.matrix() - base.matrix()
    centered = mc.Problem(
        noisy.rows,
        noisy.cols,
        shifted.values - base.predict(noisy.rows, noisy.cols),
        noisy.shape,
    )
    direct = mc.complete(centered, "soft_impute", regularization=lam)
    np.testing.assert_allclose(rest, direct.matrix(), atol=1e-4)
    assert result.rank == direct.rank + 2
    assert result.certificate["objective"] == pytest.approx(objective(centered, rest, lam))
    misfit = result.predict(noisy.rows, noisy.cols) - shifted.values
    expected = np.linalg.norm(misfit) / np.linalg.norm(shifted.values)
    assert result.certificate["residual"] == pytest.approx(expected)
    flat = mc.complete(
        shifted, "soft_impute", regularization=1e6 * lam, center="rows+columns", rank=3
    )
    np.testing.assert_allclose(flat.matrix(), base.matrix(), atol=1e-10)


def test_cross_validation_minimises_its_error_and_beats_both_ends():
    rng = np.random.default_rng(3)
    M = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 50))
    mask = rng.random(M.shape) < 0.5
    seen = M + 0.7 * rng.standard_normal(M.shape)
    noisy = mc.Problem(*np.nonzero(mask), seen[mask], M.shape, truth=M)
    result = mc.complete(noisy, "soft_impute", seed=1)
    path = result.certificate["path"]
    lams = [record["regularization"] for record in path]
    errors = [record["error"] for record in path]
    assert lams == sorted(lams, reverse=True)
    assert lams[0] == pytest.approx(zero_level(noisy), rel=1e-10)
    assert result.certificate["regularization"] == lams[int(np.argmin(errors))]
    score = result.relative_error(noisy.truth)
    for share in (0.5, 1e-3):
        end = mc.complete(noisy, "soft_impute", regularization=share * lams[0])
        assert score < end.relative_error(noisy.truth)
    large = mc.complete(noisy, "soft_impute", seed=1, rule="1se").certificate
    k = int(np.argmin(errors))
    within = [
        lam
        for lam, e in zip(lams, errors, strict=True)
        if e <= errors[k] + path[k]["standard_error"]
    ]
    assert large["regularization"] == max(within)
    assert large["path"] == path


def test_warm_start_at_the_solution_stops_at_once(noisy):
    lam = 0.1 * zero_level(noisy)
    for center in ("none", "rows+columns"):
        options = {"regularization": lam, "center": center}
        cold = mc.complete(noisy, "soft_impute", gtol=1e-9, **options)
        warm = mc.complete(noisy, "soft_impute", start=(cold.left, cold.right), **options)
        assert warm.n_iter == 0
        assert cold.n_iter > 0
        np.testing.assert_allclose(warm.matrix(), cold.matrix(), atol=1e-10)


def test_deterministic_by_seed_and_limits_are_said(noisy):
    one, two = (mc.complete(noisy, "soft_impute", seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.left, two.left)
    assert pickle.loads(pickle.dumps(one)).certificate == one.certificate
    short = mc.complete(noisy, "soft_impute", regularization=0.01, max_iter=7)
    assert short.stop_reason == "max_iter"
    assert not short.converged
    assert short.n_iter == 7
    assert short.certificate["gradient_norm"] > 1e-6


def test_data_of_zeros():
    problem = mc.Problem([0, 1, 2], [0, 1, 1], [0.0, 0.0, 0.0], (3, 2))
    result = mc.complete(problem, "soft_impute")
    assert result.converged
    assert not result.matrix().any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"regularization": -1.0}, ValueError, "regularization"),
        ({"regularization": 0.0}, ValueError, "needs rank"),
        ({"rule": "max"}, ValueError, "'min', '1se'"),
        ({"center": "rows"}, ValueError, "rows\\+columns"),
        ({"center": "rows+columns", "rank": 2}, ValueError, "two of 3 or more"),
        ({"regularization": 1.0, "weights": np.ones(3)}, ValueError, "weights must have shape"),
        ({"regularization": 1.0, "weights": np.zeros((23, 31))}, ValueError, "positive"),
        ({"regularization": 1.0, "start": 1}, TypeError, "start must be a pair"),
        (
            {"regularization": 1.0, "start": (np.ones((23, 2)), np.ones((3, 2)))},
            ValueError,
            r"right must have shape \(31, 2\)",
        ),
        ({"accelerate": 1}, TypeError, "accelerate"),
    ],
)
def test_bad_options(noisy, options, error, message):
    with pytest.raises(error, match=message):
        mc.complete(noisy, "soft_impute", **options)


def test_cross_validation_needs_two_entries_and_center_a_rectangle():
    with pytest.raises(ValueError, match="at least two entries"):
        mc.complete(mc.Problem([0], [0], [1.0], (2, 2)), "soft_impute")
    problem = mc.instances.bernoulli(6, 0.8, seed=0)
    with pytest.raises(ValueError, match="rectangular"):
        mc.complete(problem, "soft_impute", regularization=1.0, center="rows+columns")


@pytest.mark.parametrize("rank", [None, 2])
@pytest.mark.parametrize("gtol", [1e-3, 1e-6])
def test_a_bound_on_the_gap_is_no_measure(gtol, rank, monkeypatch):
    """Points that are refuted early bear none; the ones that bear one bear the exact gap."""
    monkeypatch.setattr(importlib.import_module("mcrepro.solvers.soft_impute"), "_DUE", 1e12)
    rng = np.random.default_rng(0)
    problem = mc.Problem.from_dense(rng.standard_normal((60, 50)), rng.random((60, 50)) < 0.3)
    seen = []

    def callback(record, iterate):
        if "duality_gap" in record:
            seen.append((record, iterate.left @ iterate.right.T))

    options = {"regularization": 2.0, "gtol": gtol}
    mc.complete(problem, "soft_impute", rank=rank, seed=0, callback=callback, **options)
    assert seen
    for record, X in seen:
        R = problem.to_csr().toarray()
        R[problem.rows, problem.cols] -= X[problem.rows, problem.cols]
        sigma = np.linalg.norm(R, 2)
        assert record["dual_norm"] == pytest.approx(sigma / 2.0, rel=gtol)


@pytest.mark.parametrize("scale", [1e-40, 1.0, 1e40])
def test_any_scale_is_solved_alike(scale):
    rng = np.random.default_rng(0)
    X, mask = rng.standard_normal((20, 15)), rng.random((20, 15)) < 0.5
    problem = mc.Problem.from_dense(scale * X, mask)
    result = mc.complete(problem, "soft_impute", regularization=scale, seed=0)
    assert result.converged
    assert result.certificate["dual_norm"] == pytest.approx(1.0, abs=1e-4)


def test_a_start_that_the_residual_is_orthogonal_to():
    problem = mc.Problem([0, 1], [0, 1], [1.0, 1.0], (3, 3))
    start = (np.eye(3)[:, 2:], np.eye(3)[:, 2:])
    result = mc.complete(problem, "soft_impute", regularization=0.1, start=start, seed=0)
    np.testing.assert_allclose(result.matrix(), np.diag([0.9, 0.9, 0]), atol=1e-6)


def test_two_way_fit_takes_no_columns_of_an_answer_without_limit():
    rng = np.random.default_rng(0)
    problem = mc.Problem.from_dense(rng.standard_normal((9, 30)), rng.random((9, 30)) < 0.8)
    options = {"regularization": 0.05, "center": "rows+columns", "gtol": 1e-6}
    certificate = mc.complete(problem, "soft_impute", seed=0, **options).certificate
    assert certificate["duality_gap"] <= 2e-6 * certificate["objective"]


def test_sparse_pattern_has_the_same_minimum_as_dense_proximal_gradient():
    rng = np.random.default_rng(2)
    M = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 50))
    M += 0.1 * rng.standard_normal(M.shape)
    problem = mc.Problem.from_dense(M, rng.random(M.shape) < 0.15)  # rows are regressed
    w = rng.uniform(0.5, 2.0, problem.n_observed)
    lam = 0.05 * zero_level(problem)
    best = objective(problem, dense_prox(problem, lam, w), lam, w)
    result = mc.complete(problem, "soft_impute", regularization=lam, weights=w)
    assert result.stop_reason == "gradient"
    assert objective(problem, result.matrix(), lam, w) == pytest.approx(best, rel=1e-6)


def test_a_column_at_the_threshold_does_not_hold_up_the_rest():
    """One singular value of R outside the solution's space starts 1e-4 above lam."""
    rng = np.random.default_rng(1)
    M = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 100))
    M += 0.1 * rng.standard_normal(M.shape)
    problem = mc.Problem.from_dense(M, rng.random(M.shape) < 0.4)
    lam = 0.02 * zero_level(problem)
    result = mc.complete(problem, "soft_impute", regularization=lam)
    assert result.converged
    assert result.n_iter < 300


def test_path_says_why_it_ended(monkeypatch):
    rng = np.random.default_rng(0)
    rows, cols = np.nonzero(rng.random((80, 60)) < 0.1)
    noise = mc.Problem(rows, cols, rng.standard_normal(len(rows)), (80, 60))
    assert mc.complete(noise, "soft_impute").certificate["path_end"] == "error"
    exact = mc.instances.oversampled(60, 50, 2, 4.0, 2.0, seed=0)
    free = mc.complete(exact, "soft_impute").certificate
    assert free["path_end"] == "length"
    monkeypatch.setattr(_path, "_FREE", 1)
    certificate = mc.complete(exact, "soft_impute").certificate
    ranks = [record["rank"] for record in certificate["path"]]
    assert certificate["path_end"] == "rank"
    assert max(ranks) <= largest_rank(Entries(exact))
    assert len(ranks) < len(free["path"])


def test_largest_rank_of_a_full_matrix_is_its_size():
    full = mc.Problem.from_dense(np.ones((7, 5)), np.ones((7, 5), bool))
    assert largest_rank(Entries(full)) == 5
    some = mc.Problem(*np.nonzero(np.ones((10, 9))), np.ones(90), (80, 60))
    assert largest_rank(Entries(some)) == 1
    more = mc.Problem(*np.nonzero(np.ones((30, 30))), np.ones(900), (80, 60))
    assert largest_rank(Entries(more)) == 6  # 6 * 134 <= 900 < 7 * 133
    assert largest_rank(Entries(mc.Problem([0], [0], [1.0], (9, 9)))) == 1


def test_mirrored_entries_of_a_symmetric_problem():
    problem = mc.Problem([0, 0, 1, 2], [0, 1, 0, 1], [1.0, 0.0, 0.0, 5.0], (3, 3), symmetric=True)
    data = Entries(problem)
    np.testing.assert_array_equal(data.rows, [0, 0, 1, 1, 2])
    np.testing.assert_array_equal(data.cols, [0, 1, 0, 2, 1])
    np.testing.assert_array_equal(data.values, [1, 0, 0, 5, 5])
    np.testing.assert_array_equal(data.weights, [1, 1, 1, 0.5, 0.5])
    np.testing.assert_array_equal(data.groups()[[1, 3]], data.groups()[[2, 4]])


@pytest.mark.parametrize("shape", [(6, 5), (30, 7), (7, 30)])
def test_fewer_columns_than_are_looked_for_at_once(shape):
    rng = np.random.default_rng(0)
    for _ in range(5):
        M = rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1]))
        problem = mc.Problem.from_dense(M, rng.random(shape) < 0.7)
        assert mc.complete(problem, "soft_impute", seed=0).converged
