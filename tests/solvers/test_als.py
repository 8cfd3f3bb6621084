"""Alternating least squares: normal equations, the nuclear norm, biases, bounds, cross-validation."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize

import mcrepro as mc


def noisy(seed=0, shape=(14, 11), share=0.6):
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1]))
    M += 0.3 * rng.standard_normal(shape) + 1
    return mc.Problem.from_dense(M, rng.random(shape) < share)


def residuals(p, result, s=1.0):
    E = np.zeros(p.shape)
    E[p.rows, p.cols] = s * (result.predict(p.rows, p.cols) - p.values)
    return E


@pytest.mark.parametrize("scaled", ["none", "entries"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_iter", [1, 4, 1000])
def test_normal_equations(scaled, weighted, n_iter):
    """Rows of the left factor always solve theirs; at the end those of the right one do too."""
    p = noisy()
    s = (
        np.random.default_rng(1).uniform(0.5, 2, p.n_observed)
        if weighted
        else np.ones(p.n_observed)
    )
    weights = s if weighted else None
    # With a start the ridge is the one asked for from the first sweep on.
    rng = np.random.default_rng(2)
    start = rng.standard_normal((14, 2)), rng.standard_normal((11, 2))
    result = mc.complete(
        p, "als", rank=2, ridge=0.3, scaled=scaled, weights=weights, start=start, max_iter=n_iter,
        gtol=1e-10,
    )  # fmt: skip
    E = residuals(p, result, s)
    counts = np.bincount(p.rows, minlength=14), np.bincount(p.cols, minlength=11)
    a, b = (0.3 * (c if scaled == "entries" else np.ones(len(c))) for c in counts)
    over_left = E @ result.right + a[:, None] * result.left
    over_right = E.T @ result.left + b[:, None] * result.right
    scale = np.linalg.norm(E)
    assert np.linalg.norm(over_left) < 1e-12 * scale
    if n_iter == 1000:
        assert result.stop_reason == "gradient"
        assert np.linalg.norm(over_right) < 1e-8 * scale
    objective = 0.5 * np.sum(E**2 / np.where(E == 0, 1, dense(p, s))) + 0.5 * (
        a @ np.sum(result.left**2, axis=1) + b @ np.sum(result.right**2, axis=1)
    )
    assert result.certificate["objective"] == pytest.approx(objective, rel=1e-12)
    measured = np.hypot(np.linalg.norm(over_left), np.linalg.norm(over_right))
    size = np.hypot(np.linalg.norm(result.left), np.linalg.norm(result.right))
    expected = measured / (np.sqrt(2 * objective) * size)
    assert result.certificate["gradient_norm"] == pytest.approx(expected, rel=1e-6, abs=1e-14)


def dense(p, values):
    D = np.zeros(p.shape)
    D[p.rows, p.cols] = values
    return D


def test_the_gradient_of_a_point_under_another_ridge_is_that_of_the_ridge_asked_for():
    """While the working ridge is larger the factors solve other normal equations."""
    p = noisy()
    result = mc.complete(p, "als", rank=2, ridge=0.01, max_iter=2)
    assert result.history[-1]["working_ridge"] > 0.01
    E = residuals(p, result)
    gradient = np.vstack(
        [E @ result.right + 0.01 * result.left, E.T @ result.left + 0.01 * result.right]
    )
    W = np.vstack([result.left, result.right])
    objective = 0.5 * np.sum(E**2) + 0.005 * np.sum(W**2)
    expected = np.linalg.norm(gradient) / np.sqrt(2 * objective) / np.linalg.norm(W)
    assert result.certificate["gradient_norm"] == pytest.approx(expected, rel=1e-10)


def test_the_working_ridge_falls_to_the_one_asked_for():
    result = mc.complete(noisy(), "als", rank=2, ridge=0.01, gtol=1e-9)
    working = np.array([record["working_ridge"] for record in result.history[1:]])
    assert (np.diff(working) <= 0).all()
    assert working[0] > working[-1] == result.certificate["ridge"] == 0.01
    assert result.stop_reason == "gradient"


def test_enough_columns_give_the_nuclear_norm():
    """1/2 (||U||^2 + ||V||^2) = ||X||_*, and the dual certificate of the convex problem."""
    p, ridge = noisy(), 1.5
    result = mc.complete(p, "als", rank=8, ridge=ridge, gtol=1e-10, max_iter=5000)
    X = result.matrix()
    nuclear = np.linalg.norm(X, "nuc")
    squares = np.sum(result.left**2) + np.sum(result.right**2)
    assert squares / 2 == pytest.approx(nuclear, rel=1e-8)
    # -E is ridge times a subgradient of the nuclear norm at X.
    E = residuals(p, result)
    assert np.linalg.norm(E, 2) == pytest.approx(ridge, rel=1e-5)
    assert -np.vdot(E, X) == pytest.approx(ridge * nuclear, rel=1e-6)


def test_a_ridge_above_the_largest_singular_value_gives_zero():
    p = noisy()
    top = np.linalg.norm(dense(p, p.values), 2)
    above = mc.complete(p, "als", rank=3, ridge=1.2 * top, gtol=1e-9)
    below = mc.complete(p, "als", rank=3, ridge=0.8 * top, gtol=1e-9)
    assert np.abs(above.matrix()).max() < 1e-4
    assert np.abs(below.matrix()).max() > 0.1


@pytest.mark.parametrize("scaled", ["none", "entries"])
def test_biases_against_a_minimiser_of_the_written_objective(scaled):
    p, ridge = noisy(), 0.8
    n1, n2 = p.shape
    result = mc.complete(
        p, "als", rank=1, ridge=ridge, scaled=scaled, center="rows+columns", gtol=1e-9,
        max_iter=5000,
    )  # fmt: skip
    assert result.stop_reason == "gradient"
    assert result.rank == 3
    counts = np.bincount(p.rows, minlength=n1), np.bincount(p.cols, minlength=n2)
    scales = counts if scaled == "entries" else [np.ones(n1), np.ones(n2)]
    g = p.values.mean()

    def objective(x):
        u, a, v, b = np.split(x, [n1, 2 * n1, 2 * n1 + n2])
        fit = g + a[p.rows] + b[p.cols] + u[p.rows] * v[p.cols] - p.values
        return 0.5 * np.sum(fit**2) + 0.5 * ridge * (
            scales[0] @ (u**2 + a**2) + scales[1] @ (v**2 + b**2)
        )

    left, right = result.left, result.right
    assert (left[:, 2] == 1).all()
    assert (right[:, 1] == 1).all()
    x = np.concatenate([left[:, 0], left[:, 1] - g, right[:, 0], right[:, 2]])
    assert result.certificate["objective"] == pytest.approx(objective(x), rel=1e-12)
    other = minimize(objective, x + 0.01, options={"gtol": 1e-6})
    assert other.fun == pytest.approx(objective(x), rel=1e-7)


def test_with_biases_the_answer_is_a_start():
    p = noisy()
    options = {"rank": 2, "ridge": 0.8, "center": "rows+columns"}
    result = mc.complete(p, "als", **options)
    again = mc.complete(p, "als", start=(result.left, result.right), **options)
    assert again.n_iter == 0
    np.testing.assert_allclose(again.matrix(), result.matrix(), rtol=1e-12)
    with pytest.raises(ValueError, match="must be ones, as in the factors that als returns"):
        mc.complete(p, "als", start=(result.left + 1, result.right), **options)


@pytest.mark.parametrize("max_abs", [0.2, 2.0])
def test_entry_bound(max_abs):
    p = noisy()
    options = {"rank": 2, "max_abs": max_abs, "gtol": 1e-8, "max_iter": 5000}
    result = mc.complete(p, "als", **options)
    assert result.stop_reason == "gradient"
    assert np.abs(result.matrix()).max() <= max_abs * (1 + 1e-12)
    other = mc.complete(
        p, "bm", optimizer="projected_gd", start=(result.left, result.right), **options
    )
    assert other.certificate["objective"] == pytest.approx(
        result.certificate["objective"], rel=1e-6
    )


def test_rows_without_entries_are_zero_and_rows_with_few_stay_finite():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((30, 25))
    mask = rng.random(M.shape) < 0.5
    mask[3] = mask[:, 7] = mask[4] = False
    mask[4, 0] = True  # one entry for three unknowns
    p = mc.Problem.from_dense(M, mask)
    result = mc.complete(p, "als", rank=3, max_iter=300)
    assert np.isfinite(result.matrix()).all()
    assert not result.left[3].any()
    assert not result.right[7].any()
    assert result.predict([4], [0])[0] == pytest.approx(M[4, 0], rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_recovers_where_the_plain_method_overfits(seed):
    p = mc.instances.oversampled(300, 350, 5, ratio=3.0, condition=10.0, seed=seed)
    result = mc.complete(p, "als", rank=5)
    assert result.stop_reason == "residual"
    assert result.relative_error(p.truth) < 1e-8


def test_cross_validation_takes_the_least_error_and_beats_no_ridge():
    rng = np.random.default_rng(5)
    M = rng.standard_normal((80, 2)) @ rng.standard_normal((2, 60)) + rng.standard_normal((80, 60))
    train, test = mc.Problem.from_dense(M, rng.random(M.shape) < 0.5).split(0.8, seed=0)
    result = mc.complete(train, "als", rank=6, ridge="cv", seed=1)
    path = result.certificate["path"]
    best = min(path, key=lambda record: record["error"])
    assert best["ridge"] / 1.5 < result.certificate["ridge"] < best["ridge"] * 1.5
    ratios = [b["ridge"] / a["ridge"] for a, b in pairwise(path)]
    np.testing.assert_allclose(ratios, 0.5)
    refit = mc.complete(train, "als", rank=6, ridge=result.certificate["ridge"], gtol=1e-8)
    assert result.relative_error(test) == pytest.approx(refit.relative_error(test), rel=0.03)
    assert result.relative_error(test) < 0.95 * mc.complete(
        train, "als", rank=6, ridge=1e-3
    ).relative_error(test)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ridge": -1.0}, ValueError, r"ridge must be in \[0, inf\)"),
        ({"ridge": "cb"}, ValueError, "ridge must be one of 'cv', 'learned', got 'cb'"),
        ({"center": "rows"}, ValueError, "center must be one of"),
        ({"max_abs": 0.0}, ValueError, r"max_abs must be in \(0, inf\)"),
        ({"max_abs": 1.0, "center": "rows+columns"}, ValueError, "needs center='none'"),
        ({"weights": [-1.0]}, ValueError, "weights must have shape"),
        ({"start": (np.ones((14, 2)),)}, TypeError, "start must be a pair"),
        (
            {"ridge": "cv", "start": (np.ones((14, 2)), np.ones((11, 2)))},
            ValueError,
            "start must be left out with ridge='cv'",
        ),
        ({"ridge": "learned", "scaled": "entries"}, ValueError, "needs scaled='none'"),
        ({"ridge": "learned", "max_abs": 1.0}, ValueError, "and no max_abs"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        mc.complete(noisy(), "als", rank=2, **options)
