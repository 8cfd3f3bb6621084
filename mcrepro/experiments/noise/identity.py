"""Theorem 2.2 where the optimum is known by hand: M* = I, of rank r = n.

The data are b = diag(observed) and f(M) = ‖D∘M - b‖² is zero at M† = diag(observed), which is
positive semidefinite: M† is the only optimum, for every ε. With k unobserved diagonal entries

    ‖M† - M*‖² = k,    ‖d‖₁ = k + n ε²,    ‖d‖₂² = k (1 + ε²)² + (n - k) ε⁴,

so (10) holds exactly when k ≤ (1-p+χ)/(p-χ) ε² n. Where that is below 1, its probability is pⁿ.
"""

import numpy as np
import pandas as pd
from scipy import stats

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import epsilon_mc as law


def trial(_: None, *, n: int, p: float, chi: float, eps: float) -> dict:
    """Compare (10) with the truth; `chi` is given as a share of p.

    Returns
    -------
    dict
        ``allowed``: right-hand side of (10); ``true``: the probability that it holds;
        ``smallest``, ``average``: of the printed probability over the masks.
    """
    X = chi * p
    allowed = law.error_factor(p, X) * eps**2 * n
    k = np.arange(n + 1)
    weight = stats.binom.pmf(k, n, 1 - p)
    bounds = np.array(
        [law.probability_bound(X, law.evenness(deviation(n, int(j), eps))) for j in k]
    )
    return {
        "allowed": allowed,
        "true": float(weight[k <= allowed].sum()),
        "smallest": float(bounds.min()),
        "average": float(weight @ bounds),
    }


def deviation(n: int, k: int, eps: float) -> np.ndarray:
    """Return the diagonal of d when k diagonal entries are unobserved; it is 0 elsewhere."""
    return np.where(np.arange(n) < k, 1 + eps**2, eps**2)


def rates_that_hold(table: pd.DataFrame) -> Estimate:
    """Share of the p at which the printed probability is right for every n."""
    margin = (table["true"] - table["smallest"]).groupby(table["p"]).min()
    return exact(float((margin >= 0).mean()))


_RATES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
_ALL = Sweep({"n": [1, 2, 3, 5, 10, 20, 50], "p": _RATES, "chi": 0.95, "eps": 1e-3})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
