"""Least squares over the tangent space ``{U B^T + A V^T}``, seen through the observed entries.

Problem
    ``min over A, B of ||P_Omega(U B^T + A V^T) - e||^2 + ridge (||A||_F^2 + ||B||_F^2)``.
Structure
    The normal matrix has r x r blocks on the diagonal within each factor. The longer factor is
    eliminated column by column, which leaves a system in the shorter one, of n r unknowns:

        S = ridge I + sum over j of P_j kron (v_j v_j^T),   P_j = I - U_j D_j^{-1} U_j^T,

    where U_j holds the rows of U that column j meets and ``D_j = U_j^T U_j + ridge I``. S is formed
    and factorized ("direct", O(sum k_j^2 r^2 + n^3 r^3)), or applied at O(m r) in conjugate
    gradients with its r x r diagonal blocks as preconditioner ("cg").
Least norm
    With ridge 0 the matrix is singular: ``(U G, -V G^T)`` moves nothing. Iterated Tikhonov
    regularization, ``x <- x + (J^T J + delta I)^{-1} J^T (e - J x)``, stays in the range of J^T and
    so tends to the solution of least norm. Rows and columns with fewer than r entries make D_j
    singular too, and forming P_j then loses all digits: such problems are left to LSQR.
"""

import numba
import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigvalsh, solve_sylvester
from scipy.sparse.linalg import LinearOperator, lsqr

from mcrepro.solvers._sums import gather, grams, products

# Above this many unknowns "auto" does not factorize (8 bytes times the square of it in memory),
# below it does so once conjugate gradients have taken _PATIENCE iterations.
_DIRECT = 4_000
_PATIENCE = 250
# delta, relative to the mean diagonal of J^T J.
_TIKHONOV = 1e-9


