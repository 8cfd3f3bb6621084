"""How many rows show a pair of columns: N_ij, its law, and how often it is zero.

N = IᵀI counts the rows that show both columns. Off the diagonal N_ij ~ Bin(n, p²), so that a pair
is never seen together with probability (1 - p²)ⁿ. Pairs that share a column are dependent; the
goodness-of-fit test therefore uses the disjoint pairs (1, 2), (3, 4), … of every mask, which are
independent.
"""

import numpy as np
import pandas as pd
from scipy import stats

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact

from ._shared import bernoulli_mask


def trial(seed: np.random.SeedSequence, *, n: int, d: int, C: float) -> list[dict]:
    """Draw one mask with p = C/d; return one row for each count k that occurs or is likely.

    Returns
    -------
    list of dict
        ``k``; ``pairs``: disjoint pairs of columns seen together in exactly k rows; ``expected``:
        their expected number; and, the same in every row, ``empty``: fraction of all pairs with
        N_ij = 0, and ``empty_exact``: (1 - p²)ⁿ.
    """
    p = C / d
    mask = bernoulli_mask(n, d, p, np.random.default_rng(seed))
    counts = (mask.T @ mask).toarray()
    disjoint = counts[np.arange(0, d - 1, 2), np.arange(1, d, 2)].astype(int)
    law = stats.binom(n, p * p)
    last = max(int(law.ppf(1 - 1e-6)), int(disjoint.max()))
    pairs = np.bincount(disjoint, minlength=last + 1)
    common = {
        "empty": float(np.mean(counts[np.triu_indices(d, 1)] == 0)),
        "empty_exact": float(law.pmf(0)),
    }
    return [
        {"k": k, "pairs": int(pairs[k]), "expected": float(len(disjoint) * law.pmf(k)), **common}
        for k in range(last + 1)
    ]


def fit(table: pd.DataFrame) -> pd.DataFrame:
    """Test the binomial law by χ² for every (n, d, C), over all trials.

    Neighbouring counts are pooled until each class expects at least five pairs.
    """
    return pd.DataFrame(
        [
            {"n": n, "d": d, "C": C, "p_value": _chi_square(part)}
            for (n, d, C), part in table.groupby(["n", "d", "C"])
        ]
    )


def _chi_square(part: pd.DataFrame) -> float:
    summed = part.groupby("k")[["pairs", "expected"]].sum()
    observed, expected, classes = 0.0, 0.0, []
    for row in summed.itertuples():
        observed, expected = observed + row.pairs, expected + row.expected
        if expected >= 5:
            classes.append([observed, expected])
            observed, expected = 0.0, 0.0
    if not classes:
        return 1.0
    classes[-1][0] += observed
    classes[-1][1] += expected
    seen, hoped = np.array(classes).T
    if len(classes) == 1:
        return 1.0
    return float(stats.chisquare(seen, hoped * seen.sum() / hoped.sum()).pvalue)


def smallest_p_value(table: pd.DataFrame) -> Estimate:
    """Smallest of the χ² p-values, times their number (Bonferroni), at most 1."""
    p_values = fit(table)["p_value"]
    return exact(min(1.0, float(p_values.min()) * len(p_values)))


_PAPER = {"n": [1000, 10000], "d": 1000, "C": [2.0, 10.0, 50.0]}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": [400, 1600], "d": 40, "C": [2.0, 10.0]}, trials=1),
        "quick": Sweep(_PAPER, trials=3),
        "paper": Sweep(_PAPER, trials=40),
    },
)
