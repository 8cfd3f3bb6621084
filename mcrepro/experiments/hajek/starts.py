"""Many starts on one instance: do they end at one point, is it a good one, and is it a minimum?

Half of the starts are normal, X₀ ~ N(0, 1/d) as a variance. The other half are spiky: all rows small
but for one in twenty. A start *ends elsewhere* if its final loss is more than a thousandth above the
lowest that any start of the instance reached, the spectral one included. Unit of λ and α: rows of M
of length one, α as a multiple of the largest row of the factor of T.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean, rate, ratio
from mcrepro.theory import recovery as law

from ._rows import blocks, distance, draw, haar

_ELSEWHERE = 1e-3


def trial(
    seed: np.random.SeedSequence,
    *,
    d: int,
    rank: int,
    C: float,
    supply: float,
    block: int,
    lam: float,
    alpha: float,
    starts: int,
) -> list[dict]:
    """Fit one instance from many starts; one row a start.

    Parameters
    ----------
    block : int
        Columns on which each factor lives (disjoint blocks); 0: all, uniformly random factors.
    lam, alpha : float
        Strength of the regularizer, and the row norm from which it acts.

    Returns
    -------
    list of dict
        ``start``: "spectral", "normal" or "spiky"; ``loss``; ``elsewhere``; ``relative``:
        ‖XXᵀ - T‖_F/‖T‖_F; ``largest_row``: max ‖x_i‖ over that of the factor of T; ``stationary``:
        whether the gradient met its tolerance; ``curvature``: least eigenvalue of the Hessian over
        its largest (of the first random start that ends elsewhere, without R; else None); ``incoherence``: μ(U) of the factors, in
        the plain normalization.
    """
    rng = np.random.default_rng(seed)
    factors = blocks(d, rank, block, rng) if block else haar(d, rank, rng)
    n = law.supply_rows(supply, d, rank, C)
    rows = draw("mixture", n, factors, C / d, rng)
    moments, gram = rows.moments(), rows.gram()
    top = float(np.sqrt(np.max(np.einsum("ir,rs,is->i", factors, gram, factors))))
    table, ends = [], []
    for k in range(starts):
        kind = "spectral" if k == 0 else ("normal", "spiky")[k % 2]
        result = mc.recover_second_moment(
            moments,
            rank,
            seed=rng,
            start=_spiky(d, rank, rng) if kind == "spiky" else None,
            init="spectral" if kind == "spectral" else "normal",
            lam=lam,
            alpha=alpha * top,
            gtol=1e-4,
            max_iter=1500,
        )
        X = result.left
        ends.append(X)
        table.append(
            {
                "start": kind,
                "loss": float(result.certificate["objective"]),
                "relative": distance(X, factors, gram) / float(np.linalg.norm(gram)),
                "largest_row": float(np.linalg.norm(X, axis=1).max()) / top,
                "stationary": result.converged,
                "incoherence": law.incoherence(factors, normalized=False),
            }
        )
    lowest = min(row["loss"] for row in table)
    judged = lam > 0  # the Hessian below is that of the loss without R
    for row, X in zip(table, ends, strict=True):
        row["elsewhere"] = bool(row["loss"] > (1 + _ELSEWHERE) * lowest + 1e-18)
        row["curvature"] = None
        random = row["start"] != "spectral"
        if random and row["elsewhere"] and row["stationary"] and not judged:
            row["curvature"], judged = _curvature(X, moments), True
    return table


def _curvature(X: np.ndarray, moments: mc.SecondMoment) -> float:
    hessian = law.hessian(X, moments.hajek().toarray(), moments.counts.toarray())
    eigenvalues = np.linalg.eigvalsh(hessian)
    return float(eigenvalues[0] / eigenvalues[-1])


def _spiky(d: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    X = 0.1 / np.sqrt(d) * rng.standard_normal((d, rank))
    tall = rng.choice(d, size=max(1, d // 20), replace=False)
    X[tall] *= 50
    return X


def _of(table: pd.DataFrame, **cell: float) -> pd.DataFrame:
    part = table
    for name, value in cell.items():
        part = part[part[name] == value]
    if part.empty:
        raise ValueError(f"the table has no rows with {cell}")
    return part


_OFF = {"block": 0, "lam": 0.0}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row an instance.

    Returns
    -------
    DataFrame
        ``elsewhere``: share of the random starts that end elsewhere; ``relative``: error at the
        lowest loss; ``worst``: largest error; ``incoherence``: μ of the factors.
    """
    keys = ["block", "supply", "lam", "alpha", "d", "rank", "C", "trial"]

    def reduce(part):
        best = part.loc[part["loss"].idxmin()]
        return pd.Series(
            {
                "elsewhere": part.loc[part["start"] != "spectral", "elsewhere"].mean(),
                "relative": best["relative"],
                "worst": part["relative"].max(),
                "incoherence": best["incoherence"],
            }
        )

    columns = ["start", "loss", "relative", "elsewhere", "incoherence"]
    return table.groupby(keys, sort=False)[columns].apply(reduce).astype(float).reset_index()


