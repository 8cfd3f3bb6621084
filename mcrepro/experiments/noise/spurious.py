"""Spurious second-order points of (2) on instance (20) with δ at even indices, by continuation.

At δ = 0 every sign pattern is an isolated minimum with value 0, so that each persists for small δ
(implicit function theorem), but only the two patterns of ±z keep the value 0: the others become
spurious. They are followed by Newton's method as δ grows, until the Hessian turns singular.
"""

from itertools import product

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep

_STEP = 0.005


def trial(_: None, *, n: int, deltas: tuple) -> list[dict]:
    """Follow every pattern, up to a common sign, through increasing δ.

    Parameters
    ----------
    n : int
    deltas : tuple of float
        Where to count; ascending, multiples of .005.

    Returns
    -------
    list of dict
        For each ``delta``: ``patterns``: 2^{m-1} - 1 wrong ones; ``alive``: how many are still
        strict local minima with a positive value; ``least_curvature`` and ``least_value`` among them
        (NaN where none is left); ``largest_gradient`` there.
    """
    m = (n + 1) // 2
    alive = {signs: _start(n, signs) for signs in product((1, -1), repeat=m - 1)}
    del alive[(1,) * (m - 1)]
    patterns = len(alive)
    rows = []
    for k in range(1, round(deltas[-1] / _STEP) + 1):
        delta = k * _STEP
        Q, B = _arrays(n, delta)
        alive = {s: end for s, x in alive.items() if (end := _newton(x, Q, B)) is not None}
        if any(abs(delta - wanted) < 1e-9 for wanted in deltas):
            points = [_judge(x, Q, B) for x in alive.values()]
            value, gradient, curvature = np.array(points).T if points else (np.array([np.nan]),) * 3
            rows.append(
                {
                    "delta": round(delta, 9),
                    "patterns": patterns,
                    "alive": len(alive),
                    "least_value": float(value.min()),
                    "largest_gradient": float(gradient.max()),
                    "least_curvature": float(curvature.min()),
                }
            )
    return rows


def _start(n, signs):
    x = np.zeros(n)
    x[::2] = (1, *signs)
    return x


def _arrays(n, delta):
    problem = mc.instances.structured(n, delta)
    Q, B = np.zeros((n, n)), np.zeros((n, n))
    Q[problem.rows, problem.cols] = 1.0
    B[problem.rows, problem.cols] = problem.values
    return Q, B


def _derivatives(x, Q, B):
    """Gradient and Hessian of ``1/2 sum over Ω of (x_i x_j - M_ij)^2``; Q and B are symmetric."""
    residual = Q * np.outer(x, x) - B
    return 2 * residual @ x, 2 * (residual + Q * np.outer(x, x) + np.diag(Q @ x**2))


def _newton(x, Q, B):
    """The strict minimum that Newton's method reaches within a short way, or None."""
    begin = x
    for _ in range(20):
        gradient, hessian = _derivatives(x, Q, B)
        if np.linalg.eigvalsh(hessian)[0] <= 1e-6 or np.linalg.norm(x - begin) > 0.5:
            return None
        if np.linalg.norm(gradient) < 1e-12:
            return x
        x = x - np.linalg.solve(hessian, gradient)
    return None


def _judge(x, Q, B):
    gradient, hessian = _derivatives(x, Q, B)
    value = np.sum((Q * np.outer(x, x) - B) ** 2) / 2
    return value, np.linalg.norm(gradient), np.linalg.eigvalsh(hessian)[0]


def exponentially_many(table: pd.DataFrame) -> bool:
    """At δ = .05 all 2^{m-1} - 1 wrong patterns are strict minima with a positive value."""
    small = table[np.isclose(table["delta"], 0.05)]
    return bool(
        len(small)
        and (small["alive"] == small["patterns"]).all()
        and (small["least_value"] > 1e-6).all()
        and (small["least_curvature"] > 0.1).all()
        and (small["largest_gradient"] < 1e-11).all()
    )


_DELTAS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]

PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": [4, 6], "deltas": [[0.05, 0.2]]}),
        "quick": Sweep({"n": [4, 6, 8], "deltas": [_DELTAS]}),
        "paper": Sweep({"n": [4, 6, 8, 10, 12], "deltas": [_DELTAS]}),
    },
)
