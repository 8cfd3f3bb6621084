"""Synthetic traffic counts with gaps, filled by means, along the day, and by a matrix of low rank.

No data: days of loop detectors are made up from three profiles, a morning peak, an evening peak and a
weekend hump, mixed differently at each detector and day, with noise. Rows are days of a detector,
columns quarters of an hour. Lost are single counts at random, or six hours of each day in one piece.
"""

import numpy as np

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep

QUARTERS = 96


def counts(rng: np.random.Generator, detectors: int, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Return expected and noisy counts a quarter of an hour, each of shape (detectors * days, 96)."""
    hour = np.arange(QUARTERS) / 4
    peaks = [(8.0, 1.2), (17.5, 1.8), (14.0, 3.5)]
    profiles = np.array([np.exp(-0.5 * ((hour - at) / wide) ** 2) for at, wide in peaks])
    base = rng.uniform(0.2, 1.0, (detectors, 1, 3))  # some are outbound, some inbound
    weekend = np.arange(days) % 7 >= 5
    day = np.where(weekend[:, None], [0.1, 0.2, 1.0], [1.0, 1.0, 0.2])
    weather = rng.uniform(0.7, 1.2, (1, days, 1))
    mix = 200 * base * day * weather
    expected = (mix @ profiles).reshape(-1, QUARTERS) + 20
    return expected, rng.poisson(expected).astype(float)


def lost(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a mask of the lost counts: "single" ones, a quarter of all, or "outages" of six hours a day."""
    if kind == "single":
        return rng.random(shape) < 0.25
    begin = rng.integers(0, shape[1] - 24, size=(shape[0], 1))
    column = np.arange(shape[1])
    return (column >= begin) & (column < begin + 24)


def along_the_day(table: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Fill each row by straight lines between the counts that are there."""
    filled, column = table.copy(), np.arange(table.shape[1])
    for row, out in zip(filled, gap, strict=True):
        row[out] = np.interp(column[out], column[~out], row[~out])
    return filled


def by_low_rank(table: np.ndarray, gap: np.ndarray, rank: int) -> np.ndarray:
    """Fill with the method als, its ridge learned."""
    problem = mc.Problem.from_dense(table, ~gap)
    result = mc.complete(
        problem, "als", rank=rank, ridge="learned", center="rows+columns", gtol=0.01
    )
    return np.where(gap, result.matrix(), table)


def trial(seed: np.random.SeedSequence, *, lose: str, rank: int, detectors: int) -> dict:
    """Fill four weeks; root mean square errors against the *expected* counts, vehicles a quarter."""
    rng = np.random.default_rng(seed)
    expected, noisy = counts(rng, detectors, 28)
    gap = lost(lose, noisy.shape, rng)
    seen = np.where(gap, np.nan, noisy)
    fills = {
        "mean": np.full(noisy.shape, np.nanmean(seen)),
        "time_of_day": np.tile(np.nanmean(seen, axis=0), (len(noisy), 1)),
        "along": along_the_day(noisy, gap),
        "low_rank": by_low_rank(noisy, gap, rank),
    }
    return {k: float(np.sqrt(np.mean((fill - expected)[gap] ** 2))) for k, fill in fills.items()}


SETTINGS = {"lose": ["single", "outages"], "rank": 5, "detectors": 20}
PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**SETTINGS, "detectors": 4}, trials=1),
        "quick": Sweep(SETTINGS, trials=2),
        "paper": Sweep(SETTINGS, trials=5),
    },
)
