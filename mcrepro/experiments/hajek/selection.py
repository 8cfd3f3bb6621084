"""Entries that are seen the more often the larger they are: the bias, and its repair.

M = 1 + Z/2 with Z from random factors, entries of variance about one. Entry (k, i) is seen with
probability π_ki proportional to exp(s Z_ki), C/d on average; s = 0 is the theorem's mask. Or rows
have activities exp(s a_k) that know nothing of the values.
"""

import numpy as np
import pandas as pd
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory.selection import inverse_propensity


def trial(
    seed: np.random.SeedSequence,
    *,
    n: int,
    d: int,
    rank: int,
    C: float,
    depends_on: str,
    strength: float,
) -> list[dict]:
    """Draw a matrix and a mask, estimate T with and without the propensities.

    Parameters
    ----------
    depends_on : {"value", "row"}
        What the probability of being seen depends on.
    strength : float
        s.

    Returns
    -------
    list of dict
        For each ``estimate`` ("Hájek", "repaired": with the true propensities, "half repaired":
        as if s were half as large, "by rows": with the true ones, divided by n): over the pairs
        i < j in Ω, ``bias`` ⟨estimate - T, T⟩/⟨T, T⟩, ``error`` ‖estimate - T‖/‖T‖; for Hájek
        ``predicted``: its bias by the limit for many rows; ``share``: of the pairs in Ω.
    """
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d)) / np.sqrt(rank)
    M = 1 + Z / 2
    if depends_on == "value":
        driver = Z
    elif depends_on == "row":
        driver = np.broadcast_to(rng.standard_normal((n, 1)), Z.shape)
    else:
        raise ValueError(f'depends_on must be "value" or "row", got {depends_on!r}')
    chance = propensities(driver, strength, C / d)
    mask = rng.random(M.shape) < chance
    rows = sp.csr_array((M[mask], np.nonzero(mask)), shape=M.shape)
    truth = M.T @ M / n
    half = propensities(driver, strength / 2, C / d)
    hajek = mc.SecondMoment(d).update(rows).hajek().toarray()
    estimates = {
        "Hájek": hajek,
        "repaired": inverse_propensity(rows, chance[mask]).toarray(),
        "half repaired": inverse_propensity(rows, half[mask]).toarray(),
        "by rows": inverse_propensity(rows, chance[mask], normalise="rows").toarray(),
    }
    upper = np.triu(np.ones((d, d), dtype=bool), 1)
    seen = upper & (hajek != 0)
    limit = ((chance * M).T @ (chance * M) / (chance.T @ chance))[seen]
    T = truth[seen]
    return [
        {
            "estimate": name,
            "bias": float((P[seen] - T) @ T / (T @ T)),
            "error": float(np.linalg.norm(P[seen] - T) / np.linalg.norm(T)),
            "predicted": float((limit - T) @ T / (T @ T)) if name == "Hájek" else float("nan"),
            "share": float(seen.sum() / upper.sum()),
        }
        for name, P in estimates.items()
    ]


def propensities(driver: np.ndarray, strength: float, p: float) -> np.ndarray:
    """Probabilities proportional to exp(strength·driver), p on average, none above one."""
    raw = np.exp(strength * driver)
    return np.minimum(p * raw / raw.mean(), 1.0)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean bias with the half-width of its interval, and error, by cell and estimate."""
    keys = ["depends_on", "strength", "estimate"]
    rows = []
    for key, group in table.groupby(keys, sort=False):
        bias = mean(group["bias"])
        row = dict(zip(keys, key, strict=True))
        row |= {"bias": bias.value, "±": bias.high - bias.value, "error": group["error"].mean()}
        rows.append(row | {"predicted": group["predicted"].mean()})
    return pd.DataFrame(rows)


def bias(table: pd.DataFrame, estimate: str, depends_on: str, strength: float) -> Estimate:
    """Mean relative bias of an estimate in one cell."""
    chosen = (
        (table["estimate"] == estimate)
        & (table["depends_on"] == depends_on)
        & np.isclose(table["strength"], strength)
    )
    return mean(table["bias"][chosen])


_SIZE = {"n": 10_000, "d": 50, "rank": 3, "C": 4.0}
_CELLS = [{"depends_on": "value", "strength": s} for s in (0.0, 0.25, 0.5, 1.0)]
_CELLS += [{"depends_on": "row", "strength": 1.0}]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**_SIZE, "n": 4000, "d": 30}, trials=2, cells=[_CELLS[0], *_CELLS[3:]]),
        "quick": Sweep(_SIZE, trials=3, cells=_CELLS),
        "paper": Sweep(_SIZE, trials=12, cells=_CELLS),
    },
)
