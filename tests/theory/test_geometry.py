"""Gradient and Hessian of the factored loss, PL ratio, isometry constant."""

import numpy as np
import pytest

from mcrepro.theory.geometry import (
    factored_gradient,
    factored_hessian,
    factored_loss,
    isometry_constant,
    pl_ratio,
)


@pytest.fixture
def point():
    rng = np.random.default_rng(1)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), rng.standard_normal((3, 2))


def test_derivatives_against_finite_differences(point):
    M, U, V = point
    rng = np.random.default_rng(2)
    dU, dV = rng.standard_normal(U.shape), rng.standard_normal(V.shape)
    h = 1e-5
    f = [factored_loss(M, U + t * dU, V + t * dV) for t in (-h, 0, h)]
    gU, gV = factored_gradient(M, U, V)
    assert (f[2] - f[0]) / (2 * h) == pytest.approx(np.sum(gU * dU) + np.sum(gV * dV), rel=1e-7)
    z = np.concatenate([dU.ravel(), dV.ravel()])
    ahead, behind = (factored_gradient(M, U + t * dU, V + t * dV) for t in (h, -h))
    change = np.concatenate([(a - b).ravel() for a, b in zip(ahead, behind, strict=True)])
    np.testing.assert_allclose(factored_hessian(M, U, V) @ z, change / (2 * h), rtol=1e-6)


def test_pl_ratio_is_zero_at_a_stationary_point_only(point):
    e2 = np.array([[0.0], [1.0]])
    assert pl_ratio(np.diag([2.0, 1.0]), e2, e2) == 0
    assert pl_ratio(*point) > 0
    with pytest.raises(ValueError, match="global minimum"):
        pl_ratio(np.diag([0.0, 1.0]), e2, e2)


def test_isometry_constant_of_a_scaled_identity():
    assert isometry_constant(np.sqrt(1.3) * np.eye(4)) == pytest.approx(0.3)
    assert isometry_constant(np.eye(4)[:3]) == pytest.approx(1)
