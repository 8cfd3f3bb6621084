"""Singular values, orthonormal bases and balanced factors: what the convex methods share."""

import numpy as np
import pytest
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.solvers._subspaces import balanced, largest, leading, orthonormal, roughly_leading


def test_leading_values_agree_with_a_dense_decomposition():
    rng = np.random.default_rng(0)
    for shape, count in (((300, 200), 4), ((150, 400), 7), ((5, 300), 5), ((30, 8), 8)):
        mask = rng.random(shape) < 0.3
        problem = mc.Problem.from_dense(rng.standard_normal(shape), mask)
        S = problem.to_csr()
        s, V = leading(S, count, rng)
        U, t, Wt = np.linalg.svd(S.toarray(), full_matrices=False)
        np.testing.assert_allclose(s, t[:count], rtol=1e-8)
        np.testing.assert_allclose(np.linalg.norm(S @ V, axis=0), s, rtol=1e-7)
        outside, _ = leading(S, 1, rng, U[:, :2], Wt[:2].T)
        assert outside[0] == pytest.approx(t[2], rel=1e-7)
        rough, W = roughly_leading(S, 1, rng, U[:, :2], Wt[:2].T)
        assert 0.8 * t[2] < rough[0] <= t[2] * (1 + 1e-12)
        assert np.linalg.norm(Wt[:2] @ W) < 1e-12


def test_largest_value_from_a_guess_good_or_bad():
    rng = np.random.default_rng(0)
    problem = mc.Problem.from_dense(rng.standard_normal((40, 30)), rng.random((40, 30)) < 0.3)
    S = problem.to_csr()
    _, s, Vt = np.linalg.svd(S.toarray())
    # A guess without the first vector has a smaller value, which Cholesky's method refutes.
    for guess in (None, Vt[:2].T, Vt[1:3].T, rng.standard_normal((30, 4)), np.zeros((30, 1))):
        assert largest(S, rng, 1e-6, guess) == pytest.approx(s[0], rel=1e-6)
    low = largest(S, rng, 1e-6, Vt[1:3].T, enough=lambda bound: bound > s[2])
    assert s[2] < low <= s[1] * (1 + 1e-12)
    high = largest(S, rng, 1e-6, Vt[1:3].T, enough=lambda bound: bound > s[0])
    assert high == pytest.approx(s[0], rel=1e-6)


def test_a_largest_value_that_many_share_is_found():
    """As at a solution of the matrix lasso, where Lanczos' method goes round in circles."""
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 100)))[0] for n in (160, 150))
    s = np.r_[1 + 1e-9 * rng.random(60), rng.random(40)]
    S = sp.csr_array(U * s @ V.T)
    assert largest(S, rng, 1e-12) == pytest.approx(s.max(), rel=1e-10)


@pytest.mark.parametrize("n", [40, 200])  # a dense eigenvalue problem, and Lanczos
def test_nothing_above_the_level_is_no_direction(n):
    rng = np.random.default_rng(0)
    nothing = sp.csr_array((np.zeros(n), (np.arange(n), np.arange(n))), shape=(n, n))
    s, V = leading(nothing, 3, rng, above=0.1)
    assert s.shape == (0,)
    assert V.shape == (n, 0)
    s, V = leading(
        sp.csr_array(sp.diags_array(np.r_[3.0, 2.0, np.zeros(n - 2)])), 3, rng, above=2.5
    )
    assert s == pytest.approx([3.0])
    assert np.abs(V[0]) == pytest.approx([1.0])


def test_orthonormal_basis_leaves_out_columns_that_depend_on_others():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 5)) * np.geomspace(1, 1e-9, 5)
    X[:, 3] = X[:, 0] - 2 * X[:, 1]
    Q = orthonormal(X)
    assert not Q[:, 3].any()
    np.testing.assert_allclose(Q.T @ Q, np.diag([1.0, 1, 1, 0, 1]), atol=1e-14)
    np.testing.assert_allclose(Q @ (Q.T @ X), X, rtol=1e-7, atol=1e-15)


def test_balanced_factors_have_equal_diagonal_gram_matrices():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((9, 3)), rng.standard_normal((7, 3))
    s, left, right = balanced(A, B)
    np.testing.assert_allclose(left @ right.T, A @ B.T, atol=1e-13)
    np.testing.assert_allclose(left.T @ left, np.diag(s), atol=1e-13)
    np.testing.assert_allclose(right.T @ right, np.diag(s), atol=1e-13)
