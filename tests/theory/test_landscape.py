"""The rank-one objective: derivatives, closed forms, and a search that must find all stationary points."""

import numpy as np
import pytest

from mcrepro.theory.landscape import (
    RankOne,
    incoherent,
    paper_parameters,
    penalty,
    plane_sup,
    random_instance,
    size_certificate,
    sufficient_share,
    symmetric_mask,
)
from mcrepro.theory.stationary import certified, distinct, reach, refined

PARTIAL = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], bool)


@pytest.fixture
def f():
    rng = np.random.default_rng(3)
    return RankOne(incoherent(7, 1.3, rng), symmetric_mask(7, 0.6, rng), alpha=0.4, weight=1.7)


def test_value_is_the_sum_over_seen_entries(f):
    x = np.random.default_rng(0).standard_normal(7)
    gaps = (np.outer(f.z, f.z) - np.outer(x, x))[f.mask]
    expected = 0.5 * np.sum(gaps**2) + 1.7 * np.sum(np.maximum(np.abs(x) - 0.4, 0) ** 4)
    assert f.value(x) == pytest.approx(expected)
    assert f.value(np.stack([x, f.z])).shape == (2,)


def test_derivatives_are_those_of_the_value(f):
    x = np.random.default_rng(1).standard_normal((3, 7))
    step = 1e-5 * np.eye(7)
    slope = [(f.value(x + s) - f.value(x - s)) / 2e-5 for s in step]
    np.testing.assert_allclose(f.gradient(x), np.stack(slope, axis=-1), rtol=1e-6, atol=1e-6)
    bend = [(f.gradient(x + s) - f.gradient(x - s)) / 2e-5 for s in step]
    np.testing.assert_allclose(f.hessian(x), np.stack(bend, axis=-1), rtol=1e-6, atol=1e-6)


def test_curvature_is_the_second_order_condition(f):
    x, v = np.random.default_rng(2).standard_normal((2, 7))
    moved = np.where(f.mask, np.outer(v, x) + np.outer(x, v), 0)
    bend = 12 * np.maximum(np.abs(x) - 0.4, 0) ** 2
    right = 2 * v @ np.where(f.mask, np.outer(f.z, f.z) - np.outer(x, x), 0) @ v
    printed = np.sum(moved**2) + 1.7 * np.sum(bend * v**2) - right
    assert f.curvature(x, v) == pytest.approx(printed)
    assert f.curvature(x, v) == pytest.approx(v @ f.hessian(x) @ v)


def test_truth_is_a_minimum_without_cost(f):
    assert f.value(f.z) == pytest.approx(1.7 * penalty(f.z, 0.4).sum())


def test_instances_have_the_incoherence_asked_for():
    z = incoherent(50, 2.0, np.random.default_rng(0))
    assert np.linalg.norm(z) == pytest.approx(1)
    assert np.abs(z).max() == pytest.approx(2 / np.sqrt(50), rel=0.05)
    with pytest.raises(ValueError, match="mu must lie in"):
        incoherent(4, 3.0, np.random.default_rng(0))


def test_numbers_of_theorem_32():
    numbers = paper_parameters(100, 1.5, 0.3)
    assert numbers["alpha"] == pytest.approx(1.5)
    assert numbers["weight"] == pytest.approx(0.3)  # μ²p/α² = pd/100
    assert sufficient_share(100, 1.0) == pytest.approx(np.log(100) ** 1.5 / 100)
    assert sufficient_share(100, 3.0) == 1.0


def test_a_mask_that_is_not_symmetric_is_refused():
    with pytest.raises(ValueError, match="symmetric"):
        RankOne(np.array([0.6, 0.8]), np.array([[True, True], [False, True]]), 1.0, 1.0)


def test_certificate_with_everything_seen_is_a_third():
    z = incoherent(30, 1.0, np.random.default_rng(0))
    full = np.ones((30, 30), bool)
    assert size_certificate(z, full) == pytest.approx(1 / 3)
    assert size_certificate(z, full, tau=0.1) == pytest.approx(1.9 / 6)
    assert size_certificate(z, full, dropped=3) == pytest.approx((1 - 6 / 30) / 3)


def test_certificate_bounds_every_second_order_point():
    # At t u the condition in direction z first holds at t² = certificate or later.
    rng = np.random.default_rng(5)
    f = random_instance(40, 0.4, 1.2, rng)
    least = size_certificate(f.z, f.mask)
    for u in rng.standard_normal((50, 40)):
        x = np.sqrt(0.99 * least) * u / np.linalg.norm(u)
        assert f.curvature(x, f.z) < 0


def test_plane_knows_the_distance_near_the_truth():
    # To first order ‖xxᵀ - zzᵀ‖_F/δ is √2 across z and 1 along it.
    worst = plane_sup(0.9, 0.02, step=1e-3)
    assert worst["plain"] == pytest.approx(np.sqrt(2), rel=0.02)
    # Down to ‖x‖² = 1/8 an x across z has δ = 8^-1.5 and is no solution.
    assert plane_sup(0.125, 0.1)["squared"] > 20


def test_search_counts_the_points_of_a_diagonal_problem():
    # With the diagonal seen alone each coordinate is 0 or ±z_i: nine points, four minima.
    f = RankOne(np.array([0.8, 0.6]), np.eye(2, dtype=bool), alpha=0.9, weight=0.5)
    points = certified(f)
    assert len(points) == 9
    assert np.sum(f.lowest_curvature(points) > 0) == 4
    grid = np.array([[a, b] for a in (-0.8, 0, 0.8) for b in (-0.6, 0, 0.6)])
    gaps = np.linalg.norm(points[:, None] - grid[None], axis=2)
    assert gaps.min(axis=0).max() < 1e-9


def test_search_finds_the_spurious_minima():
    f = RankOne(np.array([0.6, 0.48, 0.64]), PARTIAL, alpha=0.9, weight=0.5)
    points = certified(f)
    bad = (f.lowest_curvature(points) > 0.1) & (f.value(points) > 0.1)
    assert (len(points), bad.sum()) == (9, 2)
    starts = np.random.default_rng(0).uniform(-reach(f), reach(f), (200, 3))
    ends, sizes = refined(f, starts)
    assert len(distinct(ends[sizes < 1e-10])) == 9


def test_search_refuses_what_it_cannot_decide():
    # M12 alone: every point of a hyperbola is stationary.
    f = RankOne(np.array([0.6, 0.8]), np.array([[0, 1], [1, 0]], bool), alpha=1.0, weight=0.5)
    with pytest.raises(ValueError, match="degenerate"):
        certified(f, radius=0.9, most=20_000)


def test_reach_needs_a_penalty(f):
    with pytest.raises(ValueError, match="weight must be positive"):
        reach(RankOne(f.z, f.mask, 1.0, 0.0))
