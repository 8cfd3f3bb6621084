"""Variance of both estimators of one entry of T: simulated, exact, approximated, printed.

Two columns a, b of length n are fixed; masks are drawn. With y_k = a_k b_k (on the diagonal a_k²),
q = p² (p), expected count nq:

    exact          Var(T̄ | Ω) = S² (E[1/N | N > 0] - 1/n),   S² = Σ(y - T)²/(n - 1)
    approximation  Var(T̄) ≈ (1 - q)/(nq) (mean(y²) - T²)
    printed        Var(T̄_ii) ≈ (1 - p)/(np) Σ_k a_k² - (1 - p)/(np) T_ii²   (Mechanism 2)
    exact          Var(HT) = (1 - q)/(nq) mean(y²)

The approximation is the linearization of the ratio S/N; it needs many rows, nq ≫ 1.
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import second_moment as law

PAIRS = ("diagonal", "orthogonal", "correlated", "constant")


def trial(seed: np.random.SeedSequence, *, pair: str, count: float, n: int, masks: int) -> dict:
    """Simulate one entry of T with expected count nq = `count`.

    Parameters
    ----------
    pair : {"diagonal", "orthogonal", "correlated", "constant"}
        A diagonal entry (standard normal column); T_ij = 0; T_ij² = mean(y²)/2 or so; nearly
        constant columns 1 + z/10.
    count : float
        nq, below n.

    Returns
    -------
    dict
        ``p``; ``alike``: T²/mean(y²); ``seen``: masks with the entry in Ω; and the variances ``hajek``, ``ht`` (simulated, given Ω and over all masks), ``hajek_exact``,
        ``hajek_approx``, ``hajek_printed`` (diagonal only, else None), ``ht_exact``.
    """
    rng = np.random.default_rng(seed)
    a, b = columns(pair, n, rng)
    y = a * b
    q = count / n
    p = float(q if pair == "diagonal" else np.sqrt(q))
    totals = np.empty(masks)
    counts = np.empty(masks)
    for start in range(0, masks, 500):
        shown = _shown(pair, (min(500, masks - start), n), p, rng)
        totals[start : start + 500] = shown @ y
        counts[start : start + 500] = shown.sum(axis=1)
    seen = counts > 0
    hajek = totals[seen] / counts[seen]
    return {
        "p": p,
        "alike": float(y.mean() ** 2 / np.mean(y**2)),
        "seen": int(seen.sum()),
        "hajek": float(hajek.var(ddof=1)),
        "ht": float((totals / count).var(ddof=1)),
        **formulas(a, b, p, diagonal=pair == "diagonal"),
    }


def columns(pair: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return two columns with the wanted T_ij."""
    a, b = rng.standard_normal((2, n))
    if pair == "diagonal":
        return a, a
    if pair == "orthogonal":
        return a, b - a * (a @ b) / (a @ a)
    if pair == "correlated":
        return 1 + a / 2, 1 + b / 2
    if pair == "constant":
        return 1 + a / 10, 1 + b / 10
    raise ValueError(f"pair must be one of {PAIRS}, got {pair!r}")


def formulas(a: np.ndarray, b: np.ndarray, p: float, *, diagonal: bool) -> dict:
    """Return the variances by formula, for columns a, b of shape (n,)."""
    y = a * b
    return {
        "hajek_exact": law.hajek_variance(y, p, diagonal),
        "hajek_approx": law.hajek_variance_large_count(y, p, diagonal),
        "hajek_printed": law.hajek_variance_printed(a, p) if diagonal else None,
        "ht_exact": law.ht_variance(y, p, diagonal),
    }


def _shown(pair: str, shape: tuple[int, int], p: float, rng: np.random.Generator) -> np.ndarray:
    """Return which rows show the entry, mask by mask: both columns, or the one of the diagonal."""
    shown = rng.random(shape, dtype=np.float32) < p
    if pair != "diagonal":
        shown &= rng.random(shape, dtype=np.float32) < p
    return shown.astype(np.float32)


