"""The law of an entry of U Vᵀ when U and V have independent standard normal entries.

Given the row v of V, the entry u·v is normal with variance |v|², and |v|² has the chi-square law of
r degrees of freedom. Mixing gives the density

    f_r(x) = |x|^ν K_ν(|x|) / (√π 2^ν Γ(r/2)),    ν = (r - 1)/2,

with the modified Bessel function K_ν of the second kind: K_0(|x|)/π for r = 1, the Laplace law
exp(-|x|)/2 for r = 2, and by the central limit theorem √r times a normal law for large r. Its
characteristic function is (1 + t²)^(-r/2), its even moments are 2^k (r/2)_k (2k - 1)!!.

References
----------
M. Alkady, "Low-rank matrix completion via deep neural networks", slides, 2025, Eq. (3)-(5).
S. Nadarajah and T. K. Pogány, "On the distribution of the product of correlated normal random
variables", C. R. Acad. Sci. Paris 354 (2016).
"""

import math

import numpy as np
from scipy import integrate, special, stats


def density(x, rank: int) -> np.ndarray:
    """Return the density of an entry of U Vᵀ.

    Parameters
    ----------
    x : array_like
    rank : int
        Columns of U and V, from 1 to 60 (beyond, K_ν overflows far from 0). For rank one the density
        at 0 is infinite.
    """
    if rank > 60:
        raise ValueError(f"rank must be at most 60, got {rank}: K_ν overflows")
    size, nu = np.abs(np.asarray(x, dtype=float)), _order(rank)
    kv = special.kv(nu, size)
    with np.errstate(invalid="ignore"):
        bessel = size**nu * kv
    # |x|^ν K_ν(|x|) tends to 2^(ν-1) Γ(ν) at 0 if ν > 0, and is there before K_ν overflows.
    limit = np.inf if nu == 0 else 2 ** (nu - 1) * math.gamma(nu)
    bessel = np.where(np.isinf(kv), limit, bessel)
    return bessel / (math.sqrt(math.pi) * 2**nu * math.gamma(rank / 2))


def share_within(width: float, rank: int) -> float:
    """Return the probability that an entry is at most `width` standard deviations √r from 0.

    It is the mean of erf(width √r / √(2 S)) over S with the chi-square law of r degrees of freedom:
    .791 for width one and rank one, .757 for rank two, .683 in the limit.
    """
    _order(rank)
    bound = width * math.sqrt(rank)
    law = stats.chi2(rank)

    def quantile_integrand(q):
        return special.erf(bound / np.sqrt(2 * law.ppf(q)))

    return integrate.quad(quantile_integrand, 0, 1, epsabs=1e-11, limit=200)[0]


def moment(k: int, rank: int) -> int:
    """Return the moment of order 2k of an entry, 2^k (r/2)_k (2k - 1)!!, an integer."""
    _order(rank)
    rising = math.prod(rank + 2 * i for i in range(k))
    return rising * math.prod(range(1, 2 * k, 2))


def _order(rank: int) -> float:
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    return (rank - 1) / 2
