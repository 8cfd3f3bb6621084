"""The printed step .02 on the structured instance, as the experiments of Section 5 have it.

At a solution x^{⊗l} of the instance with zeros at even indices the largest curvature of
``factor ||...||²`` is ``4 factor m^l`` for small ε, m = ceil(n/2): that of the block of even indices, which gradient
descent contracts by ``1 - 4 factor η m^l`` a step. It is stable below 2.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact, rate

STEP = 0.02


def trial(
    seed: np.random.SeedSequence, *, n: int, factor: float, starts: int, max_iter: int
) -> dict:
    """Descend from ξ = 1e-4 with l = 3, ε = 1e-4.

    Returns
    -------
    dict
        ``stability``: step times curvature at a solution; ``starts``, and of these ``converged`` (gradient norm below
        1e-7), ``diverged``, ``stalled`` (no progress for 300 steps, as on a cycle).
    """
    problem = mc.instances.structured(n)
    lifted = mc.lifting.LiftedObjective(problem, order=3, epsilon=1e-4, factor=factor)
    truth = np.where(np.arange(n) % 2 == 0, 1.0, 0.0)[:, None]
    descent = mc.lifting.minimize(
        lifted, lifted.initial(1e-4, seed=seed, trials=starts), "gd", step=STEP,
        gtol=1e-7, max_iter=max_iter, patience=300,
    )  # fmt: skip
    reasons = descent.stop_reason
    return {
        "stability": STEP * lifted.curvature(lifted.lift(truth)),
        "runs": starts,
        "converged": reasons.count("gradient"),
        "diverged": reasons.count("diverged"),
        "stalled": reasons.count("stalled"),
    }


def _at(table, factor, n=8):
    return table[(table["n"] == n) & (table["factor"] == factor)]


def stability_printed(table: pd.DataFrame) -> Estimate:
    """Step times curvature at n = 8, for (12) as printed."""
    return exact(_at(table, 1.0)["stability"].iloc[0])


def stability_halved(table: pd.DataFrame) -> Estimate:
    """The same for half of (12)."""
    return exact(_at(table, 0.5)["stability"].iloc[0])


def stability_quarter(table: pd.DataFrame) -> Estimate:
    """The same for a quarter of (12), whose gradient has no factor."""
    return exact(_at(table, 0.25)["stability"].iloc[0])


def converged_printed(table: pd.DataFrame) -> Estimate:
    """Share of runs at n = 8 that converge, for (12) as printed."""
    part = _at(table, 1.0)
    return rate(int(part["converged"].sum()), int(part["runs"].sum()))


PROTOCOL = Protocol(
    trial=trial,
    seed=2605,
    shared=("factor",),
    profiles={
        "smoke": Sweep({"n": [4, 8], "factor": [1.0, 0.5, 0.25], "starts": 3, "max_iter": 600}),
        "quick": Sweep(
            {"n": [4, 6, 8], "factor": [1.0, 0.5, 0.25], "starts": 10, "max_iter": 2000}
        ),
        "paper": Sweep(
            {"n": [4, 5, 6, 7, 8, 10], "factor": [1.0, 0.5, 0.25], "starts": 20, "max_iter": 3000},
            trials=5,
        ),
    },
)
