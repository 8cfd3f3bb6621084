"""How many entries rank one takes: p = c μ⁶ log^1.5(d)/d, against what descent needs.

The objective has no penalty and the start is normal; a row is one matrix and mask.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate
from mcrepro.theory.landscape import incoherent, symmetric_mask

from ._reductions import share


def trial(seed: np.random.SeedSequence, *, d: int, mu: float, constant: float) -> dict:
    """Complete one matrix with p = c log^1.5(d)/d: the μ⁶ is left to the reductions."""
    rng = np.random.default_rng(seed)
    p = min(1.0, constant * np.log(d) ** 1.5 / d)
    z = incoherent(d, mu, rng)
    problem = mc.Problem.from_dense(np.outer(z, z), symmetric_mask(d, p, rng), symmetric=True)
    x = rng.standard_normal((d, 1)) / np.sqrt(d)
    result = mc.complete(problem, "bm", rank=1, start=(x, x), max_iter=100)
    error = float(result.relative_error(problem.truth))
    return {"p": p, "error": error, "recovered": bool(error < 1e-4)}


def enough(table: pd.DataFrame) -> pd.Series:
    """Least constant from which nine in ten succeed, for every (μ, d)."""
    success = table.groupby(["mu", "d", "constant"])["recovered"].mean()
    good = success[success >= 0.9].reset_index()
    return good.groupby(["mu", "d"])["constant"].min()


def same_constant_suffices(table: pd.DataFrame) -> Estimate:
    """Success at all larger d and μ with c μ⁶ entries, c being enough at the least d and μ.

    Settings of the sweep with a constant of at least c μ⁶ (relative to the least μ) count; where there is none, nothing does.
    """
    least = enough(table).sort_index()
    if not len(least):
        return share(table["recovered"])
    (mu, d), constant = least.index[0], least.iloc[0]
    needed = constant * (table["mu"] / mu) ** 6
    beyond = (table["constant"] >= needed) & ((table["d"] > d) | (table["mu"] > mu))
    beyond &= table["p"] < 1  # all entries seen says nothing
    return share(table.loc[beyond, "recovered"])


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": [30, 60], "mu": [1.0, 1.5], "constant": [0.5, 2.0]}, trials=2),
        "quick": Sweep(
            {"d": [50, 100], "mu": [1.0, 1.5], "constant": [0.5, 0.7, 1.0, 1.4]}, trials=4
        ),
        "paper": Sweep(
            {
                "d": [50, 100, 200, 400],
                "mu": [1.0, 1.5],
                "constant": [0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 8.0],
            },
            trials=6,
        ),
    },
)
