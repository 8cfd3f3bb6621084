r"""Matrix sensing in factored form, dense and small: what the theorems on second-order points use.

    f(M) = 1/2 ||A(M) - b||^2,    A(M)_k = <A_k, M>,    h(X) = f(X X^T),    X of shape (n, r).

With the residual ``s = A(X X^T) - b``, N the symmetric part of ``sum_k s_k A_k`` is the gradient of f
at ``X X^T``. The first- and second-order conditions of the ε-MC paper ("noise"), eqs. (37), (38), are

    N X = 0,    2 <N, U U^T> + ||A(X U^T + U X^T)||^2 >= 0    for all U.

For f and h it makes no difference whether the A_k are symmetric. For the lifted problem it does: see
``mcrepro.theory.lifted_curvature``.
"""

from __future__ import annotations

import numpy as np


def entry_operator(weights) -> np.ndarray:
    """The sensing matrices ``D_ij E_ij`` of ε-MC, eq. (5), in the order of the rows of D.

    Parameters
    ----------
    weights : array_like, shape (n, n)
        D: 1 where an entry is observed, ε elsewhere.

    Returns
    -------
    ndarray, shape (n*n, n, n)
    """
    D = np.asarray(weights)
    n = len(D)
    A = np.zeros((n * n, n, n), dtype=D.dtype)
    k = np.arange(n * n)
    A[k, k // n, k % n] = D.ravel()
    return A


def symmetrized(A) -> np.ndarray:
    """``(A_k + A_k^T) / 2``: another operator, with the same values on symmetric matrices."""
    return (A + A.swapaxes(1, 2)) / 2


def apply(A, M) -> np.ndarray:
    """``A(M)``, shape (m,)."""
    return np.tensordot(A, M, axes=([1, 2], [0, 1]))


def gradient_matrix(A, b, X) -> np.ndarray:
    """N, the gradient of f at ``X X^T``, shape (n, n), symmetric."""
    N = np.tensordot(apply(A, X @ X.T) - b, A, axes=1)
    return (N + N.T) / 2


def value(A, b, X) -> float:
    """``h(X)``."""
    s = apply(A, X @ X.T) - b
    return float(s @ s) / 2


def hessian(A, b, X) -> np.ndarray:
    """Second derivative of h at X with respect to vec(X), which stacks columns; (nr, nr)."""
    r = X.shape[1]
    # The derivative of A(X X^T) in X_ic is ((A_k + A_k^T) X)_ic.
    J = 2 * (symmetrized(A) @ X).swapaxes(1, 2).reshape(len(A), -1)
    return 2 * np.kron(np.eye(r), gradient_matrix(A, b, X)) + J.T @ J


def constants(A) -> tuple[float, float]:
    """(α, L) with ``α ||M||_F^2 <= ||A(M)||^2 <= L ||M||_F^2`` for all symmetric M, both sharp.

    They are RSC and RSS constants (Definition 1.1) for every rank.
    """
    n = A.shape[1]
    i, j = np.triu_indices(n)
    # Orthonormal coordinates of symmetric matrices.
    columns = symmetrized(A)[:, i, j] * np.where(i == j, 1.0, np.sqrt(2))
    values = np.linalg.eigvalsh(columns.T @ columns)
    return max(float(values[0]), 0.0), float(values[-1])


def proof_direction(A, b, X) -> tuple[np.ndarray, float]:
    """The direction ``U = u q^T`` in which Theorem 3.1 escapes, and G.

    u is the eigenvector of N for its smallest eigenvalue -G, q the right singular vector of X for
    its smallest singular value.

    Returns
    -------
    U : ndarray, shape (n, r)
        Of norm 1.
    G : float
    """
    values, vectors = np.linalg.eigh(gradient_matrix(A, b, X))
    q = np.linalg.svd(X)[2][-1]
    return np.outer(vectors[:, 0], q), -float(values[0])
