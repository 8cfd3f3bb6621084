"""How often held-out pairs name the right rank, at C = 2 entries a row.

Rows are factors, as in the theorem. What the number of rows means for the choice is the expected count
np² of a pair. It is 1/25 at the paper's n = 10⁴, d = 10³, r = 10, with two pairs in Ω to an unknown; so it
is, with as many pairs to an unknown, at n = 400, d = 200, r = 2, which is quick to fit.
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
    choice = select_rank(moments, ranks, seed=np.random.default_rng(seed), gtol=3e-3, max_iter=150)
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


def hit_rate_sparse(table: pd.DataFrame) -> Estimate:
    """Share of trials that find r = 2 at n = 400, d = 200: a pair is expected 1/25 times."""
    return _hit_rate(table, 200, 400)


def hit_rate_four(table: pd.DataFrame) -> Estimate:
    """Share of trials that find r = 3 at n = 2500, d = 50: a pair is expected four times."""
    return _hit_rate(table, 50, 2500)


_RANKS = [1, 2, 3, 4, 6]
_SPARSE = {"n": 400, "d": 200, "rank": 2, "ranks": _RANKS}
_LESS = [{"n": n, "d": 50, "rank": 3, "ranks": _RANKS} for n in (625, 2500)]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"C": 2.0}, trials=1, cells=[_SPARSE, *_LESS]),
        "quick": Sweep({"C": 2.0}, trials=3, cells=[_SPARSE, *_LESS]),
        "paper": Sweep({"C": 2.0}, trials=16, cells=[_SPARSE, *_LESS]),
    },
)
