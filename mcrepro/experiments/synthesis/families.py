"""Every method on every family of small problems: solved or not, error, processor time.

All methods of one trial meet the same problem. Processor time is that of one call, after one on a
smaller problem, which loads and compiles.
"""

import functools
import time

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate
from mcrepro.theory.identifiability import finitely_completable

from ._families import CRAWL, FAMILIES

WARM = 20


def trial(seed: np.random.SeedSequence, *, family: str, method: str, n: int) -> dict:
    """Run one method on one problem.

    Returns
    -------
    dict
        ``error``: relative, to the truth; ``solved``: whether it is within the family's limit;
        ``seconds`` of processor time; ``converged``, ``stop_reason``, ``iterations``; ``residual``
        on the observed entries; ``determined``: whether the mask isolates a generic matrix of this
        rank (None for a symmetric one).
    """
    _warm(family, method)
    kind = FAMILIES[family]
    drawn, started = (np.random.default_rng(s) for s in seed.spawn(2))
    problem = kind.draw(n, drawn)
    begin = time.process_time()
    result = kind.solve(problem, method, started)
    seconds = time.process_time() - begin
    error = result.relative_error(problem.truth)
    mask = np.zeros(problem.shape, dtype=bool)
    mask[problem.rows, problem.cols] = True
    return {
        "error": error,
        "solved": bool(error <= kind.limit(problem)),
        "seconds": seconds,
        "converged": result.converged,
        "stop_reason": result.stop_reason,
        "iterations": result.n_iter,
        "residual": float(result.certificate["residual"]),
        "determined": None if problem.symmetric else finitely_completable(mask, kind.rank),
    }


@functools.cache
def _warm(family, method):
    rng = np.random.default_rng(0)
    few = {}
    if method != "mean":  # enough for Gauss-Newton to end: what follows its last step compiles too
        few = {"max_iter": min(30, CRAWL.get(method, {}).get("max_iter", 30))}
    FAMILIES[family].solve(FAMILIES[family].draw(WARM, rng), method, rng, **few)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each family and method, with 95 % intervals over problems.

    Columns: family, method, ``solved`` with ``solved_low`` and ``solved_high`` (Clopper-Pearson);
    ``error``: median; ``seconds`` with ``seconds_low`` and ``seconds_high`` (Student's t);
    ``converged``: share.
    """
    rows = []
    for (family, method), part in table.groupby(["family", "method"], sort=False):
        solved, seconds = rate(int(part["solved"].sum()), len(part)), mean(part["seconds"])
        rows.append(
            {
                "family": family,
                "method": method,
                "solved": solved.value,
                "solved_low": solved.low,
                "solved_high": solved.high,
                "error": float(part["error"].median()),
                "seconds": seconds.value,
                "seconds_low": max(seconds.low, 0.0),
                "seconds_high": seconds.high,
                "converged": float(part["converged"].mean()),
            }
        )
    return pd.DataFrame(rows)


def solved_by(table: pd.DataFrame, family: str, method: str) -> Estimate:
    """Share of the problems of a family that a method solved."""
    part = table[(table["family"] == family) & (table["method"] == method)]
    if part.empty:
        raise ValueError(f"the table has no rows with family={family!r} and method={method!r}")
    return rate(int(part["solved"].sum()), len(part))


_CELLS = [
    {"family": family, "method": method}
    for family, kind in FAMILIES.items()
    for method in kind.methods
]

PROTOCOL = Protocol(
    trial=trial,
    seed=7301,
    shared=("method",),
    profiles={
        "smoke": Sweep(
            {"n": 20}, trials=1, cells=[cell for cell in _CELLS if cell["method"] != "neural"]
        ),
        "quick": Sweep({"n": 24}, trials=2, cells=_CELLS),
        "paper": Sweep({"n": 36}, trials=10, cells=_CELLS),
    },
)