def _several_ends(table: pd.DataFrame, **cell: float) -> Estimate:
    """Share of instances in which at least one random start ends elsewhere."""
    shares = summary(_of(table, **cell))["elsewhere"]
    return rate(int((shares > 0).sum()), len(shares))


def several_ends_rich(table: pd.DataFrame) -> Estimate:
    """Share of instances with a start that ends elsewhere: random factors, κ = 16, no R."""
    return _several_ends(table, supply=16.0, **_OFF)


def several_ends_poor(table: pd.DataFrame) -> Estimate:
    """The same at κ = 1."""
    return _several_ends(table, supply=1.0, **_OFF)


def several_ends_poor_regularized(table: pd.DataFrame) -> Estimate:
    """The same at κ = 1 with λ = 100 and α the largest row of the truth."""
    return _several_ends(table, supply=1.0, block=0, lam=100.0, alpha=1.0)


def several_ends_coherent(table: pd.DataFrame) -> Estimate:
    """The same for factors on blocks of 10 columns, κ = 8, no R."""
    return _several_ends(table, supply=8.0, block=10, lam=0.0)


def several_ends_coherent_regularized(table: pd.DataFrame) -> Estimate:
    """The same with λ = 100 and α the largest row of the truth."""
    return _several_ends(table, supply=8.0, block=10, lam=100.0, alpha=1.0)


def _ratio(table: pd.DataFrame, column: str, first: dict, second: dict) -> Estimate:
    """Mean from the spectral start, one cell over another; by instance where both share it."""
    start = table[table["start"] == "spectral"]
    one, other = (_of(start, **cell).set_index("trial")[column] for cell in (first, second))
    shared = all(first[name] == second[name] for name in ("block", "supply"))
    return mean(one / other) if shared else ratio(one, other)


_TIGHT = {"block": 0, "lam": 100.0, "alpha": 0.5}


def underfit_rich(table: pd.DataFrame) -> Estimate:
    """Error with λ = 100 and α half the largest row, over that without R, κ = 16."""
    return _ratio(table, "relative", {"supply": 16.0, **_TIGHT}, {"supply": 16.0, **_OFF})


def underfit_poor(table: pd.DataFrame) -> Estimate:
    """The same at κ = 1."""
    return _ratio(table, "relative", {"supply": 1.0, **_TIGHT}, {"supply": 1.0, **_OFF})


_PUBLISHED = {"block": 0, "lam": 1e-4, "alpha": 0.01}


def rows_published(table: pd.DataFrame) -> Estimate:
    """Largest row with R about as published over that without, κ = 1."""
    return _ratio(table, "largest_row", {"supply": 1.0, **_PUBLISHED}, {"supply": 1.0, **_OFF})


def rows_strong(table: pd.DataFrame) -> Estimate:
    """Largest row with λ = 100 and α the largest row of the truth, over that without, κ = 1."""
    strong = {"supply": 1.0, "block": 0, "lam": 100.0, "alpha": 1.0}
    return _ratio(table, "largest_row", strong, {"supply": 1.0, **_OFF})


