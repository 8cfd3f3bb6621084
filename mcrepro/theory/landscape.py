"""The rank-one landscape of Ge, Lee and Ma: objective, regularizer, their derivatives, and a certificate.

With M = z zᵀ for a unit vector z, a symmetric set Ω of seen entries and the penalty
h(t) = (|t| - α)⁴ for |t| > α, else 0, eq. (3.1) is

    f(x) = ½ Σ_{(i,j) ∈ Ω} (M_ij - x_i x_j)² + λ Σ_i h(x_i).

(The paper prints h with the indicator of t > α; the proofs use the two-sided one.) The sum goes over
ordered pairs, so that an entry off the diagonal counts twice.

References
----------
R. Ge, J. D. Lee, T. Ma, "Matrix completion has no spurious local minimum", NeurIPS 2016, section 3.
"""

from dataclasses import dataclass, field

import numpy as np


def penalty(t, alpha: float):
    """h(t) = (|t| - α)⁴ where |t| > α, else 0."""
    return np.maximum(np.abs(t) - alpha, 0.0) ** 4


def penalty_slope(t, alpha: float):
    """h'(t) = 4 (|t| - α)³ sign(t) where |t| > α, else 0."""
    return 4 * np.maximum(np.abs(t) - alpha, 0.0) ** 3 * np.sign(t)


def penalty_curvature(t, alpha: float):
    """h''(t) = 12 (|t| - α)² where |t| > α, else 0."""
    return 12 * np.maximum(np.abs(t) - alpha, 0.0) ** 2


