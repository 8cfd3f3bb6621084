"""Is the linear phase within κ of rank one at t(κ, l)? In closed form, with no descent.

A random symmetric matrix with leading eigenvalue 1 and second `gap` takes the place of B, x_0 is uniform on the
sphere, and ``x_0^{⊗l}`` is advanced by t steps of the linear map ``w -> w + ρ B^{⊗l} w``. The derivation of (26) has
ρ = η; descent on (12) as printed has ρ = 4 η, and 2 η with one half in front.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.lifting import rank_one
from mcrepro.theory.linear_phase import linear_phase, rank_one_time

STEP = 0.01


def trial(seed: np.random.SeedSequence, *, n: int, order: int, gap: float, kappa: float) -> dict:
    """Residuals over κ at the three times.

    Returns
    -------
    dict
        ``derived``, ``halved``, ``printed``: distance to the nearest rank-one tensor, relative and over κ, at the
        time (26) when ρ is η, 2 η and 4 η; ``corrected``: at the time of
        `mcrepro.theory.linear_phase`. Also ``time`` and ``corrected_time`` in steps, for ρ = η.
    """
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    B = (Q * np.r_[1.0, gap, rng.uniform(-gap, gap, n - 2)]) @ Q.T
    B = (B + B.T) / 2
    x0 = rng.standard_normal(n)
    x0 /= np.linalg.norm(x0)
    full = mc.Problem.from_dense(B, np.ones((n, n), dtype=bool), symmetric=True)
    lifted = mc.lifting.LiftedObjective(full, order=order)
    time = mc.lifting.iteration_bound(lifted, x0, kappa, STEP)
    better = rank_one_time(B, x0, kappa, order, STEP)

    def residual(rate, steps):
        w = linear_phase(B, x0, order, rate, int(steps))
        size, v = rank_one.leading_component(w, order, restarts=3, symmetric=True)
        return rank_one.residual(w, order, size, v) / kappa

    return {
        "derived": residual(STEP, time),
        "halved": residual(2 * STEP, time),
        "printed": residual(4 * STEP, time),
        "corrected": residual(STEP, better),
        "time": time,
        "corrected_time": better,
    }


def largest_derived(table: pd.DataFrame) -> Estimate:
    """Largest residual over κ at (26), when the linear map has the rate of the derivation."""
    return exact(table["derived"].max())


def largest_halved(table: pd.DataFrame) -> Estimate:
    """The same for descent on half of (12)."""
    return exact(table["halved"].max())


def largest_printed(table: pd.DataFrame) -> Estimate:
    """The same for descent on (12)."""
    return exact(table["printed"].max())


def largest_corrected(table: pd.DataFrame) -> Estimate:
    """The same at the corrected time."""
    return exact(table["corrected"].max())


_GRID = {"gap": [0.5, 0.9, 0.99], "kappa": [0.1, 1e-2, 1e-4]}
_CELLS = [{"n": 4, "order": 3}, {"n": 3, "order": 5}]

PROTOCOL = Protocol(
    trial=trial,
    seed=2604,
    shared=("kappa",),
    profiles={
        "smoke": Sweep(_GRID, cells=_CELLS, trials=2),
        "quick": Sweep(_GRID, cells=_CELLS, trials=10),
        "paper": Sweep(_GRID, cells=[*_CELLS, {"n": 3, "order": 7}], trials=100),
    },
)
