"""Both estimators on uniform subsamples of real ratings, against the estimate from all of them.

Nobody knows the matrix of all opinions, so that the target is what the Hájek estimate makes of
*all* ratings: T_ij is the mean product of ratings over the people who rated both films. Ratings are
then kept independently with probability `keep`. Three estimates of T on what is left:

hajek
    mean over the people still seen to have rated both;
ht_kept
    Horvitz-Thompson for the second phase of sampling: the sum divided by N_ij·keep² (N_ii·keep on
    the diagonal), where N counts *all* ratings. Its target and its probabilities are right;
ht_density
    Horvitz-Thompson as if every entry had been observed with one probability p: the sum divided by
    np² (np), p the average density. People choose what they rate, so that this p is wrong nearly
    everywhere.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, mean
from mcrepro.theory import second_moment as law

ESTIMATES = ("hajek", "ht_kept", "ht_density")


def trial(seed: np.random.SeedSequence, *, dataset: str, films: int | None, keep: float) -> dict:
    """Subsample the ratings once.

    Parameters
    ----------
    dataset : str
        A ratings set of `mc.data`.
    films : int or None
        Keep the columns with the most ratings, this many; None: all.
    keep : float
        Probability of keeping a rating.

    Returns
    -------
    dict
        ``density`` of all ratings; ``covered``: share of the pairs with a target that are still
        seen; and for each of `ESTIMATES`, over those pairs: ``*_error``: ‖estimate - T‖_F/‖T‖_F;
        ``*_per_entry``: ‖estimate - T‖_F / number of them; ``*_bias``: ⟨estimate - T, T⟩/⟨T, T⟩.
        ``hajek_expected``: what ``hajek_error`` should be, see `expected_error`.
    """
    ratings = most_rated(dataset, films)
    everything, target, products = _everything(dataset, films)
    kept = np.random.default_rng(seed).random(ratings.nnz) < keep
    rows = np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr))
    part = sp.csr_array(
        (ratings.data[kept], (rows[kept], ratings.indices[kept])), shape=ratings.shape
    )
    moments = mc.SecondMoment(ratings.shape[1]).update(part)
    at = np.searchsorted(_keys(everything.counts), _keys(moments.counts))
    truth, total = target[at], everything.counts.data[at]
    diagonal = np.isin(_keys(moments.counts), np.arange(moments.d) * (moments.d + 1))
    density = ratings.nnz / (ratings.shape[0] * ratings.shape[1])
    estimates = {
        "hajek": moments.hajek().data,
        "ht_kept": moments.sums.data / (total * np.where(diagonal, keep, keep**2)),
        "ht_density": moments.horvitz_thompson(keep * density).data,
    }
    row = {
        "density": density,
        "covered": moments.counts.nnz / everything.counts.nnz,
        "hajek_expected": expected_error(everything, target, products, keep),
    }
    for name in ESTIMATES:
        error = estimates[name] - truth
        row[f"{name}_error"] = float(np.linalg.norm(error) / np.linalg.norm(truth))
        row[f"{name}_per_entry"] = float(np.linalg.norm(error) / error.size)
        row[f"{name}_bias"] = float(error @ truth / (truth @ truth))
    return row


def most_rated(dataset: str, films: int | None) -> sp.csr_array:
    """Return the ratings of the films with the most ratings, shape (people, films)."""
    ratings = mc.data.load(dataset).to_csr()
    if films is None:
        return ratings
    if not 1 <= films <= ratings.shape[1]:
        raise ValueError(f"films must be from 1 to {ratings.shape[1]} or None, got {films}")
    popularity = np.bincount(ratings.indices, minlength=ratings.shape[1])
    chosen = np.sort(np.argsort(-popularity, kind="stable")[:films])
    return sp.csr_array(ratings[:, chosen])


@lru_cache(maxsize=1)
def _everything(dataset: str, films: int | None) -> tuple[mc.SecondMoment, np.ndarray, np.ndarray]:
    """The moments of all ratings, the target on their pattern, and the sums of squared products."""
    ratings = most_rated(dataset, films)
    everything = mc.SecondMoment(ratings.shape[1]).update(ratings)
    squared = mc.SecondMoment(ratings.shape[1]).update(ratings.power(2))
    return everything, everything.hajek().data, squared.sums.data


def expected_error(
    everything: mc.SecondMoment, target: np.ndarray, products: np.ndarray, keep: float
) -> float:
    """Return √(E‖(T̄ - T)_Ω‖² / E‖T_Ω‖²) over subsamples of all ratings.

    Given all ratings, the N_ij people who rated both are a finite population of which each is kept
    with probability keep² (keep on the diagonal): the exact law holds with N_ij in the place of n.
    """
    total = everything.counts.data
    diagonal = np.isin(_keys(everything.counts), np.arange(everything.d) * (everything.d + 1))
    seen, shrink = np.empty(total.shape), np.empty(total.shape)
    for on in (False, True):
        sizes, where = np.unique(total[diagonal == on], return_inverse=True)
        chance = [law.observation_probability(int(n), keep, on) for n in sizes]
        factor = [law.mean_reciprocal_count(int(n), keep, on) - 1 / n for n in sizes]
        seen[diagonal == on] = np.array(chance)[where]
        shrink[diagonal == on] = np.array(factor)[where]
    spread = np.maximum(products - total * target**2, 0.0) / np.maximum(total - 1, 1)
    return float(np.sqrt(np.sum(seen * shrink * spread) / np.sum(seen * target**2)))


def _keys(pattern: sp.csr_array) -> np.ndarray:
    """Return row·d + column of every stored entry, increasing."""
    row = np.repeat(np.arange(pattern.shape[0], dtype=np.int64), np.diff(pattern.indptr))
    return row * pattern.shape[1] + pattern.indices


def _reduction(table: pd.DataFrame, other: str) -> Estimate:
    """1 - Hájek/HT in Frobenius error at keep = .8, for the smallest choice of films."""
    part = table[np.isclose(table["keep"], 0.8) & (table["films"] == table["films"].min())]
    return mean(1 - part["hajek_error"] / part[f"{other}_error"])


def reduction_kept(table: pd.DataFrame) -> Estimate:
    """1 - Hájek/HT in Frobenius error at keep = .8, HT with the true second-phase probability."""
    return _reduction(table, "ht_kept")


def reduction_density(table: pd.DataFrame) -> Estimate:
    """1 - Hájek/HT in Frobenius error at keep = .8, HT with the average density."""
    return _reduction(table, "ht_density")


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("keep",),
    data=("{dataset}",),
    profiles={
        "smoke": Sweep({"dataset": "ml-small-2016", "films": 100, "keep": [0.2, 0.8]}, trials=1),
        "quick": Sweep(
            {"dataset": "ml-small-2016", "films": 1000, "keep": [0.05, 0.1, 0.2, 0.4, 0.8]},
            trials=3,
        ),
        "paper": Sweep(
            {
                "dataset": "ml-small-2016",
                "films": [1000, None],
                "keep": [0.05, 0.1, 0.2, 0.4, 0.8],
            },
            trials=10,
        ),
    },
)
