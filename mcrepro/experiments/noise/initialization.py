"""What small initialization and what lifting contribute, on instance (20) with δ at even indices.

With δ != 0 the completion is unique: ``M_ij = M_ik M_kj / M_kk`` for any even k. One trial is a
batch of starts at n, δ; orders and scales meet the same directions.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate

from . import _solve

EPSILON = 5e-5


def trial(
    seed: np.random.SeedSequence, *, n: int, delta: float, order: int, scale: float, starts: int
) -> dict:
    """Descend by gradients with a safe step from ``ξ x0^{⊗l}``.

    Parameters
    ----------
    n, delta
        The instance.
    order : int
        l; 1 is ε-MC without lifting. 0 stands for methods that need no start: the row counts how
        many of GNMR (spectral start), Lin-RFM and the trace SDP succeed, out of three.
    scale : float
        ξ.
    starts : int

    Returns
    -------
    dict
        ``runs``, ``successes`` (threshold .05), ``converged``, ``iterations`` (median).
    """
    problem = mc.instances.structured(n, delta)
    rng = np.random.default_rng(seed)
    if order == 0:
        peers = {"gnmr": {"variant": "updating"}, "lin_rfm": {}, "trace_sdp": {}}
        solved = [
            _solve.complete(problem, name, seed=rng.integers(2**32), **options)
            for name, options in peers.items()
        ]
        errors = np.concatenate([one.errors(problem.truth) for one in solved])
        converged = np.concatenate([one.converged for one in solved])
        iterations = np.concatenate([one.iterations for one in solved])
    else:
        x0 = _solve.starts(rng, starts, n)
        one = _solve.descend(problem, x0, order=order, epsilon=EPSILON, scale=scale, **_solve.SAFE)
        errors, converged, iterations = one.errors(problem.truth), one.converged, one.iterations
    return {
        "runs": len(errors),
        "successes": int(np.sum(errors <= _solve.THRESHOLD)),
        "converged": int(converged.sum()),
        "iterations": float(np.median(iterations)),
    }


def rates(table: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Success rate with its interval, one row for each n, δ, l and ξ."""
    keys = ["n", "delta", "order", "scale"]
    rows = []
    for key, part in table.groupby(keys):
        found = _solve.pooled(part, confidence)
        interval = {"value": found.value, "low": found.low, "high": found.high}
        rows.append({**dict(zip(keys, key, strict=True)), **interval, "runs": found.n})
    return pd.DataFrame(rows)


def at(table: pd.DataFrame, delta: float, order: int, scale: float) -> Estimate:
    """Success rate of one setting, over the sizes in the table."""
    part = table[(table["delta"] == delta) & (table["order"] == order) & (table["scale"] == scale)]
    return _solve.pooled(part)


_SCALES = [1.0, 1e-2, 1e-4]
# The third has the length of x that ξ = 1e-4 gives a tensor of order 3.
_CELLS = [
    *({"order": l, "scale": scale} for l in (1, 3) for scale in _SCALES),
    {"order": 1, "scale": float(np.cbrt(1e-4))},
    {"order": 0, "scale": 1.0},
]
_DELTAS = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0]

PROTOCOL = Protocol(
    trial=trial,
    seed=4202,
    shared=("order", "scale"),
    profiles={
        "smoke": Sweep({"n": 6, "delta": [0.0, 0.2], "starts": 10}, cells=_CELLS),
        "quick": Sweep({"n": 6, "delta": [0.0, 0.1, 0.2, 0.5, 1.0], "starts": 50}, cells=_CELLS),
        "paper": Sweep({"n": 8, "delta": _DELTAS, "starts": 200}, trials=3, cells=_CELLS),
    },
)