class TangentLeastSquares:
    """The least-squares problems of one set of observed entries.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    solver : {"auto", "direct", "cg", "lsqr"}
        "auto" turns from "cg" to "direct" where the system is small and "cg" is slow.
    inner_iter : int
        Most iterations of "cg" and "lsqr" for one problem.

    Attributes
    ----------
    inner : int
        Iterations of "cg" and "lsqr" so far.
    """

    def __init__(self, problem, solver, inner_iter):
        self.rows, self.cols, self.shape = problem.rows, problem.cols, problem.shape
        self.solver, self.inner_iter, self.inner = solver, inner_iter, 0
        # i indexes the shorter factor, which is kept; entries are sorted by j, which is eliminated.
        self.flipped = self.shape[0] > self.shape[1]
        i, j = (self.cols, self.rows) if self.flipped else (self.rows, self.cols)
        self.order = np.lexsort((i, j))
        self.i, self.j = i[self.order], j[self.order]
        self.n, self.k = sorted(self.shape)
        self.fewest = min(
            np.bincount(index, minlength=size).min()
            for index, size in zip((self.rows, self.cols), self.shape, strict=True)
        )
        self.indptr = np.searchsorted(self.j, np.arange(self.k + 1))

    def entries(self, U, V):
        """``P_Omega(U V^T)``, shape (m,)."""
        return products(self.rows, self.cols, U, V)

    def adjoint(self, U, V, y):
        """Gradients (A, B) of ``<y, P_Omega(A V^T + U B^T)>``."""
        (n1, n2), rows, cols = self.shape, self.rows, self.cols
        return gather(rows, cols, y, V, n1), gather(cols, rows, y, U, n2)

    def damped(self, U, V, e, ridge, tol=1e-12):
        """The minimiser (A, B) for a positive ridge; e has shape (m,)."""
        if self.solver == "lsqr":
            return self._lsqr(U, V, e, np.sqrt(ridge), tol)
        if self.flipped:
            return self._elimination(V, U, ridge, tol)(e[self.order])[::-1]
        return self._elimination(U, V, ridge, tol)(e[self.order])

    def least_norm(self, U, V, e, tol=1e-15):
        """The minimiser (A, B) of least norm for ridge 0; `tol` is for "lsqr"."""
        if self.solver == "lsqr" or (self.solver == "auto" and self.fewest < U.shape[1]):
            return self._lsqr(U, V, e, 0.0, tol)
        if self.fewest < U.shape[1]:
            raise ValueError(
                f"least_squares={self.solver!r} needs at least rank={U.shape[1]} observed entries "
                f'in every row and column, got {self.fewest}; use "auto" or "lsqr"'
            )
        try:
            return self._eliminated_least_norm(U, V, e[self.order])
        except np.linalg.LinAlgError:  # beyond what the regularized system resolves
            return self._lsqr(U, V, e, 0.0, tol)

    def _eliminated_least_norm(self, U, V, e):
        """As `least_norm`, with e in this object's order; LinAlgError where a factor has no rank."""
        F, H = (V, U) if self.flipped else (U, V)
        density = len(e) / (self.n * self.k)
        delta = _TIKHONOV * density * np.linalg.norm(F, 2) * np.linalg.norm(H, 2)
        solve = self._elimination(F, H, delta, 1e-12)
        A, B = np.zeros_like(F), np.zeros_like(H)
        for _ in range(8):
            dA, dB = solve(e - self._product(F, B) - products(self.i, self.j, A, H))
            A, B = A + dA, B + dB
            if np.hypot(np.linalg.norm(dA), np.linalg.norm(dB)) <= 1e-12 * np.linalg.norm(A):
                break
        # Rounding, divided by delta, leaves a little of (F G, -H G^T): take it out.
        G = solve_sylvester(F.T @ F, H.T @ H, B.T @ H - F.T @ A)
        A, B = A + F @ G, B - H @ G.T
        return (B, A) if self.flipped else (A, B)

    def smallest_singular_value(self, U, V):
        """Of the tangent map ``xi -> P_Omega(xi) / sqrt(density)`` at the column spaces of U, V.

        The gauge does not count: 0 means that some tangent direction is invisible. Dense, O(n^3
        r^3); a lower bound up to the factor sqrt(2), from the eliminated system.
        """
        if self.flipped:
            U, V = V, U
        U, V = (np.ascontiguousarray(np.linalg.qr(F)[0]) for F in (U, V))
        density, r = len(self.i) / (self.n * self.k), U.shape[1]
        D_inverse = np.linalg.pinv(grams(self.j, self.i, U, 0.0, self.k), hermitian=True)
        S = _schur(self.indptr, self.i, U, V, D_inverse, 0.0)
        # The r^2 lowest eigenvalues belong to U G. Columns that U_j leaves open count as well.
        eigenvalue = np.inf
        if self.n > r:
            eigenvalue = eigvalsh(S, lower=True, subset_by_index=[r * r, r * r])[0]
        column = np.linalg.eigvalsh(grams(self.j, self.i, U, 0.0, self.k))[:, 0].min()
        return float(np.sqrt(max(min(eigenvalue, column), 0.0) / density))

    def _product(self, U, B):
        return products(self.i, self.j, U, B)

    def _elimination(self, U, V, ridge, tol):
        """The map from e to the minimiser, where U is the factor that is kept."""
        i, j, n, k, r = self.i, self.j, self.n, self.k, U.shape[1]
        U, V = np.ascontiguousarray(U), np.ascontiguousarray(V)
        D_inverse = np.linalg.inv(grams(j, i, U, ridge, k))
        small = n * r <= _DIRECT
        state: dict[str, np.ndarray] = {}

        def eliminated(e):
            return np.einsum("jkl,jl->jk", D_inverse, gather(j, i, e, U, k))

        def reduced(g):
            """Solve S A = g."""
            if self.solver != "direct" and "factor" not in state:
                if "blocks" not in state:
                    state["blocks"] = np.linalg.inv(grams(i, j, V, ridge, n))
                limit = self.inner_iter
                if self.solver == "auto" and small:
                    limit = min(limit, _PATIENCE)
                A, steps, solved = _conjugate_gradients(
                    self.indptr, i, U, V, D_inverse, state["blocks"], ridge, g, tol, limit
                )
                self.inner += steps
                if solved or self.solver == "cg" or not small:
                    return A
            if "factor" not in state:
                S = _schur(self.indptr, i, U, V, D_inverse, ridge)
                state["factor"] = cho_factor(S, lower=True, overwrite_a=True, check_finite=False)
            return cho_solve(state["factor"], g.ravel(), check_finite=False).reshape(n, r)

        def solve(e):
            A = reduced(gather(i, j, e - self._product(U, eliminated(e)), V, n))
            return A, eliminated(e - products(i, j, A, V))

        return solve

    def _lsqr(self, U, V, e, damp, tol):
        (n1, n2), r = self.shape, U.shape[1]

        def split(x):
            return x[: n1 * r].reshape(n1, r), x[n1 * r :].reshape(n2, r)

        def forward(x):
            A, B = split(x)
            return self.entries(U, B) + self.entries(A, V)

        def backward(y):
            return np.concatenate([part.ravel() for part in self.adjoint(U, V, y)])

        J = LinearOperator((len(e), (n1 + n2) * r), forward, backward, dtype=np.float64)
        x, _, steps, *_ = lsqr(J, e, damp=damp, atol=tol, btol=tol, iter_lim=self.inner_iter)
        self.inner += steps
        return split(x)


