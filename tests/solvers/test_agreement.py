"""Methods for one problem agree: with the truth where theory promises it, and with each other."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers import _registry

# Relative error over all entries that each method must reach on exact data of low rank, of which
# there are four times as many as degrees of freedom; found, not given, by those without a rank.
RECOVER = {
    "als": 1e-7,
    "alternating_gd": 1e-7,
    "bm": 1e-7,
    "gnmr": 1e-10,
    "lin_rfm": 1e-7,
    "nmf": 1e-7,
    "nuclear_norm": 1e-4,
    "trace_sdp": 1e-4,
}
# Means and networks are no low-rank models, the lasso shrinks, and a lifted minimiser is only as
# near as epsilon makes it.
PROMISE_NOTHING = {"mean", "neural", "soft_impute", "lifted"}
SMOOTH = ("als", "alternating_gd", "bm", "gnmr")


def exact(method):
    rng = np.random.default_rng(5)
    left, right = rng.standard_normal((24, 2)), rng.standard_normal((20, 2))
    if method == "nmf":
        left, right = np.abs(left), np.abs(right)
    if method == "trace_sdp":
        right = left
    truth = left @ right.T
    mask = rng.random(truth.shape) < 0.9
    if method == "trace_sdp":
        mask |= mask.T
    return mc.Problem.from_dense(truth, mask, symmetric=method == "trace_sdp")


def noisy():
    rng = np.random.default_rng(6)
    truth = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 30))
    values = truth + 0.1 * rng.standard_normal(truth.shape)
    return mc.Problem.from_dense(values, rng.random(truth.shape) < 0.6)


def test_every_method_has_its_place_here():
    assert set(_registry.names()) == RECOVER.keys() | PROMISE_NOTHING


@pytest.mark.parametrize("method", RECOVER)
def test_exact_data_of_low_rank_are_recovered(method):
    problem = exact(method)
    result = mc.complete(problem, method, rank=2 if _registry.get(method).needs_rank else None)
    assert result.converged
    assert result.rank == 2
    assert result.relative_error(problem.truth) <= RECOVER[method]


@pytest.mark.parametrize("method", SMOOTH)
def test_least_squares_methods_end_at_one_minimiser_with_its_gradient(method):
    problem = noisy()
    result = mc.complete(problem, method, rank=2)
    reference = mc.complete(problem, "bm", rank=2, optimizer="trust_region")
    assert result.stop_reason == reference.stop_reason == "gradient"
    np.testing.assert_allclose(result.matrix(), reference.matrix(), atol=1e-4)
    U, V = result.left, result.right
    R = np.zeros(problem.shape)
    R[problem.rows, problem.cols] = result.predict(problem.rows, problem.cols) - problem.values
    gradient = np.hypot(np.linalg.norm(R @ V), np.linalg.norm(R.T @ U))
    size = np.linalg.norm(R) * np.hypot(np.linalg.norm(U), np.linalg.norm(V))
    # Rounding of the residual, some 1e-16, is all that a recomputation may add.
    measured = result.certificate["gradient_norm"]
    assert measured == pytest.approx(gradient / size, rel=1e-3, abs=1e-13)
    assert result.certificate["objective"] == pytest.approx(0.5 * np.vdot(R, R), rel=1e-8)
