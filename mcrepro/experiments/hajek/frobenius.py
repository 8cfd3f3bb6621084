"""Relative Frobenius error and bias on Ω: two different things, on the paper's instance.

One trial draws a matrix and observes it at several rates p; the masks are nested, so that the
rates are compared on the same draws. Beside the measured errors stand the expected ones, from the
moments of M alone. With y_k = M_ki M_kj, σ² = mean(y²) - T_ij², q = p² (p on the diagonal),
P = P(N ≥ 1) and h = E[1/N | N ≥ 1] for N ~ Bin(n, q), the contributions of one entry are

    E[(T̄ - T)²; Ω] = P n/(n-1) σ² (h - 1/n),
    E[(HT - T)²; Ω] = (1 - q)/(nq) mean(y²) - T² (1 - P).
"""

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from scipy.sparse import csr_array

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import second_moment as law

from ._shared import GENERATORS, gaussian_options


def trial(
    seed: np.random.SeedSequence, *, generator: str, n: int, d: int, rank: int, rates: tuple
) -> list[dict]:
    """Measure both estimators on one matrix; one row for each p in `rates`.

    Parameters
    ----------
    generator : str
        ``"code"``: mean 2/√d, standard deviation 1/d, as in the paper's public code;
        ``"text, ..."``: mean 1/√d, and the 1/d of the text read as the standard deviation or as the
        variance;
        ``"centred"``: mean 0, variance 1/d; each truncated to rank r.
        ``"mixture"``: rows drawn from r orthonormal factors, the model of the paper's theorem.

    Returns
    -------
    list of dict
        ``p``; ``empty``: share of unseen pairs; ``hajek_error``, ``ht_error``: ‖(estimate - T)_Ω‖_F
        / ‖T‖_F, and ``*_expected``: root of the expected square of the same; ``hajek_bias``,
        ``ht_bias``: ⟨estimate - T, T⟩ / ⟨T, T⟩ over the off-diagonal of Ω, and ``ht_bias_exact``;
        ``hajek_mean_error``, ``ht_mean_error``: plain mean of estimate - T there;
        ``hajek_variance``, ``ht_variance``: expected squared error of an entry, given Ω and over
        all masks; ``spread``: Σσ²/Σmean(y²) off the diagonal, under a root; ``norm``: ‖T‖_F;
        ``eigenvalue_ratio``: λ₂/λ₁ of T; ``numerical_rank``: eigenvalues above 1e-10 λ₁;
        ``effective_rank``: (Σλ)²/Σλ²; ``constant_error``: ‖g²11ᵀ - T‖_F/‖T‖_F with g the mean
        of the observed entries.
    """
    rng = np.random.default_rng(seed)
    if generator == "mixture":
        matrix = mc.instances.mixture_rows(n, d, rank, seed=rng)
    elif generator in GENERATORS:
        matrix = mc.instances.gaussian_rows(n, d, rank, seed=rng, **gaussian_options(generator, d))
    else:
        raise ValueError(
            f'generator must be "mixture" or one of {list(GENERATORS)}, got {generator!r}'
        )
    truth = matrix.T @ matrix / n
    squares = (matrix**2).T @ matrix**2 / n
    top = eigh(truth, eigvals_only=True, subset_by_index=(d - rank - 1, d - 1))[::-1]
    norm = float(np.linalg.norm(truth))
    common = {
        "norm": norm,
        "eigenvalue_ratio": float(top[1] / top[0]),
        "numerical_rank": int(np.sum(top > 1e-10 * top[0])),
        "effective_rank": float(top.sum() ** 2 / np.sum(top**2)),
        "spread": spread(truth, squares),
    }
    uniform = rng.random((n, d))
    rows = []
    for p in rates:
        row = {"p": float(p), **common}
        shown, values = np.nonzero(uniform < p), matrix[uniform < p]
        row |= measure(truth, shown, values, n, p)
        row |= expect(truth, squares, n, p)
        row["constant_error"] = float(np.linalg.norm(values.mean() ** 2 - truth) / norm)
        rows.append(row)
    return rows


def measure(truth: np.ndarray, shown: tuple, values: np.ndarray, n: int, p: float) -> dict:
    """Return the errors of both estimators on one mask."""
    d = len(truth)
    moments = mc.SecondMoment(d).update(csr_array((values, shown), shape=(n, d)))
    hajek, thompson = moments.hajek(), moments.horvitz_thompson(p)
    i = np.repeat(np.arange(d), np.diff(hajek.indptr))
    off, target = i != hajek.indices, truth[i, hajek.indices]
    result = {"empty": 1 - float(off.sum()) / (d * (d - 1))}
    for name, estimate in (("hajek", hajek.data), ("ht", thompson.data)):
        error = estimate - target
        result[f"{name}_error"] = float(np.linalg.norm(error) / np.linalg.norm(truth))
        result[f"{name}_bias"] = float(error[off] @ target[off] / (target[off] @ target[off]))
        result[f"{name}_mean_error"] = float(error[off].mean())
    return result


