"""How far from rank one gradient descent on the lifted objective is, from start to end.

Plain gradient descent with a fixed step: one over the largest of the curvatures at zero, at the
largest start and at the lift of the truth. (It takes the truth to know such a step.) `instance` is

bernoulli
    p = .7, symmetric mask with the diagonal seen, entries of z between .5 and 1.5 with random signs;
structured 0.3
    eq. (20) with 0.3 at even indices; "structured 0" is the paper's.

`noise` is the norm of a random symmetric perturbation of the observed entries, in units of theirs.
Starts are ``ξ x_0^{⊗l}``, x_0 uniform on the sphere and the same for all ξ.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact, rate
from mcrepro.lifting import rank_one
from mcrepro.theory import conversion
from mcrepro.theory.linear_phase import rank_one_time

KAPPAS = (0.1, 0.03)
"""Tolerances for which the times are computed."""

SMALL = 0.01
"""The linear phase ends when w has this share of the size of the truth's lift."""

EPSILON = 5e-5


def trial(
    seed: np.random.SeedSequence,
    *,
    instance: str,
    n: int,
    order: int,
    scales: tuple,
    noise: float = 0.0,
    max_iter: int = 10000,
) -> list[dict]:
    """Follow the paths from all scales on one problem.

    Returns
    -------
    list of dict
        A row for each `scale` and each of about 60 iterations, denser at the beginning:
        ``iteration``, ``size`` (``||w||`` over that of the truth's lift), ``residual`` (distance to the nearest
        rank-one tensor found, over ``||w||``) and ``unfolding`` (σ₂/σ₁). The rows of a path repeat, for
        κ in `KAPPAS`, ``printed_κ``: t(κ, l) of (26), and ``corrected_κ``: that of
        `mcrepro.theory.linear_phase`; ``stop``; ``error``, ``||X X^T - M*||_F`` of the extracted X; and ``bound``, the
        right side of (28) with constants 0 and e_1 from the proof.
    """
    rng = np.random.default_rng(seed)
    x0 = rng.standard_normal(n)
    x0 /= np.linalg.norm(x0)
    problem, z = _instance(instance, n, noise, rng)
    # Half the squared distance, as eqs. (1) and (8) have it: the rate near 0 is 2 η.
    lifted = mc.lifting.LiftedObjective(problem, order=order, epsilon=EPSILON, factor=0.5)
    direction = lifted.lift(x0[:, None])
    truth = lifted.lift(z[:, None])
    unit = np.linalg.norm(truth)
    bends = [lifted.curvature(truth), 4 * lifted.factor * np.linalg.norm(lifted.data, 2) ** order]
    if max(scales) > 0.1:  # below, the curvature at 0 is that of the start
        bends.append(lifted.curvature(max(scales) * direction))
    step = 1 / max(bends)
    starts = np.stack([scale * direction for scale in scales])
    wanted = set(np.unique(np.r_[0:10, np.geomspace(10, max_iter, 70).astype(int)]).tolist())
    rows: list[dict] = []

    def record(k, active, w):
        if k in wanted:
            rows.extend(_rows(k, active, w, scales, order, unit))

    descent = mc.lifting.minimize(
        lifted, starts, "gd", step=step, max_iter=max_iter, gtol=1e-6, patience=max_iter,
        callback=record,
    )  # fmt: skip
    for k, at in enumerate(descent.n_iter):
        if int(at) not in wanted:
            rows.extend(_rows(int(at), np.array([k]), descent.w[k : k + 1], scales, order, unit))
    times = {}
    for kappa in KAPPAS:
        times[f"printed_{kappa}"] = mc.lifting.iteration_bound(lifted, x0, kappa, step)
        times[f"corrected_{kappa}"] = (
            rank_one_time(lifted.data, x0, kappa, order, 2 * step) if order > 1 else 0.0
        )
    ends = _ends(lifted, descent, np.outer(z, z))
    rows.sort(key=lambda row: (-row["scale"], row["iteration"]))
    return [{**row, **times, **ends[scales.index(row["scale"])]} for row in rows]


def _ends(lifted, descent, M):
    unseen = float(np.linalg.norm(M[lifted.weights < 1]))
    return [
        {
            "stop": stop,
            "error": float(np.linalg.norm(M - X @ X.T)),
            "bound": conversion.completion_bound(X, M, EPSILON, unseen),
        }
        for X, stop in zip(lifted.extract(descent.w), descent.stop_reason, strict=True)
    ]


def _rows(iteration, active, w, scales, order, unit):
    size, v = rank_one.leading_component(w, order, restarts=3, symmetric=True)
    residual = rank_one.residual(w, order, size, v)
    unfolding = rank_one.unfolding_ratio(w, order)
    return [
        {
            "scale": scales[path],
            "iteration": iteration,
            "size": float(np.linalg.norm(w[k]) / unit),
            "residual": float(residual[k]),
            "unfolding": float(unfolding[k]),
        }
        for k, path in enumerate(active)
    ]


def _instance(name, n, noise, rng):
    kind, _, value = name.partition(" ")
    if kind == "structured":
        problem = mc.instances.structured(n, float(value))
        z = np.where(np.arange(n) % 2 == 0, 1.0, float(value))
    elif name == "bernoulli":
        z = rng.uniform(0.5, 1.5, n) * rng.choice([-1.0, 1.0], n)
        mask = np.triu(rng.random((n, n)) < 0.7, 1)
        mask = mask | mask.T | np.eye(n, dtype=bool)
        problem = mc.Problem.from_dense(np.outer(z, z), mask, symmetric=True)
    else:
        raise ValueError(
            f'instance must be "bernoulli", "structured 0.3" or "structured 0", got {name!r}'
        )
    if noise:
        W = rng.standard_normal((n, n))
        W = (W + W.T)[problem.rows, problem.cols]
        values = problem.values + noise * np.linalg.norm(problem.values) * W / np.linalg.norm(W)
        problem = mc.Problem(problem.rows, problem.cols, values, problem.shape, symmetric=True)
    return problem, z


