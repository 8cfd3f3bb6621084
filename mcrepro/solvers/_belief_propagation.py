"""Gaussian belief propagation for ``M_ij = <u_i, v_j>`` without noise.

Model
    Rows u_i, v_j ~ N(0, diag(s)) a priori, s proportional to the leading singular values of the
    zero-filled data. On the bipartite graph of the observed entries, factor (i, j) tells u_i that
    ``<u_i, v> = M_ij`` up to the variance that what is known of u_i and v_j leaves to the product,

        s_ij = <C_i + m_i m_i^T, C_j>,

    where m and C are means and covariances given all entries but (i, j) itself. A row whose entries
    all meet uncertain columns is thus held back until these are known; least squares, which trusts
    every current factor alike, stops in a spurious minimum instead.
Deviations
    s_ij is multiplied by a temperature below one: at one a weak component can stay at mean zero, a
    fixed point. Means and s_ij are damped. "All but one" costs a rank-one update, so that only its
    vector is stored, not a covariance for each entry.
References
    J. T. Parker, P. Schniter, V. Cevher, "Bilinear generalized approximate message passing", IEEE
    Transactions on Signal Processing 62, 2014 (there for dense graphs, with scalar variances).
    H.-A. Loeliger, "An introduction to factor graphs", IEEE Signal Processing Magazine 21, 2004.
"""

import numba
import numpy as np
from scipy.sparse import csr_array

from mcrepro._factors import entries

# Smallest variance of a product, relative to the mean square of the data. Not more: entries among
# well-known rows are known this well long before the rest.
_FLOOR = 1e-14
# Share of the prior standard deviation that the start gives to the means.
_CONFIDENCE = 0.5
# Least prior variance of a component, relative to the largest.
_WEAKEST = 0.01


# `sweeps` ends after this many, or this many without a tenth less residual.
_MOST, _IDLE = 300, 40
# It also ends where the residual is ten times what the beliefs allow: these data have noise.
_SURE = 0.1


def sweeps(rows, cols, values, shape, rank, rng, temperature, damping, spectral, fitted=1e-3):
    """Yield (U, V, f, sure) sweep by sweep: means, their relative residual f, whether it is noise.

    It ends at a residual of `fitted`; the other parameters are those of `BeliefPropagation`. Data
    that are all zero have no sweeps.
    """
    size = np.linalg.norm(values)
    if size == 0:
        return
    beliefs = BeliefPropagation(
        rows, cols, values, shape, rank, rng, temperature, damping, spectral
    )
    low, since = np.inf, 0
    while since < _IDLE and beliefs.sweeps < _MOST:
        try:
            beliefs.sweep()
        except np.linalg.LinAlgError:  # Beliefs that contradict each other beyond rounding.
            return
        U, V = beliefs.means()
        f = float(np.linalg.norm(entries(U, V, rows, cols) - values) / size)
        sure = bool(np.sqrt(np.mean(beliefs.right.s)) < _SURE * f)
        yield U, V, f, sure
        if f <= fitted or sure:
            return
        low, since = (f, 0) if f < 0.9 * low else (low, since + 1)


class BeliefPropagation:
    """Beliefs about the rows of two factors.

    Parameters
    ----------
    rows, cols : ndarray of int, shape (m,)
    values : ndarray, shape (m,)
        Not all zero.
    shape : (int, int)
    rank : int
    rng : Generator
    temperature, damping : float
        In (0, 1] and [0, 1).
    spectral : bool
        Start from the leading singular vectors of the zero-filled data, or from random ones.
    """

    def __init__(self, rows, cols, values, shape, rank, rng, temperature, damping, spectral=True):
        self.rows, self.cols = rows, cols
        self.temperature, self.damping, self.sweeps = temperature, damping, 0
        self.scale = np.sqrt(np.mean(values**2))
        self.values = values / self.scale
        Q, s, W = _leading(rows, cols, self.values, shape, rank, rng)
        if not spectral:
            Q, W = (np.linalg.qr(rng.standard_normal(F.shape))[0] for F in (Q, W))
        variances = np.maximum(s, _WEAKEST * s[0])
        # The entries of U V^T then have variance one, as the data have.
        variances = variances / np.linalg.norm(variances)
        self.precision = np.diag(1 / variances)
        self.left = _Side(Q * np.sqrt(shape[0] * variances), rows, variances)
        self.right = _Side(W * np.sqrt(shape[1] * variances), cols, variances)

    def sweep(self):
        """Update all u, then all v."""
        self.sweeps += 1
        self._update(self.rows, self.left, self.cols, self.right)
        self._update(self.cols, self.right, self.rows, self.left)

    def means(self):
        """Factors (U, V), shapes (n1, rank) and (n2, rank)."""
        root = np.sqrt(self.scale)
        return root * self.left.mean, root * self.right.mean

    def _update(self, i, to, j, of):
        fixed = (self.values, self.precision, self.temperature, self.damping)
        to.mean = _update(i, j, to.message, to.gain, to.C, to.s, of.message, of.gain, of.C, *fixed)


