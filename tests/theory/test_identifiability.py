"""Counting and Jacobians: against closed forms, floating point, and masks known by hand."""

import numpy as np
import pytest

from mcrepro.theory.identifiability import (
    degrees_of_freedom,
    finitely_completable,
    generic_rank,
    jacobian,
    rank_modulo,
)


def test_jacobian_against_finite_differences():
    rng = np.random.default_rng(0)
    U, V = rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
    mask = rng.random((4, 3)) < 0.7
    J = jacobian(U, V, mask)
    for _ in range(3):
        dU, dV = rng.standard_normal(U.shape), rng.standard_normal(V.shape)
        step = 0.5  # the product is bilinear: a central difference has no error of its own
        ahead = ((U + step * dU) @ (V + step * dV).T)[mask]
        behind = ((U - step * dU) @ (V - step * dV).T)[mask]
        slope = J @ np.concatenate([dU.ravel(), dV.ravel()])
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_rank_modulo_is_the_rank_of_integers(seed):
    rng = np.random.default_rng(seed)
    r = int(rng.integers(0, 5))
    matrix = rng.integers(-9, 10, (6, r)) @ rng.integers(-9, 10, (r, 5))
    assert rank_modulo(matrix) == np.linalg.matrix_rank(matrix.astype(float))


@pytest.mark.parametrize(("m", "n", "k", "dof"), [(5, 7, 2, 20), (6, 4, 3, 21), (8, 8, 1, 15)])
def test_full_masks_have_the_degrees_of_freedom(m, n, k, dof):
    assert degrees_of_freedom(m, n, k) == dof
    assert generic_rank(np.ones((m, n), bool), k) == dof
    assert finitely_completable(np.ones((m, n), bool), k)


def test_masks_known_by_hand():
    row = np.zeros((3, 3), bool)
    row[0] = True
    assert not finitely_completable(row, 1)
    cross = row.copy()
    cross[:, 0] = True  # a row and a column: five entries, and all of rank one
    assert finitely_completable(cross, 1)
    circle = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], bool)
    assert circle.sum() == 8 > degrees_of_freedom(4, 4, 1)
    assert not finitely_completable(circle, 1)


def test_impossible_rank_is_refused():
    with pytest.raises(ValueError, match="rank must be from 0 to 2, got 3"):
        degrees_of_freedom(2, 5, 3)
