"""Variational Bayes in als: its objective, its fixed point, and what it learns."""

from itertools import pairwise

import numpy as np
import pytest

import mcrepro as mc


def noisy(seed=0, shape=(60, 50), rank=2, noise=0.3, share=0.5, offsets=False):
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    if offsets:
        M += 3 + rng.standard_normal((shape[0], 1)) + 0.5 * rng.standard_normal(shape[1])
    mask = rng.random(shape) < share
    noisy = mc.Problem.from_dense(M + noise * rng.standard_normal(shape), mask)
    return mc.Problem(noisy.rows, noisy.cols, noisy.values, shape, truth=M)


def learned(p, rank, **options):
    return mc.complete(p, "als", rank=rank, ridge="learned", **options)


def posterior(p, mean, covariance, axis, variance, t, s):
    """Means and covariances of the rows along `axis`, entry by entry, from those of the other side."""
    here, there = (p.rows, p.cols) if axis == 0 else (p.cols, p.rows)
    means, covariances = [], []
    for i in range(p.shape[axis]):
        A, b = np.diag(1 / variance), np.zeros(len(variance))
        for e in np.flatnonzero(here == i):
            x = mean[there[e]]
            A += s[e] / t * (np.outer(x, x) + covariance[there[e]])
            b += s[e] / t * x * p.values[e]
        covariances.append(np.linalg.inv(A))
        means.append(covariances[-1] @ b)
    return np.array(means), np.array(covariances)


def divergence(mean, covariance, variance):
    """Sum of KL(N(mean, covariance) || N(0, diag variance))."""
    log_dets = np.linalg.slogdet(covariance)[1]
    traces = ((np.einsum("ikk->ik", covariance) + mean**2) / variance).sum(axis=1)
    return 0.5 * np.sum(traces - len(variance) + np.log(variance).sum() - log_dets)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_answer_is_the_fixed_point_of_the_equations_entry_by_entry(weighted):
    p = noisy(shape=(24, 20), share=0.7)
    s = (
        np.random.default_rng(1).uniform(0.5, 2, p.n_observed)
        if weighted
        else np.ones(p.n_observed)
    )
    result = learned(p, 2, weights=s if weighted else None, gtol=1e-7)
    assert result.stop_reason == "gradient"
    t = result.certificate["noise"] ** 2
    variance = t / np.array(result.certificate["ridge"])
    U, V = result.left, result.right
    covariance_V = np.zeros((20, 2, 2))
    for _ in range(60):
        mean_U, covariance_U = posterior(p, V, covariance_V, 0, variance, t, s)
        mean_V, covariance_V = posterior(p, U, covariance_U, 1, variance, t, s)
    np.testing.assert_allclose(mean_U, U, atol=1e-5)
    np.testing.assert_allclose(mean_V, V, atol=1e-5)
    # Both variances and the noise have their closed forms, too.
    for mean, covariance in ((U, covariance_U), (V, covariance_V)):
        second = (mean**2).mean(axis=0) + np.einsum("ikk->k", covariance) / len(mean)
        np.testing.assert_allclose(second, variance, rtol=1e-4)
    i, j = p.rows, p.cols
    spread = (
        np.einsum("ek,ekl,el->e", U[i], covariance_V[j], U[i])
        + np.einsum("ek,ekl,el->e", V[j], covariance_U[i], V[j])
        + np.einsum("ekl,ekl->e", covariance_U[i], covariance_V[j])
    )
    square = (p.values - np.sum(U[i] * V[j], axis=1)) ** 2 + spread
    assert np.mean(s * square) == pytest.approx(t, rel=1e-5)
    free_energy = 0.5 * np.sum(np.log(2 * np.pi * t) + s * square / t)
    free_energy += divergence(U, covariance_U, variance) + divergence(V, covariance_V, variance)
    assert result.certificate["objective"] == pytest.approx(free_energy, rel=1e-7)


