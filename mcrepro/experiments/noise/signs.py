"""The structured instance (20) with zeros at even indices, pattern by pattern, in whole numbers.

For every sign pattern s on the ones, x = s z: whether ``x x^T`` fits all observed entries, its
distance from M*, and the Hessian of (2) at x. Then the arithmetic of Table 2, the bias of ε-MC, and
two feasible points of the semidefinite relaxation.
"""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import sign_patterns

from ._printed import PRINTED

THRESHOLD = Fraction(1, 20)


def trial(_: None, *, n: int) -> dict:
    """Enumerate the sign patterns at one n.

    Returns
    -------
    dict
        ``m``; ``entries``: size of Ω; ``symmetric``: is Ω; ``patterns`` and ``fits``: how many sign
        patterns there are and fit all observed entries; ``matrices``: distinct x x^T among them;
        ``largest_value``: largest value of (2) on them; ``least_curvature``: least eigenvalue of the
        Hessian of (2) at any of them; ``least_square``: least squared distance of a wrong one from
        M*; ``same_trace``: do all have trace m; ``sdp_points``: M*, the wrong patterns and diag(z)
        are feasible for the semidefinite relaxation and have one trace; ``levels``: distinct
        MSE_unobs of wrong patterns, fractions joined by blanks; ``success``: their share of right
        patterns.
    """
    problem = mc.instances.structured(n)
    z = np.where(np.arange(n) % 2 == 0, 1, 0)
    m, truth = int(z.sum()), np.outer(z, z)
    mask = np.zeros((n, n), dtype=bool)
    mask[problem.rows, problem.cols] = True
    fits, values, curvatures, found, squares = 0, [], [], set(), []
    for signs in product((1, -1), repeat=m):
        x = np.zeros(n, dtype=int)
        x[::2] = signs
        X = np.outer(x, x)
        wrong = X - truth
        values.append(Fraction(int(np.sum(wrong[mask] ** 2)), 2))
        fits += values[-1] == 0
        curvatures.append(hessian_floor(x, mask))
        found.add(X.tobytes())
        if wrong.any():
            squares.append((int(np.sum(wrong**2)), int(np.sum(wrong[~mask] ** 2))))
    hidden = int(np.sum(~mask))
    levels = sorted({Fraction(square, hidden) for _, square in squares})
    return {
        "m": m,
        "entries": problem.n_observed,
        "symmetric": bool((mask == mask.T).all()),
        "patterns": 2**m,
        "fits": int(fits),
        "matrices": len(found),
        "largest_value": str(max(values)),
        "least_curvature": min(curvatures),
        "least_square": min(square for square, _ in squares),
        "sdp_points": sdp_points(mask, truth, m),
        "levels": " ".join(map(str, levels)),
        "success": str(Fraction(2, 2**m)),
    }


def hessian_floor(x: np.ndarray, mask: np.ndarray) -> int:
    """Least diagonal entry of the Hessian of (2) at a fit x, which is diagonal here.

    At a fit ``hess f[u, u] = sum over Ω of (x_i u_j + u_i x_j)^2``. Off the diagonal of the
    Hessian stands ``2 x_i x_j`` for observed pairs, i != j, of which one has x = 0.
    """
    n = len(x)
    H = np.zeros((n, n), dtype=int)
    for i, j in zip(*np.nonzero(mask), strict=True):
        H[j, j] += x[i] ** 2
        H[i, i] += x[j] ** 2
        H[i, j] += x[i] * x[j]
        H[j, i] += x[i] * x[j]
    if not np.array_equal(H, np.diag(np.diagonal(H))):
        raise ValueError("the Hessian is not diagonal at this point")
    return int(np.diagonal(H).min())


def sdp_points(mask: np.ndarray, truth: np.ndarray, m: int) -> bool:
    """M* and diag(z) are both feasible, both optimal, and different.

    On Ω the diagonal is given, so that every feasible point has trace m: all are optimal.
    """
    diagonal = np.diag(np.diagonal(truth))
    feasible = np.array_equal(diagonal[mask], truth[mask])
    # diag(z) has entries 0 and 1 and is positive semidefinite as it stands; M* = z z^T is.
    return bool(
        feasible and mask.diagonal().all() and np.trace(diagonal) == m and (diagonal != truth).any()
    )


def construction(table: pd.DataFrame) -> bool:
    """Ω is symmetric and has n² - m(m-1) entries."""
    return bool(
        (table["symmetric"] & (table["entries"] == table["n"] ** 2 - table["m"] * (table["m"] - 1)))
        .all()
    )  # fmt: skip


def every_pattern_fits(table: pd.DataFrame) -> bool:
    """All 2^m patterns fit, and they are 2^{m-1} matrices, isolated minima of (2)."""
    return bool(
        (table["fits"] == table["patterns"]).all()
        and (table["matrices"] == table["patterns"] // 2).all()
        and (table["least_curvature"] > 0).all()
    )


def excess_of_failures(table: pd.DataFrame) -> Estimate:
    """Largest value of (2) at any sign pattern, right or wrong; its minimum is 0."""
    return exact(float(max(Fraction(value) for value in table["largest_value"])))


def wrong_patterns_are_spurious(table: pd.DataFrame) -> bool:
    """Some sign pattern is no global minimum of (2)."""
    return excess_of_failures(table).value > 0


def threshold_separates(table: pd.DataFrame) -> bool:
    """The bias of ε-MC at 5e-5 is below .05, and every wrong pattern is above, for every n."""
    bias = [sign_patterns.epsilon_bias(m, Fraction(1, 20000)) for m in table["m"]]
    return bool(max(bias) < THRESHOLD and (table["least_square"] > float(THRESHOLD**2)).all())


def sdp_not_unique(table: pd.DataFrame) -> bool:
    """The semidefinite relaxation has more than one solution, for every n."""
    return bool(table["sdp_points"].all())


def sizes_with_one_level(table: pd.DataFrame) -> list[int]:
    """The n at which every wrong pattern prints 8/3 as MSE_unobs."""
    return [int(n) for n in table.loc[table["levels"] == "8/3", "n"]]


def bias_at_1e2(table: pd.DataFrame) -> Estimate:
    """Distance of the best minimiser of ε-MC from M* at ε = .01, n = 6."""
    _need(table, 6)
    return exact(float(sign_patterns.epsilon_bias(3, Fraction(1, 100))))


def printed_gap(_: pd.DataFrame) -> Estimate:
    """Median over the printed failures of log10 of MSE_unobs over MSE_obs."""
    failures = PRINTED[PRINTED["mse_unobs"] > 1]
    return exact(float(np.median(np.log10(failures["mse_unobs"] / failures["mse_obs"]))))


def _need(table, n):
    if n not in set(table["n"]):
        raise ValueError(f"the table has no row with n={n}")


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"n": [4, 5, 6, 8]}),
        "quick": Sweep({"n": list(range(3, 11))}),
        "paper": Sweep({"n": list(range(3, 13))}),
    },
)
