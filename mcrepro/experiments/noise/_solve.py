"""The methods of Figure 2 on one problem, from given directions, as estimates of the matrix."""

from dataclasses import dataclass

import numpy as np

import mcrepro as mc
from mcrepro.experiments.statistics import rate

THRESHOLD, STRICT = 0.05, 0.01
"""The paper's two thresholds of ``||X X^T - M*||_F``."""

AS_PRINTED = {"optimizer": "gd", "step": 0.02, "factor": 1.0, "max_iter": 2000}
"""Gradient descent on (12), which has no 1/2 in front, with the printed step."""

AS_CODED = {"optimizer": "adam", "step": 0.02, "factor": 1.0, "max_iter": 1000, "vtol": 1e-5}
"""What an earlier program of the authors ran (mc_noisy_ms, 2024-05-02): Adam until h < 1e-5."""

BM_AS_CODED = {
    "order": 1,
    "epsilon": 0.0,
    "scale": 1e-2,
    "optimizer": "adam",
    "step": 0.02,
    "max_iter": 2000,
    "vtol": 1e-8,
}
"""The same program's BM in its sweeps; it has no early stop, which vtol only brings forward."""

SAFE = {"optimizer": "gd", "max_iter": 5000, "vtol": 1e-8}
"""Gradient descent with a step below one over the curvature, stopped where every entry fits."""

QUICK = {"optimizer": "lbfgs", "max_iter": 500, "gtol": 1e-4}
"""L-BFGS with bounded steps; the error at this gtol is far below both thresholds."""


@dataclass(frozen=True)
class Solved:
    """Estimates of the matrix, shape (trials, n, n), and how the descent went, one row a trial."""

    estimates: np.ndarray
    converged: np.ndarray
    iterations: np.ndarray
    rank_one_residual: np.ndarray
    signs: np.ndarray
    value: np.ndarray

    def errors(self, truth):
        """``||estimate - truth||_F``, shape (trials,)."""
        return np.linalg.norm(self.estimates - truth, axis=(1, 2))


def starts(rng, count, n):
    """Directions uniform on the sphere, shape (count, n)."""
    x = rng.standard_normal((count, n))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def descend(problem, x0, *, order, epsilon, scale, factor=0.5, **options) -> Solved:
    """Minimise the lifted objective from ``scale * x0^{⊗order}``; order 1 and ε = 0 is BM.

    Parameters
    ----------
    problem : Problem
        Symmetric.
    x0 : ndarray, shape (trials, n)
        Rows of norm 1.
    order, epsilon, factor
        Of `mc.lifting.LiftedObjective`.
    scale : float
        ξ.
    **options
        Of `mc.lifting.minimize`.
    """
    lifted = mc.lifting.LiftedObjective(problem, order, epsilon, factor=factor)
    end = mc.lifting.minimize(lifted, scale * lifted.lift(x0[:, :, None]), **options)
    size, v = mc.lifting.rank_one.leading_component(end.w, order)
    X = lifted.root(size, v)
    return Solved(
        X @ X.swapaxes(1, 2),
        np.isin(end.stop_reason, ["gradient", "residual"]),
        end.n_iter,
        mc.lifting.rank_one.residual(end.w, order, size, v),
        np.sign(X[:, :, 0]),
        end.value,
    )


def complete(problem, method, x0=None, seed=0, **options) -> Solved:
    """Run a method of `mc.complete` at rank 1, from ``x0 x0^T`` for each row if given."""
    given = [{}] if x0 is None else [{"start": (x[:, None], x[:, None])} for x in x0]
    results = [
        mc.complete(problem, method, rank=1, seed=seed, **start, **options) for start in given
    ]
    return Solved(
        np.stack([result.matrix() for result in results]),
        np.array([result.converged for result in results]),
        np.array([result.n_iter for result in results]),
        np.zeros(len(results)),
        np.stack([np.sign(result.left[:, 0]) for result in results]),
        np.full(len(results), np.nan),
    )


def pooled(table, confidence=0.95, column="successes"):
    """Rate of a count among all runs of a table; its rows are batches of independent starts."""
    return rate(int(table[column].sum()), int(table["runs"].sum()), confidence)


def zero_one(n, even_value=0.0):
    """z of instance (20), shape (n,)."""
    return np.where(np.arange(n) % 2 == 0, 1.0, even_value)
