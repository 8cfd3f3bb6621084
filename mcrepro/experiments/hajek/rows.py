"""Recovery error of T as the rows go from 1,000 to 10,000: the paper's second experiment.

The rows of a trial are nested. Beside the recovered T stand the answers that need no method: zero,
and the constant g²11ᵀ with g the mean of the observed entries.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import recovery as law

from ._rows import draw, haar
from ._shared import GENERATORS, gaussian_options

TEXT = (1000, 2000, 5000, 10_000)
"""Rows of the experiment as the text describes it."""


def trial(
    seed: np.random.SeedSequence, *, generator: str, sizes: tuple, d: int, rank: int, C: float
) -> list[dict]:
    """Recover T from growing parts of the same rows; one row for each of the `sizes`.

    Parameters
    ----------
    generator : str
        ``"mixture"`` or ``"combination"`` of `rank` random factors, or one of the Gaussian laws of
        the protocol hajek-frobenius.
    sizes : tuple of int
        Increasing numbers of rows.

    Returns
    -------
    list of dict
        ``n``; ``norm``: ‖T‖_F, the error of the answer zero; ``error``: ‖XXᵀ - T‖_F of rank r;
        ``constant``: the error of the constant; ``pairs``: pairs i < j in Ω; ``unknowns``: of a
        symmetric matrix of this rank, rd - r(r - 1)/2; ``supply``: κ.
    """
    rng = np.random.default_rng(seed)
    observed, second_moment = _rows(generator, sizes[-1], d, rank, C, rng)
    moments, done, total, table = mc.SecondMoment(d), 0, 0.0, []
    for n in sizes:
        moments.update(observed[done:n])
        done = n
        total = observed.data[: observed.indptr[n]].sum()
        truth = second_moment(n)
        X = mc.recover_second_moment(moments, rank, gtol=1e-3).left
        g = total / moments.n_entries
        table.append(
            {
                "n": n,
                "norm": float(np.linalg.norm(truth)),
                "error": float(np.linalg.norm(X @ X.T - truth)),
                "constant": float(np.linalg.norm(g * g - truth)),
                "pairs": int((moments.counts.nnz - np.sum(moments.counts.diagonal() > 0)) // 2),
                "unknowns": rank * d - rank * (rank - 1) // 2,
                "supply": law.supply(n, d, rank, C),
            }
        )
    return table


def _rows(generator, n, d, rank, C, rng):
    """Observed rows, and a function from a number of rows to their T."""
    if generator in law.MODELS:
        rows = draw(generator, n, haar(d, rank, rng), C / d, rng)
        return rows.observed, rows.truth
    if generator not in GENERATORS:
        known = [*law.MODELS, *GENERATORS]
        raise ValueError(f"generator must be one of {known}, got {generator!r}")
    matrix = mc.instances.gaussian_rows(n, d, rank, seed=rng, **gaussian_options(generator, d))
    return mc.instances.sample_rows(
        matrix, C / d, seed=rng
    ), lambda k: matrix[:k].T @ matrix[:k] / k


def _of(table: pd.DataFrame, generator: str, sizes: tuple = TEXT) -> pd.DataFrame:
    part = table[(table["generator"] == generator) & table["n"].isin(sizes)]
    if part.empty:
        raise ValueError(f"the table has no rows with generator={generator!r}")
    return part


def _slope(table: pd.DataFrame, generator: str, sizes: tuple = TEXT) -> Estimate:
    part = _of(table, generator, sizes)
    slopes = part.groupby("trial")[["n", "error"]].apply(
        lambda curve: float(np.polyfit(np.log(curve["n"]), np.log(curve["error"]), 1)[0])
    )
    return mean(slopes)


def slope_code(table: pd.DataFrame) -> Estimate:
    """Slope of log error on log n, generator of the code, 1,000 to 10,000 rows."""
    return _slope(table, "code")


def slope_variance(table: pd.DataFrame) -> Estimate:
    """The same for the text's law with 1/d as the variance."""
    return _slope(table, "text, variance 1/d")


def slope_mixture(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten factors."""
    return _slope(table, "mixture")


def slope_mixture_many(table: pd.DataFrame) -> Estimate:
    """The same from 400,000 to 1,600,000 rows."""
    return _slope(table, "mixture", (400_000, 1_600_000))


def _fall(table: pd.DataFrame, generator: str) -> Estimate:
    errors = _of(table, generator, (1000, 10_000)).pivot(index="trial", columns="n", values="error")
    return mean(errors[10_000] / errors[1000])


def fall_code(table: pd.DataFrame) -> Estimate:
    """Error with 10,000 rows over that with 1,000, generator of the code."""
    return _fall(table, "code")


def fall_variance(table: pd.DataFrame) -> Estimate:
    """The same for the text's law with 1/d as the variance."""
    return _fall(table, "text, variance 1/d")


def fall_mixture(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten factors."""
    return _fall(table, "mixture")


def _relative(table: pd.DataFrame, generator: str) -> Estimate:
    part = _of(table, generator, (1000,))
    return mean(part["error"] / part["norm"])


def relative_few_code(table: pd.DataFrame) -> Estimate:
    """Error with 1,000 rows over ‖T‖_F, generator of the code."""
    return _relative(table, "code")


def relative_few_mixture(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten factors."""
    return _relative(table, "mixture")


def _cells(generators, sizes, more) -> list[dict]:
    return [
        {"generator": name, "sizes": (*sizes, *more) if name in law.MODELS else sizes}
        for name in generators
    ]


_MANY = (50_000, 100_000, 400_000, 1_600_000)
_NAMES = ("code", "text, variance 1/d", "mixture")

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(
            {"d": 100, "rank": 10, "C": 2.0},
            trials=1,
            cells=_cells(_NAMES, (1000, 10_000), (400_000, 1_600_000)),
        ),
        "quick": Sweep(
            {"d": 1000, "rank": 10, "C": 2.0}, trials=1, cells=_cells(_NAMES, TEXT, _MANY)
        ),
        "paper": Sweep(
            {"d": 1000, "rank": 10, "C": 2.0}, trials=5, cells=_cells(_NAMES, TEXT, _MANY)
        ),
    },
)
