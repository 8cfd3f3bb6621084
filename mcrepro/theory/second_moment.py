r"""Exact laws of the Hájek and Horvitz-Thompson estimates of one entry of ``T = M^T M / n``.

Fix a pair (i, j) and write ``x_k = M_ki M_kj`` for the n products of which T_ij is the mean. Row k
shows the pair with probability q, independently: ``q = p^2`` off the diagonal, ``q = p`` on it. With
``B_k`` these indicators and ``N = sum_k B_k ~ Bin(n, q)``,

    Hájek  = (1/N) sum_k B_k x_k     given N >= 1,
    HT     = (1/(n q)) sum_k B_k x_k.

Given N = k the k rows are a uniform subset, so Hájek is the mean of a simple random sample without
replacement: its mean is T_ij and its variance ``S^2 (1/k - 1/n)``, with S^2 the variance of the x
with n - 1 below the line. The mean does not depend on k, hence

    Var(Hájek | N >= 1) = S^2 (E[1/N | N >= 1] - 1/n).

HT is a sum of independent terms: ``E HT = T_ij`` and ``Var HT = (1 - q)/(n q) mean(x^2)``. It is 0
when N = 0, so with ``P = P(N >= 1)``

    E[HT | N >= 1] = T_ij / P,    Var(HT | N >= 1) = (Var HT + T_ij^2)/P - T_ij^2/P^2.

The source ("One-sided matrix completion from ultra-sparse samples", arXiv:2601.12213, Mechanisms 1
and 2) states the unbiasedness and approximate variances; the exact ones here follow as above.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from mcrepro._checks import integer, real


def pair_probability(p: float, diagonal: bool = False) -> float:
    """Probability q with which a row shows a pair of columns: ``p^2``, on the diagonal ``p``.

    Parameters
    ----------
    p : float
        Probability in (0, 1] of each entry.
    diagonal : bool, default False
        The pair is (i, i).
    """
    p = real("p", p, 0, 1, open_low=True)
    return p if diagonal else p * p


def observation_probability(n: int, p: float, diagonal: bool = False) -> float:
    """``P((i, j) in Omega) = 1 - (1 - q)^n``, without cancellation.

    Parameters
    ----------
    n : int
        Rows, at least 1.
    p : float
        Probability in (0, 1] of each entry.
    diagonal : bool, default False
        The pair is (i, i).
    """
    n, q = integer("n", n, 1), pair_probability(p, diagonal)
    return 1.0 if q == 1 else float(-np.expm1(n * np.log1p(-q)))


def conditional_ht_factor(n: int, p: float, diagonal: bool = False) -> float:
    """``E[HT_ij | (i, j) in Omega] / T_ij``, the reciprocal of `observation_probability`.

    Parameters
    ----------
    n, p, diagonal
        As for `observation_probability`.
    """
    return 1.0 / observation_probability(n, p, diagonal)


def mean_reciprocal_count(n: int, p: float, diagonal: bool = False) -> float:
    """``E[1/N | N >= 1]`` for ``N ~ Bin(n, q)``.

    Parameters
    ----------
    n, p, diagonal
        As for `observation_probability`.
    """
    n, q = integer("n", n, 1), pair_probability(p, diagonal)
    if q == 1:
        return 1.0 / n
    k = np.arange(1, n + 1)
    log_pmf = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    log_pmf += k * np.log(q) + (n - k) * np.log1p(-q)
    return float(np.sum(np.exp(log_pmf) / k)) / observation_probability(n, p, diagonal)


def hajek_variance(x, p: float, diagonal: bool = False) -> float:
    """``Var(Hájek_ij | (i, j) in Omega)``, exact.

    Parameters
    ----------
    x : array_like, shape (n,)
        Products ``M_ki M_kj`` over the rows k.
    p : float
        Probability in (0, 1] of each entry.
    diagonal : bool, default False
        The pair is (i, i).
    """
    x = _population(x)
    if len(x) == 1:
        return 0.0
    return float(x.var(ddof=1)) * (mean_reciprocal_count(len(x), p, diagonal) - 1 / len(x))


def ht_variance(x, p: float, diagonal: bool = False) -> float:
    """``Var(HT_ij)`` over all masks, exact.

    Parameters
    ----------
    x, p, diagonal
        As for `hajek_variance`.
    """
    x, q = _population(x), pair_probability(p, diagonal)
    return (1 - q) / (len(x) * q) * float(np.mean(x**2))


def conditional_ht_variance(x, p: float, diagonal: bool = False) -> float:
    """``Var(HT_ij | (i, j) in Omega)``, exact.

    Parameters
    ----------
    x, p, diagonal
        As for `hajek_variance`.
    """
    x = _population(x)
    P = observation_probability(len(x), p, diagonal)
    T = float(x.mean())
    return (ht_variance(x, p, diagonal) + T**2) / P - (T / P) ** 2


def hajek_variance_large_count(x, p: float, diagonal: bool = False) -> float:
    """Approximate ``Var(Hájek_ij | Omega)`` for n q large: ``(1 - q)/(n q) [mean(x^2) - T_ij^2]``.

    From linearising the ratio about ``E N = n q``. It is far off where n q is small, that is, off
    the diagonal in the ultra-sparse regime.

    Parameters
    ----------
    x, p, diagonal
        As for `hajek_variance`.
    """
    x, q = _population(x), pair_probability(p, diagonal)
    return (1 - q) / (len(x) * q) * float(x.var())


def hajek_variance_printed(column, p: float) -> float:
    """The source's ``Var(Hájek_ii)``: ``(1-p)/(np) sum_k M_ki^2 - (1-p)/(np) T_ii^2``, as printed.

    Its first term has the unit of M^2, its second that of M^4. The linearisation gives
    ``(1/n) sum_k M_ki^4`` in place of the sum: `hajek_variance_large_count` of ``column**2``.

    Parameters
    ----------
    column : array_like, shape (n,)
        Column i of M.
    p : float
        Probability in (0, 1] of each entry.
    """
    column, p = _population(column), pair_probability(p, diagonal=True)
    total = float(np.sum(column**2))
    n = len(column)
    return (1 - p) / (n * p) * (total - (total / n) ** 2)


def _population(x) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"x must be a non-empty one-dimensional array, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("x must be finite")
    return x
