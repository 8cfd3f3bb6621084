"""The factored objective: the trap in symbols, balanced factors, and agreement with the full loss."""

import numpy as np
import pytest
import sympy as sp

from mcrepro.theory import geometry
from mcrepro.theory.factorization import balanced_factors, gradient, hessian, trap, weighted_loss


def test_trap_is_the_stationary_point_in_symbols():
    x, y, w = sp.symbols("x y w", positive=True)
    f = weighted_loss(x, y, w)
    point = trap(w)
    here = {x: sp.sqrt(point.square), y: -sp.sqrt(point.square)}
    H = sp.hessian(f, (x, y)).subs(here)
    assert sp.simplify(f.diff(x).subs(here)) == 0
    assert sp.simplify(f.diff(y).subs(here)) == 0
    assert sp.simplify(f.subs(here) - point.loss) == 0
    assert sp.simplify(point.loss - 2 * w / (1 + w)) == 0
    assert sp.simplify(H[0, 0] + H[0, 1] - point.across) == 0
    assert sp.simplify(H[0, 0] - H[0, 1] - point.outward) == 0
    assert sp.solve(point.across, w) == [sp.Rational(1, 3)]


def test_everything_seen_is_the_loss_of_geometry():
    rng = np.random.default_rng(5)
    M, U, V = rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
    seen = np.ones(M.shape, bool)
    for ours, other in zip(
        gradient(M, seen, U, V), geometry.factored_gradient(M, U, V), strict=True
    ):
        np.testing.assert_allclose(ours, other)
    np.testing.assert_allclose(hessian(M, seen, U, V), geometry.factored_hessian(M, U, V))


def test_balanced_factors_need_enough_columns():
    U, V = balanced_factors(np.diag([4.0, 1.0, 0.0]), 2)
    np.testing.assert_allclose(U @ V.T, np.diag([4.0, 1.0, 0.0]), atol=1e-14)
    np.testing.assert_allclose(U.T @ U, V.T @ V, atol=1e-14)
    with pytest.raises(ValueError, match="rank 3"):
        balanced_factors(np.eye(3), 2)
