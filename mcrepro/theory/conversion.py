r"""When lifting turns a second-order point into a saddle: what the ε-MC paper asks, and what suffices.

Theorem 3.1 converts a second-order point X of f(X X^T) if ``||M - X X^T||^2`` is at least
``(L/α) λ_r tr M + ||w||^2 / α`` (13), with λ_r the r-th eigenvalue of X X^T, by an odd order above (14),

    1 / (1 - log2(2β)),    β = L tr(M) λ_r / (α ||M - X X^T||^2 - ||w||^2).

(13) is β <= 1, and an order exists only for β < 1. But for a quadratic f, with ``e = A(M - X X^T)``,

    ||e||^2 + <e, w> = -<N, M> <= G tr M <= L λ_r tr M,

the equality because X is stationary, the last step because X is a second-order point. Hence

- without noise β >= 1 at every second-order point: the theorem speaks of none;
- for ``t = ||e||``: ``t^2 - t ||w|| <= L λ_r tr M``, thus ``t <= ||w|| + sqrt(L λ_r tr M)``, and with
  α = ε², L = 1, ``||w|| = ε ||M||`` (unobserved), bound (16) holds at every second-order point of ε-MC, lifted
  or not.

What does decide, for r = 1, a symmetric mask and the matrices E_ij of eq. (5): with ``K = D ∘ D``
and ``B = D ∘ b̃``, the curvature at ``x^{⊗l}`` along ``v^{⊗l}`` is

    2 (P^l + 2 a^l - b^l),  P = v^T diag(K x²) v,  a = v^T (K ∘ x x^T) v,  b = v^T B v,  |a| <= P,

so that v escapes for all large odd orders if b > P: ``S(x) = diag(K x²) - B`` decides. Let x be stationary,
which is ``S(x) x = 0``, without zeros, and let the data be those of z z^T. Then ``v = |x| sign(z)`` has
``P = x^T B x = sum of B_ij x_i x_j`` and ``b = sum of |B_ij x_i x_j|``. Hence

- if the sign of x_i x_j is wrong at some observed pair, b > P, and every odd order above
  ``ln 3 / ln(b / P)`` makes ``x^{⊗l}`` a strict saddle;
- if not, S(x) is a singular M-matrix (up to signs), positive semidefinite, so that b <= P for all v. If
  x is a second-order point, ``P + 2 a - b >= 0``, and then ``P^l + 2 a^l - b^l >= 0`` for every odd l: for
  a >= 0 clearly; for ``a = -α P`` because ``2 α^l + (1 - 2 α)^l <= 1``. No order has a rank-one escape.

Without noise (ε = 0) a stationary x of the second kind fits the data: with ``x_i = z_i e^{t_i}`` stationarity is
``sum_j K_ij z_j² e^{t_j} (e^{t_i + t_j} - 1) = 0`` for all i; look at the i with the largest and the smallest t_i.
So lifting converts every spurious stationary point of a rank-one problem, at an order that depends on
the data without bound, and no point that fits.
"""

from __future__ import annotations

import numpy as np

from mcrepro._checks import integer, real
from mcrepro.theory.lifted_curvature import Terms


def order_bound(beta: float) -> float:
    """``1 / (1 - log2(2β))``, eqs. (14), (17): odd orders above it suffice. Infinite for β >= 1.

    For β > 1 the printed expression is negative, a bound that every order exceeds; what it was
    derived from, ``2^{(l-1)/l} > 2β``, then holds for no order.
    """
    beta = real("beta", beta, 0)
    if beta >= 1:
        return np.inf
    return 0.0 if beta == 0 else float(1 / (1 - np.log2(2 * beta)))


def smallest_odd_above(bound: float) -> float:
    """The smallest odd positive integer greater than `bound`."""
    if np.isinf(bound):
        return np.inf
    l = max(int(np.floor(bound)) + 1, 1)
    return l + (1 - l % 2)


def conversion_beta(A_constants, X, M, noise: float) -> float:
    """β of eq. (14); infinite where ``α ||M - X X^T||^2 <= ||w||^2``.

    Parameters
    ----------
    A_constants : tuple of float
        (α, L).
    X : ndarray, shape (n, r)
    M : ndarray, shape (n, n)
        The truth.
    noise : float
        ``||w||``.
    """
    alpha, L = A_constants
    surplus = alpha * float(np.sum((M - X @ X.T) ** 2)) - noise**2
    smallest = float(np.linalg.svd(X, compute_uv=False)[-1]) ** 2
    return L * float(np.trace(M)) * smallest / surplus if surplus > 0 else np.inf


def completion_bound(X, M, epsilon: float, e1: float) -> float:
    """Right side of (16), ``σ_r(X) sqrt(tr M) / ε + e_1``.

    e_1 is ``||M||_F`` over the unobserved entries in the proof, eq. (50), its square in eq. (18).
    """
    epsilon = real("epsilon", epsilon, 0, 1, open_low=True)
    smallest = float(np.linalg.svd(X, compute_uv=False)[-1])
    return smallest * float(np.sqrt(np.trace(M))) / epsilon + e1


