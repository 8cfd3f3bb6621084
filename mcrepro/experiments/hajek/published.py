"""The published gradient descent, watched from outside: its error after so many iterations.

The public code stops when ‖T - XXᵀ‖_F, which it knows, goes up, or after 20,000 iterations. Here it
runs on; the row of the iteration with the least error is what the stopping rule is after.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean

from ._rows import matrix_of


def trial(
    seed: np.random.SeedSequence,
    *,
    generator: str,
    n: int,
    d: int,
    rank: int,
    C: float,
    max_iter: int,
    step: float,
) -> list[dict]:
    """Run the preset "paper", with its step for d = 1000; one row at each of about 40 iterations, and one at the least error.

    Parameters
    ----------
    step : float
        The published 10⁴ is for d = 1000; the longest stable step grows as d².

    Returns
    -------
    list of dict
        ``iteration``; ``error``: ‖XXᵀ - T‖_F; ``loss``; ``least``: whether the row is the one of
        the least error; ``constant``: error of g²11ᵀ, with g the mean of the observed entries;
        ``minimum``: error at a minimum of the loss with our default weights; ``norm``: ‖T‖_F.
    """
    rng = np.random.default_rng(seed)
    matrix = matrix_of(generator, n, d, rank, rng)
    observed = mc.instances.sample_rows(matrix, C / d, seed=rng)
    truth = matrix.T @ matrix / n
    eigenvalues, vectors = np.linalg.eigh(truth)
    eigenvalues, vectors = eigenvalues[-rank:], vectors[:, -rank:]
    path: list[tuple[float, float]] = []

    def watch(record, point):
        X = point.left
        inner = vectors.T @ X
        square = np.sum((X.T @ X) ** 2) - 2 * np.sum(inner**2 * eigenvalues[:, None])
        path.append((float(np.sqrt(square + np.sum(eigenvalues**2))), record["objective"]))

    moments = mc.SecondMoment(d).update(observed)
    mc.recover_second_moment(
        moments, rank, seed=rng, preset="paper", step=step, max_iter=max_iter, callback=watch
    )
    solved = mc.recover_second_moment(moments, rank, gtol=1e-3)
    least = int(np.argmin([error for error, _ in path]))
    shown = np.unique(np.r_[0, np.geomspace(1, len(path) - 1, 40).astype(int), least])
    common = {
        "norm": float(np.linalg.norm(truth)),
        "constant": float(np.linalg.norm(observed.data.mean() ** 2 - truth)),
        "minimum": float(np.linalg.norm(solved.matrix() - truth)),
    }
    return [
        {
            "iteration": int(k),
            "error": path[k][0],
            "loss": float(path[k][1]),
            "least": bool(k == least),
            **common,
        }
        for k in shown
    ]


def _last(table: pd.DataFrame, generator: str, C: float) -> pd.DataFrame:
    part = table[(table["generator"] == generator) & (table["C"] == C)]
    if part.empty:
        raise ValueError(f"the table has no rows with generator={generator!r} and C={C}")
    return part.loc[part.groupby("trial")["iteration"].idxmax()]


def error_code_c2(table: pd.DataFrame) -> Estimate:
    """Error at the end, generator of the code, C = 2."""
    return mean(_last(table, "code", 2.0)["error"])


def relative_code_c2(table: pd.DataFrame) -> Estimate:
    """Error at the end over ‖T‖_F, generator of the code, C = 2."""
    part = _last(table, "code", 2.0)
    return mean(part["error"] / part["norm"])


def relative_mixture_c2(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten factors."""
    part = _last(table, "mixture", 2.0)
    return mean(part["error"] / part["norm"])


def relative_mixture_c10(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten factors, C = 10."""
    part = _last(table, "mixture", 10.0)
    return mean(part["error"] / part["norm"])


def least_mixture_c2(table: pd.DataFrame) -> Estimate:
    """Least error on the way over ‖T‖_F, rows drawn from ten factors, C = 2."""
    part = table[(table["generator"] == "mixture") & (table["C"] == 2.0) & table["least"]]
    return mean(part.groupby("trial")["error"].min() / part.groupby("trial")["norm"].first())


_SIZE = {"n": 10_000, "d": 1000, "rank": 10}


def _cells(code: tuple[int, int], mixture: tuple[int, int]) -> list[dict]:
    names = [("code", code), ("mixture", mixture)]
    return [
        {"generator": name, "C": C, "max_iter": steps}
        for name, pair in names
        for C, steps in zip((2.0, 10.0), pair, strict=True)
    ]


# The longest stable step grows as d², so that reduced sizes take the published one to their scale.
PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(
            {**_SIZE, "n": 1000, "d": 100, "step": 100.0},
            trials=1,
            cells=_cells((300, 100), (300, 100)),
        ),
        "quick": Sweep(
            {**_SIZE, "n": 3000, "d": 300, "step": 900.0},
            trials=1,
            cells=_cells((6000, 1000), (2000, 1000)),
        ),
        "paper": Sweep(
            {**_SIZE, "step": 1e4}, trials=3, cells=_cells((20_000, 2000), (4000, 4000))
        ),
    },
)
