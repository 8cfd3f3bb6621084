"""The rank-r landscape of Ge, Lee and Ma: objective, derivatives, and the numbers their theorems ask for.

With a symmetric set Ω of seen entries and the rows X_i of a d-by-r factor X, eq. (4.1) is

    f(X) = ½ ‖P_Ω(M - X Xᵀ)‖_F² + λ Σ_i (‖X_i‖ - α)₊⁴.

The paper scales M = Z Zᵀ such that ‖Z‖_F² = r, and calls Z incoherent with μ when every row has
‖Z_i‖ <= μ ‖Z‖_F / √d. κ is the condition number of Z.

References
----------
R. Ge, J. D. Lee, T. Ma, "Matrix completion has no spurious local minimum", NeurIPS 2016, section 4
and appendices B and C.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class RankR:
    """One instance of eq. (4.1).

    Parameters
    ----------
    M : (d, d) array
        Symmetric; only its entries in Ω are used.
    mask : (d, d) bool array
        Ω, symmetric.
    alpha, weight : float
        α and λ of the penalty; a weight of 0 is no penalty.
    """

    M: np.ndarray
    mask: np.ndarray
    alpha: float = np.inf
    weight: float = 0.0

    def misfit(self, X: np.ndarray) -> np.ndarray:
        """P_Ω(X Xᵀ - M)."""
        return np.where(self.mask, X @ X.T - self.M, 0)

    def value(self, X: np.ndarray) -> float:
        """f(X)."""
        excess = np.maximum(np.linalg.norm(X, axis=1) - self.alpha, 0)
        return 0.5 * np.sum(self.misfit(X) ** 2) + self.weight * np.sum(excess**4)

    def penalty_gradient(self, X: np.ndarray) -> np.ndarray:
        """∇R(X) = Γ X, without λ. Proposition 4.2, with the cube of ‖X_i‖ - α in Γ."""
        norms = np.linalg.norm(X, axis=1)
        excess = np.maximum(norms - self.alpha, 0)
        return (4 * excess**3 / np.where(excess > 0, norms, 1))[:, None] * X

    def gradient(self, X: np.ndarray) -> np.ndarray:
        """∇f(X), shape (d, r); it vanishes exactly where eq. (4.2) holds."""
        data = 2 * self.misfit(X) @ X
        return data + self.weight * self.penalty_gradient(X) if self.weight else data

    def curvature(self, X: np.ndarray, V: np.ndarray) -> float:
        """Left minus right side of eq. (4.3) in the direction V, without the penalty: ∇²f(X)[V, V]."""
        moved = np.where(self.mask, V @ X.T + X @ V.T, 0)
        return np.sum(moved**2) + 2 * np.sum(self.misfit(X) * (V @ V.T))

    def hessian(self, X: np.ndarray) -> np.ndarray:
        """∇²f(X), shape (dr, dr), in the order of ``X.ravel()``."""
        d, r = X.shape
        pairs = np.asarray(self.mask, float)
        H = 2 * np.einsum("ij,jk,il->ikjl", pairs, X, X)
        H += 2 * np.einsum("ij,kl->ikjl", self.misfit(X), np.eye(r))
        own = 2 * np.einsum("ij,jk,jl->ikl", pairs, X, X)
        if self.weight:
            norms = np.linalg.norm(X, axis=1)
            excess = np.maximum(norms - self.alpha, 0)
            norms = np.where(excess > 0, norms, 1)
            across, along = 4 * excess**3 / norms, 12 * excess**2
            unit = X / norms[:, None]
            own += self.weight * across[:, None, None] * np.eye(r)
            own += self.weight * np.einsum("i,ik,il->ikl", along - across, unit, unit)
        index = np.arange(d)
        H[index, :, index, :] += own
        return H.reshape(d * r, d * r)


def factor(d: int, r: int, kappa: float, rng: np.random.Generator, peak: float = 0.0) -> np.ndarray:
    """Return a random Z, shape (d, r), with ‖Z‖_F² = r and singular values geometric from κ to 1.

    Parameters
    ----------
    d, r : int
    kappa : float
        Condition number; without effect for r = 1.
    rng : Generator
    peak : float, default 0
        The first row of the Gaussian matrix that is orthogonalised is scaled by 1 + `peak` √d: the
        larger, the more of the matrix hangs on one row.
    """
    G = rng.standard_normal((d, r))
    G[0] *= 1 + peak * np.sqrt(d)
    Q = np.linalg.qr(G)[0] @ np.linalg.qr(rng.standard_normal((r, r)))[0]
    s = np.geomspace(kappa, 1, r) if r > 1 else np.ones(1)
    return (Q * (s * np.sqrt(r) / np.linalg.norm(s))) @ np.linalg.qr(rng.standard_normal((r, r)))[0]


def incoherence(Z: np.ndarray) -> float:
    """Return μ, the least with ‖Z_i‖ <= μ ‖Z‖_F / √d for all rows (Assumption 1)."""
    return float(np.sqrt(len(Z)) * np.linalg.norm(Z, axis=1).max() / np.linalg.norm(Z))


def penalty_numbers(Z: np.ndarray, p: float) -> tuple[float, float]:
    """Return α = 4μκr/√d and λ = μ² r p/α² of Theorem 4.3, for ‖Z‖_F² = r."""
    d, r = Z.shape
    mu, kappa = incoherence(Z), np.linalg.cond(Z)
    alpha = 4 * mu * kappa * r / np.sqrt(d)
    return float(alpha), float(mu**2 * r * p / alpha**2)


def sufficient_share(d: int, r: int, mu: float = 1, kappa: float = 1, constant: float = 1) -> float:
    """Return the p of Theorem 4.3; nothing can be promised where it exceeds one.

    ``C max{μ⁶ κ¹⁶ r⁴, μ⁴ κ⁴ r⁶} log^1.5(d)/d``.
    """
    growth = max(mu**6 * kappa**16 * r**4, mu**4 * kappa**4 * r**6)
    return float(constant * growth * np.log(d) ** 1.5 / d)


def noise_incoherence(d: int, r: int, mu: float, sigma: float) -> float:
    """Return the μ̂ = max{μ, √(4 σ d √(log d)/r)} of Theorem B.1."""
    return float(max(mu, np.sqrt(4 * sigma * d * np.sqrt(np.log(d)) / r)))


def noise_error(
    d: int, r: int, p: float, mu: float, kappa: float, sigma: float, constant: float = 1
) -> float:
    """Return the ε that Theorem B.1 promises for p: its condition, solved for ε."""
    mu_hat = noise_incoherence(d, r, mu, sigma)
    return float(np.sqrt(constant * mu_hat**6 * kappa**12 * r**4 * np.log(d) ** 1.5 / (d * p)))


def nearest_factor(X: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Return the U = Z R, R orthogonal, that is nearest to X in Frobenius norm (Procrustes)."""
    left, _, right = np.linalg.svd(Z.T @ X)
    return Z @ (left @ right)


def truncated_factor(X: np.ndarray, Z: np.ndarray) -> dict[str, np.ndarray]:
    """Return the U of Claim C.4's proof and its parts.

    In a basis in which M = Z Zᵀ is diagonal with its r nonzero entries M' first, Xᵀ = (Vᵀ Wᵀ) and
    U is P = V Q with Q = (Vᵀ M'⁻¹ V)^(-1/2), completed by zeros.

    Returns
    -------
    dict
        ``U`` (d, r), ``V``, ``Q``, ``P`` (r, r), ``W`` (d - r, r) and ``M`` = M' (r, r).
    """
    basis, s, _ = np.linalg.svd(Z, full_matrices=True)
    r = Z.shape[1]
    rotated = basis.T @ X
    V, W = rotated[:r], rotated[r:]
    squares, vectors = np.linalg.eigh(V.T @ (V / (s**2)[:, None]))
    Q = (vectors / np.sqrt(squares)) @ vectors.T
    P = V @ Q
    return {"U": basis[:, :r] @ P, "V": V, "W": W, "Q": Q, "P": P, "M": np.diag(s**2)}
