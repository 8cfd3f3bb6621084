"""The geometry of least squares over low-rank matrices: isometries, curvature, PL constants.

For the factored loss ``f(U, V) = 1/2 ||U V^T - M||_F^2`` with residual R = U V^T - M the gradient is
(R V, R^T U), and the Hessian at (U, V) in the direction (P, Q) is
``||P V^T + U Q^T||^2 + 2 <R, P Q^T>``.

References
----------
The textbook chapter, section "The Theoretical Underpinnings of Algorithmic Success". H. Karimi,
J. Nutini, M. Schmidt, "Linear convergence of gradient and proximal-gradient methods under the
Polyak-Lojasiewicz condition", ECML PKDD 2016 (the scalar example).
"""

import numpy as np


def isometry_constant(operator: np.ndarray) -> float:
    """Return delta of a linear map over *all* matrices, the least with (1 ∓ delta) ||H||² around ||A(H)||².

    Parameters
    ----------
    operator : (m, n1 n2) array
        The map as a matrix that acts on ``H.ravel()``.

    Returns
    -------
    float
        An upper bound of the constants of all orders, and equal to that of order min(n1, n2).
    """
    eigenvalues = np.linalg.eigvalsh(operator.T @ operator)
    return float(max(eigenvalues[-1] - 1, 1 - eigenvalues[0]))


def factored_loss(M: np.ndarray, U: np.ndarray, V: np.ndarray) -> float:
    """Return ``1/2 ||U V^T - M||_F^2``."""
    return float(0.5 * np.sum((U @ V.T - M) ** 2))


def factored_gradient(M: np.ndarray, U: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of `factored_loss` in U and in V."""
    R = U @ V.T - M
    return R @ V, R.T @ U


def factored_hessian(M: np.ndarray, U: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return the Hessian of `factored_loss`, of shape (N, N), N = (n1 + n2) r, in (U, V) raveled."""
    (n1, r), n2 = U.shape, len(V)
    size = (n1 + n2) * r
    P = np.eye(size)[:, : n1 * r].reshape(size, n1, r)
    Q = np.eye(size)[:, n1 * r :].reshape(size, n2, r)
    moves = (P @ V.T + U @ Q.transpose(0, 2, 1)).reshape(size, -1)
    R = U @ V.T - M
    cross = np.einsum("ij,aik,bjk->ab", R, P, Q)
    return moves @ moves.T + cross + cross.T


def pl_ratio(M: np.ndarray, U: np.ndarray, V: np.ndarray) -> float:
    """Return ``1/2 ||grad f||^2 / (f - f*)``, the largest mu for which PL holds at (U, V).

    f* is half the sum of the squares of the singular values of M beyond r.

    Raises
    ------
    ValueError
        If f = f* there, where every mu will do.
    """
    r = U.shape[1]
    tail = np.linalg.svd(M, compute_uv=False)[r:]
    above = factored_loss(M, U, V) - 0.5 * float(np.sum(tail**2))
    if above <= 0:
        raise ValueError("(U, V) is a global minimum, where every constant will do")
    gradient = factored_gradient(M, U, V)
    return float(0.5 * sum(np.sum(g**2) for g in gradient) / above)
