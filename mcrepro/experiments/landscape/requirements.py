"""What the theorems ask of p, in numbers, and the constants of their proofs."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.landscape_rank_r import RankR, noise_incoherence, sufficient_share


def trial(_: None, *, kappa: float) -> list[dict]:
    """Theorem 4.3's p for sizes and ranks, with μ = C = 1; one row for each.

    Returns
    -------
    list of dict
        ``d``, ``rank``, ``share``; ``mu_ratio``: μ̂/μ of Theorem B.1 at σ √(log d) = μ² r/d;
        ``shortest``: least ‖x‖ along x = c z, ‖z‖ = 1, at which (4.3) holds with everything seen.
    """
    # All directions at x = c z have least curvature along z itself: the Hessian there is explicit.
    z = np.ones((4, 1)) / 2
    full = RankR(z @ z.T, np.ones((4, 4), bool))
    shortest = brentq(lambda c: np.linalg.eigvalsh(full.hessian(c * z))[0], 0.1, 0.99, xtol=1e-14)
    return [
        {
            "d": d,
            "rank": rank,
            "share": sufficient_share(d, rank, kappa=kappa),
            "mu_ratio": noise_incoherence(d, rank, 1.0, rank / d / np.sqrt(np.log(d))),
            "shortest": shortest,
        }
        for d in (10**3, 10**4, 10**5, 10**6, 10**7)
        for rank in (1, 2, 5, 10)
    ]


def _share(table: pd.DataFrame, d: int, rank: int) -> Estimate:
    found = table[(table["d"] == d) & (table["rank"] == rank) & (table["kappa"] == 1)]
    return exact(found["share"].iloc[0])


def share_thousand_rank_one(table: pd.DataFrame) -> Estimate:
    """The p for d = 10³, r = 1."""
    return _share(table, 10**3, 1)


def share_thousand_rank_two(table: pd.DataFrame) -> Estimate:
    """The p for d = 10³, r = 2."""
    return _share(table, 10**3, 2)


def share_million_rank_five(table: pd.DataFrame) -> Estimate:
    """The p for d = 10⁶, r = 5."""
    return _share(table, 10**6, 5)


def largest_mu_ratio(table: pd.DataFrame) -> Estimate:
    """Largest μ̂/μ at the noise level that is said to change nothing."""
    return exact(table["mu_ratio"].max())


def least_length(table: pd.DataFrame) -> Estimate:
    """Least σ_min(X)/σ_min(Z) that (4.3) allows with everything seen, in the extreme case x = c z."""
    return exact(table["shortest"].min())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"kappa": 1.0}),
        "quick": Sweep({"kappa": [1.0, 2.0]}),
        "paper": Sweep({"kappa": [1.0, 2.0, 4.0]}),
    },
)