_PATH = ["instance", "order", "noise", "trial", "scale"]


def paths(table: pd.DataFrame) -> pd.DataFrame:
    """One row a path.

    Returns
    -------
    pandas.DataFrame
        ``peak``, ``final``: largest and last residual; for each κ ``after_κ`` and ``early_κ``: the largest residual
        from t(κ, l) on, over the whole path and over its linear phase (NaN where that is over by
        then); and the ends of the path.
    """
    rows = []
    for key, path in table.groupby(_PATH, sort=False):
        row = dict(zip(_PATH, key, strict=True))
        row["peak"], row["final"] = path["residual"].max(), path["residual"].iloc[-1]
        for kappa in KAPPAS:
            after = path[path["iteration"] >= path[f"printed_{kappa}"]]
            row[f"after_{kappa}"] = after["residual"].max()
            row[f"early_{kappa}"] = after.loc[after["size"] <= SMALL, "residual"].max()
        last = path.iloc[-1]
        rows.append(row | last[["iteration", "stop", "error", "bound"]].to_dict())
    return pd.DataFrame(rows)


def _tensors(table):
    """Of each problem with a finite time and order 3 or more, the path from the smallest scale."""
    found = paths(table)
    found = found[(found["order"] > 1) & (found["noise"] == 0)]
    found = found[(found["scale"] <= 1e-4) & (found["instance"] != "structured 0")]
    return found.loc[found.groupby(["instance", "order", "trial"])["scale"].idxmin()]


def stays_close(table: pd.DataFrame) -> Estimate:
    """Share of paths, from the smallest ξ, within .1 of rank one from t(.1, l) to the end."""
    found = _tensors(table)
    return rate(int((found["after_0.1"] <= 0.1).sum()), len(found))


def stays_closer(table: pd.DataFrame) -> Estimate:
    """The same for κ = .03."""
    found = _tensors(table)
    return rate(int((found["after_0.03"] <= 0.03).sum()), len(found))


def stays_closer_while_small(table: pd.DataFrame) -> Estimate:
    """The same for κ = .03, while w is below a hundredth of its final size."""
    early = _tensors(table)["early_0.03"].dropna()
    return rate(int((early <= 0.03).sum()), len(early))


def ends_at_rank_one(table: pd.DataFrame) -> Estimate:
    """Largest residual at the end of the paths from the smallest ξ, without noise."""
    return exact(_tensors(table)["final"].max())


def ends_at_rank_one_noisy(table: pd.DataFrame) -> Estimate:
    """Share of all problems with noise of a tenth whose path ends within .01 of rank one."""
    found = paths(table)
    found = found[(found["order"] > 1) & (found["noise"] == 0.1)]
    found = found.loc[found.groupby(["instance", "order", "trial"])["scale"].idxmin()]
    return rate(int((found["final"] <= 0.01).sum()), len(found))


def never_rises(table: pd.DataFrame) -> Estimate:
    """Share of paths, from the smallest ξ, on which the residual never rises by more than .01."""
    found = table[(table["order"] > 1) & (table["noise"] == 0)]
    found = found[found["scale"] == found["scale"].min()]
    falls = [
        bool((path["residual"].diff().dropna() <= 0.01).all())
        for _, path in found.groupby(_PATH, sort=False)
    ]
    return rate(sum(falls), len(falls))


def bound_ratio(table: pd.DataFrame) -> Estimate:
    """Largest left over right side of (28) with constants 0, at the ends from the smallest ξ."""
    found = _tensors(table)
    return exact((found["error"] / found["bound"]).max())


_INSTANCES = ["bernoulli", "structured 0.3", "structured 0"]
_SCALES = (*(10.0**-k for k in range(8)), 1e-14)  # the last one for the linear phase

PROTOCOL = Protocol(
    trial=trial,
    seed=2603,
    shared=("scales", "noise"),
    profiles={
        "smoke": Sweep(
            {"instance": "structured 0.3", "n": 5, "order": 3, "scales": [(1.0, 1e-4, 1e-14)]}
            | {"noise": [0.0, 0.1]},
            trials=2,
        ),
        "quick": Sweep(
            {"scales": [(1.0, 1e-2, 1e-4, 1e-7, 1e-14)]},
            cells=[
                *(
                    {"instance": name, "n": 5, "order": 3, "noise": noise}
                    for name in _INSTANCES
                    for noise in (0.0, 0.1)
                ),
                {"instance": "structured 0.3", "n": 4, "order": 5, "noise": 0.0},
            ],
            trials=2,
        ),
        "paper": Sweep(
            {"instance": _INSTANCES},
            cells=[
                {"n": 5, "order": 1, "scales": _SCALES, "noise": 0.0},
                {"n": 5, "order": 3, "scales": _SCALES, "noise": 0.0},
                {"n": 4, "order": 5, "scales": _SCALES, "noise": 0.0},
                {"n": 5, "order": 3, "scales": (1e-4,), "noise": 0.1},
                {"n": 4, "order": 5, "scales": (1e-4,), "noise": 0.1},
            ],
            trials=10,
        ),
    },
)
