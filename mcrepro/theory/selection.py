r"""What the estimates of ``T = M^T M / n`` mean when not every row is equally likely to be seen.

Fix a pair (i, j), let ``x_k = M_ki M_kj``, and let row k show the pair with probability q_k,
independently. With ``B_k`` these indicators and ``N = sum_k B_k``,

    E[Hájek | N >= 1] = (1/P) sum_k x_k E[B_k / N],     P = 1 - prod_k (1 - q_k),
    E[B_k / N] = q_k int_0^1 prod_{l != k} (1 - q_l + q_l t) dt,

because ``1/N = int_0^1 t^(N-1) dt``. With many rows this is nearly the mean of the x weighted by the
q. Where the q are known, dividing each entry by the probability with which it is seen repairs it.
The source ("One-sided matrix completion from ultra-sparse samples", arXiv:2601.12213, Mechanism 1)
names the condition; formulas and repair follow as above, and as in J. M. Robins, A. Rotnitzky,
L. P. Zhao, "Estimation of regression coefficients when some regressors are not always observed",
JASA 89 (1994).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import one_of
from mcrepro.moments import SecondMoment


def selected_mean(x, q) -> float:
    """``E[Hájek_ij | (i, j) in Omega]`` when row k shows the pair with probability q_k, exact.

    Parameters
    ----------
    x : array_like, shape (n,)
        Products ``M_ki M_kj``.
    q : array_like, shape (n,)
        Probabilities in (0, 1].

    Raises
    ------
    ValueError
        Shapes that differ, or a probability outside (0, 1].
    """
    x, q = _population(x, q)
    # In s = 1 - t the integrand is a polynomial of degree n - 1 below e^{1 - s sum(q)}: nothing of it is
    # left beyond `end`, and before it 100 nodes are enough for any n to rounding.
    end = min(1.0, 40 / q.sum())
    nodes, weights = np.polynomial.legendre.leggauss(min(len(x) // 2 + 1, 100))
    s, weights = end * (1 - nodes) / 2, end * weights / 2
    logs = np.log1p(-np.multiply.outer(s, q))  # log(1 - q + q t), finite: s < 1
    share = q * (weights @ np.exp(logs.sum(axis=1, keepdims=True) - logs))
    return float(share @ x / share.sum())


def selected_limit(x, q) -> float:
    """The limit of `selected_mean` for many rows: the mean of the x weighted by the q.

    Parameters
    ----------
    x, q
        As for `selected_mean`.
    """
    x, q = _population(x, q)
    return float(q @ x / q.sum())


def inverse_propensity(rows, propensity, *, normalise: str = "counts") -> sp.csr_array:
    """Second moment from entries that are seen with different, known probabilities.

    Parameters
    ----------
    rows : sparse array, shape (n, d)
        The observed entries.
    propensity : array_like, shape (nnz,)
        Probability in (0, 1] with which each stored entry of `rows` (as CSR) was to be seen,
        independently of the others.
    normalise : {"counts", "rows"}
        Divide the weighted products by their weights, as Hájek does, or by n, as Horvitz and
        Thompson do: the first has less variance, the second no bias over all masks.

    Returns
    -------
    csr_array, shape (d, d)
        On Omega, estimates that are zero included. The diagonal weights each square by one over the
        probability of its entry.

    Raises
    ------
    ValueError
        Not one propensity an entry, or one outside (0, 1].
    """
    one_of("normalise", normalise, ("counts", "rows"))
    rows = sp.csr_array(rows, dtype=float)
    propensity = np.asarray(propensity, dtype=float)
    if propensity.shape != rows.data.shape:
        raise ValueError(
            f"propensity must have shape {rows.data.shape}, one an entry; got {propensity.shape}"
        )
    if not np.all((propensity > 0) & (propensity <= 1)):
        raise ValueError("propensity must lie in (0, 1]")

    def moments(values):
        part = sp.csr_array((values, rows.indices, rows.indptr), shape=rows.shape)
        return SecondMoment(rows.shape[1]).update(part)

    weighted = moments(rows.data / propensity).sums
    weights = moments(1 / propensity).sums
    # A pair has the product of two weights; an entry with itself has one of them, not its square.
    d = rows.shape[1]
    i = np.repeat(np.arange(d), np.diff(weights.indptr))
    own, seen = i == weights.indices, np.unique(rows.indices)
    square = np.bincount(rows.indices, weights=rows.data**2 / propensity, minlength=d)
    single = np.bincount(rows.indices, weights=1 / propensity, minlength=d)
    weighted.data[own], weights.data[own] = square[seen], single[seen]
    data = weighted.data / (weights.data if normalise == "counts" else rows.shape[0])
    return sp.csr_array((data, weights.indices, weights.indptr), shape=(d, d))


def _population(x, q) -> tuple[np.ndarray, np.ndarray]:
    x, q = np.asarray(x, dtype=float), np.asarray(q, dtype=float)
    if x.ndim != 1 or x.size == 0 or x.shape != q.shape:
        raise ValueError(f"x and q must have the same shape (n,), got {x.shape} and {q.shape}")
    if not np.all((q > 0) & (q <= 1)):
        raise ValueError("q must lie in (0, 1]")
    return x, q
