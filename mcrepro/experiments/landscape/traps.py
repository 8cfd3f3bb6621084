"""Second-order points that are not the truth, looked for where they are likeliest.

Take a set S of coordinates none of whose pairs is seen, diagonal included, but so large that every other
coordinate is seen with one of them. Where x is large on S, the seen pairs with S press the other
coordinates down, the more the larger it is, and nothing that is seen says that x_S is too large. If the
signs of x_S contradict each other, the objective falls on and on as x_S grows: a valley that leads
to infinity. A penalty closes it, with a minimum at its wall.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory.landscape import RankOne, incoherent, symmetric_mask
from mcrepro.theory.stationary import refined

from ._reductions import share

MU = 1.2


def trial(seed: np.random.SeedSequence, *, d: int, p: float, factor: float, starts: int) -> dict:
    """Descend from `starts` sets S with random signs; α = factor·μ/√d and λ = μ²p/α², 0 for factor = 0.

    Returns
    -------
    dict
        ``spurious``: starts that ended in a local minimum other than ±z, confirmed by Newton's method and by
        the eigenvalues of the Hessian; ``escaped``: starts that ended with a coordinate above 100;
        ``norm``, ``sup``, ``curvature`` of the last such minimum (0 if none).
    """
    rng = np.random.default_rng(seed)
    z, mask = incoherent(d, MU, rng), symmetric_mask(d, p, rng)
    alpha = factor * MU / np.sqrt(d)
    f = RankOne(z, mask, alpha or 1.0, MU**2 * p / alpha**2 if factor else 0.0)
    problem = mc.Problem.from_dense(np.outer(z, z), mask, symmetric=True)
    penalty = {"regularizer": "row_norm", "alpha": f.alpha, "weight": f.weight} if factor else {}
    row = {"spurious": 0, "escaped": 0, "norm": 0.0, "sup": 0.0, "curvature": 0.0}
    for _ in range(starts):
        x = adversarial_start(f, rng)[:, None]
        found = mc.complete(
            problem, "bm", rank=1, optimizer="trust_region", start=(x, x), max_iter=200, **penalty
        )
        end = found.left[:, 0]
        if np.abs(end).max() > 100:
            row["escaped"] += 1
        elif abs(abs(end @ z) - 1) + abs(end @ end - 1) > 1e-3:
            points, sizes = refined(f, end[None], 30)
            lowest = float(f.lowest_curvature(points)[0])
            if sizes[0] < 1e-10 and lowest > 1e-6 * p:
                row["spurious"] += 1
                row |= {
                    "norm": float(np.linalg.norm(points)),
                    "sup": float(np.abs(points).max()),
                    "curvature": lowest / p,
                }
    return row


def adversarial_start(f: RankOne, rng: np.random.Generator, size: float = 10.0) -> np.ndarray:
    """Return a point that is large, with random signs, on a maximal set of coordinates without seen pairs."""
    d = len(f.z)
    chosen: list[int] = []
    for i in rng.permutation(d):
        if not f.mask[i, i] and not f.mask[i, chosen].any():
            chosen.append(i)
    x = 1e-2 * rng.standard_normal(d) / np.sqrt(d)
    x[chosen] = size * np.abs(f.z[chosen]) * rng.choice([-1.0, 1.0], len(chosen))
    return x


def _part(table: pd.DataFrame, factor: float) -> pd.DataFrame:
    return table[table["factor"] == factor].set_index(["d", "p", "trial"])


def none_found(table: pd.DataFrame) -> Estimate:
    """Share of instances without a spurious local minimum, α and λ as in Theorem 3.2."""
    return share(_part(table, 10.0)["spurious"] == 0)


def fewer_run_off(table: pd.DataFrame) -> Estimate:
    """Starts that run off without R minus those that do with it, a mean over instances."""
    return mean(_part(table, 0.0)["escaped"] - _part(table, 10.0)["escaped"])


def fewer_bad_ends(table: pd.DataFrame) -> Estimate:
    """Starts that run off or end in a spurious minimum, without R minus with it."""
    bad = table.assign(bad=table["escaped"] + table["spurious"])
    return mean(_part(bad, 0.0)["bad"] - _part(bad, 10.0)["bad"])


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("factor",),
    profiles={
        "smoke": Sweep({"d": 40, "p": 0.4, "factor": [0.0, 10.0], "starts": 2}, trials=2),
        "quick": Sweep({"d": 40, "p": 0.55, "factor": [0.0, 2.0, 10.0], "starts": 6}, trials=5),
        "paper": Sweep({"d": 40, "p": 0.55, "factor": [0.0, 2.0, 10.0], "starts": 6}, trials=40),
    },
)
