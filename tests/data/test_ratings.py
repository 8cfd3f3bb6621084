"""`Ratings` against a dictionary that does the same slowly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcrepro.data.ratings import compact, from_array, from_triples

ABOUT = {
    "name": "toy",
    "source": "folder",
    "sha256": "0" * 64,
    "release": "first",
    "row_kind": "user",
    "col_kind": "item",
}

ids = st.one_of(st.integers(-(10**12), 10**12), st.integers(0, 6))
triples = st.lists(
    st.tuples(ids, st.sampled_from("abcdefg"), st.sampled_from([0.5, 1.0, 3.5, 5.0])), min_size=1
)


def build(entries):
    users, items, values = (np.array(column) for column in zip(*entries, strict=True))
    return from_triples(users, items, values, **ABOUT)


@given(triples)
def test_ratings_hold_the_first_value_of_every_pair_under_its_labels(entries):
    first = {}
    for user, item, value in entries:
        first.setdefault((user, item), value)
    ratings = build(entries)
    labels = zip(
        ratings.row_labels[ratings.rows].tolist(),
        ratings.col_labels[ratings.cols].tolist(),
        strict=True,
    )
    # dict equality and the order of the file
    assert list(zip(labels, ratings.values.tolist(), strict=True)) == list(first.items())
    dropped = len(entries) - len(first)
    assert ratings.n_ratings == len(first)
    assert bool(ratings.notes) == (dropped > 0)
    if dropped:
        assert ratings.notes[0].startswith(f"{dropped:,} ratings")


@given(triples)
def test_ids_are_compact_and_sorted_by_label(entries):
    ratings = build(entries)
    n, d = ratings.shape
    assert np.array_equal(np.unique(ratings.rows), np.arange(n))
    assert np.array_equal(np.unique(ratings.cols), np.arange(d))
    assert np.all(np.diff(ratings.row_labels) > 0)
    assert ratings.col_labels.tolist() == sorted({item for _, item, _ in entries})
    assert 0 < ratings.density <= 1


@given(triples)
def test_to_csr_sums_nothing_and_loses_nothing(entries):
    ratings = build(entries)
    matrix = ratings.to_csr()
    assert matrix.shape == ratings.shape
    assert matrix.nnz == ratings.n_ratings
    assert np.array_equal(
        matrix.toarray()[ratings.rows, ratings.cols], ratings.values.astype(float)
    )


def test_to_problem_poses_the_same_entries():
    ratings = build([(3, "b", 1.0), (1, "a", 2.5), (3, "a", 4.0)])
    problem = ratings.to_problem()
    assert problem.n_observed == 3
    assert problem.density == pytest.approx(3 / 4)
    dense = np.zeros((2, 2))
    dense[problem.rows, problem.cols] = problem.values
    assert np.array_equal(dense, [[2.5, 0.0], [4.0, 1.0]])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, -128, 127], np.int8), ([1, 128], np.float32), ([0.5, 5.0], np.float32), ([0.1], float)],
)
def test_values_take_the_smallest_type_that_is_exact(values, dtype):
    result = compact(np.array(values, dtype=float))
    assert result.dtype == dtype
    assert result.tolist() == values


def test_nothing_loaded_can_be_changed_in_place():
    ratings = build([(1, "a", 1.0)])
    for array in (ratings.rows, ratings.cols, ratings.values, ratings.row_labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    about = {key: ABOUT[key] for key in ("name", "source", "sha256", "release")}
    dense = from_array(np.eye(2), axes=("time", "sensor"), notes=(), **about)
    with pytest.raises(ValueError, match="read-only"):
        dense.values[0, 0] = 7
    assert repr(dense) == "Dense('toy': 2 times x 2 sensors; first, from folder)"
