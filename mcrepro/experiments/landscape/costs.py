"""Time of one gradient of the factors against one spectral step of the convex relaxation.

About twenty entries are seen in each row at every size, so that |Ω| grows as d. Times are the least of five.
"""

from time import perf_counter

import numpy as np
import pandas as pd
import scipy.sparse as sp

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate

from ._reductions import growth


def trial(seed: np.random.SeedSequence, *, d: int, rank: int) -> dict:
    """Time both at one size; also the bytes each has to keep."""
    rng = np.random.default_rng(seed)
    count = 20 * d
    rows, cols = rng.integers(0, d, (2, count))
    values, X = rng.standard_normal(count), rng.standard_normal((d, rank))

    def gradient():
        residual = np.einsum("ij,ij->i", X[rows], X[cols]) - values
        return sp.csr_array((residual, (rows, cols)), shape=(d, d)) @ X

    dense = sp.csr_array((values, (rows, cols)), shape=(d, d)).toarray()
    dense = dense + dense.T
    return {
        "gradient": _least(gradient, 5),
        "spectral": _least(lambda: np.linalg.eigh(dense), 1 if d > 500 else 3),
        "gradient_bytes": X.nbytes,
        "spectral_bytes": dense.nbytes,
    }


def _least(call, times):
    found = []
    for _ in range(times):
        begin = perf_counter()
        call()
        found.append(perf_counter() - begin)
    return min(found)


def gradient_exponent(table: pd.DataFrame) -> Estimate:
    """Exponent in d, that is in |Ω|, of the time of a gradient."""
    return growth(table, "gradient")


def slower_growth(table: pd.DataFrame) -> Estimate:
    """Exponent of the spectral step minus that of the gradient."""
    return growth(table.assign(ratio=table["spectral"] / table["gradient"]), "ratio")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"d": [50, 200], "rank": 2}, trials=2),
        "quick": Sweep({"d": [100, 200, 400], "rank": 2}, trials=3),
        "paper": Sweep({"d": [200, 400, 800, 1600], "rank": 2}, trials=4),
    },
)
