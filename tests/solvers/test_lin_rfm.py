"""Lin-RFM against the published recursion, the reweighted problem it solves, and convex optimization."""

import cvxpy as cp
import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers import _registry
from mcrepro.solvers._kernel import KernelRows, potential

PLAIN = {"sides": "right", "momentum": 0.0, "schedule": "constant"}


def sampled(n1, n2, share, seed=0, rank=2):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((n1, rank)) @ rng.standard_normal((rank, n2))
    mask = rng.random((n1, n2)) < share
    truth /= np.sqrt(np.mean(truth[mask] ** 2))  # a unit of the data, so that ridges mean the same
    return mc.Problem.from_dense(truth, mask), mask


def whole(problem, **options):
    """The iterate itself: with every column allowed the factors drop nothing."""
    result = mc.complete(problem, "lin_rfm", rank=min(problem.shape), rtol=0.0, **options)
    return result.matrix(), result


def power_of(C, exponent):
    s, Q = np.linalg.eigh(C)
    return (Q * np.maximum(s, 0) ** exponent) @ Q.T


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0])
def test_the_published_recursion(power):
    """M <- (W^T W / d)^power, from M = I, each row by kernel ridge regression, then overwritten."""
    problem, mask = sampled(12, 12, 0.6)
    M, ridge = np.eye(12), 0.05
    for _ in range(4):
        W = np.zeros((12, 12))
        for i, S in enumerate(mask):
            y, K = problem.truth[i, S], (M.T @ M)[np.ix_(S, S)]
            W[i] = (M[:, S] @ np.linalg.solve(K + ridge * np.eye(len(y)), y)) @ M
            W[i, S] = y
        M = power_of(W.T @ W / 12, power)
    ours, _ = whole(problem, power=power, ridge=ridge, max_iter=3, **PLAIN)
    np.testing.assert_allclose(ours, W, atol=1e-9)


@pytest.mark.parametrize("power", [0.2, 0.5, 0.8])
def test_a_step_is_one_of_reweighted_least_squares(power):
    """Each row minimises w^T (G + ridge)^-1 w subject to its entries; solved by its KKT system."""
    problem, mask = sampled(9, 14, 0.5, seed=1)
    ridge, n = 0.3, np.sqrt(9 * 14)
    filled = np.where(mask, problem.truth, 0.0)
    weight = np.linalg.inv(power_of(filled.T @ filled / n, 2 * power) + ridge * np.eye(14))
    expected = np.empty_like(filled)
    for i, S in enumerate(mask):
        E = np.eye(14)[S]
        KKT = np.block([[weight, E.T], [E, np.zeros((len(E), len(E)))]])
        rhs = np.concatenate([np.zeros(14), problem.truth[i, S]])
        expected[i] = np.linalg.solve(KKT, rhs)[:14]
    step = KernelRows(problem.rows, problem.cols, problem.values, problem.shape)
    np.testing.assert_allclose(step.step(np.linalg.inv(weight), 0.0), expected, atol=1e-10)
    G = np.linalg.inv(weight) - ridge * np.eye(14)
    np.testing.assert_allclose(step.step(G, ridge), expected, atol=1e-10)


