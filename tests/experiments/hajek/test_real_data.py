"""Judging on held-out rows: two judges cancel, one does not; parts computed by hand."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.errors import DataError
from mcrepro.experiments.hajek import _ratings, full, heldout, ranking


def test_tall_keeps_the_longer_side_and_the_fullest_columns():
    rows = _ratings.tall("ml-small-2016", 30)
    whole = mc.data.load("ml-small-2016").to_csr()
    assert rows.shape[1] == 30
    assert rows.shape[0] > 4000
    per_person = np.sort(np.diff(whole.indptr))[::-1][:30]
    assert rows.nnz == per_person.sum()
    assert np.diff(rows.indptr).min() > 0
    with pytest.raises(ValueError, match="columns must be from 2 to 671"):
        _ratings.tall("ml-small-2016", 672)


def test_thinning_keeps_entries_of_the_same_rows():
    rng = np.random.default_rng(0)
    rows = sp.csr_array(rng.random((2000, 20)) * (rng.random((2000, 20)) < 0.5))
    part = _ratings.thin(rows, 2.0, rng)
    assert part.nnz / 2000 == pytest.approx(2, rel=0.05)
    dense, kept = rows.toarray(), part.toarray()
    np.testing.assert_array_equal(kept[kept != 0], dense[kept != 0])
    assert _ratings.thin(rows, 11.0, rng) is rows


def test_split_is_a_partition():
    parts = _ratings.split(101, (0.5, 0.25, 0.25), np.random.default_rng(0))
    assert sorted(np.concatenate(parts)) == list(range(101))
    assert [len(part) for part in parts] == [50, 26, 25]


def test_column_means_are_pulled_by_one_entry():
    rows = sp.csr_array(np.array([[4.0, 0.0, 2.0], [2.0, 0.0, 0.0]]))
    mean = 8 / 3
    np.testing.assert_allclose(_ratings.column_means(rows), [(6 + mean) / 3, mean, (2 + mean) / 2])


@pytest.fixture
def judges():
    rng = np.random.default_rng(1)
    matrix = 1 + rng.standard_normal((4000, 3)) @ rng.standard_normal((3, 12)) / 3
    truth = matrix.T @ matrix / 4000
    quarters = [
        mc.SecondMoment(12).update(mc.instances.sample_rows(matrix[k::2], 0.05, seed=k))
        for k in (0, 1)
    ]
    return heldout.judged(quarters), truth


def test_judges_hold_both_estimates_of_common_pairs(judges):
    found, _ = judges
    assert (found.i < found.j).all()
    assert found.weight.min() >= 0.5


def test_two_judges_measure_the_error_and_one_adds_its_noise():
    rng = np.random.default_rng(2)
    m = 200_000
    T, w = rng.uniform(1, 2, m), rng.uniform(0.5, 2, m)
    first, second = T + rng.standard_normal(m), T + rng.standard_normal(m)
    judges = heldout.Judges(np.zeros(m), np.ones(m), w, first, second)
    row = heldout.score(T + 0.2, judges, np.ones(m, bool))
    assert row["squared"] == pytest.approx(0.04 / np.mean(T**2), abs=0.005)
    assert row["raw"] == pytest.approx((0.04 + 1) / (np.mean(T**2) + 1), rel=0.03)


def test_reduction_compares_the_same_splits():
    table = pd.DataFrame(
        [
            {"C": 2.0, "trial": t, "part": "seen", "estimate": name, "squared": s * (t + 1)}
            for t in range(4)
            for name, s in (("a", 1.0), ("b", 4.0))
        ]
    )
    found = heldout.reduction(table, "a", "b")
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_completed_moment_of_a_full_matrix_is_its_moment():
    matrix = mc.instances.mixture_rows(60, 8, 2, seed=0)
    T = heldout.completed_moment(mc.instances.sample_rows(matrix, 1.0), 2, 0)
    truth = matrix.T @ matrix / 60
    assert np.linalg.norm(T - truth) < 0.2 * np.linalg.norm(truth)


def test_heldout_on_the_embedded_ratings(smoke):
    table = heldout.errors(smoke("heldout"), "seen")
    error = table.set_index(["C", "estimate"])["error"]
    assert error[2.0, "rank 1"] < error[2.0, "Hájek"]
    assert error[2.0, "rank 1"] < error[2.0, "completed rows"]
    assert error[100.0, "Hájek"] < error[2.0, "Hájek"]


def test_a_judge_of_predictions_counts_pairs_and_ties():
    tests = [(np.array([0]), np.array([1.0]), np.array([1, 2, 3]), np.array([1.0, 2.0, 2.0]))]
    right = ranking.judge(tests, lambda _S, _m: np.array([0.0, 1.0, 2.0, 3.0]))
    assert right["ordered"] == 1
    assert right["rmse"] == pytest.approx(np.sqrt(1 / 3))
    tied = ranking.judge(tests, lambda _S, _m: np.zeros(4))
    assert tied["ordered"] == 0.5


def test_hidden_entries_are_half_of_each_row():
    rows = sp.csr_array(np.arange(1, 16).reshape(3, 5).astype(float))
    for shown, values, hide, truth in ranking.hidden(rows, np.random.default_rng(0)):
        assert len(shown) == 2
        assert sorted([*shown, *hide]) == list(range(5))
        assert sorted([*values, *truth]) == list(
            range(int(min(*values, *truth)), int(max(*values, *truth)) + 1)
        )
    assert not ranking.hidden(rows[:, :3], np.random.default_rng(0))


def test_the_linear_prediction_is_the_conditional_mean():
    rng = np.random.default_rng(3)
    X, means = rng.standard_normal((7, 2)), rng.standard_normal(7)
    S, m, own = np.array([0, 3, 5]), rng.standard_normal(3), 0.4
    T = X @ X.T + own * np.eye(7)
    want = means + T[:, S] @ np.linalg.solve(T[np.ix_(S, S)], m - means[S])
    other = np.array([1, 2, 4, 6])
    np.testing.assert_allclose(ranking._linear(X, own, means)(S, m)[other], want[other])


def test_known_matrices(smoke):
    matrix, truth, leading = full.known("digits")
    assert matrix.shape == (1797, 64)
    assert leading.error(np.linalg.svd(matrix, full_matrices=False)[2][:3].T) < 1e-6
    np.testing.assert_allclose(truth, matrix.T @ matrix / 1797)
    table = full.summary(smoke("full")).set_index(["C", "estimate"])["seen pairs"]
    assert table[8.0, "Hájek"] < table[8.0, "HT"]
    with pytest.raises(ValueError, match="dataset must be one of"):
        full.known("digit")


def test_a_known_matrix_that_is_not_here_blocks_before_any_trial(monkeypatch, tmp_path):
    monkeypatch.delenv("MCREPRO_DATA", raising=False)
    monkeypatch.setenv("MCREPRO_DATA_CACHE", str(tmp_path))
    monkeypatch.setenv("MCREPRO_OFFLINE", "1")

    def never(*_arguments, **_options):
        raise AssertionError("a trial ran without its data")

    monkeypatch.setattr("mcrepro.experiments.backends.local", never)
    for dataset in full.SETS[1:]:
        assert full.PROTOCOL.datasets({"dataset": dataset}) == (dataset,)
        with pytest.raises(DataError, match=f"data set '{dataset}' is not here"):
            mc.experiments.run("hajek-full", profile="smoke", dataset=dataset, cache=tmp_path)
    assert full.PROTOCOL.datasets({"dataset": "digits"}) == ()