def expect(truth: np.ndarray, squares: np.ndarray, n: int, p: float) -> dict:
    """Return the expected errors over all masks, from T and mean(y²), both of shape (d, d)."""
    diagonal = np.eye(len(truth), dtype=bool)

    def on_both(function):
        return np.where(diagonal, function(n, p, True), function(n, p, False))

    q = np.where(diagonal, p, p * p)
    seen = on_both(law.observation_probability)
    variance = n / (n - 1) * (squares - truth**2) * (on_both(law.mean_reciprocal_count) - 1 / n)
    hajek = seen * variance
    thompson = (1 - q) / (n * q) * squares - truth**2 * (1 - seen)
    norm = np.linalg.norm(truth)
    return {
        "hajek_expected": float(np.sqrt(hajek.sum()) / norm),
        "ht_expected": float(np.sqrt(thompson.sum()) / norm),
        "hajek_variance": float(np.mean(variance[~diagonal])),
        "ht_variance": float(np.mean(thompson[~diagonal])),
        "ht_bias_exact": float(1 / seen[0, 1] - 1),
    }


def spread(truth: np.ndarray, squares: np.ndarray) -> float:
    """Return √(Σσ² / Σ mean(y²)) off the diagonal: 0 for constant products, 1 for T = 0."""
    off = ~np.eye(len(truth), dtype=bool)
    return float(np.sqrt(np.sum((squares - truth**2)[off]) / np.sum(squares[off])))


def _at(table: pd.DataFrame, generator: str, p: float) -> pd.DataFrame:
    part = table[(table["generator"] == generator) & np.isclose(table["p"], p)]
    if part.empty:
        raise ValueError(f"the table has no rows with generator={generator!r} and p={p}")
    return part


def _reduction(table: pd.DataFrame, generator: str, p: float) -> Estimate:
    part = _at(table, generator, p)
    return mean(1 - part["hajek_error"] / part["ht_error"])


def reduction_code(table: pd.DataFrame) -> Estimate:
    """1 - Hájek/HT in Frobenius error, generator of the code, p = .01 (C = 10)."""
    return _reduction(table, "code", 0.01)


def reduction_variance_c2(table: pd.DataFrame) -> Estimate:
    """The same with 1/d read as the variance, p = .002 (C = 2)."""
    return _reduction(table, "text, variance 1/d", 0.002)


def reduction_variance_c10(table: pd.DataFrame) -> Estimate:
    """The same with 1/d read as the variance, p = .01 (C = 10)."""
    return _reduction(table, "text, variance 1/d", 0.01)


def reduction_deviation_c10(table: pd.DataFrame) -> Estimate:
    """The same with 1/d read as the standard deviation, p = .01 (C = 10)."""
    return _reduction(table, "text, deviation 1/d", 0.01)


def reduction_mixture_c10(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten orthonormal factors, p = .01 (C = 10)."""
    return _reduction(table, "mixture", 0.01)


def reduction_mixture_c50(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten orthonormal factors, p = .05 (C = 50)."""
    return _reduction(table, "mixture", 0.05)


def _bias_reduction(table: pd.DataFrame, p: float) -> Estimate:
    part = _at(table, "text, variance 1/d", p)
    return mean(1 - part["hajek_mean_error"].abs() / part["ht_mean_error"].abs())


def bias_reduction_c2(table: pd.DataFrame) -> Estimate:
    """1 - |mean error of Hájek|/|mean error of HT| off the diagonal of Ω, C = 2, variance 1/d."""
    return _bias_reduction(table, 0.002)


def numerical_rank(table: pd.DataFrame) -> Estimate:
    """Eigenvalues of T above rounding, with 1/d read as the variance."""
    return mean(_at(table, "text, variance 1/d", 0.01)["numerical_rank"])


def effective_rank(table: pd.DataFrame) -> Estimate:
    """(Σλ)²/Σλ² of T, with 1/d read as the variance: the number of directions that matter."""
    return mean(_at(table, "text, variance 1/d", 0.01)["effective_rank"])


def _variance_ratio(table: pd.DataFrame, generator: str, rates: tuple[float, ...]) -> Estimate:
    """Largest ratio over the rates of the expected squared errors of an entry, in each trial."""
    parts = [_at(table, generator, p) for p in rates]
    ratios = pd.DataFrame(
        {
            p: (part["hajek_variance"] / part["ht_variance"]).to_numpy()
            for p, part in zip(rates, parts, strict=True)
        }
    )
    return mean(ratios.max(axis=1))


def variance_ratio_code(table: pd.DataFrame) -> Estimate:
    """Var(T̄_ij | Ω)/Var(HT_ij), mean over pairs, largest over all rates; generator of the code."""
    return _variance_ratio(table, "code", (0.002, 0.01, 0.05, 0.1))


def variance_ratio_mixture_c2(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten orthonormal factors, p = .002 (C = 2)."""
    return _variance_ratio(table, "mixture", (0.002,))


def variance_ratio_mixture_c10(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten orthonormal factors, p = .01 (C = 10)."""
    return _variance_ratio(table, "mixture", (0.01,))


def variance_ratio_mixture_c50(table: pd.DataFrame) -> Estimate:
    """The same for rows drawn from ten orthonormal factors, p = .05 (C = 50)."""
    return _variance_ratio(table, "mixture", (0.05,))


_PAPER = {"n": 10000, "d": 1000, "rank": 10, "rates": [[0.002, 0.01, 0.05, 0.1]]}

_TEXT = ["text, deviation 1/d", "text, variance 1/d"]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(
            {"generator": ["code", *_TEXT, "mixture"], **_PAPER, "n": 1000, "d": 100}, trials=1
        ),
        "quick": Sweep({"generator": ["code", *_TEXT, "mixture"], **_PAPER}, trials=2),
        "paper": Sweep({"generator": ["code", *_TEXT, "mixture", "centred"], **_PAPER}, trials=10),
    },
)
