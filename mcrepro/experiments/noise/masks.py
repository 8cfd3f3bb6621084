"""The ε-MC operator on every mask of a tiny matrix, in rational arithmetic.

For all 2^(n²) sets Ω of observed entries, with D = 1 on Ω and ε elsewhere, A(M) = D∘M and
b = P_Ω(M*): what the operator does to the matrices e_i e_jᵀ, which are its singular vectors, and
the identities of Sections 1, 2 and Lemma D.1 for one matrix M with integer entries.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, matrix: int, n: int, eps: str, p: str) -> dict:
    """Go through all masks.

    Parameters
    ----------
    matrix : int
        Seed of the integer entries of M, from -4 to 4 without 0.
    n : int
        Size; there are 2^(n²) masks.
    eps, p : str
        Fractions such as ``"1/10"``; p is the probability of observing an entry.

    Returns
    -------
    dict
        Counts of masks: ``masks``; ``with_null``: some e_i e_jᵀ has A_Ω(e_i e_jᵀ) = 0;
        ``alpha_is_eps2``, ``L_is_one``: smallest and largest ‖A(e_i e_jᵀ)‖² are ε² and 1;
        ``above``, ``below``: the bounds of Lemma 2.1 hold for M. Largest errors over the masks of
        identities, as fractions in text: ``decomposition``, ``noise``, ``noise_norm``,
        ``objective``, ``value_at_truth``. Means over the masks: ``mean``, ``mean_formula``
        (of ‖A(M)‖²/‖M‖²), ``mean_constant``, ``mean_constant_formula`` (of the RSC constant).
    """
    e, chance = Fraction(eps), Fraction(p)
    rng = np.random.default_rng(matrix)
    truth = [int(v) for v in rng.choice([-4, -3, -2, -1, 1, 2, 3, 4], size=n * n)]
    other = [int(v) for v in rng.integers(-4, 5, size=n * n)]
    norm2 = Fraction(sum(v * v for v in truth))
    counts = dict.fromkeys(("masks", "with_null", "alpha_is_eps2", "L_is_one", "above", "below"), 0)
    errors: dict[str, Fraction] = {}
    mean = mean_constant = Fraction(0)
    for mask, weight in masks(n, chance):
        D = [Fraction(1) if seen else e for seen in mask]
        image = sum((w * v) ** 2 for w, v in zip(D, truth, strict=True))
        counts["masks"] += 1
        counts["with_null"] += not all(mask)
        counts["alpha_is_eps2"] += min(D) ** 2 == e**2
        counts["L_is_one"] += max(D) ** 2 == 1
        counts["above"] += image >= e**2 * norm2
        counts["below"] += image <= norm2
        mean += weight * image / norm2
        mean_constant += weight * min(D) ** 2
        for name, error in identities(mask, D, truth, other, e, norm2).items():
            errors[name] = max(errors.get(name, Fraction(0)), abs(error))
    return {
        **counts,
        **{name: str(error) for name, error in errors.items()},
        "mean": str(mean),
        "mean_formula": str(chance + e**2 * (1 - chance)),
        "mean_constant": str(mean_constant),
        "mean_constant_formula": str(e**2 + (1 - e**2) * chance ** (n * n)),
    }


def masks(n: int, p: Fraction) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """Yield every mask of n² entries with its probability."""
    for mask in product((0, 1), repeat=n * n):
        yield mask, prod((p if seen else 1 - p for seen in mask), start=Fraction(1))


def identities(mask, D, truth, other, e, norm2) -> dict[str, Fraction]:
    """Return left minus right side of each identity, for one mask."""
    seen2 = sum(v * v for v, s in zip(truth, mask, strict=True) if s)
    b = [v if s else 0 for v, s in zip(truth, mask, strict=True)]
    noise = [0 if s else -e * v for v, s in zip(truth, mask, strict=True)]
    image = [w * v for w, v in zip(D, truth, strict=True)]
    objective = sum((w * v - y) ** 2 for w, v, y in zip(D, other, b, strict=True))
    split = sum(
        (v - t) ** 2 if s else e**2 * v**2 for v, t, s in zip(other, truth, mask, strict=True)
    )
    at_truth = sum((v - y) ** 2 for v, y in zip(image, b, strict=True))
    return {
        "decomposition": sum(v * v for v in image) - e**2 * norm2 - (1 - e**2) * seen2,
        "noise": max(abs(y - v - w) for y, v, w in zip(b, image, noise, strict=True)),
        "noise_norm": sum(w * w for w in noise) - e**2 * (norm2 - seen2),
        "objective": objective - split,
        "value_at_truth": at_truth - e**2 * (norm2 - seen2),
    }


def no_gap_is_harmless(table: pd.DataFrame) -> bool:
    """Every mask but the full one sends some matrix of rank one to zero."""
    return bool((table["with_null"] == table["masks"] - 1).all())


def missing_corner_is_invisible(table: pd.DataFrame) -> bool:
    """The 2 x 2 example (4): T_Ω = diag(1, 1, 1, 0) sends (0, 0, 0, 1) to zero, and nothing else."""
    T = np.diag([1, 1, 1, 0])
    null = np.array([0, 0, 0, 1])
    return bool(not (T @ null).any() and np.linalg.matrix_rank(T) == 3 and (table["n"] == 2).any())


def perturbed_operator_is_invertible(table: pd.DataFrame) -> bool:
    """With a gap, the smallest singular value of A is ε (5)."""
    return bool((table["alpha_is_eps2"] == table["masks"] - 1).all())


def observations_are_noisy(table: pd.DataFrame) -> bool:
    """b = A(M*) + w with w = -ε M* off Ω, and ‖w‖² = ε²‖M*‖² over the unobserved (6)."""
    return _zero(table, "noise") and _zero(table, "noise_norm")


def objective_splits(table: pd.DataFrame) -> bool:
    """(7) is the sum of squared misfits on Ω plus ε² times the squares off Ω."""
    return _zero(table, "objective")


def lemma_bounds_hold(table: pd.DataFrame) -> bool:
    """ε²‖M‖² ≤ ‖A(M)‖² ≤ ‖M‖² for every mask, and for the singular vectors of A."""
    every = table["masks"]
    return bool(((table["above"] == every) & (table["below"] == every)).all())


def lemma_is_tight(table: pd.DataFrame) -> bool:
    """ε² is attained on every mask with a gap, and 1 on every mask that is not empty."""
    gaps = table["alpha_is_eps2"] == table["masks"] - 1
    return bool((gaps & (table["L_is_one"] == table["masks"] - 1)).all())


def decomposition_holds(table: pd.DataFrame) -> bool:
    """‖A(M)‖² = ε²‖M‖² + (1 - ε²)‖P_Ω(M)‖²."""
    return _zero(table, "decomposition")


def expectation_holds(table: pd.DataFrame) -> bool:
    """E‖A(M)‖² = (p + ε²(1 - p))‖M‖²."""
    return _same(table, "mean", "mean_formula")


def constant_improves_in_mean(table: pd.DataFrame) -> bool:
    """The mean of the RSC constant over the masks is p + ε²(1 - p), as Lemma D.1 says of it."""
    return _same(table, "mean_constant", "mean_formula")


def mean_constant_by_formula(table: pd.DataFrame) -> bool:
    """The mean of the RSC constant is ε² + (1 - ε²) p^(n²)."""
    return _same(table, "mean_constant", "mean_constant_formula")


def truth_has_a_positive_value(table: pd.DataFrame) -> bool:
    """‖A(M*) - b‖² = ε²‖M*‖² over the unobserved entries, which is not 0."""
    return _zero(table, "value_at_truth")


def _zero(table: pd.DataFrame, column: str) -> bool:
    return not table.empty and all(Fraction(value) == 0 for value in table[column])


def _same(table: pd.DataFrame, left: str, right: str) -> bool:
    pairs = zip(table[left], table[right], strict=True)
    return not table.empty and all(Fraction(a) == Fraction(b) for a, b in pairs)


_RATES = {"eps": ["1/10", "1/2"], "p": ["3/10", "4/5"]}

PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": 1, "n": 2, **_RATES}),
        "quick": Sweep({"matrix": [1, 2], "n": [2, 3], **_RATES}),
        "paper": Sweep({"matrix": [1, 2, 3], "n": [2, 3], **_RATES}),
    },
)