def test_the_objective_bounds_the_evidence():
    """log p(values) with V integrated by its formula and U on a grid."""
    p = mc.Problem([0, 0, 1, 1], [0, 1, 0, 1], [2.0, -1.0, 1.5, -0.9], (2, 2))
    result = learned(p, 1, max_iter=100, gtol=0.0)
    t = result.certificate["noise"] ** 2
    variance = t / result.certificate["ridge"][0]
    grid = np.linspace(-6, 6, 401) * np.sqrt(variance)
    u = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    log_density = -0.5 * np.sum(u**2, axis=1) / variance - np.log(2 * np.pi * variance)
    C = t * np.eye(2) + variance * u[:, :, None] * u[:, None, :]
    for y in np.array([[2.0, 1.5], [-1.0, -0.9]]):  # columns are independent given U
        solved = np.linalg.solve(C, np.broadcast_to(y, u.shape)[..., None])[..., 0]
        log_density -= 0.5 * (solved @ y + np.linalg.slogdet(2 * np.pi * C)[1])
    evidence = np.log(np.sum(np.exp(log_density)) * (grid[1] - grid[0]) ** 2)
    assert evidence - 2 < -result.certificate["objective"] < evidence


@pytest.mark.parametrize("center", ["none", "rows+columns"])
def test_each_sweep_wins_at_least_what_the_certificate_promises(center):
    p = noisy(offsets=True)
    history = learned(p, 4, center=center, max_iter=60, gtol=0.0).history
    for now, after in pairwise(history):
        promised = p.n_observed * now["gradient_norm"] ** 2 / 2
        rounding = 1e-11 * abs(now["objective"])
        assert now["objective"] - after["objective"] >= promised - rounding


def test_columns_that_the_data_do_not_need_vanish_and_the_noise_is_found():
    p = noisy(noise=0.4, share=0.6)
    result = learned(p, 6, max_iter=500, gtol=1e-4)
    assert result.certificate["noise"] == pytest.approx(0.4, rel=0.06)
    values = np.linalg.svd(result.matrix(), compute_uv=False)
    assert values[2] < 0.02 * values[1]
    # Columns are principal axes, the largest first.
    gram = result.left.T @ result.left
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 0.02 * gram[0, 0]
    assert np.diff(result.certificate["ridge"][:3]).min() > 0


def test_as_good_as_the_best_ridge_of_all():
    p = noisy(shape=(80, 60), rank=3, noise=1.0, share=0.4)
    error = learned(p, 3, gtol=1e-4).relative_error(p.truth)
    fixed = [
        mc.complete(p, "als", rank=3, ridge=ridge, gtol=1e-4).relative_error(p.truth)
        for ridge in np.geomspace(0.3, 10, 8)
    ]
    assert error < 1.03 * min(fixed)


def test_biases_are_part_of_the_model():
    p = noisy(offsets=True, noise=0.1)
    result = learned(p, 2, center="rows+columns", gtol=1e-5)
    assert result.rank == 4
    assert (result.left[:, -1] == 1).all()
    assert (result.right[:, -2] == 1).all()
    assert result.certificate["noise"] == pytest.approx(0.1, rel=0.1)
    without = learned(p, 2, gtol=1e-5).relative_error(p.truth)
    assert result.relative_error(p.truth) < 0.05 < without


def test_rows_without_entries_are_zero_and_exact_data_are_recovered():
    p = mc.instances.oversampled(60, 50, 2, ratio=4.0, condition=3.0, seed=0)
    result = learned(p, 2)
    assert result.converged
    assert result.relative_error(p.truth) < 1e-6
    keep = (p.rows != 3) & (p.cols != 7)
    part = mc.Problem(p.rows[keep], p.cols[keep], p.values[keep] + 0.01, p.shape)
    result = learned(part, 2, gtol=1e-4)
    assert not result.left[3].any()
    assert not result.right[7].any()