@dataclass(frozen=True, eq=False)
class RankOne:
    """One instance of eq. (3.1). Points x are arrays of shape (..., d): many at once.

    Parameters
    ----------
    z : (d,) array
        Unit vector; M = z zᵀ.
    mask : (d, d) bool array
        Ω, symmetric.
    alpha : float
        α of the penalty, positive.
    weight : float
        λ, at least 0.

    Attributes
    ----------
    seen, pairs : (d, d) arrays
        P_Ω(M), and the mask as numbers.

    Raises
    ------
    ValueError
        If the mask is not symmetric or has not the size of z.
    """

    z: np.ndarray
    mask: np.ndarray
    alpha: float
    weight: float
    seen: np.ndarray = field(init=False, repr=False)
    pairs: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        d = len(self.z)
        if np.shape(self.mask) != (d, d) or not np.array_equal(self.mask, np.transpose(self.mask)):
            raise ValueError(f"mask must be a symmetric ({d}, {d}) array, as z has {d} entries")
        object.__setattr__(self, "seen", np.where(self.mask, np.outer(self.z, self.z), 0.0))
        object.__setattr__(self, "pairs", np.asarray(self.mask, dtype=float))

    def value(self, x: np.ndarray) -> np.ndarray:
        """f(x), shape (...)."""
        # Σ_Ω (M_ij - x_i x_j)² without a d-by-d matrix for every x.
        fit = np.sum(self.seen**2) - 2 * _form(x, self.seen, x) + _form(x**2, self.pairs, x**2)
        return 0.5 * fit + self.weight * penalty(x, self.alpha).sum(axis=-1)

    def data_gradient(self, x: np.ndarray) -> np.ndarray:
        """-2 P_Ω(M - x xᵀ) x, the gradient without the penalty, shape (..., d)."""
        return 2 * (x * (x**2 @ self.pairs) - x @ self.seen)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """∇f(x); it vanishes exactly where eq. (3.2) holds."""
        return self.data_gradient(x) + self.weight * penalty_slope(x, self.alpha)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """∇²f(x), shape (..., d, d)."""
        outer = x[..., :, None] * x[..., None, :]
        H = 4 * self.pairs * outer - 2 * self.seen
        diagonal = 2 * x**2 @ self.pairs + self.weight * penalty_curvature(x, self.alpha)
        # What P_Ω(x xᵀ) has in the diagonal counts once in -2 v P(M - xx) v and once in ‖P(vx + xv)‖².
        index = np.arange(x.shape[-1])
        H[..., index, index] += diagonal
        return H

    def curvature(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """vᵀ∇²f(x)v, shape (...): left minus right side of the second-order condition (3.3)."""
        # ‖P_Ω(vxᵀ + xvᵀ)‖² = 2 Σ_Ω v_i² x_j² + 2 Σ_Ω v_i x_i v_j x_j, and P_Ω(xxᵀ) gives the latter again.
        data = 2 * _form(v**2, self.pairs, x**2) + 4 * _form(v * x, self.pairs, v * x)
        bend = np.sum(penalty_curvature(x, self.alpha) * v**2, axis=-1)
        return data - 2 * _form(v, self.seen, v) + self.weight * bend

    def lowest_curvature(self, x: np.ndarray) -> np.ndarray:
        """Smallest eigenvalue of ∇²f(x), shape (...)."""
        return np.linalg.eigvalsh(self.hessian(x))[..., 0]


def _form(x, A, y):
    return np.einsum("...i,...i->...", x @ A, y)


def incoherent(d: int, mu: float, rng: np.random.Generator) -> np.ndarray:
    """Return a unit vector with max |z_i| = μ/√d, random signs and half its mass in entries of that size.

    The other half of the mass is spread evenly; for μ = 1 all entries are ±1/√d.

    Raises
    ------
    ValueError
        If `mu` is not in [1, √d].
    """
    if not 1 <= mu <= np.sqrt(d):
        raise ValueError(f"mu must lie in [1, √d] = [1, {np.sqrt(d):.4g}], got {mu}")
    large = int(np.ceil(d / (2 * mu**2)))
    z = np.full(d, np.sqrt(max(0.0, 1 - large * mu**2 / d) / max(d - large, 1)))
    z[:large] = mu / np.sqrt(d)
    z /= np.linalg.norm(z)
    return rng.permutation(z) * rng.choice([-1.0, 1.0], d)


def symmetric_mask(d: int, p: float, rng: np.random.Generator) -> np.ndarray:
    """Return a (d, d) mask that sees each pair {i, j}, i = j included, with probability p, both ways."""
    upper = np.triu(rng.random((d, d)) < p)
    return upper | upper.T


def paper_parameters(d: int, mu: float, p: float) -> dict[str, float]:
    """Return α = 10 μ/√d and λ = μ² p/α², the smallest λ of Theorem 3.2."""
    alpha = 10 * mu / np.sqrt(d)
    return {"alpha": float(alpha), "weight": float(mu**2 * p / alpha**2)}


def random_instance(d: int, p: float, mu: float, rng: np.random.Generator) -> RankOne:
    """Draw an instance in the setting of Theorem 3.2."""
    z = incoherent(d, mu, rng)
    return RankOne(z, symmetric_mask(d, p, rng), **paper_parameters(d, mu, p))


def sufficient_share(d: int, mu: float, constant: float = 1.0) -> float:
    """Return p = c μ⁶ log^1.5(d)/d of Theorem 3.2, at most 1."""
    return min(1.0, constant * mu**6 * np.log(d) ** 1.5 / d)


def size_certificate(z: np.ndarray, mask: np.ndarray, tau: float = 0.0, dropped: int = 0) -> float:
    """Return a number that ‖x‖² exceeds wherever the second-order condition holds (Lemmas 3.4, 3.8).

    The condition in the direction v = z is xᵀQx >= 2 zᵀP_Ω(M)z - τ with
    Q = 2 diag(P_Ω z²) + 4 P_Ω(zzᵀ), so that ‖x‖² >= (2 zᵀP_Ω(M)z - τ)/λ_max(Q). It holds for this mask
    without any probability, and for every x in ℝᵈ whose coordinates all lie in [-α, α].

    Parameters
    ----------
    z : (d,) array
    mask : (d, d) bool array
    tau : float, default 0
        Of the relaxed condition ∇²f ⪰ -τ I.
    dropped : int, default 0
        Allow this many coordinates of x to be larger than α. The direction is then z without
        them, where the penalty has no curvature; the bound is for the worst choice of them.
    """
    weights = np.asarray(mask, float)
    Q = 2 * np.diag(weights @ z**2) + 4 * weights * np.outer(np.abs(z), np.abs(z))
    shares = z**2 * (weights @ z**2)  # what each row adds to zᵀP_Ω(M)z
    lost = 2 * np.sort(shares)[len(z) - dropped :].sum() if dropped else 0.0
    return float((2 * (shares.sum() - lost) - tau) / np.linalg.eigvalsh(Q)[-1])


def plane_sup(least_size: float, largest_residual: float, step: float = 2e-3) -> dict[str, float]:
    """Return the worst ratios of Lemma 3.6 and Claim A.5 over all x, by going through a plane.

    Everything in them depends on x through its parts along z and across it, so that x = (a, b) in
    the plane spanned by z = (1, 0) and the rest is all there is. With δ = ‖<z, x> z - ‖x‖² x‖:

    Parameters
    ----------
    least_size : float
        ‖x‖² is at least this.
    largest_residual : float
        δ is below this.
    step : float, default 2e-3
        Of the grid in a and b, from 0 to 1.5 (signs change nothing).

    Returns
    -------
    dict
        Suprema over the grid: ``squared``, of ‖xxᵀ - zzᵀ‖_F²/δ; ``plain``, of ‖xxᵀ - zzᵀ‖_F/δ; ``beta``, of
        (1 - ‖x‖²/<x, z>)/δ; ``size``, of (‖x‖ - 1)/δ.
    """
    a, b = np.meshgrid(np.arange(step / 2, 1.5, step), np.arange(step / 2, 1.5, step))
    s = a**2 + b**2
    delta = np.hypot(a - s * a, s * b)
    keep = (s >= least_size) & (delta < largest_residual)
    a, b, s, delta = a[keep], b[keep], s[keep], delta[keep]
    frobenius = np.sqrt((a**2 - 1) ** 2 + 2 * (a * b) ** 2 + b**4)
    return {
        "squared": float(np.max(frobenius**2 / delta)),
        "plain": float(np.max(frobenius / delta)),
        "beta": float(np.max((1 - s / a) / delta)),
        "size": float(np.max((np.sqrt(s) - 1) / delta)),
    }
