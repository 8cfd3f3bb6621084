"""Both estimators on every possible mask of a tiny matrix, in rational arithmetic.

Each of the n rows shows its two entries independently with probability p, so that there are 4ⁿ
masks. Expectations over all of them are finite sums of fractions: no sampling, no rounding. They
are set beside the closed forms

    P(Ω) = 1 - (1 - q)ⁿ,   E[T̄ | Ω] = T,   E[HT] = T,   E[HT | Ω] = T / P(Ω),
    Var(T̄ | Ω) = S² (E[1/N | N > 0] - 1/n),   Var(HT) = (1 - q)/(nq) · mean(y²),

where y_k is the product that row k contributes, q the probability that it does (p² off the
diagonal, p on it), N ~ Bin(n, q) the count, and S² the variance of the y_k with divisor n - 1.

With ``rows="value-dependent"`` a row with a positive product is seen twice as often. That is the
assumption the theorem needs, taken away.
"""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import comb, prod

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep

EXACT_FIELDS = (
    "truth",
    "hajek_given",
    "ht",
    "ht_given",
    "p_empty",
    "p_empty_formula",
    "var_hajek_given",
    "var_hajek_formula",
    "var_ht",
    "var_ht_formula",
    "subset_spread",
    "count_error",
)


def trial(_: None, *, matrix: int, n: int, p: str, rows: str) -> list[dict]:
    """Enumerate all masks of two columns; a row each for T_12, T_11 and a constant product.

    Parameters
    ----------
    matrix : int
        Which matrix: its integer entries, from -3 to 3, come from a generator with this seed.
    n : int
        Rows of M; the work grows as 4ⁿ.
    p : str
        Probability of observing an entry, as a fraction such as ``"1/5"``.
    rows : {"equal", "value-dependent"}
        Whether every row has this probability.

    Returns
    -------
    list of dict
        The fields of `EXACT_FIELDS` as fractions in text, such as ``"-7/3"``.
    """
    entries = np.random.default_rng(matrix).integers(-3, 4, size=(n, 2)).tolist()
    entries[0], entries[1] = [3, 2], [-1, 2]  # the products are never all equal
    chance = [Fraction(p)] * n
    if rows == "value-dependent":
        chance = [
            min(2 * Fraction(p), Fraction(1)) if a * b > 0 else Fraction(p) for a, b in entries
        ]
    elif rows != "equal":
        raise ValueError(f'rows must be "equal" or "value-dependent", got {rows!r}')
    cases = {
        "off-diagonal": (entries, 1),
        "diagonal": (entries, 0),
        "constant product": ([[1, 3]] * n, 1),
    }
    return [
        {"entry": entry, **_moments(values, j, chance, Fraction(p))}
        for entry, (values, j) in cases.items()
    ]


def masks(chance: list[Fraction]) -> Iterator[tuple[tuple[tuple[int, int], ...], Fraction]]:
    """Yield every mask of two columns with its probability; row k shows with ``chance[k]``."""
    for mask in product(product((0, 1), repeat=2), repeat=len(chance)):
        yield (
            mask,
            prod(c if seen else 1 - c for c, row in zip(chance, mask, strict=True) for seen in row),
        )


