"""Error of the recovered T as rows are added, for many d, r and C.

The rows of a trial are nested: its curve adds rows to the same data. Their number is given by the
supply κ = nC²/(2dr²) (`mcrepro.theory.recovery.supply`), so that curves of different size can be laid
over each other.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, ratio
from mcrepro.theory import recovery as law

from ._rows import distance, draw, haar


def trial(
    seed: np.random.SeedSequence, *, model: str, d: int, rank: int, C: float, supplies: tuple
) -> list[dict]:
    """Recover T from growing parts of the same rows; one row a part.

    Parameters
    ----------
    model : {"mixture", "combination"}
        Rows equal to one of `rank` random factors, or normal combinations of them.
    supplies : tuple of float
        Increasing values of κ.

    Returns
    -------
    list of dict
        ``supply``; ``n``; ``error``: ‖XXᵀ - T‖_F; ``relative``: that over ‖T‖_F; ``predicted``:
        the first-order law for the relative error, with the factors drawn; ``typical``: the closed
        form for random ones, diagonal left out.
    """
    rng = np.random.default_rng(seed)
    sizes = [law.supply_rows(supply, d, rank, C) for supply in supplies]
    rows = draw(model, sizes[-1], haar(d, rank, rng), C / d, rng)
    support = np.eye(rank) if model == "mixture" else rows.weights[:200]
    predicted = law.expected_error(rows.factors, support, 1, C / d)
    table, moments, done = [], mc.SecondMoment(d), 0
    for supply, n in zip(supplies, sizes, strict=True):
        moments.update(rows.observed[done:n])
        done = n
        gram = rows.gram(n)
        result = mc.recover_second_moment(moments, rank, gtol=1e-3)
        error = distance(result.left, rows.factors, gram)
        table.append(
            {
                "supply": float(supply),
                "n": n,
                "error": error,
                "relative": error / float(np.linalg.norm(gram)),
                "predicted": predicted / float(np.sqrt(n)),
                "typical": law.typical_error(n, d, rank, C, model),
            }
        )
    return table


ENOUGH = 8.0
"""κ from which on the error follows a power of n; below it falls faster, or not at all."""


def _of(table: pd.DataFrame, model: str, **cell: float) -> pd.DataFrame:
    part = table[table["model"] == model]
    for name, value in cell.items():
        part = part[part[name] == value]
    if part.empty:
        raise ValueError(f"the table has no rows with model={model!r} and {cell}")
    return part


def rows_needed(part: pd.DataFrame, column: str, target: float) -> pd.Series:
    """Rows at which the error meets `target`, by trial, on the line log error = a + b log n.

    The line is fitted to the parts with κ of at least `ENOUGH`.
    """
    enough = part[part["supply"] >= ENOUGH]

    def solve(curve):
        slope, level = np.polyfit(np.log(curve["n"]), np.log(curve[column]), 1)
        return float(np.exp((np.log(target) - level) / slope))

    return enough.groupby("trial")[["n", column]].apply(solve)


def exponent(
    table: pd.DataFrame, along: str, column: str, target: float, model: str, **cell: float
) -> pd.Series:
    """Slope of log(rows needed) on log(`along`), a number a trial.

    Parameters
    ----------
    along : {"d", "rank"}
    column : {"relative", "error"}
        Which error is to meet the `target`.
    **cell
        Values of the other parameters.
    """
    part = _of(table, model, **cell)
    needed = pd.DataFrame(
        {value: rows_needed(group, column, target) for value, group in part.groupby(along)}
    )
    x = np.log(needed.columns.to_numpy(float))
    return pd.Series(np.polyfit(x, np.log(needed.to_numpy().T), 1)[0], index=needed.index)


def error_exponent(table: pd.DataFrame) -> pd.Series:
    """Slope of log error on log n from κ = `ENOUGH` on (d = 200, r = 5, C = 2), by trial."""
    part = _of(table, "mixture", d=200, rank=5, C=2.0)
    part = part[part["supply"] >= ENOUGH]
    return part.groupby("trial")[["n", "error"]].apply(
        lambda curve: float(np.polyfit(np.log(curve["n"]), np.log(curve["error"]), 1)[0])
    )


def error_slope(table: pd.DataFrame) -> Estimate:
    """Exponent of n in ‖XXᵀ - T‖_F."""
    return mean(error_exponent(table))


def squared_error_slope(table: pd.DataFrame) -> Estimate:
    """Exponent of n in ‖XXᵀ - T‖_F²."""
    return mean(2 * error_exponent(table))


def rows_for_epsilon(table: pd.DataFrame) -> Estimate:
    """Exponent of ε in the number of rows at which ‖XXᵀ - T‖_F = ε."""
    return mean(1 / error_exponent(table))


def rows_for_d(table: pd.DataFrame) -> Estimate:
    """Exponent of d in the rows for a relative error of .2 (r = 5, C = 2)."""
    return mean(exponent(table, "d", "relative", 0.2, "mixture", rank=5, C=2.0))


def rows_for_rank(table: pd.DataFrame) -> Estimate:
    """Exponent of r in the rows for ‖XXᵀ - T‖_F = .07 (d = 400, C = 4)."""
    return mean(exponent(table, "rank", "error", 0.07, "mixture", d=400, C=4.0))


def rows_for_rank_relative(table: pd.DataFrame) -> Estimate:
    """Exponent of r in the rows for a relative error of .25 (d = 400, C = 4)."""
    return mean(exponent(table, "rank", "relative", 0.25, "mixture", d=400, C=4.0))


def _over_c2(table: pd.DataFrame, values: tuple[float, ...]) -> dict[float, Estimate]:
    """Mean of the error at κ = 8 over its mean at C = 2 (d = 300, r = 4), by C."""
    part = _of(table, "mixture", d=300, rank=4, supply=8.0)
    errors = {C: group.set_index("trial")["relative"] for C, group in part.groupby("C")}
    return {C: ratio(errors[C], errors[2.0], 1 - 0.05 / len(values)) for C in values}


def collapse(table: pd.DataFrame) -> dict[float, Estimate]:
    """Error at equal nC², over that at C = 2, for the other C."""
    return _over_c2(table, (0.5, 1.0, 1.5, 3.0, 4.0, 8.0))


def below_two(table: pd.DataFrame) -> Estimate:
    """Error at C = 1 over that at C = 2, at equal nC²."""
    one, two = (_of(table, "mixture", d=300, rank=4, supply=8.0, C=C) for C in (1.0, 2.0))
    return ratio(one["relative"], two["relative"])


def below_two_same_rows(table: pd.DataFrame) -> Estimate:
    """Error at C = 1 over that at C = 2, with the same number of rows."""
    few = _of(table, "mixture", d=300, rank=4, supply=2.0, C=1.0)
    many = _of(table, "mixture", d=300, rank=4, supply=8.0, C=2.0)
    return ratio(few["relative"], many["relative"])


def small_supply(table: pd.DataFrame) -> Estimate:
    """Relative error at κ = 1/2 (d = 200, r = 5, C = 2)."""
    return mean(_of(table, "mixture", d=200, rank=5, C=2.0, supply=0.5)["relative"])


def combination_over_mixture(table: pd.DataFrame) -> Estimate:
    """Relative error on linear combinations over that on the mixture, κ = 32."""
    one, other = (
        _of(table, model, d=200, rank=5, C=2.0, supply=32.0) for model in reversed(law.MODELS)
    )
    return ratio(one["relative"], other["relative"])


_LONG, _FULL = (8.0, 16.0, 32.0, 64.0, 128.0), (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_SHORT = (8.0, 16.0, 32.0)


def _cells(dimensions, ranks, rates) -> list[dict]:
    """Curves in d, in r, in C and, for both models, in n alone."""
    base = [
        {"model": model, "d": 200, "rank": 5, "C": 2.0, "supplies": _FULL} for model in law.MODELS
    ]
    by_d = [
        {"model": "mixture", "d": d, "rank": 5, "C": 2.0, "supplies": _SHORT}
        for d in dimensions
        if d != 200
    ]
    by_rank = [
        {"model": "mixture", "d": 400, "rank": r, "C": 4.0, "supplies": _LONG if r <= 4 else _SHORT}
        for r in ranks
    ]
    by_rate = [
        {"model": "mixture", "d": 300, "rank": 4, "C": C, "supplies": (2.0, 8.0)} for C in rates
    ]
    return base + by_d + by_rank + by_rate


_RATES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0)

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(trials=2, cells=_cells((100, 200), (2, 4), _RATES)),
        "quick": Sweep(trials=3, cells=_cells((100, 200, 400), (2, 4, 8), _RATES)),
        "paper": Sweep(trials=10, cells=_cells((100, 200, 400, 800), (2, 4, 8, 16), _RATES)),
    },
)
