r"""How far one row moves the Hájek estimate, exactly.

Without row k, which shows the columns S, the estimate changes on S x S alone:

    Tbar_ij - Tbar_ij^(-k) = (M_ki M_kj - Tbar_ij) / (N_ij - 1)     where N_ij > 1,

and where N_ij = 1 the pair leaves Omega; the estimate counts as zero there, and the change is
M_ki M_kj. The source ("One-sided matrix completion from ultra-sparse samples", arXiv:2601.12213)
asks for the largest of these changes, the l2-sensitivity, which noise for differential privacy has to
cover (C. Dwork, A. Roth, "The algorithmic foundations of differential privacy", 2014, section 3.5).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import real
from mcrepro.moments import SecondMoment


def leave_one_out(rows) -> tuple[np.ndarray, np.ndarray]:
    """Change of the Hájek estimate when each row is left out, one after the other.

    Parameters
    ----------
    rows : sparse array, shape (n, d)
        The observed entries. Takes 16 d^2 bytes and the square of every row's entries in time.

    Returns
    -------
    frobenius : ndarray, shape (n,)
        ``||Tbar - Tbar^(-k)||_F`` with the estimate zero outside Omega.
    largest : ndarray, shape (n,)
        The largest change of an entry.
    """
    rows = sp.csr_array(rows, dtype=float)
    moments = SecondMoment(rows.shape[1]).update(rows)
    counts, estimate = moments.counts.toarray(), moments.hajek().toarray()
    frobenius, largest = np.zeros(rows.shape[0]), np.zeros(rows.shape[0])
    for k, (begin, end) in enumerate(zip(rows.indptr[:-1], rows.indptr[1:], strict=True)):
        if begin == end:
            continue
        S, m = rows.indices[begin:end], rows.data[begin:end]
        N, product = counts[np.ix_(S, S)], np.outer(m, m)
        change = np.where(N > 1, (product - estimate[np.ix_(S, S)]) / np.maximum(N - 1, 1), product)
        frobenius[k], largest[k] = np.linalg.norm(change), np.abs(change).max()
    return frobenius, largest


def gaussian_noise(sensitivity: float, epsilon: float, delta: float) -> float:
    """Standard deviation of the Gaussian mechanism, ``sensitivity sqrt(2 log(1.25/delta))/epsilon``.

    Added to every released number, it makes the release (epsilon, delta)-differentially private if no
    two data sets that differ by one row are further apart than `sensitivity` in the l2 norm.

    Parameters
    ----------
    sensitivity : float
        At least 0. For *all* data sets: what one data set shows is a lower bound of it.
    epsilon, delta : float
        In (0, 1).
    """
    sensitivity = real("sensitivity", sensitivity, 0)
    epsilon = real("epsilon", epsilon, 0, 1, open_low=True)
    delta = real("delta", delta, 0, 1, open_low=True)
    return sensitivity * float(np.sqrt(2 * np.log(1.25 / delta))) / epsilon
