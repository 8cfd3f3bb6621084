"""Lifting of ε-MC into tensors: the objective (12), its minimisation, and rank one along the way.

>>> import numpy as np
>>> import mcrepro as mc
>>> lifted = mc.lifting.LiftedObjective(mc.instances.structured(6, even_value=0.3))
>>> descent = mc.lifting.minimize(lifted, lifted.initial(scale=1e-4, seed=0, trials=20))
>>> lifted.extract(descent.w).shape
(20, 6, 1)

Sums of few rank-one tensors need no tensor, at any order:

>>> terms = mc.lifting.FewTerms(mc.instances.structured(1000, even_value=0.02), order=7)
>>> terms.gradient(np.ones((2, 1000, 1))).shape
(2, 1000, 1)
"""

from mcrepro.lifting import rank_one
from mcrepro.lifting.bounds import iteration_bound
from mcrepro.lifting.dense import DenseObjective
from mcrepro.lifting.descent import Descent, minimize
from mcrepro.lifting.escape import Escape, best_direction, descend, escape
from mcrepro.lifting.objective import LiftedObjective
from mcrepro.lifting.optimizers import LBFGS, Adam, GradientDescent
from mcrepro.lifting.terms import FewTerms

__all__ = [
    "LBFGS",
    "Adam",
    "DenseObjective",
    "Descent",
    "Escape",
    "FewTerms",
    "GradientDescent",
    "LiftedObjective",
    "best_direction",
    "descend",
    "escape",
    "iteration_bound",
    "minimize",
    "rank_one",
]
