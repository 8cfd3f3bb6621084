"""The subsampling of ratings, on small tables whose every number can be recomputed."""

import numpy as np
import pytest
import scipy.sparse as sp

from mcrepro.experiments.hajek import movielens


class Few:
    """Stands for loaded ratings."""

    def __init__(self, table):
        self.table = table

    def to_csr(self):
        return sp.csr_array(self.table)


@pytest.fixture
def few(monkeypatch):
    table = np.random.default_rng(0).integers(0, 6, size=(40, 8)).astype(float)
    table[:, 3:] *= np.random.default_rng(1).random((40, 5)) < 0.4
    monkeypatch.setattr(movielens.mc.data, "load", lambda _: Few(table))
    movielens._everything.cache_clear()
    yield table
    movielens._everything.cache_clear()


def run(keep, seed=0, films=None):
    return movielens.trial(np.random.SeedSequence(seed), dataset="few", films=films, keep=keep)


@pytest.mark.usefixtures("few")
def test_nothing_is_lost_when_everything_is_kept():
    row = run(1.0)
    assert row["covered"] == 1
    for name in ("hajek_error", "hajek_expected", "hajek_bias", "ht_kept_error"):
        assert row[name] == pytest.approx(0, abs=1e-12)
    assert row["ht_density_error"] > 0.05  # its probabilities are not those of these ratings


def test_the_most_rated_films_are_kept(few):
    popular = np.argsort(-np.count_nonzero(few, axis=0), kind="stable")[:3]
    kept = movielens.most_rated("few", 3).toarray()
    np.testing.assert_array_equal(kept, few[:, np.sort(popular)])
    with pytest.raises(ValueError, match="films must be from 1 to 8"):
        movielens.most_rated("few", 9)


def test_errors_are_those_of_a_dense_computation(few):
    row, keep = run(0.5, seed=7), 0.5
    where = np.nonzero(few)
    kept = np.zeros(few.shape)
    kept[where] = np.random.default_rng(np.random.SeedSequence(7)).random(len(where[0])) < keep
    part = few * kept
    sums, counts, total = part.T @ part, kept.T @ kept, (few > 0).T.astype(float) @ (few > 0)
    seen = counts > 0
    target = (few.T @ few)[seen] / total[seen]
    chance = np.where(np.eye(8, dtype=bool), keep, keep**2)
    estimates = {
        "hajek": sums[seen] / counts[seen],
        "ht_kept": sums[seen] / (total * chance)[seen],
    }
    for name, estimate in estimates.items():
        error = np.linalg.norm(estimate - target)
        assert row[f"{name}_error"] == pytest.approx(error / np.linalg.norm(target))
        assert row[f"{name}_per_entry"] == pytest.approx(error / seen.sum())
    assert row["covered"] == pytest.approx(seen.sum() / np.count_nonzero(total))


@pytest.mark.usefixtures("few")
def test_the_expected_error_is_the_mean_of_many():
    rows = [run(0.5, seed) for seed in range(400)]
    everything, target, products = movielens._everything("few", None)
    mean = np.sqrt(np.mean([row["hajek_error"] ** 2 for row in rows]))
    expected = movielens.expected_error(everything, target, products, 0.5)
    assert mean == pytest.approx(expected, rel=0.05)
    # A wrong probability is told apart: 0.6 instead of 0.5.
    assert mean != pytest.approx(
        movielens.expected_error(everything, target, products, 0.6), rel=0.05
    )


def test_smoke_on_the_embedded_ratings(smoke):
    table = smoke("movielens")
    assert (table["hajek_error"] < table["ht_kept_error"]).all()
    assert (table["ht_kept_error"] < table["ht_density_error"]).all()
    ratio = table["hajek_error"] / table["hajek_expected"]
    assert ratio.between(0.9, 1.1).all()
    assert 0 < movielens.reduction_kept(table).value < movielens.reduction_density(table).value
