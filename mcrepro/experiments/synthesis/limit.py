"""GNMR near the information limit, where there are hardly more entries than degrees of freedom.

A mask that does not isolate a matrix of the rank leaves every completion open, and no method can
tell which was meant; such masks are counted and not blamed on anybody. The default of `gnmr` is
shown beside the published iteration, α = 1, 0, -1 ("setting", "averaging", "updating"), solved by
LSQR as the published code does, with limits that keep it to a few seconds.
"""

import time

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate
from mcrepro.theory.identifiability import finitely_completable

from . import _maps

PUBLISHED = {"least_squares": "lsqr", "inner_iter": 1000, "max_iter": 30}
FITS = 1e-9
"""Relative residual at which the entries count as fitted."""


def trial(
    seed: np.random.SeedSequence, *, n: int, rank: int, ratio: float, variant: str, count: int
) -> list[dict]:
    """Draw `count` problems of condition number 10 and solve each; one row a problem.

    Returns
    -------
    list of dict
        ``problem``: its number; ``determined``; ``undetermined``: what the certificate counts;
        ``error``; ``solved``; ``fits``: whether the entries are fitted; ``stop_reason``;
        ``seconds`` of processor time.
    """
    table = []
    for problem, own in enumerate(seed.spawn(count)):
        drawn, started = (np.random.default_rng(s) for s in own.spawn(2))
        instance = mc.instances.oversampled(n, n, rank, ratio, 10.0, drawn)
        options = {} if variant == "damped" else {"variant": variant, **PUBLISHED}
        begin = time.process_time()
        result = mc.complete(instance, "gnmr", rank=rank, seed=started, **options)
        seconds = time.process_time() - begin
        error = result.relative_error(instance.truth)
        table.append(
            {
                "problem": problem,
                "determined": finitely_completable(_maps.mask(instance), rank),
                "undetermined": int(result.certificate["undetermined"]),
                "error": error,
                "solved": bool(error <= _maps.SOLVED),
                "fits": bool(result.certificate["residual"] <= FITS),
                "stop_reason": result.stop_reason,
                "seconds": seconds,
            }
        )
    return table


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """By variant, rank and ratio: problems, determined ones, how many of these were solved and fitted."""
    rows = []
    keys = ["variant", "rank", "ratio"]
    for key, part in table.groupby(keys, sort=False):
        sure = part[part["determined"]]
        share = rate(int(sure["solved"].sum()), len(sure)) if len(sure) else None
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "problems": len(part),
                "determined": len(sure),
                "solved": int(sure["solved"].sum()),
                "low": share.low if share else np.nan,
                "high": share.high if share else np.nan,
                "fits": int(sure["fits"].sum()),
                "solved_open": int(part.loc[~part["determined"], "solved"].sum()),
                "seconds": float(part["seconds"].median()),
            }
        )
    return pd.DataFrame(rows)


def solved_of_determined(table: pd.DataFrame, rank: int) -> Estimate:
    """Share of the problems of a rank with a determining mask that the default solved."""
    sure = table[table["determined"] & (table["variant"] == "damped") & (table["rank"] == rank)]
    return rate(int(sure["solved"].sum()), len(sure))


def counts_agree(table: pd.DataFrame) -> bool:
    """The certificate counts nothing undetermined exactly where the mask isolates the matrix."""
    return bool(((table["undetermined"] == 0) == table["determined"]).all())


def _cells(many, few, ranks, ratios, published):
    default = [
        {"variant": "damped", "rank": rank, "ratio": ratio, "count": many}
        for rank in ranks
        for ratio in ratios
    ]
    return default + [
        {"variant": variant, "rank": ranks[-1], "ratio": ratio, "count": few}
        for variant in ("setting", "averaging", "updating")
        for ratio in published
    ]


PROTOCOL = Protocol(
    trial=trial,
    seed=7306,
    shared=("variant", "count"),
    profiles={
        "smoke": Sweep({"n": 20}, cells=_cells(2, 1, [2, 3], [1.2, 1.5], [])),
        "quick": Sweep({"n": 50}, cells=_cells(4, 1, [2, 3], [1.1, 1.2, 1.5], [2.0])),
        "paper": Sweep(
            {"n": 80}, cells=_cells(20, 3, [2, 3], [1.05, 1.1, 1.2, 1.5], [1.2, 2.0, 3.0])
        ),
    },
)