@pytest.mark.parametrize("exponent", [0.4, 0.5, 1.0, 1.3, 2.0])
def test_potential_has_the_weight_as_its_derivative(exponent):
    h, s = 1e-6, np.array([0.02, 0.7, 3.0, 40.0])
    slope = (potential(s + h, exponent, 0.1) - potential(s - h, exponent, 0.1)) / (2 * h)
    np.testing.assert_allclose(slope, 1 / (s**exponent + 0.1), rtol=1e-6)
    assert potential(1.0, exponent, 0.1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("power", [0.1, 0.25, 0.4, 0.6])
def test_potential_tends_to_the_schatten_function(power):
    p, s = 2 - 4 * power, np.array([0.1, 2.0, 30.0])
    expected = (s ** (p / 2) - 1) / (p / 2)
    np.testing.assert_allclose(potential(s, 2 * power, 1e-13), expected, rtol=1e-4)


@pytest.mark.parametrize("sides", ["right", "both"])
@pytest.mark.parametrize("power", [0.25, 0.5, 1.0])
def test_a_constant_ridge_descends_to_a_stationary_point(power, sides):
    problem, mask = sampled(10, 12, 0.6, seed=2)
    options = PLAIN | {"sides": sides, "power": power, "ridge": 0.5}
    W, result = whole(problem, max_iter=3000, **options)
    objective = [record["objective"] for record in result.history]
    assert max(np.diff(objective)) <= 1e-10 * max(np.abs(objective))
    assert objective[0] - objective[-1] > 1e-2
    np.testing.assert_allclose(W[mask], problem.truth[mask], atol=1e-10)
    G = power_of(W.T @ W / np.sqrt(W.size), 2 * power)
    dual = W @ np.linalg.inv(G + 0.5 * np.eye(12))
    assert np.linalg.norm(dual[~mask]) < 1e-6 * np.linalg.norm(dual)


def test_objective_is_the_function_of_the_singular_values():
    problem, _ = sampled(8, 11, 0.7)
    W, result = whole(problem, max_iter=5, **PLAIN)
    s = np.linalg.svd(W, compute_uv=False) ** 2 / np.sqrt(W.size)
    s = np.append(s, np.zeros(3))  # C is 11 x 11
    expected = np.sum(np.log((s + 1) / 2))
    assert result.certificate["objective"] == pytest.approx(expected)
    same, general = whole(problem, max_iter=5, power=0.5 + 1e-9, **PLAIN)
    np.testing.assert_allclose(same, W, atol=1e-6)
    assert general.certificate["objective"] == pytest.approx(expected, rel=1e-6)


def test_power_one_quarter_is_the_nuclear_norm():
    problem, mask = sampled(12, 10, 0.5, seed=3)
    X = cp.Variable(problem.shape)
    program = cp.Problem(cp.Minimize(cp.normNuc(X)), [X[mask] == problem.truth[mask]])
    program.solve(solver="CLARABEL")
    W, _ = whole(problem, power=0.25, max_iter=1000, decay=0.97, momentum=0.9)
    assert np.linalg.norm(W, "nuc") == pytest.approx(program.value, rel=1e-5)
    np.testing.assert_allclose(W, X.value, atol=2e-2)


@pytest.mark.parametrize("options", [{}, {"schedule": "tail"}, {"power": 0.4}, {"ridge": 0.05}])
def test_recovery_where_the_published_iteration_crawls(options):
    problem = mc.instances.oversampled(120, 100, 3, ratio=1.7, condition=5.0, seed=0)
    result = mc.complete(problem, "lin_rfm", rank=3, **options)
    assert result.stop_reason == "residual"
    assert result.relative_error(problem.truth) < 1e-7
    published = mc.complete(problem, "lin_rfm", rank=3, max_iter=result.n_iter, **PLAIN)
    assert not published.converged
    assert published.relative_error(problem.truth) > 1e-2


def test_the_rank_is_found():
    problem = mc.instances.oversampled(60, 50, 3, ratio=3.0, condition=5.0, seed=1)
    result = mc.complete(problem, "lin_rfm")
    assert (result.rank, result.converged) == (3, True)
    assert result.relative_error(problem.truth) < 1e-7


def test_noise_is_no_answer():
    """W interpolates, so no matrix of the given rank is its limit."""
    problem = mc.instances.oversampled(40, 30, 2, ratio=4.0, seed=0)
    noise = np.random.default_rng(0).standard_normal(problem.n_observed)
    noisy = mc.Problem(problem.rows, problem.cols, problem.values + 0.1 * noise, problem.shape)
    result = mc.complete(noisy, "lin_rfm", rank=2, max_iter=200)
    assert not result.converged
    assert result.certificate["tail"] > 1e-4


def test_mirrored_entries_count_as_observed():
    truth = np.outer([1.0, 2, 3, 4], [1.0, 2, 3, 4])
    upper = np.triu(np.ones((4, 4), dtype=bool), 1) | np.diag([True, False, False, False])
    one = mc.Problem.from_dense(truth, upper, symmetric=True)
    both = mc.Problem.from_dense(truth, upper | upper.T, symmetric=True)
    results = [mc.complete(problem, "lin_rfm", rank=1) for problem in (one, both)]
    np.testing.assert_allclose(results[0].matrix(), truth, atol=1e-6)
    np.testing.assert_array_equal(results[0].left, results[1].left)


@pytest.mark.parametrize("rank", [1, None])
def test_edges(rank):
    mask = np.ones((5, 4), dtype=bool)
    mask[2] = mask[:, 1] = False
    result = mc.complete(mc.Problem.from_dense(np.ones((5, 4)), mask), "lin_rfm", rank=rank)
    expected = np.where(mask, 1.0, 0.0)  # nothing is known of that row and that column
    np.testing.assert_allclose(result.matrix(), expected, atol=1e-6)
    zero = mc.complete(mc.Problem.from_dense(np.zeros((5, 4)), mask), "lin_rfm", rank=rank)
    assert zero.converged
    assert not zero.matrix().any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"power": 0.0}, ValueError, r"power must be in \(0, 1\], got 0.0"),
        ({"ridge": 0}, ValueError, "ridge must be in"),
        ({"decay": 1.5}, ValueError, "decay must be in"),
        ({"momentum": 1.0}, ValueError, "momentum must be below 1"),
        ({"schedule": "tail"}, ValueError, "schedule='tail' needs rank"),
        ({"schedule": "tails"}, ValueError, "did you mean 'tail'"),
        ({"start": np.ones((4, 1))}, TypeError, "start must be a pair"),
        (
            {"start": (np.ones((4, 1)), np.ones((5, 2)))},
            ValueError,
            r"right must have shape \(5, 1",
        ),
    ],
)
def test_refusals(options, error, message):
    problem = mc.Problem.from_dense(np.ones((4, 5)), np.ones((4, 5), dtype=bool))
    with pytest.raises(error, match=message):
        mc.complete(problem, "lin_rfm", **options)


def test_too_large_is_refused_before_anything_is_allocated():
    problem = mc.Problem([0], [0], [1.0], (20_000, 20_000))
    with pytest.raises(ValueError, match=r"lin_rfm computes with dense .*\(20000, 20000\)"):
        mc.complete(problem, "lin_rfm", rank=2)
    assert _registry.get("lin_rfm").dense
    assert not _registry.get("bm").dense


def test_the_data_with_zeros_elsewhere_are_no_answer():
    """With as many columns as it takes they fit, and a small constant ridge takes them all."""
    problem = mc.instances.oversampled(30, 20, 2, 2.0, 2.0, seed=0)
    result = mc.complete(problem, "lin_rfm", schedule="constant", ridge=0.05, max_iter=30)
    assert result.n_iter > 0
    assert not result.converged
