"""Low-rank matrix completion: the methods of five papers behind one function.

>>> import mcrepro as mc
>>> problem = mc.instances.oversampled(60, 50, rank=2, ratio=4.0, condition=3.0, seed=0)
>>> result = mc.complete(problem, "bm", rank=2, seed=0)
>>> result.converged
True

Everything heavy loads on first use, so that ``import mcrepro`` stays quick.
"""

import time as _time

import lazy_loader as _lazy

__version__ = "0.1.0"

# A file of the package that is younger than this may have been imported before it was edited.
_imported_at = _time.time()

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "companion",
        "data",
        "experiments",
        "instances",
        "ledger",
        "lifting",
        "moments",
        "solvers",
        "theory",
    ],
    submod_attrs={
        "api": ["complete", "methods"],
        "moments": ["SecondMoment", "recover_second_moment"],
        "problem": ["Problem"],
        "result": ["Result"],
    },
)
