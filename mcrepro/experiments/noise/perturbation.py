"""Success rates against ε on the structured instance (20): Figure 3 (top), n = 6, l = 3, ξ = 1e-4.

One trial is a batch of starts; all ε and methods meet the same ones.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean

from . import _solve

_LIFTED = {"order": 3, "scale": 1e-4}
SETTINGS = {
    "lifted": {**_LIFTED, "optimizer": "gd", "max_iter": 5000},
    "lifted, L-BFGS": {**_LIFTED, "optimizer": "lbfgs"},
    "lifted, step as printed": {**_LIFTED, **_solve.AS_PRINTED},
    "lifted, Adam as coded": {**_LIFTED, **_solve.AS_CODED},
    "bm": {"order": 1, "scale": 1e-2, **_solve.SAFE},
}
GRID = [0.1, 1e-2, 1e-3, 5e-4, 1e-4, 5e-5, 1e-5]


def trial(
    seed: np.random.SeedSequence, *, n: int, epsilon: float, method: str, starts: int
) -> dict:
    """Run one method from `starts` directions; "bm" ignores ε.

    Returns
    -------
    dict
        ``runs``; ``successes``, ``strict`` (thresholds .05 and .01); ``solved``: one bit a start,
        at .05, in hexadecimal digits; ``converged``; ``iterations`` (mean); ``least_error``: least
        ``||X X^T - M*||_F`` in the batch.
    """
    problem = mc.instances.structured(n)
    x0 = _solve.starts(np.random.default_rng(seed), starts, n)
    weight = 0.0 if method == "bm" else epsilon
    solved = _solve.descend(problem, x0, epsilon=weight, **SETTINGS[method])
    errors = solved.errors(problem.truth)
    success = errors <= _solve.THRESHOLD
    return {
        "runs": starts,
        "successes": int(success.sum()),
        "strict": int(np.sum(errors <= _solve.STRICT)),
        "solved": np.packbits(success).tobytes().hex(),
        "converged": int(solved.converged.sum()),
        "iterations": float(solved.iterations.mean()),
        "least_error": float(errors.min()),
    }


def curve(table: pd.DataFrame, method: str, column: str = "successes", confidence=0.95) -> dict:
    """Success rate of a method by ε."""
    part = table[table["method"] == method]
    return {
        float(eps): _solve.pooled(part[part["epsilon"] == eps], confidence, column)
        for eps in sorted(part["epsilon"].unique())
    }


def outcomes(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """1 where a start of a method led to success, else 0: a row for each start, a column for each ε.

    Rows of two methods are of the same starts.
    """
    part = table[table["method"] == method].sort_values("trial")
    return pd.DataFrame(
        {
            float(eps): np.concatenate(list(map(_bits, cell["solved"], cell["runs"])))
            for eps, cell in part.groupby("epsilon")
        }
    )


def _bits(digits, count):
    packed = np.frombuffer(bytes.fromhex(digits), dtype=np.uint8)
    return np.unpackbits(packed, count=int(count)).astype(int)


def least_drop(table: pd.DataFrame) -> Estimate:
    """Least of the three, start by start, at joint confidence 95 %."""
    won = outcomes(table, "lifted")
    each = [mean(won[5e-4] - won[eps], 1 - 0.05 / 3, bound=1) for eps in (0.1, 0.01, 1e-5)]
    low, high = min(e.low for e in each), min(e.high for e in each)
    return Estimate(min(e.value for e in each), low, high, 0.95, "mean", len(won))


def lead_over_bm(table: pd.DataFrame) -> Estimate:
    """Greatest lead over BM at any ε, start by start, at joint confidence 95 %."""
    won, bm = outcomes(table, "lifted"), outcomes(table, "bm")
    k = len(won.columns)
    each = [mean(won[eps] - bm[eps], 1 - 0.05 / k, bound=1) for eps in won]
    low, high = max(e.low for e in each), max(e.high for e in each)
    return Estimate(max(e.value for e in each), low, high, 0.95, "mean", len(won))


def threshold_gap(table: pd.DataFrame) -> Estimate:
    """Share of lifted runs, over all ε, that succeed at .05 but not at .01."""
    part = table[table["method"] == "lifted"]
    return _solve.pooled(part.assign(between=part["successes"] - part["strict"]), column="between")


def slowdown(table: pd.DataFrame) -> Estimate:
    """Iterations at ε = 1e-5 over those at 1e-3, gradient descent with a safe step, by batch."""
    part = table[table["method"] == "lifted"]
    wide = part.pivot_table(index="trial", columns="epsilon", values="iterations")
    return mean(wide[1e-5] / wide[1e-3])


_METHODS = list(SETTINGS)

PROTOCOL = Protocol(
    trial=trial,
    seed=4205,
    shared=("epsilon", "method"),
    profiles={
        "smoke": Sweep({"n": 6, "epsilon": GRID, "method": _METHODS, "starts": 10}, trials=2),
        "quick": Sweep({"n": 6, "epsilon": GRID, "method": _METHODS, "starts": 50}, trials=2),
        "paper": Sweep({"n": 6, "epsilon": GRID, "method": _METHODS, "starts": 100}, trials=10),
    },
)
