"""The half sweeps of soft_impute, and the extrapolation of fixed-point iterations."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro._factors import entries
from mcrepro.solvers import _regressions
from mcrepro.solvers._anderson import Anderson
from mcrepro.solvers._convex import Entries
from mcrepro.solvers._lasso import Lasso
from mcrepro.solvers._regressions import Filled, Rows


def test_rows_of_any_number_are_solved_alike(monkeypatch):
    """Many at a time where a table of products is small, one by one elsewhere."""
    rng = np.random.default_rng(0)
    M = rng.standard_normal((150, 40))
    problem = mc.Problem.from_dense(M, rng.random(M.shape) < 0.3)
    data = Entries(problem, rng.uniform(0.5, 2.0, problem.n_observed))
    regress = Rows(Lasso(data, 0.7, 40, rng, 1e-5))
    A, B = rng.standard_normal((150, 5)), rng.standard_normal((40, 5))
    many = [regress.left(A, B), *regress.right(A, B)]
    monkeypatch.setattr(_regressions, "_TABLE", 0)
    for new, old in zip(many, [regress.left(A, B), *regress.right(A, B)], strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-11)


def test_compiled_products_agree_with_plain_ones():
    rng = np.random.default_rng(0)
    flat = rng.choice(400 * 500, 120_000, replace=False)
    rows, cols = np.divmod(flat, 500)
    left, right = rng.standard_normal((400, 6)), rng.standard_normal((6, 500)).T
    expected = (left @ right.T)[rows, cols]
    np.testing.assert_allclose(entries(left, right, rows, cols), expected, atol=1e-13)
    few = slice(1000)
    np.testing.assert_allclose(
        entries(left, right, rows[few], cols[few]), expected[few], atol=1e-13
    )
    single = entries(left.astype(np.float32), right.astype(np.float32), rows, cols)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_regression_of_rows_solves_their_normal_equations(noisy, weighted):
    rng = np.random.default_rng(0)
    w = rng.uniform(0.5, 2.0, noisy.n_observed) if weighted else None
    lasso = Lasso(Entries(noisy, w), 0.7, 23, rng, 1e-5)
    A, B = rng.standard_normal((23, 4)), rng.standard_normal((31, 4))
    regress = Rows(lasso)
    new, square = regress.right(A, B)
    R = lasso.residual(A, new)
    np.testing.assert_allclose(R.T @ A, 0.7 * new, atol=1e-11)
    np.testing.assert_allclose(
        lasso.residual(regress.left(A, B), B) @ B, 0.7 * regress.left(A, B), atol=1e-11
    )
    d = lasso.difference(A, B)
    assert square == pytest.approx(np.sum((1.0 if w is None else w) * d**2))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_regression_of_the_filled_matrix_is_that_of_the_paper(noisy, weighted):
    rng = np.random.default_rng(0)
    w = rng.uniform(0.5, 2.0, noisy.n_observed) if weighted else None
    lasso = Lasso(Entries(noisy, w), 0.7, 23, rng, 1e-5)
    A, B = rng.standard_normal((23, 4)), rng.standard_normal((31, 4))
    bound = 1.0 if w is None else w.max()
    filled = A @ B.T + lasso.residual(A, B).toarray() / bound
    regress = Filled(lasso, bound)
    gram = bound * A.T @ A + 0.7 * np.eye(4)
    expected = np.linalg.solve(gram, bound * A.T @ filled).T
    np.testing.assert_allclose(regress.right(A, B)[0], expected, atol=1e-9)
    gram = bound * B.T @ B + 0.7 * np.eye(4)
    expected = np.linalg.solve(gram, bound * B.T @ filled.T).T
    np.testing.assert_allclose(regress.left(A, B), expected, atol=1e-9)


def test_anderson_solves_a_linear_map_in_as_many_steps_as_it_has_dimensions():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    J, b = Q @ np.diag([0.99, 0.9, 0.5, -0.3]) @ Q.T, rng.standard_normal(4)
    exact = np.linalg.solve(np.eye(4) - J, b)
    mix, x = Anderson(8), np.zeros(4)
    for _ in range(6):
        gx = J @ x + b
        mixed = mix(x, gx)
        x = gx if mixed is None else mixed
    np.testing.assert_allclose(x, exact, rtol=1e-5)
