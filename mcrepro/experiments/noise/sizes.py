"""Success against n on the structured instance: order 1 or 3, small or usual start.

The same objective class, optimizer and random directions for both orders, so that the start and the
lifting can be told apart. The unknown of order 3 is the whole tensor.
"""

import time

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate

from ._beyond import SOLVED


def trial(
    seed: np.random.SeedSequence, *, n: int, level: float, order: int, start: float, starts: int
) -> list[dict]:
    """Minimise from `starts` directions at once; return one row a start.

    ``even_value`` is ``level / √⌊n/2⌋``. `start` is the size of the start: ξ x₀^{⊗l} with
    ``ξ = (start ‖B‖)^{l/2}``, so that 1 makes ``x xᵀ`` as large as the data at either order.

    Returns
    -------
    list of dict
        ``solved``: X Xᵀ read off at the end is the truth; ``iterations``; ``seconds`` of the whole
        batch divided by its size.
    """
    problem = mc.instances.structured(n, level / np.sqrt(n // 2))
    lifted = mc.lifting.LiftedObjective(problem, order)
    scale = (start * np.linalg.norm(problem.values)) ** (order / 2)
    w = lifted.initial(scale, np.random.default_rng(seed), trials=starts)
    begin = time.perf_counter()
    descent = mc.lifting.minimize(lifted, w, max_iter=600, gtol=1e-6)
    seconds = time.perf_counter() - begin
    X = lifted.extract(descent.w, restarts=0, symmetric=True)
    truth = problem.truth
    error = np.linalg.norm(X @ X.swapaxes(1, 2) - truth, axis=(1, 2)) / np.linalg.norm(truth)
    return [
        {"solved": bool(e <= SOLVED), "iterations": int(k), "seconds": seconds / starts}
        for e, k in zip(error, descent.n_iter, strict=True)
    ]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Share solved with its 99 % interval, iterations and seconds, by n, order and start."""
    rows = []
    for (level, n, order, start), part in table.groupby(["level", "n", "order", "start"]):
        share = rate(int(part["solved"].sum()), len(part))
        rows.append(
            {
                "level": level,
                "n": n,
                "order": order,
                "start": start,
                "solved": share.value,
                "low": share.low,
                "high": share.high,
                "starts": len(part),
                "iterations": float(part["iterations"].median()),
                "seconds": float(part["seconds"].median()),
            }
        )
    return pd.DataFrame(rows)


def at_equal_time(table: pd.DataFrame) -> pd.DataFrame:
    """From starts of size 1: order 3 once, against restarts of order 1 for the same seconds.

    ``restarts``: how many runs of order 1 take the time of one of order 3; ``order 1, restarted``:
    the chance that one of so many independent ones solves the instance.
    """
    usual = table[table["start"] == 1.0]
    rows = []
    for (level, n), part in usual.groupby(["level", "n"]):
        solved = part.groupby("order")["solved"].mean()
        if 3 not in solved.index:
            continue
        seconds = part.groupby("order")["seconds"].median()
        count = seconds[3] / seconds[1]
        rows.append(
            {
                "level": level,
                "n": n,
                "order 1": solved[1],
                "order 3": solved[3],
                "restarts": count,
                "order 1, restarted": 1 - (1 - solved[1]) ** count,
            }
        )
    return pd.DataFrame(rows)


def small_start_order_1(table: pd.DataFrame) -> Estimate:
    """Share solved without lifting from the smallest start."""
    return _share(table, 1, table["start"].min())


def usual_start_order_3(table: pd.DataFrame) -> Estimate:
    """Share solved at order 3 from the usual start."""
    return _share(table, 3, 1.0)


def _share(table: pd.DataFrame, order: int, start: float) -> Estimate:
    part = table[(table["order"] == order) & (table["start"] == start)]
    return rate(int(part["solved"].sum()), len(part))


def _cells(sizes, level):
    return [
        {"level": level, "n": n, "order": order, "start": start, "starts": starts}
        for n, starts in sizes
        for order in (1, 3)
        for start in (1.0, 1e-4, 1e-8)
    ]


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("order", "start"),
    profiles={
        "smoke": Sweep(trials=1, cells=_cells([(6, 5), (10, 5)], 0.35)),
        "quick": Sweep(
            trials=1,
            cells=_cells([(6, 30), (10, 30), (20, 4)], 0.35) + _cells([(6, 30), (10, 30)], 0.6),
        ),
        "paper": Sweep(
            trials=2,
            cells=_cells([(6, 50), (10, 50), (20, 20), (40, 3)], 0.35)
            + _cells([(6, 50), (10, 50), (20, 20), (40, 3)], 0.6)
            + [cell for cell in _cells([(100, 1)], 0.35) if cell["order"] == 1]
            + [{"level": 0.35, "n": 100, "order": 3, "start": 1e-4, "starts": 1}],
        ),
    },
)
