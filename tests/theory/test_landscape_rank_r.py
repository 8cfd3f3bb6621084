"""The objective of rank r: derivatives against differences, factors against their definitions."""

import numpy as np
import pytest

from mcrepro.theory import landscape_rank_r as landscape
from mcrepro.theory.landscape import symmetric_mask


@pytest.fixture
def instance():
    rng = np.random.default_rng(5)
    Z, mask = landscape.factor(7, 2, 3.0, rng), symmetric_mask(7, 0.7, rng)
    return landscape.RankR(Z @ Z.T, mask, alpha=0.3, weight=2.0), Z, rng


def test_gradient_is_the_slope_of_the_value(instance):
    f, _, rng = instance
    X, V = rng.standard_normal((2, 7, 2))
    h = 1e-6
    slope = (f.value(X + h * V) - f.value(X - h * V)) / (2 * h)
    assert np.sum(f.gradient(X) * V) == pytest.approx(slope, rel=1e-7)


def test_hessian_is_the_slope_of_the_gradient(instance):
    f, _, rng = instance
    X, V = rng.standard_normal((2, 7, 2))
    h = 1e-6
    change = (f.gradient(X + h * V) - f.gradient(X - h * V)) / (2 * h)
    assert np.allclose((f.hessian(X) @ V.ravel()).reshape(7, 2), change, rtol=1e-6, atol=1e-6)


def test_curvature_is_the_hessian_without_penalty(instance):
    f, _, rng = instance
    X, V = rng.standard_normal((2, 7, 2))
    bare = landscape.RankR(f.M, f.mask)
    assert bare.curvature(X, V) == pytest.approx(V.ravel() @ bare.hessian(X) @ V.ravel())


def test_factor_has_the_stated_numbers(instance):
    _, Z, _ = instance
    assert np.linalg.norm(Z) ** 2 == pytest.approx(2)
    assert np.linalg.cond(Z) == pytest.approx(3)
    assert landscape.incoherence(np.eye(4)) == pytest.approx(1)


def test_noise_error_solves_the_condition():
    d, r, mu, sigma, epsilon = 500, 2, 1.5, 1e-3, 3.0
    mu_hat = landscape.noise_incoherence(d, r, mu, sigma)
    p = mu_hat**6 * 2.0**12 * r**4 * np.log(d) ** 1.5 / (d * epsilon**2)
    assert landscape.noise_error(d, r, p, mu, 2.0, sigma) == pytest.approx(epsilon)


def test_truncated_factor_is_a_factor(instance):
    f, Z, rng = instance
    U = landscape.truncated_factor(Z + 1e-3 * rng.standard_normal(Z.shape), Z)["U"]
    assert np.allclose(U @ U.T, f.M)
    assert np.linalg.norm(U - landscape.nearest_factor(U, Z)) < 1e-10
