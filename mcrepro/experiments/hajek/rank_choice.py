"""How often held-out pairs name the right rank, at C = 2 entries a row.

Rows are factors, as in the theorem. The expected count np² of a pair is what the number of rows means
for the choice; the sizes are those at which it is 1/25 (the paper's n = 10⁴, d = 10³ at C = 2) to 64.
"""

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.moments import MixtureStream, select_rank


def trial(
    seed: np.random.SeedSequence, *, n: int, d: int, rank: int, C: float, ranks: tuple
) -> dict:
    """Choose a rank once.

    Returns
    -------
    dict
        ``best`` and ``parsimonious``, as in `mc.moments.RankChoice`; ``gain``: held-out error of
        the true rank minus that of the chosen one, ``spread``: standard error of that difference
        over the folds; ``count``: np²; ``once``: of the pairs in Ω, the share seen once.
    """
    stream = MixtureStream(n, d, C, rank=rank, seed=int(seed.generate_state(1)[0]), chunk=n)
    moments = mc.SecondMoment(d).update(stream)
    choice = select_rank(moments, ranks, seed=np.random.default_rng(seed), gtol=1e-3, max_iter=300)
    truth = choice.errors[:, list(choice.ranks).index(rank)]
    chosen = choice.errors[:, list(choice.ranks).index(choice.best)]
    i, j, counts, _ = moments.pairs()
    return {
        "best": choice.best,
        "parsimonious": choice.parsimonious,
        "gain": float(np.mean(truth - chosen)),
        "spread": float(np.std(truth - chosen, ddof=1) / np.sqrt(len(truth))),
        "count": n * (C / d) ** 2,
        "once": float(np.mean(counts[i < j] == 1)),
    }


def hits(table: pd.DataFrame, rule: str = "best") -> pd.DataFrame:
    """Hit rate and its interval for each size; ``rule`` is "best" or "parsimonious"."""
    rows = []
    for (n, d, rank), part in table.groupby(["n", "d", "rank"], sort=False):
        found = rate(int((part[rule] == rank).sum()), len(part))
        rows.append(
            {
                "n": n,
                "d": d,
                "rank": rank,
                "count": part["count"].iloc[0],
                "rate": found.value,
                "low": found.low,
                "high": found.high,
                "median": float(part[rule].median()),
            }
        )
    return pd.DataFrame(rows)


def _hit_rate(table: pd.DataFrame, d: int, n: int) -> Estimate:
    part = table[(table["d"] == d) & (table["n"] == n)]
    if part.empty:
        raise ValueError(f"the table has no trials with n = {n}, d = {d}")
    return rate(int((part["best"] == part["rank"]).sum()), len(part))


def hit_rate_paper(table: pd.DataFrame) -> Estimate:
    """Share of trials that find r = 10 at n = 10⁴, d = 10³, where a pair is expected 1/25 times."""
    return _hit_rate(table, 1000, 10_000)


def hit_rate_few(table: pd.DataFrame) -> Estimate:
    """Share of trials that find r = 3 with d = 50, where a pair is expected once."""
    return _hit_rate(table, 50, 625)


def hit_rate_many(table: pd.DataFrame) -> Estimate:
    """Share of trials that find r = 3 with d = 50, where a pair is expected 16 times."""
    return _hit_rate(table, 50, 10_000)


_SMALL = [{"n": n, "d": 50, "rank": 3, "ranks": [1, 2, 3, 4, 5, 6]} for n in (625, 2500, 10_000)]
_PAPER = {"n": 10_000, "d": 1000, "rank": 10, "ranks": [1, 2, 5, 10, 20]}

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"C": 2.0}, trials=2, cells=[_SMALL[0], _SMALL[2]]),
        "quick": Sweep({"C": 2.0}, trials=10, cells=_SMALL),
        "paper": Sweep({"C": 2.0}, trials=20, cells=[*_SMALL, _PAPER]),
    },
)
