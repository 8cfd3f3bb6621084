"""Unequal probabilities of observation: the Gram matrix, and what weights 1/p do to it.

The mask acts on the vector of entries as a diagonal matrix of zeros and ones, whose expectation is
diag(p_ij). With weights s_ij the expectation is diag(s_ij p_ij).
"""

from fractions import Fraction

import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, low: str, high: str) -> dict:
    """Take two groups of entries with probabilities `low` and `high`, fractions in text.

    Returns
    -------
    dict
        ``plain``, ``weighted``: condition number of the expected Gram matrix with s = 1 and s = 1/p;
        ``variance``: largest variance of a realized weighted diagonal entry, by enumeration of seen
        and unseen, ``formula``: (1 - p)/p there; ``other``: least condition number over a grid of
        other weights s = p^-a, a ≠ 1; fractions in text, but for the last.
    """
    chances = [Fraction(low), Fraction(high)]
    weighted = [p / p for p in chances]
    variances = []
    for p in chances:
        values = {
            1 / p: p,
            Fraction(0): 1 - p,
        }  # what the weighted diagonal entry is, and how often
        centre = sum(v * q for v, q in values.items())
        variances.append(sum((v - centre) ** 2 * q for v, q in values.items()))
    powers = [a / 10 for a in range(-10, 31) if a != 10]
    expected = [[float(p) ** (1 - a) for p in chances] for a in powers]
    return {
        "plain": str(max(chances) / min(chances)),
        "weighted": str(max(weighted) / min(weighted)),
        "variance": str(max(variances)),
        "formula": str((1 - min(chances)) / min(chances)),
        "other": min(max(e) / min(e) for e in expected),
    }


def condition_is_ratio(table: pd.DataFrame) -> bool:
    """The expected Gram matrix has condition number max p / min p."""
    ratios = [Fraction(h) / Fraction(l) for l, h in zip(table["low"], table["high"], strict=True)]
    return bool([Fraction(c) for c in table["plain"]] == ratios)


def weights_perfect_the_mean(table: pd.DataFrame) -> bool:
    """With s = 1/p it has condition number 1, and with no other power of p."""
    return bool((table["weighted"] == "1").all() and (table["other"] > 1).all())


def weights_perfect_the_draw(table: pd.DataFrame) -> bool:
    """The Gram matrix of the mask that is drawn has no variance left either."""
    variances = [Fraction(v) for v in table["variance"]]
    assert variances == [Fraction(f) for f in table["formula"]]
    return all(v == 0 for v in variances)


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(
        ("smoke", "quick", "paper"), Sweep({"low": ["1/10", "1/4"], "high": ["1/2", "9/10"]})
    ),
)