def _alpha(table: pd.DataFrame, alpha: float, supply: float) -> Estimate:
    chosen = {"supply": supply, "block": 0, "lam": 100.0}
    return _ratio(table, "relative", {**chosen, "alpha": alpha}, {**chosen, "alpha": 1.0})


def alpha_half_rich(table: pd.DataFrame) -> Estimate:
    """Error with α half the largest row of the truth over that with α equal to it, κ = 16."""
    return _alpha(table, 0.5, 16.0)


def alpha_double_rich(table: pd.DataFrame) -> Estimate:
    """The same with α twice the largest row."""
    return _alpha(table, 2.0, 16.0)


def alpha_half_poor(table: pd.DataFrame) -> Estimate:
    """Error with α half the largest row of the truth over that with α equal to it, κ = 1."""
    return _alpha(table, 0.5, 1.0)


def _coherent(table: pd.DataFrame, block: int, supply: float) -> Estimate:
    cell = {"supply": supply, "lam": 0.0}
    return _ratio(table, "relative", {**cell, "block": block}, {**cell, "block": 25})


def coherent(table: pd.DataFrame) -> Estimate:
    """Error for factors on blocks of 5 columns over that for blocks of 25, κ = 8."""
    return _coherent(table, 5, 8.0)


def most_coherent(table: pd.DataFrame) -> Estimate:
    """Error for factors of one column each over that for blocks of 25, κ = 8."""
    return _coherent(table, 1, 8.0)


def coherent_many_rows(table: pd.DataFrame) -> Estimate:
    """Error for factors on blocks of 5 columns over that for blocks of 25, κ = 32."""
    return _coherent(table, 5, 32.0)


def minima(table: pd.DataFrame) -> Estimate:
    """Share of the ends elsewhere, κ at most 2, at which the Hessian has no negative eigenvalue.

    Eigenvalues above -1e-4 of the largest count as none: turning X costs nothing, so that
    r(r - 1)/2 of them are zero at a stationary point, and the tolerance on the gradient blurs them.
    One end of each instance is judged, that of the first random start that ends elsewhere.
    """
    judged = _of(table, **_OFF)
    judged = judged[judged["supply"] <= 2]["curvature"].dropna()
    return rate(int((judged > -1e-4).sum()), len(judged))


def _cells(supplies, strengths, sizes, starts, few) -> list[dict]:
    """Random factors along κ; with R; factors on blocks, with and without R."""
    random = {"d": 100, "rank": 3, "C": 4.0, "block": 0}
    block = {"d": 100, "rank": 4, "C": 4.0}
    free, strong = {"lam": 0.0, "alpha": 1.0}, {"lam": 100.0, "alpha": 1.0}
    return [
        *({**random, "supply": supply, **free, "starts": starts} for supply in supplies),
        {**random, "supply": 1.0, **strong, "starts": starts},
        *(
            {**random, "supply": supply, "lam": lam, "alpha": alpha, "starts": few}
            for supply, chosen in ((1.0, strengths), (16.0, (*strengths, (100.0, 1.0))))
            for lam, alpha in chosen
        ),
        *(
            {**block, "supply": 8.0, "block": size, **free, "starts": starts if size > 2 else 1}
            for size in sizes
        ),
        {**block, "supply": 8.0, "block": 10, **strong, "starts": starts},
        *({**block, "supply": 32.0, "block": size, **free, "starts": starts} for size in (25, 5)),
    ]


_STRENGTHS = ((1e-4, 0.01), (100.0, 0.5), (100.0, 2.0))

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("lam", "alpha", "starts"),
    profiles={
        "smoke": Sweep(trials=1, cells=_cells((1.0, 16.0), _STRENGTHS, (25, 10, 5, 1), 3, 1)),
        "quick": Sweep(
            trials=3, cells=_cells((1.0, 2.0, 4.0, 16.0), _STRENGTHS, (25, 10, 5, 1), 7, 1)
        ),
        "paper": Sweep(
            trials=40,
            cells=_cells((1.0, 2.0, 4.0, 8.0, 16.0), _STRENGTHS, (25, 10, 5, 2, 1), 7, 1),
        ),
    },
)
