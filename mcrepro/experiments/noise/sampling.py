"""Success rates against the sampling probability: Figure 3 (bottom), n = 6, ε = 5e-4.

As in `independent`, one trial is one mask and the mask is the unit of inference. What the paper leaves open
is varied: the start of BM, the sensing matrices of the lifting, and whether an entry is seen
together with its mirror image.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import sign_patterns

from . import _solve
from ._by_mask import lead, rates
from ._symmetric_sensing import adam

__all__ = ["lead", "rates"]

_BM = {"order": 1, "epsilon": 0.0, **_solve.QUICK}
_LOW = (0.05, 0.1, 0.15, 0.2)
_HIGH = (0.3, 0.4)


def trial(seed: np.random.SeedSequence, *, n: int, p: float, epsilon: float, starts: int) -> list:
    """Draw a mask and run BM and the lifted method on it.

    Returns
    -------
    list of dict
        For each ``method``: ``runs``, ``successes``, ``strict``; ``stuck``: failed lifted runs that
        ended above the value of the truth, h(vec(z)^{⊗3}); ``ceiling``, ``small_start``.
        "lifted" has the sensing matrices of eq. (5); "lifted, A as coded" the symmetric ones, and
        Adam, of an earlier program of the authors; "..., mirrored" sees (j, i) wherever it sees
        (i, j).

        Where only zeros were observed every method fails: 0 fits, and no solver is run.
    """
    rng = np.random.default_rng(seed)
    z = _solve.zero_one(n)
    truth = np.outer(z, z)
    mask = rng.random((n, n)) < p
    x0 = _solve.starts(rng, starts, n)
    if not (mask & (truth != 0)).any():
        nothing = {"runs": starts, "successes": 0, "strict": 0, "stuck": 0}
        common = {"ceiling": 2.0 ** (1 - z.sum()), "small_start": 0.0}
        return [{"method": name, **nothing, **common} for name in METHODS]
    drawn = mc.Problem.from_dense(truth, mask, symmetric=True)
    mirrored = mc.Problem.from_dense(truth, mask | mask.T, symmetric=True)
    common = {
        "ceiling": sign_patterns.ceiling(drawn, z),
        "small_start": sign_patterns.small_start_rate(drawn, z),
    }
    lifted = {"order": 3, "epsilon": epsilon, "scale": 1e-4, **_solve.QUICK}
    settings = {
        "bm": (drawn, {**_BM, "scale": 1e-2}),
        "bm, unit start": (drawn, {**_BM, "scale": 1.0}),
        "bm, Adam as coded": (drawn, _solve.BM_AS_CODED),
        "bm, mirrored": (mirrored, {**_BM, "scale": 1e-2}),
        "lifted": (drawn, lifted),
        "lifted, mirrored": (mirrored, lifted),
    }
    rows = []
    for name in METHODS:
        stuck = 0
        if name == "lifted, A as coded":
            solved = adam(drawn, x0)
        else:
            problem, options = settings[name]
            solved = _solve.descend(problem, x0, **options)
        failed = solved.errors(truth) > _solve.THRESHOLD
        if name in ("lifted", "lifted, mirrored"):
            objective = mc.lifting.LiftedObjective(problem, 3, epsilon)
            best = objective.value(objective.lift(z[:, None]))
            stuck = int(np.sum(failed & (solved.value > 1.01 * best + 1e-9)))
        rows.append(
            {
                "method": name,
                "runs": starts,
                "successes": int(np.sum(~failed)),
                "strict": int(np.sum(solved.errors(truth) <= _solve.STRICT)),
                "stuck": stuck,
                **common,
            }
        )
    return rows


METHODS = (
    "bm",
    "bm, unit start",
    "bm, Adam as coded",
    "bm, mirrored",
    "lifted",
    "lifted, A as coded",
    "lifted, mirrored",
)


def low_p_lead(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM (start of norm .01), p at most .2."""
    return lead(table, "lifted", "bm", [6], _LOW)


def low_p_lead_unit(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM from a start of norm 1, p at most .2."""
    return lead(table, "lifted", "bm, unit start", [6], _LOW)


def low_p_lead_coded(table: pd.DataFrame) -> Estimate:
    """Lead of lifted with symmetric sensing matrices over BM, p at most .2."""
    return lead(table, "lifted, A as coded", "bm", [6], _LOW)


def low_p_lead_coded_unit(table: pd.DataFrame) -> Estimate:
    """The same over BM from a start of norm 1."""
    return lead(table, "lifted, A as coded", "bm, unit start", [6], _LOW)


def low_p_lead_both_coded(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM, both as in the earlier program, with Adam, p at most .2."""
    return lead(table, "lifted, A as coded", "bm, Adam as coded", [6], _LOW)


def low_p_lead_mirrored(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM, both on mirrored masks, p at most .2."""
    return lead(table, "lifted, mirrored", "bm, mirrored", [6], _LOW)


def stuck_share(table: pd.DataFrame) -> Estimate:
    """Of the failed lifted runs at p of .3 and more, the share that ended above the truth's value.

    Mean over the masks on which a run failed.
    """
    part = table[(table["method"] == "lifted") & table["p"].isin(_HIGH)]
    failed = part["runs"] - part["successes"]
    return mean((part["stuck"] / failed)[failed > 0])


_SETTING = {"n": 6, "epsilon": 5e-4}
_P = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4]

PROTOCOL = Protocol(
    trial=trial,
    seed=4204,
    shared=("epsilon",),
    profiles={
        "smoke": Sweep({**_SETTING, "p": [0.1, 0.4], "starts": 5}, trials=3),
        "quick": Sweep({**_SETTING, "p": [0.1, 0.2, 0.3, 0.4], "starts": 10}, trials=6),
        "paper": Sweep({**_SETTING, "p": _P, "starts": 20}, trials=60),
    },
)
