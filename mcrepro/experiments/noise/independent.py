"""Success rates on independently drawn masks, by method: Figures 2(b) and 3 (bottom).

The truth is that of instance (20), z = 1 at odd and 0 at even indices. Each of the n² entries is
observed with probability p by itself. One trial is one mask; all methods meet it, and the descents
start from the same directions. Beside their rates stand, for the same mask, the ceiling of every
sign-equivariant method and the rate that a tiny start should reach (`theory.sign_patterns`).
"""

from typing import Any

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import sign_patterns

from . import _solve
from ._by_mask import by_mask, lead, rates
from ._symmetric_sensing import adam

__all__ = ["by_mask", "lead", "rates"]

_BM = {"order": 1, "epsilon": 0.0, **_solve.QUICK}
GNMR = {"variant": "updating", "max_iter": 100}
PEERS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "gnmr": ("gnmr", GNMR, True),
    "gnmr, one-way": ("gnmr", GNMR, False),
    "lin_rfm": ("lin_rfm", {"max_iter": 300}, True),
    "lin_rfm, one-way": ("lin_rfm", {"max_iter": 300}, False),
    "trace_sdp": ("trace_sdp", {"solver": "clarabel"}, True),
}
"""Method, options, and whether it is told that the matrix is symmetric."""

CODED = "lifted, A as coded"
DESCENTS = ("bm", "bm, unit start", "bm, Adam as coded", "lifted")


def trial(
    seed: np.random.SeedSequence, *, n: int, p: float, epsilon: float, starts: int
) -> list[dict]:
    """Draw a mask and run all methods on it: `DESCENTS`, and `PEERS`, whose starts are not random.

    `CODED`, the lifted method of the authors' earlier program with symmetric sensing matrices and
    Adam, runs where ``p n^2`` is at most 10, for its cost grows with the cube of that.

    Parameters
    ----------
    n, p : int, float
    epsilon : float
        Of the lifted method.
    starts : int
        Random directions for each descent. Peers run once.

    Returns
    -------
    list of dict
        ``method``, ``runs``, ``successes``, ``strict`` (thresholds .05 and .01), ``rank_one``: runs
        with ``||w - vec(X)^{⊗l}|| <= .05 ||w||``; ``fits``: failed runs whose X
        reproduces the observed entries to .01 in norm; and ``observed`` entries, ``ceiling``, ``small_start``.

        Where only zeros were observed every method fails: 0 fits, and no solver is run.
    """
    rng = np.random.default_rng(seed)
    z = _solve.zero_one(n)
    truth = np.outer(z, z)
    mask = rng.random((n, n)) < p
    x0 = _solve.starts(rng, starts, n)
    coded = [CODED] if p * n * n <= 10 else []
    if not (mask & (truth != 0)).any():
        common = {"observed": int(mask.sum()), "ceiling": 2.0 ** (1 - z.sum()), "small_start": 0.0}
        nothing = {"successes": 0, "strict": 0, "rank_one": 0, "fits": 0}
        return [
            {"method": name, "runs": 1 if name in PEERS else starts, **nothing, **common}
            for name in (*DESCENTS, *PEERS, *coded)
        ]
    problem = mc.Problem.from_dense(truth, mask, symmetric=True)
    common = {
        "observed": problem.n_observed,
        "ceiling": sign_patterns.ceiling(problem, z),
        "small_start": sign_patterns.small_start_rate(problem, z),
    }
    settings: dict[str, dict[str, Any]] = {
        "bm": {**_BM, "scale": 1e-2},
        "bm, unit start": {**_BM, "scale": 1.0},
        "bm, Adam as coded": _solve.BM_AS_CODED,
        "lifted": {"order": 3, "epsilon": epsilon, "scale": 1e-4, **_solve.QUICK},
    }
    solved = {name: _solve.descend(problem, x0, **settings[name]) for name in DESCENTS}
    solved |= {name: _peer(name, truth, mask) for name in PEERS}
    solved |= {name: adam(problem, x0) for name in coded}
    return [{"method": name, **_count(one, truth, mask), **common} for name, one in solved.items()]


def _peer(name, truth, mask):
    method, options, told = PEERS[name]
    both = mask | mask.T if told else mask
    symmetric = method == "trace_sdp"
    return _solve.complete(mc.Problem.from_dense(truth, both, symmetric), method, **options)