def _where(table: pd.DataFrame, pair: str, counts: tuple[float, ...]) -> pd.DataFrame:
    part = table[(table["pair"] == pair) & table["count"].isin(counts)]
    if part.empty:
        raise ValueError(f"the table has no rows with pair={pair!r} and count in {counts}")
    return part


def corrected_over_simulated(table: pd.DataFrame) -> Estimate:
    """Approximation with mean(y²) over the simulated variance, diagonal, expected count 40."""
    part = _where(table, "diagonal", (40.0,))
    return mean(part["hajek_approx"] / part["hajek"])


def printed_over_simulated(table: pd.DataFrame) -> Estimate:
    """Approximation as printed over the simulated variance, diagonal, expected count 40."""
    part = _where(table, "diagonal", (40.0,))
    return mean(part["hajek_printed"] / part["hajek"])


def offdiagonal_formula(table: pd.DataFrame) -> dict[str, Estimate]:
    """Approximation over simulation off the diagonal, for each pair and each count from 40 on."""
    cells = [(pair, count) for pair in PAIRS[1:] for count in (40.0, 100.0, 400.0)]
    estimates = {}
    for pair, count in cells:
        part = _where(table, pair, (count,))
        ratio = part["hajek_approx"] / part["hajek"]
        estimates[f"{pair}, np² = {count:g}"] = mean(ratio, 1 - 0.05 / len(cells))
    return estimates


def diagonal_ratio(table: pd.DataFrame) -> Estimate:
    """Var(T̄ | Ω)/Var(HT), simulated, on the diagonal at expected count 40."""
    part = _where(table, "diagonal", (40.0,))
    return mean(part["hajek"] / part["ht"])


def orthogonal_ratio(table: pd.DataFrame) -> Estimate:
    """Var(T̄ | Ω)/Var(HT), simulated, where T_ij = 0, at expected count 5."""
    part = _where(table, "orthogonal", (5.0,))
    return mean(part["hajek"] / part["ht"])


def ratio_by_place(table: pd.DataFrame) -> dict[str, Estimate]:
    """Var(T̄ | Ω)/Var(HT), simulated: off the diagonal at np² = .2, on it at np = 40."""
    off, on = _where(table, "correlated", (0.2,)), _where(table, "diagonal", (40.0,))
    return {
        "off the diagonal": mean(off["hajek"] / off["ht"], 0.975),
        "on the diagonal": mean(on["hajek"] / on["ht"], 0.975),
    }


def _by_count(table: pd.DataFrame, value: pd.Series) -> pd.DataFrame:
    """Return the values on the diagonal, a row per trial, at p = .02 and p = .7 (n = 2000)."""
    part = _where(table, "diagonal", (40.0, 1400.0))
    return value[part.index].groupby([part["trial"], part["count"]]).first().unstack("count")


def relative_gain_change(table: pd.DataFrame) -> Estimate:
    """Exact Var(T̄ | Ω)/Var(HT) on the diagonal: at p = .7 minus at p = .02."""
    ratio = _by_count(table, table["hajek_exact"] / table["ht_exact"])
    return mean(ratio[1400.0] - ratio[40.0])


def absolute_gain_ratio(table: pd.DataFrame) -> Estimate:
    """Exact Var(HT) - Var(T̄ | Ω) on the diagonal: at p = .7 divided by that at p = .02."""
    gain = _by_count(table, table["ht_exact"] - table["hajek_exact"])
    return mean(gain[1400.0] / gain[40.0])


_COUNTS = [0.2, 1.0, 2.0, 5.0, 20.0, 40.0, 100.0, 400.0, 1400.0]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("count",),
    profiles={
        "smoke": Sweep({"pair": PAIRS, "count": _COUNTS, "n": 2000, "masks": 100}, trials=1),
        "quick": Sweep({"pair": PAIRS, "count": _COUNTS, "n": 2000, "masks": 1000}, trials=4),
        "paper": Sweep({"pair": PAIRS, "count": _COUNTS, "n": 2000, "masks": 10000}, trials=20),
    },
)
