"""What the phase maps share: one batch of problems, one method, whether each was solved."""

import numpy as np

import mcrepro as mc
from mcrepro.theory.identifiability import finitely_completable
from mcrepro.theory.interpolation import interpolate

SOLVED = 1e-5
"""Relative error at which a problem counts as solved."""

OPTIONS = {
    "als": {"max_iter": 500},
    "alternating_gd": {"max_iter": 500},
    "bm": {"max_iter": 500},
    "gnmr": {"restarts": 1, "max_iter": 200},
    "lin_rfm": {"max_iter": 300},
}
METHODS = ("determined", "gnmr", "lin_rfm", "als", "bm", "alternating_gd", "nuclear_norm")
"""The methods of the maps, after what no method can exceed by much.

"determined" asks of the mask alone whether it isolates a generic matrix of the rank;
"nuclear_norm" is solved by `theory.interpolation`, many at once.
"""


def rows(problems: list[mc.Problem], method: str, rank: int, rng: np.random.Generator) -> list:
    """One row a problem: ``solved``, and ``limit``: whether the method ran into its limit."""
    if method == "determined":
        found = [finitely_completable(mask(problem), rank) for problem in problems]
        return [{"solved": bool(solved), "limit": False} for solved in found]
    if method == "nuclear_norm":
        truth = np.array([problem.truth for problem in problems])
        masks = np.array([mask(problem) for problem in problems])
        X, settled = interpolate(truth, masks, max_iter=600, tol=1e-7)
        errors = np.linalg.norm(X - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))
        return [
            {"solved": bool(error <= SOLVED), "limit": not done}
            for error, done in zip(errors, settled, strict=True)
        ]
    table = []
    for problem in problems:
        result = mc.complete(problem, method, rank=rank, seed=rng, **OPTIONS[method])
        solved = result.relative_error(problem.truth) <= SOLVED
        table.append({"solved": bool(solved), "limit": result.stop_reason == "max_iter"})
    return table


def mask(problem: mc.Problem) -> np.ndarray:
    """Where entries are observed."""
    seen = np.zeros(problem.shape, dtype=bool)
    seen[problem.rows, problem.cols] = True
    return seen
