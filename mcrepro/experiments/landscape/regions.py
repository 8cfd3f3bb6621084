"""Figure 1: which condition says that a point of a plane is no local minimum.

The plane holds z and one more direction across it: a coordinate axis ("spike") or a vector whose entries are
all of the same size ("flat"). A point x = a z + b w falls into the region of the first of these that applies:
"outside" (‖x‖_∞ > 4α, Lemma 3.7), "small" (‖x‖² < 1/8, Lemma 3.8), "rest" (Lemma 3.10).
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.theory.landscape import random_instance

REACH = {"spike": 3.0, "flat": 1.5}  # of b


def trial(_: None, *, d: int, p: float, direction: str, instance: int, pixels: int) -> list[dict]:
    """Judge a grid of points; a row each.

    Returns
    -------
    list of dict
        ``a``, ``b``, ``region``; ``slope``: |∂f/∂x_i| over p at the largest coordinate i; ``gradient``: ‖∇f‖/p;
        ``bend``: vᵀ∇²f v/(p ‖v‖²) for v = z_J; ``distance``: ‖xxᵀ - zzᵀ‖_F.
    """
    rng = np.random.default_rng([d, instance])
    f = random_instance(d, p, 1.0, rng)
    w = np.zeros(d) if direction == "spike" else f.z * np.resize([1.0, -1.0], d)
    if direction == "spike":
        w[0] = 1.0
    w -= (w @ f.z) * f.z
    w /= np.linalg.norm(w)
    # No grid point lies on an axis, so that none is 0 or ±z itself.
    a, b = np.meshgrid(*(np.linspace(-r, 1.003 * r, pixels) for r in (1.5, REACH[direction])))
    x = a.ravel()[:, None] * f.z + b.ravel()[:, None] * w
    size, sup = np.sum(x**2, axis=1), np.abs(x).max(axis=1)
    gradient = f.gradient(x)
    v = np.where(np.abs(x) <= f.alpha, f.z, 0.0)
    region = np.where(sup > 4 * f.alpha, "outside", np.where(size < 0.125, "small", "rest"))
    inner = x @ f.z
    columns = {
        "a": a.ravel(),
        "b": b.ravel(),
        "slope": np.abs(gradient[np.arange(len(x)), np.abs(x).argmax(axis=1)]) / p,
        "gradient": np.linalg.norm(gradient, axis=1) / p,
        "bend": f.curvature(x, v) / (p * np.maximum(np.sum(v**2, axis=1), 1e-300)),
        "distance": np.sqrt(np.maximum(size**2 - 2 * inner**2 + 1, 0)),
    }
    return [
        {
            "region": str(name),
            **{key: float(value) for key, value in zip(columns, values, strict=True)},
        }
        for name, *values in zip(region, *columns.values(), strict=True)
    ]


def reason_found(table: pd.DataFrame) -> pd.Series:
    """Whether the lemma of its region excludes the point: a slope, a bend, or a gradient."""
    return pd.Series(
        np.select(
            [table["region"] == "outside", table["region"] == "small"],
            [table["slope"] > 1e-3, table["bend"] < -1e-3],
            table["gradient"] > 1e-3,
        ),
        index=table.index,
    ).astype(bool)


def regions_cover(table: pd.DataFrame) -> bool:
    """Every point that is further than 0.1 from ±z is excluded by the lemma of its region."""
    far = table["distance"] > 0.1
    all_there = {"outside", "small", "rest"} <= set(table["region"])
    return bool(all_there and reason_found(table)[far].all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep(
            {"d": 600, "p": 0.3, "direction": ["spike", "flat"], "instance": 1, "pixels": 21}
        ),
        "quick": Sweep(
            {"d": 600, "p": 0.3, "direction": ["spike", "flat"], "instance": 1, "pixels": 41}
        ),
        "paper": Sweep(
            {
                "d": 1000,
                "p": 0.2,
                "direction": ["spike", "flat"],
                "instance": [1, 2, 3],
                "pixels": 61,
            }
        ),
    },
)
