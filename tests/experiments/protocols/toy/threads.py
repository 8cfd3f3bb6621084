"""How many threads the libraries would use inside a trial."""

import numba
import scipy.linalg  # noqa: F401 (loads the BLAS that is counted)
from threadpoolctl import threadpool_info

from mcrepro.experiments import Protocol, Sweep


def trial(_seed):
    return {
        "libraries": len(threadpool_info()),
        "most": max(library["num_threads"] for library in threadpool_info()),
        "numba": numba.get_num_threads(),
    }


SWEEP = Sweep()
PROTOCOL = Protocol(trial=trial, profiles={"smoke": SWEEP, "quick": SWEEP, "paper": SWEEP})