class _Side:
    """Beliefs about the rows of one factor.

    Given all entries but t, row i has mean ``message[t]`` and covariance
    ``C[i] + gain[t] gain[t]^T``; `s` is the variance of the product as this side last saw it.
    """

    def __init__(self, factor, index, variances):
        self.mean = _CONFIDENCE * factor
        self.message = self.mean[index]
        self.gain = np.zeros_like(self.message)
        self.C = np.tile((1 - _CONFIDENCE**2) * np.diag(variances), (len(factor), 1, 1))
        self.s = np.zeros(len(index))


def _leading(rows, cols, values, shape, k, rng, steps=4):
    """Leading singular triples (U, s, V) of the zero-filled data, to a few digits."""
    E = csr_array((values, (rows, cols)), shape=shape)
    V = rng.standard_normal((shape[1], k))
    for _ in range(steps):
        V, _ = np.linalg.qr(E.T @ np.linalg.qr(E @ V)[0])
    U, s, Wt = np.linalg.svd(E @ V, full_matrices=False)
    return U, s, V @ Wt.T


@numba.njit(cache=True, fastmath=True)
def _update(i, j, message, gain, C, variance, z, h, D, y, precision, temperature, damping):
    """New messages from the rows i, given those of the rows j (z, h, D); returns the means."""
    (m, r), n = message.shape, len(C)
    P, b, weight = np.empty((n, r, r)), np.zeros((n, r)), np.empty(m)
    for a in range(n):
        P[a] = precision
    for t in range(m):
        Ci, Dj, x, g = C[i[t]], D[j[t]], message[t], gain[t]
        zt, ht, Pi = z[t], h[t], P[i[t]]
        s = 0.0
        for k in range(r):
            half = 0.0
            for l in range(k):
                half += (Dj[k, l] + ht[k] * ht[l]) * (Ci[k, l] + g[k] * g[l] + x[k] * x[l])
            s += 2 * half + (Dj[k, k] + ht[k] * ht[k]) * (Ci[k, k] + g[k] * g[k] + x[k] * x[k])
        if variance[t] > 0.0:
            s = damping * variance[t] + (1 - damping) * s
        variance[t] = s
        w = 1.0 / (temperature * s + _FLOOR)
        weight[t] = w
        for k in range(r):
            b[i[t], k] += w * zt[k] * y[t]
            for l in range(k + 1):
                Pi[k, l] += w * zt[k] * zt[l]
    mean = np.empty((n, r))
    for a in range(n):
        for k in range(r):
            for l in range(k):
                P[a, l, k] = P[a, k, l]
        C[a] = np.linalg.inv(P[a])
        mean[a] = C[a] @ b[a]
    # Take entry t out again, by the formula of Sherman and Morrison.
    for t in range(m):
        Ci, mi, zt, g, x = C[i[t]], mean[i[t]], z[t], gain[t], message[t]
        e, leverage = y[t], 0.0
        for k in range(r):
            s = 0.0
            for l in range(r):
                s += Ci[k, l] * zt[l]
            g[k] = s
            e -= mi[k] * zt[k]
            leverage += weight[t] * s * zt[k]
        c = weight[t] / max(1.0 - leverage, 1e-9)
        for k in range(r):
            x[k] = damping * x[k] + (1 - damping) * (mi[k] - c * e * g[k])
            g[k] *= np.sqrt(c)
    return mean
