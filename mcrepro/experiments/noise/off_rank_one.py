"""Does an escape direction need its tensor to be exactly of rank one?

At the wrong sign pattern x of the structured instance with 0.3 at even indices, n = 6, order 3 bends x^{⊗3}
downwards along some v^{⊗3}. The trial adds a random symmetric tensor of relative norm `away` and looks
at the curvature along the same direction.
"""

from functools import cache

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.lifting import rank_one
from mcrepro.theory import conversion
from mcrepro.theory import factored_sensing as sensing

from ._points import second_order_points


def trial(seed: np.random.SeedSequence, *, away: float) -> dict:
    """Curvature along v^{⊗3}, over its absolute value on the rank-one tensor."""
    lifted, w, direction = _converted()
    noise = rank_one.symmetric_part(np.random.default_rng(seed).standard_normal(lifted.shape), 3)

    def curvature(w):
        return float(np.vdot(direction, lifted.hessian_product(w, direction)))

    moved = w + away * np.linalg.norm(w) / np.linalg.norm(noise) * noise
    return {"relative": curvature(moved) / abs(curvature(w))}


@cache
def _converted():
    """The objective, the tensor that order 3 converts, and its escape direction."""
    lifted = mc.lifting.LiftedObjective(mc.instances.structured(6, 0.3), order=3)
    D, B = lifted.weights, lifted.data
    start = np.array([-1, 0.3, 1, 0.3, 1, 0.3])[None, :, None]
    (X,) = second_order_points(sensing.entry_operator(D), B.ravel(), 1, start)
    v, _ = conversion.escape_direction(D, B, X[:, 0], 3)
    return lifted, lifted.lift(X), lifted.lift(v[:, None])


def still_bends(table: pd.DataFrame) -> Estimate:
    """Share of tensors at relative distance .03 that bend downwards along the same direction."""
    part = table[table["away"] == 0.03]
    return rate(int((part["relative"] < 0).sum()), len(part))


PROTOCOL = Protocol(
    trial=trial,
    seed=2606,
    profiles={
        "smoke": Sweep({"away": [0.03]}, trials=3),
        "quick": Sweep({"away": [0.01, 0.03, 0.1, 0.3]}, trials=10),
        "paper": Sweep({"away": [0.01, 0.03, 0.1, 0.3, 1.0]}, trials=100),
    },
)