def survival_matrix(weights, data, x) -> np.ndarray:
    """``S(x) = diag(K x²) - B``, for a symmetric mask; positive semidefinite where x survives.

    Parameters
    ----------
    weights, data : ndarray, shape (n, n)
        D, symmetric, and what is observed, 0 elsewhere.
    x : ndarray, shape (n,)
    """
    K = weights**2
    return np.diag(K @ x**2) - weights * data


def sign_order_bound(weights, data, x) -> float:
    """``ln 3 / ln(b / P)``: odd orders above it make ``x^{⊗l}`` a strict saddle; see the module.

    Parameters
    ----------
    weights, data : ndarray, shape (n, n)
        D, symmetric, and the observed entries of some z z^T, 0 elsewhere.
    x : ndarray, shape (n,)
        Stationary for r = 1.

    Returns
    -------
    float
        Infinite where no observed pair has a sign that x contradicts.
    """
    products = weights * data * np.outer(x, x)
    b, P = float(np.abs(products).sum()), float(products.sum())
    wrong = b - P
    if wrong <= 1e-12 * b:
        return np.inf
    return float(np.log(3) / np.log1p(wrong / P)) if P > 0 else 0.0


def entry_terms(weights, data, x, v, symmetric: bool = False) -> Terms:
    """The five numbers of the curvature for r = 1, without forming sensing matrices.

    Parameters
    ----------
    weights, data : ndarray, shape (n, n)
        Symmetric.
    x, v : ndarray, shape (n,)
    symmetric : bool, default False
        The sensing matrices are the symmetric halves of the E_ij.
    """
    K, xv = weights**2, x * v
    a, b = float(xv @ K @ xv), float(v @ (weights * data) @ v)
    P = float(x**2 @ K @ v**2)
    C = (P + a) / 2
    return Terms(a, b, C, C, C) if symmetric else Terms(a, b, P, P, a)


def escape_direction(weights, data, x, order: int, symmetric: bool = False):
    """A unit v along which ``v^{⊗l}`` bends the lifted objective at ``x^{⊗l}`` most; r = 1.

    Minimises the curvature over vectors of one size P(v), by descent from the eigenvectors of the
    pencil of B and ``diag(K x²)`` and from 20 random vectors, always the same: a local search, whose
    negative values prove an escape and whose others prove nothing.

    Returns
    -------
    v : ndarray, shape (n,)
    curvature : float
        For P(v) = 1.
    """
    from scipy.linalg import eigh
    from scipy.optimize import minimize

    integer("order", order, 1)
    K, G = weights**2, weights * data
    scale = K @ x**2
    if not scale.min() > 0:
        raise ValueError("every row must be weighted where x is not zero: K x² has a zero entry")
    KX = K * np.outer(x, x)

    def objective(v):
        P = v @ (scale * v)
        a, b = v @ KX @ v / P, v @ G @ v / P
        if symmetric:
            C = (1 + a) / 2
            value = a**order - b**order + 2 * C**order
            da, db = order * (a ** (order - 1) + C ** (order - 1)), -order * b ** (order - 1)
        else:
            value = 1 + 2 * a**order - b**order
            da, db = 2 * order * a ** (order - 1), -order * b ** (order - 1)
        gradient = (2 / P) * (da * (KX @ v - a * scale * v) + db * (G @ v - b * scale * v))
        return 2 * value, 2 * gradient

    starts = eigh(G, np.diag(scale))[1].T
    rng = np.random.default_rng(0)
    # The eigenvectors share symmetries with x; a nudge lets the descent leave them.
    starts = [v + 1e-3 * rng.standard_normal(x.size) for v in starts]
    starts += list(rng.standard_normal((20, x.size)) / np.sqrt(scale))
    if symmetric:  # the curvature is at most that of the entries, in every direction
        starts.append(escape_direction(weights, data, x, order)[0])
    found = [minimize(objective, v, jac=True, method="BFGS") for v in starts]
    best = min(found, key=lambda each: each.fun)
    return best.x / np.linalg.norm(best.x), float(best.fun)


def escape_order(weights, data, x, symmetric: bool = False, largest: int = 41) -> float:
    """The smallest odd order at which a rank-one direction was found to escape from ``x^{⊗l}``.

    Searched from `largest` downwards with `escape_direction`; infinite where `largest` has none.
    """
    best, order = np.inf, integer("largest", largest, 1)
    order -= 1 - order % 2
    while order >= 1:
        v, curvature = escape_direction(weights, data, x, order, symmetric)
        if curvature >= 0:
            break
        best = min(order, entry_terms(weights, data, x, v, symmetric).smallest_order())
        order = int(best) - 2
    return best
