"""An instance on which local methods cannot know: the deterministic mask of `mcrepro.instances.structured`.

All sign patterns on the ones of the truth fit what is seen; random starts end at any of them.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate


def trial(seed: np.random.SeedSequence, *, n: int) -> dict:
    """Descend from one random start.

    Returns
    -------
    dict
        ``seen``: share of entries seen; ``residual``: relative, on them; ``error``: relative, of the whole matrix;
        ``recovered``: error below 1e-4; ``completions``: how many matrices of rank one fit.
    """
    problem = mc.instances.structured(n)
    result = mc.complete(problem, "bm", rank=1, init="random", seed=seed)
    error = result.relative_error(problem.truth)
    return {
        "seen": problem.density,
        "residual": float(result.certificate["residual"]),
        "error": float(error),
        "recovered": bool(error < 1e-4),
        "completions": 2 ** ((n + 1) // 2 - 1),
    }


def recovered(table: pd.DataFrame) -> Estimate:
    """Share of random starts that end at the truth, at the largest size."""
    part = table[table["n"] == table["n"].max()]
    return rate(int(part["recovered"].sum()), len(part))


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": [5, 21]}, trials=4),
        "quick": Sweep({"n": [5, 11, 21]}, trials=20),
        "paper": Sweep({"n": [5, 11, 21]}, trials=100),
    },
)
