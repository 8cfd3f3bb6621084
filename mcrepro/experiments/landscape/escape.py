"""How many steps the optimizers of Theorem 2.3 take, from a normal start and from the saddle x = 0."""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate
from mcrepro.theory.landscape import paper_parameters, random_instance

from ._reductions import growth, share

MU, SHARE = 1.2, 0.5


def trial(seed: np.random.SeedSequence, *, d: int, optimizer: str) -> dict:
    """Run one optimizer twice on one instance with p = 1/2.

    Returns
    -------
    dict
        ``iterations`` and ``recovered`` from the normal start; ``left_zero``: whether it left x = 0, and
        ``recovered_from_zero``.
    """
    rng = np.random.default_rng(seed)
    f = random_instance(d, SHARE, MU, rng)
    problem = mc.Problem.from_dense(np.outer(f.z, f.z), f.mask, symmetric=True)
    options = {
        "rank": 1,
        "optimizer": optimizer,
        "regularizer": "row_norm",
        **paper_parameters(d, MU, SHARE),
    }
    normal, zero = rng.standard_normal((d, 1)) / np.sqrt(d), np.zeros((d, 1))
    usual = mc.complete(problem, "bm", start=(normal, normal), **options)
    stuck = mc.complete(problem, "bm", start=(zero, zero), **options)
    return {
        "iterations": usual.n_iter,
        "recovered": bool(usual.relative_error(problem.truth) < 1e-6),
        "left_zero": bool(np.any(stuck.left)),
        "recovered_from_zero": bool(stuck.relative_error(problem.truth) < 1e-6),
    }


def _of(table, optimizer):
    return table[table["optimizer"] == optimizer]


def gradient_descent_stays(table: pd.DataFrame) -> Estimate:
    """Share of instances in which gradient descent from x = 0 stays there."""
    return share(~_of(table, "gd")["left_zero"])


def noise_escapes(table: pd.DataFrame) -> Estimate:
    """Share of instances in which perturbed gradient descent from x = 0 finds ±z."""
    return share(_of(table, "perturbed_gd")["recovered_from_zero"])


def steps_of_perturbed(table: pd.DataFrame) -> Estimate:
    """Exponent in d of the number of steps of perturbed gradient descent."""
    return growth(_of(table, "perturbed_gd"), "iterations")


def steps_of_trust_region(table: pd.DataFrame) -> Estimate:
    """Exponent in d of the number of steps of the trust region."""
    return growth(_of(table, "trust_region"), "iterations")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("optimizer",),
    profiles={
        "smoke": Sweep(
            {"d": [30, 60], "optimizer": ["gd", "perturbed_gd", "trust_region"]}, trials=2
        ),
        "quick": Sweep(
            {"d": [50, 100], "optimizer": ["gd", "perturbed_gd", "trust_region"]}, trials=4
        ),
        "paper": Sweep(
            {"d": [50, 100, 200], "optimizer": ["gd", "perturbed_gd", "trust_region"]}, trials=15
        ),
    },
)