@numba.njit(cache=True, fastmath=True)
def _apply(indptr, i, U, V, D_inverse, ridge, A):
    """S A, one eliminated column after the other."""
    r = U.shape[1]
    out = ridge * A
    g, b = np.empty(r), np.empty(r)
    y = np.empty(np.max(indptr[1:] - indptr[:-1]))
    for j in range(len(indptr) - 1):
        begin = indptr[j]
        g[:] = 0.0
        for t in range(begin, indptr[j + 1]):
            s = 0.0
            for k in range(r):
                s += A[i[t], k] * V[j, k]
            y[t - begin] = s
            for k in range(r):
                g[k] += s * U[i[t], k]
        for k in range(r):
            b[k] = 0.0
            for l in range(r):
                b[k] += D_inverse[j, k, l] * g[l]
        for t in range(begin, indptr[j + 1]):
            s = y[t - begin]
            for k in range(r):
                s -= U[i[t], k] * b[k]
            for k in range(r):
                out[i[t], k] += s * V[j, k]
    return out


def _conjugate_gradients(indptr, i, U, V, D_inverse, blocks, ridge, g, tol, limit):
    """Preconditioned conjugate gradients for S A = g: (A, steps, whether `tol` was met)."""
    A, left = np.zeros_like(g), g.copy()
    z = np.einsum("ikl,il->ik", blocks, left)
    p, size = z, np.vdot(left, z)
    target = tol**2 * size
    for step in range(1, limit + 1):
        if size <= target:
            return A, step - 1, True
        q = _apply(indptr, i, U, V, D_inverse, ridge, p)
        length = size / np.vdot(p, q)
        A, left = A + length * p, left - length * q
        z = np.einsum("ikl,il->ik", blocks, left)
        previous, size = size, np.vdot(left, z)
        p = z + (size / previous) * p
    return A, limit, size <= target


@numba.njit(cache=True, fastmath=True)
def _schur(indptr, i, U, V, D_inverse, ridge):
    """S, its lower triangle; shape (n r, n r). Entries of a column are sorted by i."""
    n, r = U.shape
    S = np.zeros((n * r, n * r))
    for a in range(n * r):
        S[a, a] = ridge
    for j in range(len(indptr) - 1):
        for t in range(indptr[j], indptr[j + 1]):
            w = D_inverse[j] @ U[i[t]]
            for q in range(indptr[j], t + 1):
                s = 1.0 if q == t else 0.0
                for k in range(r):
                    s -= w[k] * U[i[q], k]
                for k in range(r):
                    for l in range(r):
                        S[i[t] * r + k, i[q] * r + l] += s * V[j, k] * V[j, l]
    return S