def _count(solved, truth, mask):
    errors = solved.errors(truth)
    misfit = np.linalg.norm((solved.estimates - truth)[:, mask], axis=1)
    failed = errors > _solve.THRESHOLD
    return {
        "runs": len(errors),
        "successes": int(np.sum(~failed)),
        "strict": int(np.sum(errors <= _solve.STRICT)),
        "rank_one": int(np.sum(solved.rank_one_residual <= 0.05)),
        "fits": int(np.sum(failed & (misfit <= 0.01))),
    }


def _all(table):
    return sorted(table["n"].unique())


def lifted_over_bm_p15(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM from a start of norm .01, p = .15, all n."""
    return lead(table, "lifted", "bm", _all(table), [0.15])


def lifted_over_bm_p30(table: pd.DataFrame) -> Estimate:
    """The same at p = .3."""
    return lead(table, "lifted", "bm", _all(table), [0.3])


def lifted_over_unit_bm_p15(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM from a start of norm 1, p = .15, all n."""
    return lead(table, "lifted", "bm, unit start", _all(table), [0.15])


def lifted_over_unit_bm_p30(table: pd.DataFrame) -> Estimate:
    """The same at p = .3."""
    return lead(table, "lifted", "bm, unit start", _all(table), [0.3])


def lifted_over_coded_bm(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over BM by Adam, p = .15, all n."""
    return lead(table, "lifted", "bm, Adam as coded", _all(table), [0.15])


def coded_over_unit_bm(table: pd.DataFrame) -> Estimate:
    """Lead of lifted as coded over BM from a start of norm 1, p = .15, n up to 8."""
    return lead(table, CODED, "bm, unit start", _all(table), [0.15])


def coded_over_coded_bm(table: pd.DataFrame) -> Estimate:
    """Lead of lifted as coded over BM as coded, both by Adam, p = .15, n up to 8."""
    return lead(table, CODED, "bm, Adam as coded", _all(table), [0.15])


def coded_over_sdp(table: pd.DataFrame) -> Estimate:
    """Lead of lifted as coded over the trace SDP, p = .15, n up to 8."""
    return lead(table, CODED, "trace_sdp", _all(table), [0.15])


def gnmr_over_lifted(table: pd.DataFrame) -> Estimate:
    """Lead of GNMR, told of the symmetry, over lifted, p = .15."""
    return lead(table, "gnmr", "lifted", _all(table), [0.15])


def one_way_gnmr_over_lifted(table: pd.DataFrame) -> Estimate:
    """The same, the entries as they were drawn."""
    return lead(table, "gnmr, one-way", "lifted", _all(table), [0.15])


def lin_rfm_small(table: pd.DataFrame) -> Estimate:
    """Lead of Lin-RFM over lifted at the smallest n, p = .15."""
    return lead(table, "lin_rfm", "lifted", _all(table)[:1], [0.15])


def one_way_lin_rfm_small(table: pd.DataFrame) -> Estimate:
    """The same, the entries as they were drawn."""
    return lead(table, "lin_rfm, one-way", "lifted", _all(table)[:1], [0.15])


def lifted_over_sdp(table: pd.DataFrame) -> Estimate:
    """Lead of lifted over the trace SDP, p = .15, all n."""
    return lead(table, "lifted", "trace_sdp", _all(table), [0.15])


def lifted_over_sdp_p30(table: pd.DataFrame) -> Estimate:
    """The same at p = .3."""
    return lead(table, "lifted", "trace_sdp", _all(table), [0.3])


def near_rank_one(table: pd.DataFrame) -> Estimate:
    """Share of lifted runs whose tensor is within 5 % of rank one, p = .15; unit: masks."""
    wide = by_mask(table, "rank_one").reset_index()
    return mean(wide.loc[wide["p"] == 0.15, "lifted"])


_SIZES = [4, 5, 6, 7, 8, 9, 10]
_COMMON = {"epsilon": 5e-5}

PROTOCOL = Protocol(
    trial=trial,
    seed=4203,
    shared=("epsilon",),
    profiles={
        "smoke": Sweep({"n": [4, 6], "p": [0.15, 0.3], **_COMMON, "starts": 5}, trials=3),
        "quick": Sweep({"n": [4, 6, 8], "p": [0.15, 0.3], **_COMMON, "starts": 10}, trials=10),
        "paper": Sweep({"n": _SIZES, "p": [0.15, 0.3], **_COMMON, "starts": 20}, trials=40),
    },
)
