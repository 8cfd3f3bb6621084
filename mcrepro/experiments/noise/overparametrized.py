"""Does a larger search rank remove the spurious solutions of the perturbed operator?

f(X) = ‖D∘(X Xᵀ - M*)‖² with exact data, X of more columns than M* has rank, from random starts.
Newton's method with the absolute values of the Hessian's eigenvalues leaves saddles; a start that
ends away from M* has found a spurious solution.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact, rate
from mcrepro.theory import epsilon_mc, recovery_conditions

from ._surrogate import optima


def trial(
    seed: np.random.SeedSequence, *, n: int, eps: float, columns: int, p: float, instances: int
) -> dict:
    """Search from eight random starts on each of many masks, with a Gaussian M* of rank one.

    Returns
    -------
    dict
        ``asked``: the search rank above which there are no spurious solutions; ``trapped``:
        instances with a start that ended at f above 1e-6 of f(0).
    """
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((instances, n, 1))
    truth = z @ np.swapaxes(z, 1, 2)
    D2 = np.where(rng.random((instances, n, n)) < p, 1.0, eps**2)
    values, _ = optima(D2, truth, 0.0, columns, rng, starts=8)
    at_zero = np.sum(D2 * truth**2, axis=(1, 2))
    delta = epsilon_mc.rip_constant(eps**2, 1.0)
    return {
        "asked": recovery_conditions.search_rank(delta),
        "trapped": int(np.sum(values[:, -1] > 1e-6 * at_zero)),
    }


def trapped_above(table: pd.DataFrame) -> Estimate:
    """Share of instances with a spurious solution found, where the search rank is large enough."""
    return _share(table[table["columns"] > table["asked"]])


def trapped_below(table: pd.DataFrame) -> Estimate:
    """The same where it is not."""
    return _share(table[table["columns"] <= table["asked"]])


def _share(part: pd.DataFrame) -> Estimate:
    return rate(int(part["trapped"].sum()), int(part["instances"].sum()))


def asked_in_the_experiments(_: pd.DataFrame) -> Estimate:
    """The search rank asked for at the ε = 5e-5 of Figure 2."""
    return exact(recovery_conditions.search_rank(epsilon_mc.rip_constant(5e-5**2, 1.0)))


_CELLS = [
    {"eps": 0.6, "columns": 1},
    {"eps": 0.5, "columns": 3},
    {"eps": 0.1, "columns": 1},
    {"eps": 0.01, "columns": 1},
]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": 6, "p": 0.4, "instances": 30}, cells=_CELLS, trials=1),
        "quick": Sweep({"n": 6, "p": 0.4, "instances": 30}, cells=_CELLS, trials=4),
        "paper": Sweep({"n": 6, "p": 0.4, "instances": 30}, cells=_CELLS, trials=20),
    },
)