def _moments(entries: list[list[int]], j: int, chance: list[Fraction], p: Fraction) -> dict:
    """Sum over all masks for the entry (1, j+1) of T."""
    n = len(entries)
    y = [row[0] * row[j] for row in entries]
    q = p**2 if j else p
    total: dict[str, Fraction] = defaultdict(Fraction)
    subsets: dict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for mask, weight in masks(chance):
        shown = tuple(k for k, row in enumerate(mask) if row[0] and row[j])
        subsets[shown] += weight
        horvitz_thompson = sum(y[k] for k in shown) / (n * q)
        total["ht"] += weight * horvitz_thompson
        total["ht2"] += weight * horvitz_thompson**2
        if shown:
            hajek = Fraction(sum(y[k] for k in shown), len(shown))
            total["seen"] += weight
            total["hajek"] += weight * hajek
            total["hajek2"] += weight * hajek**2
    truth = Fraction(sum(y), n)
    variance = sum((v - truth) ** 2 for v in y) / (n - 1)
    law = {k: comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)}
    seen = 1 - law[0]
    inverse_count = sum(law[k] / k for k in range(1, n + 1)) / seen
    by_count: dict[int, list[Fraction]] = defaultdict(list)
    for shown, weight in subsets.items():
        by_count[len(shown)].append(weight)
    hajek_given = total["hajek"] / total["seen"]
    values = {
        "truth": truth,
        "hajek_given": hajek_given,
        "ht": total["ht"],
        "ht_given": total["ht"] / total["seen"],
        "p_empty": 1 - total["seen"],
        "p_empty_formula": law[0],
        "var_hajek_given": total["hajek2"] / total["seen"] - hajek_given**2,
        "var_hajek_formula": variance * (inverse_count - Fraction(1, n)),
        "var_ht": total["ht2"] - total["ht"] ** 2,
        "var_ht_formula": (1 - q) / (n * q) * Fraction(sum(v * v for v in y), n),
        "subset_spread": max(max(group) - min(group) for group in by_count.values()),
        "count_error": max(abs(sum(by_count[k], Fraction(0)) - law[k]) for k in law),
    }
    return {name: str(values[name]) for name in EXACT_FIELDS}


def _all_equal(table: pd.DataFrame, left: str, right: str) -> bool:
    """Tell whether two columns of fractions agree where every row is observed alike."""
    equal = table[table["rows"] == "equal"]
    if equal.empty:
        raise ValueError('the table has no trial with rows="equal"')
    return all(Fraction(a) == Fraction(b) for a, b in zip(equal[left], equal[right], strict=True))


def hajek_is_unbiased(table: pd.DataFrame) -> bool:
    """E[T̄ | Ω] = T, exactly."""
    return _all_equal(table, "hajek_given", "truth")


def ht_is_unbiased(table: pd.DataFrame) -> bool:
    """E[HT] = T over all masks, exactly, and E[HT | Ω] = T / P(Ω)."""
    equal = table[table["rows"] == "equal"]
    given = all(
        Fraction(r.ht_given) * (1 - Fraction(r.p_empty)) == Fraction(r.truth)
        for r in equal.itertuples()
    )
    return given and _all_equal(table, "ht", "truth")


def subsets_are_uniform(table: pd.DataFrame) -> bool:
    """Given N = k, all sets of k rows are equally likely."""
    return _all_zero(table, "subset_spread")


def counts_are_binomial(table: pd.DataFrame) -> bool:
    """N ~ Bin(n, q)."""
    return _all_zero(table, "count_error")


def _all_zero(table: pd.DataFrame, column: str) -> bool:
    equal = table[table["rows"] == "equal"]
    return not equal.empty and all(Fraction(value) == 0 for value in equal[column])


def value_dependence_biases(table: pd.DataFrame) -> bool:
    """With rows seen more often for their values, E[T̄ | Ω] differs from T in every trial."""
    unequal = table[(table["rows"] == "value-dependent") & (table["entry"] == "off-diagonal")]
    return not unequal.empty and all(
        Fraction(r.hajek_given) != Fraction(r.truth) for r in unequal.itertuples()
    )


def constants_are_exact(table: pd.DataFrame) -> bool:
    """For a constant product c, Hájek is c on every mask with N > 0 and HT is not constant."""
    part = table[table["entry"] == "constant product"]
    return not part.empty and all(
        Fraction(r.hajek_given) == Fraction(r.truth)
        and Fraction(r.var_hajek_given) == 0
        and Fraction(r.var_ht) > 0
        for r in part.itertuples()
    )


def variances_agree(table: pd.DataFrame) -> bool:
    """The closed forms of both variances hold exactly."""
    return (
        _all_equal(table, "var_hajek_given", "var_hajek_formula")
        and _all_equal(table, "var_ht", "var_ht_formula")
        and _all_equal(table, "p_empty", "p_empty_formula")
    )


_RATES = {"p": ["1/5", "2/3"], "rows": ["equal", "value-dependent"]}

PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": 1, "n": [3], **_RATES}),
        "quick": Sweep({"matrix": 1, "n": [4, 5], **_RATES}),
        "paper": Sweep({"matrix": [1, 2, 3], "n": [4, 5, 6], **_RATES}),
    },
)
