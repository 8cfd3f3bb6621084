"""Success rates on the structured instance (20), by method: Figure 2(a) of the paper.

One trial is a batch of starts on one size. All methods of one trial descend from the same
directions. With zeros at even indices the observed entries do not tell the signs of z, and the rate
of a method that treats signs alike is at most ``2^{1 - ceil(n/2)}`` (`theory.sign_patterns`).
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean

from . import _solve

_BM = {"order": 1, "epsilon": 0.0, "scale": 1e-2}
_LIFTED = {"order": 3, "epsilon": 5e-5, "scale": 1e-4}

DESCENTS = {
    "bm": {**_BM, **_solve.SAFE},
    "lifted": {**_LIFTED, **_solve.SAFE},
    "lifted, step as printed": {**_LIFTED, **_solve.AS_PRINTED},
    "lifted, Adam as coded": {**_LIFTED, **_solve.AS_CODED},
}
GNMR = {"variant": "updating", "max_iter": 200}

SIZES = [4, 5, 6, 7, 8, 9, 10]


def trial(seed: np.random.SeedSequence, *, n: int, method: str, delta: float, starts: int) -> dict:
    """Run one method from `starts` directions.

    Parameters
    ----------
    n : int
        Size of the instance.
    method : str
        One of `DESCENTS`; "gnmr" (α = -1) from the same directions, or
        "gnmr, spectral" from the singular vectors of the zero-filled matrix; "lin_rfm" and
        "trace_sdp", which have no random start and run once.
    delta : float
        z at even indices.
    starts : int

    Returns
    -------
    dict
        ``runs``; ``successes`` and ``strict``: how many have ``||X X^T - M*||_F`` at most .05 and
        .01; ``converged``; ``signs_kept``: on how many the signs of X at odd indices are those of
        the start; ``iterations``: median; ``rank_one``: how many have
        ``||w - vec(X)^{⊗l}|| <= .05 ||w||``.
    """
    problem = mc.instances.structured(n, delta)
    rng = np.random.default_rng(seed)
    x0 = _solve.starts(rng, starts, n)
    if method in DESCENTS:
        solved = _solve.descend(problem, x0, **DESCENTS[method])
    elif method == "gnmr":
        solved = _solve.complete(problem, "gnmr", x0, **GNMR)
    else:
        x0 = None
        name, _, _ = method.partition(", ")
        options = GNMR if name == "gnmr" else {}
        solved = _solve.complete(problem, name, seed=rng.integers(2**32), **options)
    errors = solved.errors(problem.truth)
    kept = 0 if x0 is None else (solved.signs * np.sign(x0))[:, ::2]
    return {
        "runs": len(errors),
        "successes": int(np.sum(errors <= _solve.THRESHOLD)),
        "strict": int(np.sum(errors <= _solve.STRICT)),
        "converged": int(solved.converged.sum()),
        "signs_kept": int(np.sum(np.abs(np.sum(kept, axis=-1)) == (n + 1) // 2)),
        "iterations": float(np.median(solved.iterations)),
        "rank_one": int(np.sum(solved.rank_one_residual <= 0.05)),
    }


def success(
    table: pd.DataFrame, method: str, delta: float = 0.0, confidence: float = 0.95
) -> dict[int, Estimate]:
    """Success rate of a method by n."""
    part = table[(table["method"] == method) & (table["delta"] == delta)]
    if part.empty:
        raise ValueError(f"the table has no rows with method={method!r} and delta={delta}")
    return {
        int(n): _solve.pooled(part[part["n"] == n], confidence) for n in sorted(part["n"].unique())
    }


def _joint(table):
    return 1 - 0.05 / table["n"].nunique()


def lifted_rate(table: pd.DataFrame) -> dict[int, Estimate]:
    """The same for the lifted method."""
    return success(table, "lifted", confidence=_joint(table))


def least_difference(table: pd.DataFrame, method: str, other: str) -> Estimate:
    """Least over n of the difference of two success rates, with a 95 % interval.

    Both methods met the same directions, so that the difference is taken batch by batch.
    """
    part = table[table["delta"] == 0]
    share = part.assign(share=part["successes"] / part["runs"])
    wide = share.pivot_table(index=["n", "trial"], columns="method", values="share")
    differences = (wide[method] - wide[other]).groupby("n")
    each = [mean(values, _joint(table)) for _, values in differences]
    low, high = min(e.low for e in each), min(e.high for e in each)
    return Estimate(min(e.value for e in each), low, high, 0.95, "mean", len(part))


def lead_over_bm(table: pd.DataFrame) -> Estimate:
    """Least lead of lifted over BM on the sizes."""
    return least_difference(table, "lifted", "bm")


def gnmr_against_lifted(table: pd.DataFrame) -> Estimate:
    """Least lead, perhaps negative, of GNMR over lifted on the sizes."""
    return least_difference(table, "gnmr", "lifted")


def lin_rfm_deficit(table: pd.DataFrame) -> Estimate:
    """Least lead of lifted over Lin-RFM on the sizes."""
    return least_difference(table, "lifted", "lin_rfm")


def near_rank_one(table: pd.DataFrame) -> Estimate:
    """Share of lifted runs whose tensor is within 5 % of a rank-one tensor."""
    part = table[(table["method"] == "lifted") & (table["delta"] == 0)]
    return _solve.pooled(part, column="rank_one")


_ALL = [*DESCENTS, "gnmr", "gnmr, spectral", "lin_rfm", "trace_sdp"]
_EVEN = [4, 6, 8, 10]
# Adam takes its thousand steps on every start; the even sizes show what it does.
_CELLS = [
    {"method": method, "n": n}
    for method in _ALL
    for n in (_EVEN if method == "lifted, Adam as coded" else SIZES)
]
_DELTA = {"delta": [0.0]}

PROTOCOL = Protocol(
    trial=trial,
    seed=4201,
    shared=("method", "delta"),
    profiles={
        "smoke": Sweep({"n": [4, 6], "method": _ALL, **_DELTA, "starts": 20}, trials=2),
        "quick": Sweep({"n": _EVEN, "method": _ALL, **_DELTA, "starts": 20}, trials=3),
        "paper": Sweep({**_DELTA, "starts": 100}, trials=10, cells=_CELLS),
    },
)
