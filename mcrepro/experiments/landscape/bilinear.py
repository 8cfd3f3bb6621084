"""Theorem D.1 and Lemma D.5 against the largest value that a search over rank-one matrices finds.

Z is the flat matrix 11ᵀ/d, and W = abᵀ/d runs through the sign vectors: all have Frobenius norm one and entries
of size 1/d, so that <P_Ω(W), P_Ω(Z)> - p<W, Z> = aᵀ(mask - p)b/d².
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate
from mcrepro.theory.landscape import symmetric_mask
from mcrepro.theory.sampling import inner_product_bound, sign_sup

from ._reductions import growth


def trial(seed: np.random.SeedSequence, *, d: int, p: float) -> dict:
    """Maximize over W for one mask, and for one Gaussian N seen through it.

    Returns
    -------
    dict
        ``found`` over the bound with the root over everything (``whole``) and over pdr only (``short``); the
        same for <P_Ω(N), W>: ``noise_whole``, ``noise_short``, σ = 1.
    """
    rng = np.random.default_rng(seed)
    mask = symmetric_mask(d, p, rng)
    found = sign_sup(mask - p, 4, rng) / d**2
    noise = sign_sup(mask * rng.standard_normal((d, d)), 4, rng) / d
    sup, log = 1 / d, np.log(d)
    return {
        "found": found,
        "whole": found / inner_product_bound(sup**2, 1.0, d, 1, p),
        "short": found / inner_product_bound(sup**2, 1.0, d, 1, p, whole_root=False),
        "noise_whole": noise / (sup * d * log + np.sqrt(p * d**2 * sup * log)),
        "noise_short": noise / (sup * d * log + np.sqrt(p * d**2) * sup * log),
    }


def whole_root_grows(table: pd.DataFrame) -> Estimate:
    """Exponent in d of what is found over the bound with the root over everything."""
    return growth(table, "whole")


def short_root_grows(table: pd.DataFrame) -> Estimate:
    """Exponent in d over the bound with the root over pdr."""
    return growth(table, "short")


def noise_whole_grows(table: pd.DataFrame) -> Estimate:
    """Lemma D.5, the root over everything."""
    return growth(table, "noise_whole")


def noise_short_grows(table: pd.DataFrame) -> Estimate:
    """Lemma D.5, the root over pd²rσ²."""
    return growth(table, "noise_short")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": [50, 100], "p": 0.5}, trials=2),
        "quick": Sweep({"d": [100, 200, 400], "p": 0.5}, trials=4),
        "paper": Sweep({"d": [100, 200, 400, 800], "p": 0.5}, trials=5),
    },
)
