"""Singular values and vectors of sparse and of thin matrices, and orthonormal bases."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

# Up to this size a dense eigenvalue problem is solved sooner than Lanczos gets going.
_SMALL = 128 * 128
_RESTARTS = 50  # of Lanczos' method before it gets more vectors


def largest(S, rng, tol=0.0, guess=None, enough=None):
    """The largest singular value of S.

    Parameters
    ----------
    S : sparse array, shape (n1, n2)
    rng : Generator
    tol : float, default 0.0
        Relative accuracy of the square; 0 is machine precision.
    guess : ndarray, shape (n2, k), optional
        Columns near whose span the right vector may be.
    enough : callable, optional
        A lower bound for which this is true will do.
    """
    if np.prod(S.shape) > _SMALL:
        return float(leading(S, 1, rng, tol=tol)[0][0])
    D = S.toarray()
    gram = D.T @ D
    if guess is not None and guess.size:
        V = orthonormal(gram @ orthonormal(gram @ guess))
        square = max(np.linalg.eigvalsh(V.T @ gram @ V)[-1], 0.0)
        bound = float(np.sqrt(square))
        if (bound and enough and enough(bound)) or _at_most(gram, square * (1 + tol)):
            return bound
    last = len(gram) - 1
    square = eigh(gram, eigvals_only=True, subset_by_index=(last, last), check_finite=False)[0]
    return float(np.sqrt(max(square, 0.0)))


def _at_most(gram, bound):
    """Whether no eigenvalue is above the bound: then, and only then, Cholesky's method ends."""
    try:
        np.linalg.cholesky(bound * np.eye(len(gram)) - gram)
        return True
    except np.linalg.LinAlgError:
        return False


def leading(S, count, rng, U=None, V=None, tol=0.0, above=None):
    """Largest singular values of S and their right vectors, by Lanczos on the Gram matrix.

    Parameters
    ----------
    S : sparse array, shape (n1, n2)
    count : int
        How many; at most min(n1, n2).
    rng : Generator
        For the first vector.
    U, V : ndarray, shape (n1, k) and (n2, k), optional
        Orthonormal columns; then of ``(I - U U^T) S (I - V V^T)``.
    tol : float, default 0.0
        Relative accuracy of the squared values; 0 is machine precision.
    above : float, optional
        Only values above this are returned.

    Returns
    -------
    (ndarray, ndarray)
        Singular values in decreasing order, shape (count,) or fewer; vectors, shape (n2, count).
    """
    n1, n2 = S.shape
    if n2 <= 2 * count + 2 or n1 * n2 <= _SMALL:
        D = S.toarray()
        if U is not None:
            D = D - U @ (U.T @ D)
            D = D - (D @ V) @ V.T
        gram = D.T @ D
        if above and _at_most(gram, above**2):  # in a fifth of the time
            return np.empty(0), np.empty((n2, 0))
        squares, vectors = eigh(gram, subset_by_index=(n2 - count, n2 - 1), check_finite=False)
    else:
        St = S.T.tocsr()

        def outside(Q, x):
            return x if Q is None else x - Q @ (Q.T @ x)

        def gram(x):
            return outside(V, St @ outside(U, S @ outside(V, x)))

        v0 = gram(rng.standard_normal(n2))
        # ARPACK stops with an error on a matrix of zeros.
        if np.linalg.norm(v0) <= np.finfo(float).eps * float(np.vdot(S.data, S.data)):
            return _decreasing(np.zeros(count), np.eye(n2, count), above)
        operator = LinearOperator((n2, n2), matvec=gram, dtype=float)
        squares, vectors = _lanczos(operator, count, v0, tol)
    return _decreasing(squares, vectors, above)


def _lanczos(operator, count, v0, tol):
    """Largest eigenvalues, with as many Lanczos vectors as it takes.

    A residual at a solution of the matrix lasso has its largest value as often as that has rank;
    fewer vectors than that go round in circles.
    """
    n, width = len(v0), max(2 * count + 1, 20)
    while width < n:
        try:
            return eigsh(operator, count, which="LA", v0=v0, tol=tol, ncv=width, maxiter=_RESTARTS)
        except ArpackNoConvergence:
            width *= 4
    return eigsh(operator, count, which="LA", v0=v0, tol=tol, ncv=n)


def roughly_leading(S, count, rng, U, V, above=None, steps=2):
    """As `leading`, with U and V, by a few steps of block power iteration: values from below.

    Good for finding directions, and far cheaper than their exact values.
    """
    X = rng.standard_normal((S.shape[1], count))
    S = S.toarray() if np.prod(S.shape) <= _SMALL else S
    for _ in range(steps):
        Y = S @ (X - V @ (V.T @ X))
        X = S.T @ (Y - U @ (U.T @ Y))
    X = orthonormal(X - V @ (V.T @ X))
    Y = S @ X
    Y -= U @ (U.T @ Y)
    squares, Z = np.linalg.eigh(Y.T @ Y)
    return _decreasing(squares, X @ Z, above)


def _decreasing(squares, vectors, above):
    order = np.argsort(squares)[::-1]
    s = np.sqrt(np.maximum(squares[order], 0.0))
    if above is not None:
        s = s[s > above]
    return s, vectors[:, order[: len(s)]]


def balanced(A, B):
    """Singular values of ``A B^T``, and its factors with equal Gram matrices ``diag(s)``.

    Factors that are balanced already are returned as they are.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        s in decreasing order, left and right.
    """
    GA, GB = A.T @ A, B.T @ B
    s = np.diagonal(GA)
    slack = 1e-13 * s.max(initial=0.0)
    if np.all(np.abs(GA - np.diag(s)) <= slack) and np.all(np.abs(GB - np.diag(s)) <= slack):
        return s, A, B
    QA, QB = orthonormal(A), orthonormal(B)
    P, s, Qt = np.linalg.svd((QA.T @ A) @ (B.T @ QB))
    return s, QA @ (P * np.sqrt(s)), QB @ (Qt.T * np.sqrt(s))


def orthonormal(X):
    """An orthonormal basis of the columns of X; zeros for those that depend on earlier ones."""
    return _gram_schmidt(np.array(X.T, order="C")).T


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _gram_schmidt(Q):
    """Of the rows of Q in place, each twice: small matrices cost LAPACK more in calls."""
    k, n = Q.shape
    for a in range(k):
        size = np.sqrt(np.sum(Q[a] ** 2))
        for _ in range(2):
            for b in range(a):
                inner = 0.0
                for i in range(n):
                    inner += Q[b, i] * Q[a, i]
                for i in range(n):
                    Q[a, i] -= inner * Q[b, i]
        left = np.sqrt(np.sum(Q[a] ** 2))
        Q[a] *= 1.0 / left if left > 1e-14 * size else 0.0
    return Q
