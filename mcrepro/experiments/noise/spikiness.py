"""The high-probability bound of Lemma D.1, held against an exact distribution.

For a flat M (all |M_ij| equal, spikiness 1) the observed share ‖P_Ω M‖²/‖M‖² is Bin(n², p)/n², so
that the probability with which any lower bound on it fails is a binomial tail.
"""

import numpy as np
import pandas as pd
from scipy import stats

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import epsilon_mc as law


def trial(_: None, *, n: int, p: float, delta: float) -> dict:
    """Compute how often the bound fails that should fail with probability delta at most.

    Returns
    -------
    dict
        ``printed``, ``bernstein``: the bounds; ``printed_fails``, ``bernstein_fails``: P(share <
        bound); ``whole_operator``: the probability that *every* M of this size meets the
        printed bound, p^(n²), since one gap leaves a matrix with share 0.
    """
    row = {}
    for form in ("printed", "bernstein"):
        bound = law.observed_share_bound(p, n, 1.0, delta, form)
        row[form] = bound
        row[f"{form}_fails"] = failure(bound, n, p)
    return {**row, "whole_operator": p ** (n * n)}


def failure(bound: float, n: int, p: float) -> float:
    """Return P(Bin(n², p)/n² < bound)."""
    least = np.ceil(bound * n * n - 1e-9)  # the least count that meets the bound, up to rounding
    return float(stats.binom.cdf(least - 1, n * n, p))


def printed_failure_over_delta(table: pd.DataFrame) -> Estimate:
    """Largest ratio of the printed bound's failure probability to the promised δ."""
    return exact((table["printed_fails"] / table["delta"]).max())


def bernstein_failure_over_delta(table: pd.DataFrame) -> Estimate:
    """The same for Bernstein's inequality."""
    return exact((table["bernstein_fails"] / table["delta"]).max())


def whole_operator_probability(table: pd.DataFrame) -> Estimate:
    """Probability that the whole operator has the printed constant, relative to 1 - δ; the best."""
    return exact((table["whole_operator"] / (1 - table["delta"])).max())


_SIZES = Sweep({"n": [10, 20, 50, 100], "p": [0.1, 0.3, 0.5, 0.8], "delta": [0.1, 0.05, 0.01]})

PROTOCOL = Protocol(
    trial=trial, exact=True, profiles={"smoke": _SIZES, "quick": _SIZES, "paper": _SIZES}
)
