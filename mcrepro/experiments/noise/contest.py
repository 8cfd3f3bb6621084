"""Lifting without the tensor against restarts, perturbation and small starts, at equal work.

All methods end in the same descent (method bm, L-BFGS); they differ in where it starts. They meet
the same instance, spend work as counted by `Search`, and stop when the data are fitted.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate

from ._beyond import FIT, RANK, Search, instance, rescaled

ORDERS = (3, 7)


def trial(
    seed: np.random.SeedSequence, *, family: str, n: int, level: float, method: str, budget: int
) -> dict:
    """Run one method on one instance until it fits the data or has spent the budget.

    Returns
    -------
    dict
        ``work`` spent, ``fitted``: whether the data are fitted, ``solved``: whether the truth was
        found, ``rounds``: random starts.
    """
    drawn, searched = seed.spawn(2)
    problem = instance(family, n, level, np.random.default_rng(drawn))
    search = Search(problem, RANK[family], np.random.default_rng(searched), budget)
    rounds = 0
    while search.open():
        METHODS[method](search, rounds)
        rounds += 1
    fitted = search.fit <= FIT and search.work <= budget
    return {
        "work": search.work,
        "fitted": fitted,
        "solved": fitted and search.solved(),
        "rounds": rounds,
    }


def _restarts(search, _round):
    search.descend()


def _perturbed(search, _round):
    search.descend(optimizer="perturbed_gd")


def _small(search, _round):
    search.descend(search.small_start())


def _spectral(search, round_):
    search.descend(init="spectral" if round_ == 0 else "random")


def _two_terms(search, _round):
    """Descend on two terms at order 3 from a random pair, then on the matrix they stand for."""
    problem, rank = search.problem, search.rank
    terms = mc.lifting.FewTerms(problem, 3)
    pair = search.rng.standard_normal((2, problem.shape[0], rank))
    pair *= np.sqrt(np.sqrt(np.mean(problem.values**2) / rank))
    steps = min(200, search.steps(search.PAIR))
    pair, _, count = mc.lifting.descend(terms, pair, max_iter=steps)
    search.work += search.PAIR * count
    search.descend(terms.extract(pair))


def _escape(search, _round):
    """Leave the end of descent through two terms, at the lowest order that leads to a better one."""
    X, fit = search.descend()
    orders = list(ORDERS)
    while orders and search.open():
        found = search.escape(X, orders[0], starts=1)
        if found.X is not None:
            new, better = search.descend(found.X)
            if better < fit * (1 - 1e-6):
                X, fit, orders = new, better, list(ORDERS)
                continue
        orders.pop(0)


def _direction(search, _round):
    """Start descent anew at the escape direction itself, without tensors."""
    X, _ = search.descend()
    if search.open():
        terms = mc.lifting.FewTerms(search.problem, ORDERS[-1])
        U, _, count = mc.lifting.best_direction(terms, X, starts=1, seed=search.rng, max_iter=30)
        search.work += search.PAIR * count
        search.descend(rescaled(search.problem, U))


METHODS: dict[str, Callable] = {
    "restarts": _restarts,
    "perturbed gd": _perturbed,
    "small start": _small,
    "spectral": _spectral,
    "two terms": _two_terms,
    "escape": _escape,
    "direction": _direction,
}


def success(table: pd.DataFrame) -> pd.DataFrame:
    """Share solved by each family and method, with its 99 % interval, and the median work."""
    rows = []
    for (family, n, method), part in table.groupby(["family", "n", "method"], sort=False):
        share = rate(int(part["solved"].sum()), len(part))
        rows.append(
            {
                "family": family,
                "n": n,
                "method": method,
                "solved": share.value,
                "low": share.low,
                "high": share.high,
                "work": float(part["work"].median()),
            }
        )
    return pd.DataFrame(rows)


def gain_over_restarts(table: pd.DataFrame) -> Estimate:
    """Mean of solved by escape minus solved by restarts, same instances, structured, largest n."""
    return _gain(table, "restarts")


def gain_over_small_start(table: pd.DataFrame) -> Estimate:
    """Mean of solved by escape minus solved by small starts, same instances, structured, largest n."""
    return _gain(table, "small start")


def _gain(table: pd.DataFrame, rival: str) -> Estimate:
    part = table[table["family"] == "structured"]
    part = part[part["n"] == part["n"].max()]
    solved = part.pivot(index="trial", columns="method", values="solved").astype(float)
    return mean(solved["escape"] - solved[rival], bound=1)


_METHODS = list(METHODS)

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("method", "budget"),
    profiles={
        "smoke": Sweep(
            {"method": _METHODS, "budget": 300},
            trials=1,
            cells=[
                {"family": "structured", "n": 20, "level": 0.35},
                {"family": "random", "n": 30, "level": 1.0},
                {"family": "blocks", "n": 32, "level": 0.1},
            ],
        ),
        "quick": Sweep(
            {"method": _METHODS, "budget": 2000},
            trials=3,
            cells=[
                {"family": "structured", "n": 20, "level": 0.35},
                {"family": "random", "n": 60, "level": 1.0},
                {"family": "blocks", "n": 32, "level": 0.1},
            ],
        ),
        "paper": Sweep(
            {"method": _METHODS, "budget": 3000},
            trials=20,
            cells=[
                {"family": "structured", "n": 40, "level": 0.35},
                {"family": "structured", "n": 100, "level": 0.35},
                {"family": "random", "n": 300, "level": 1.0},
                {"family": "blocks", "n": 64, "level": 0.05},
            ],
        ),
    },
)
