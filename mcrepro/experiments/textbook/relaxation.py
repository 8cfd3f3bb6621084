"""Small problems where least rank and least nuclear norm part, in closed form.

diagonal
    X_11 = X_22 = 1, with a = X_12 and b = X_21 open. ‖X‖_* >= tr X = 2, with equality exactly for
    symmetric positive semidefinite X: a = b in [-1, 1].
corner
    X = [[1, 2], [2, x]]. The trace is 1 + x and the determinant x - 4, so that ‖X‖_* is
    sqrt((1 + x)² - 4 (x - 4)) = sqrt(x² - 2 x + 17) for x <= 4, and 1 + x from there on: least at x = 1
    alone, where it is 4 and the rank two. The completion of rank one, x = 4, has 5.
spike
    M = e_1 e_1ᵀ, under every mask of a 3 x 3 matrix. Where the spike is hidden, the zero matrix fits.
row
    Only the first row seen. ‖X‖_* >= ‖X‖_F, and of all X with that row the Frobenius norm is least
    for the one whose other rows are zero.
"""

from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, steps: int) -> list[dict]:
    """Evaluate the four examples on a grid of `steps` points a unit; a row for each point."""
    rows = []
    for a, b in product(range(-2 * steps, 2 * steps + 1), repeat=2):
        a, b = a / steps, b / steps
        value = _nuclear([[1, a], [b, 1]])
        rows.append(_row("diagonal", a, b, value, attained=a == b and -1 <= a <= 1))
    for x in range(-2 * steps, 8 * steps + 1):
        x = x / steps
        formula = np.sqrt(x**2 - 2 * x + 17) if x <= 4 else 1 + x
        value = _nuclear([[1, 2], [2, x]])
        rows.append(_row("corner", x, np.nan, value, attained=x == 1, formula=formula))
    rng = np.random.default_rng(steps)
    spike = np.diag([1.0, 0.0, 0.0])
    for bits in product((False, True), repeat=9):
        mask = np.reshape(bits, (3, 3))
        others = np.where(mask, spike, rng.standard_normal((20, 3, 3)) * 10.0 ** rng.uniform(-3, 0))
        norms = np.linalg.svd(others, compute_uv=False).sum(axis=1)
        # With zeros in the gaps the norm is least of all that fit; is that fit the spike?
        filled = np.where(mask, spike, 0.0)
        least = _nuclear(filled)
        better = mask.all() or (norms > least).all()
        rows.append(
            _row(
                "spike", float(bits[0]), sum(bits), least, np.array_equal(filled, spike) and better
            )
        )
    first = rng.standard_normal(4)
    for other in [np.zeros((3, 4)), *rng.standard_normal((50, 3, 4))]:
        value = _nuclear(np.vstack([first, other])) / np.linalg.norm(first)
        size = float(np.abs(other).max())
        rows.append(_row("row", size, np.nan, value, attained=size == 0))
    return rows


def _nuclear(matrix) -> float:
    return float(np.linalg.svd(np.asarray(matrix, dtype=float), compute_uv=False).sum())


def _row(example, first, second, nuclear, attained, formula=np.nan) -> dict:
    return {
        "example": example,
        "first": first,
        "second": second,
        "nuclear": nuclear,
        "attained": bool(attained),
        "formula": formula,
    }


def identity_ties(table: pd.DataFrame) -> bool:
    """The least value 2 is attained for a = b in [-1, 1], rank one at the ends, and nowhere else."""
    part = table[table["example"] == "diagonal"]
    least = np.isclose(part["nuclear"], 2, atol=1e-9)
    return bool((least == part["attained"]).all() and (part["nuclear"] > 2 - 1e-9).all())


def minimizer_has_higher_rank(table: pd.DataFrame) -> bool:
    """The unique minimizer of the corner example is x = 1, of rank two, though x = 4 has rank one."""
    part = table[table["example"] == "corner"].set_index("first")
    others = part.drop(index=1.0)["nuclear"]
    formula = np.allclose(part["nuclear"], part["formula"], rtol=1e-12)
    return bool(formula and np.isclose(part.loc[1.0, "nuclear"], 4) and (others > 4).all())


def spike_needs_its_entry(table: pd.DataFrame) -> bool:
    """Of all masks exactly those recover e₁e₁ᵀ that show its one entry."""
    part = table[table["example"] == "spike"]
    return bool((part["attained"] == (part["first"] == 1)).all() and len(part) == 2**9)


def other_rows_vanish(table: pd.DataFrame) -> bool:
    """With one row seen, the least nuclear norm is that of the matrix whose other rows are zero."""
    part = table[table["example"] == "row"]
    return bool(((part["nuclear"] > 1 + 1e-9) == ~part["attained"]).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(("smoke", "quick", "paper"), Sweep({"steps": 4})),
)
