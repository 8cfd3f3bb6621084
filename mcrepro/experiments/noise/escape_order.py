"""At spurious points of ε-MC: from which order on can they be left, and where does one arrive?

A trial runs descent from random starts until it ends at a stationary point that does not fit the
data. There, for each order, it computes the smallest escape ratio found, the ratio in the direction
of Theorem 3.1, what two terms make of it, and for tiny sizes the lowest eigenvalue of the Hessian on
all symmetric tensors. Descent from the direction itself is set beside it.
"""

from itertools import combinations_with_replacement, permutations

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate

from ._beyond import FIT, RANK, SOLVED, Search, instance, rescaled

# Random starts on one instance before another is drawn, and instances before giving up.
_STARTS, _INSTANCES = 10, 100
# The Hessian on symmetric tensors is formed for at most so many entries of a tensor.
_TINY = 8000


def trial(
    seed: np.random.SeedSequence, *, family: str, n: int, level: float, orders: tuple
) -> list[dict]:
    """Leave one spurious point at each of the orders; return one row an order.

    Returns
    -------
    list of dict
        ``starts``: random starts, on one or several instances, until a spurious point was found; ``fit``: its relative residual,
        ``order``, ``ratio``, ``theorem_ratio``, ``hessian``: lowest eigenvalue on symmetric tensors
        of norm 1, relative to the largest in absolute value (None where not computed), ``drop``:
        relative decrease of h on two terms, ``solved``: descent from there finds the truth,
        ``direction_solved``: descent from the direction does.
    """
    rng = np.random.default_rng(seed)
    for instances in range(_INSTANCES):
        search = Search(instance(family, n, level, rng), RANK[family], rng)
        X, starts = spurious_point(search)
        if X is not None:
            found = {"starts": _STARTS * instances + starts, "fit": search.keep(X)[1]}
            return [found | _leave(search, X, int(order)) for order in orders]
    raise RuntimeError(f"no spurious point in {_INSTANCES} instances of {family!r}, n={n}")


def spurious_point(search: Search) -> tuple[np.ndarray | None, int]:
    """A stationary point that does not fit, or None; and the starts it took."""
    for start in range(1, _STARTS + 1):
        # Where descent runs off to infinity it meets the limit, and is no stationary point.
        result = mc.complete(
            search.problem,
            "bm",
            rank=search.rank,
            seed=search.rng,
            init="random",
            gtol=1e-9,
            max_iter=500,
        )
        X, fit = search.keep(result.left)
        if result.stop_reason == "gradient" and fit > FIT:
            return X, start
    return None, _STARTS


def _leave(search: Search, X: np.ndarray, order: int) -> dict:
    problem = search.problem
    found = search.escape(X, order)
    theorem = search.escape(X, order, direction="theorem", max_iter=0)
    there = _solves(search, rescaled(problem, found.direction))
    return {
        "order": order,
        "ratio": found.ratio,
        "theorem_ratio": theorem.ratio if np.isfinite(theorem.ratio) else None,
        "hessian": lowest_curvature(problem, X, order) if search.rank == 1 else None,
        "drop": 1 - found.values[2] / found.values[0],
        "solved": found.X is not None and _solves(search, found.X),
        "direction_solved": there,
    }


def _solves(search: Search, start: np.ndarray) -> bool:
    X, _ = search.descend(start)
    truth = search.problem.truth
    return bool(np.linalg.norm(X @ X.T - truth) <= SOLVED * np.linalg.norm(truth))


def lowest_curvature(problem: mc.Problem, X: np.ndarray, order: int) -> float | None:
    """Lowest over largest eigenvalue of the Hessian at vec(X)^{⊗l}, on symmetric tensors.

    Rank one; None for tensors of more than 8000 entries.
    """
    n = len(X)
    if n**order > _TINY:
        return None
    lifted = mc.lifting.LiftedObjective(problem, order)
    basis = _symmetric_basis(n, order)
    w = lifted.lift(X)
    images = [lifted.hessian_product(w, e.reshape(lifted.shape)).ravel() for e in basis]
    H = np.array(images) @ basis.T
    eigenvalues = np.linalg.eigvalsh((H + H.T) / 2)
    return float(eigenvalues[0] / np.abs(eigenvalues).max())


def _symmetric_basis(n: int, order: int) -> np.ndarray:
    rows = []
    for index in combinations_with_replacement(range(n), order):
        T = np.zeros((n,) * order)
        T[tuple(np.transpose(sorted(set(permutations(index)))))] = 1.0
        rows.append(T.ravel() / np.linalg.norm(T))
    return np.array(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Per family, level, size and order: points, median ratios, shares left and solved."""
    groups = table.groupby(["family", "level", "n", "order"], sort=False)
    return pd.DataFrame(
        {
            "points": groups.size(),
            "ratio": groups["ratio"].median(),
            "theorem": groups["theorem_ratio"].median(),
            "saddle": groups["ratio"].apply(lambda ratio: float((ratio < 1).mean())),
            "solved": groups["solved"].mean(),
            "direction": groups["direction_solved"].mean(),
        }
    ).reset_index()


def left_structured_3(table: pd.DataFrame) -> Estimate:
    """Share of spurious points from which order 3 leads to the truth; structured, .35, largest n."""
    return _left(table, 3)


def left_structured_7(table: pd.DataFrame) -> Estimate:
    """The same at order 7."""
    return _left(table, 7)


def _left(table: pd.DataFrame, order: int) -> Estimate:
    part = table[table["family"] == "structured"]
    part = part[(part["level"] == 0.35) & (part["order"] == order)]
    part = part[part["n"] == part["n"].max()]
    return rate(int(part["solved"].sum()), len(part))


def theorem_leads_down(table: pd.DataFrame) -> Estimate:
    """Share of the points, of all families, at which Theorem 3.1's direction leads down at order 7."""
    part = table[table["order"] == 7]
    return rate(int((part["theorem_ratio"] < 1).sum()), len(part))


_ORDERS = [[1, 3, 5, 7, 15, 31]]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("orders",),
    profiles={
        "smoke": Sweep(
            {"orders": [[1, 3, 7]]},
            trials=1,
            cells=[
                {"family": "structured", "n": 8, "level": 0.35},
                {"family": "random", "n": 20, "level": 1.2},
            ],
        ),
        "quick": Sweep(
            {"orders": [[1, 3, 7, 15]]},
            trials=2,
            cells=[
                {"family": "structured", "n": 8, "level": 0.45},
                {"family": "structured", "n": 20, "level": 0.6},
                {"family": "structured", "n": 60, "level": 0.2},
                {"family": "structured", "n": 60, "level": 0.35},
                {"family": "random", "n": 40, "level": 1.2},
                {"family": "blocks", "n": 32, "level": 0.1},
            ],
        ),
        "paper": Sweep(
            {"orders": _ORDERS},
            trials=20,
            cells=[
                {"family": "structured", "n": 6, "level": 0.35},
                {"family": "structured", "n": 8, "level": 0.45},
                {"family": "structured", "n": 20, "level": 0.6},
                {"family": "structured", "n": 100, "level": 0.2},
                {"family": "structured", "n": 100, "level": 0.35},
                {"family": "random", "n": 40, "level": 1.2},
                {"family": "blocks", "n": 64, "level": 0.05},
            ],
        ),
    },
)
