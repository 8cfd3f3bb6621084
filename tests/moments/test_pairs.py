"""Both storages, every cut, every order and any number of threads against the definition."""

import itertools
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mcrepro import SecondMoment, instances
from mcrepro.moments import _pairs

STORAGES = ["dense", "sparse"]


def integers(n, d, p, seed):
    """Sparse rows of small integers, whose sums are exact in any order."""
    rng = np.random.default_rng(seed)
    rows = instances.sample_rows(np.ones((n, d)), p, rng)
    rows.data = rng.integers(-3, 4, size=rows.nnz).astype(float)
    return rows


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_expectations_over_all_masks_of_three_by_three(p):
    """E[T-bar | observed] = T and E[HT] = T, by adding up all 512 masks with their probabilities."""
    rng = np.random.default_rng(3)
    M = rng.standard_normal((3, 3))
    T = M.T @ M / 3
    seen, hajek, ht, total = np.zeros((4, 3, 3))
    for mask in itertools.product([False, True], repeat=9):
        shown = np.array(mask).reshape(3, 3)
        rows, cols = np.nonzero(shown)
        moments = SecondMoment(3).update(
            sp.csr_array((M[rows, cols], (rows, cols)), shape=(3, 3)),
        )
        weight = p ** shown.sum() * (1 - p) ** (9 - shown.sum())
        seen += weight * (moments.counts.toarray() > 0)
        hajek += weight * moments.hajek().toarray()
        ht += weight * moments.horvitz_thompson(p).toarray()
        total += weight
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    q = np.where(np.eye(3, dtype=bool), p, p**2)
    np.testing.assert_allclose(seen, 1 - (1 - q) ** 3, atol=1e-12)
    np.testing.assert_allclose(hajek / seen, T, atol=1e-12)
    np.testing.assert_allclose(ht, T, atol=1e-12)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("threads", [1, 3])
def test_both_products_of_scipy(storage, threads, monkeypatch):
    monkeypatch.setattr(_pairs, "_WORTH_A_THREAD", 100)
    monkeypatch.setattr(_pairs, "_BATCH", 500)
    rows = integers(600, 40, 0.15, seed=0)
    shown = sp.csr_array((np.ones(rows.nnz), rows.indices, rows.indptr), rows.shape)
    moments = SecondMoment(40, storage=storage, threads=threads).update(rows)
    assert moments.storage == storage
    np.testing.assert_array_equal(moments.counts.toarray(), (shown.T @ shown).toarray())
    np.testing.assert_array_equal(moments.sums.toarray(), (rows.T @ rows).toarray())
    for array in (moments.counts, moments.sums, moments.hajek()):
        assert array.has_canonical_format
        assert array.nnz == np.count_nonzero(moments.counts.toarray())


@pytest.mark.parametrize("storage", STORAGES)
def test_streaming_is_batch(storage):
    rows = instances.sample_rows(instances.gaussian_rows(500, 30, 3, seed=1), 0.1, 2)
    batch = SecondMoment(30, storage=storage).update(rows)
    for size in (1, 7, 499):
        chunks = [rows[k : k + size] for k in range(0, 500, size)]
        streamed = SecondMoment(30, storage=storage).update(chunks)
        if storage == "dense":
            assert streamed == batch  # every digit
        np.testing.assert_array_equal(streamed.counts.toarray(), batch.counts.toarray())
        np.testing.assert_allclose(streamed.sums.toarray(), batch.sums.toarray(), atol=1e-13)
        np.testing.assert_array_equal(
            sum(SecondMoment(30, storage=storage).update(c) for c in chunks).counts.toarray(),
            batch.counts.toarray(),
        )


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(STORAGES))
def test_the_order_of_rows_changes_nothing(seed, storage):
    rng = np.random.default_rng(seed)
    rows = integers(60, 12, 0.2, seed)
    shuffled = rows[rng.permutation(60)]
    cut = int(rng.integers(61))
    parts = [shuffled[:cut], shuffled[cut:]]
    moments = SecondMoment(12).update(rows)
    assert SecondMoment(12, storage=storage).update(parts) == moments
    order = rng.permutation(12)
    renamed = SecondMoment(12, storage=storage).update(sp.csr_array(rows[:, order]))
    np.testing.assert_array_equal(
        renamed.sums.toarray(), moments.sums.toarray()[np.ix_(order, order)]
    )


@pytest.mark.parametrize(("one", "other"), [*itertools.product(STORAGES, STORAGES)])
def test_storages_add_up(one, other):
    first, second = integers(50, 20, 0.2, 1), integers(70, 20, 0.2, 2)
    a = SecondMoment(20, storage=one).update(first)
    b = SecondMoment(20, storage=other).update(second)
    expected = SecondMoment(20).update(sp.vstack([first, second], format="csr"))
    assert a + b == b + a == expected
    assert (a + b).storage == (b + a).storage == ("dense" if "dense" in (one, other) else "sparse")
    total = a.copy()
    total += b
    assert total == expected
    assert total.storage == one
    assert a == SecondMoment(20).update(first)
    for moments in (a, b, total):
        again = pickle.loads(pickle.dumps(moments))
        assert again == moments
        assert again.storage == moments.storage


def test_many_small_updates_stay_few_pieces():
    moments = SecondMoment(300, storage="sparse")
    rows = integers(2000, 300, 0.02, 0)
    for k in range(0, 2000, 5):
        moments.update(rows[k : k + 5])
        lengths = [len(piece.j) for piece in moments._pairs._pieces]
        assert all(a >= 2 * b for a, b in itertools.pairwise(lengths))
    assert moments == SecondMoment(300).update(rows)


def test_pairs_are_the_upper_triangle():
    moments = SecondMoment(20).update(integers(50, 20, 0.2, 1))
    i, j, counts, sums = moments.pairs()
    upper = sp.triu(moments.counts, format="coo")
    np.testing.assert_array_equal(i, upper.row)
    np.testing.assert_array_equal(j, upper.col)
    np.testing.assert_array_equal(counts, upper.data)
    np.testing.assert_array_equal(sums, moments.sums.toarray()[i, j])
    assert moments.n_pairs == len(i)
    sums[:] = 0
    assert moments.pairs()[3].any()


def test_what_is_chosen():
    assert SecondMoment(13_376).storage == "dense"  # 1 GiB, of which nothing is touched yet
    assert SecondMoment(13_377).storage == "sparse"
    assert SecondMoment(10**7).update(sp.csr_array((3, 10**7))).n_rows == 3
    with pytest.raises(ValueError, match="storage must be one of 'auto', 'dense', 'sparse'"):
        SecondMoment(3, storage="disk")
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        SecondMoment(3, threads=0)


def test_counts_are_widened_before_they_overflow():
    moments = SecondMoment(2).update(sp.csr_array([[1.0, 1.0]]))
    assert moments._pairs.counts.dtype == np.int32
    moments._pairs.counts[:] = moments.n_rows = 2**31 - 1
    moments.update(sp.csr_array([[1.0, 1.0]]))
    assert moments.counts.toarray().tolist() == [[2**31] * 2] * 2


def test_wide_and_sparse():
    """Columns far apart, whose triangle nobody could keep."""
    d = 2_000_000
    rows = sp.csr_array(([2.0, 3.0, 5.0], ([0, 0, 1], [1, d - 1, d - 1])), shape=(2, d))
    moments = SecondMoment(d).update(rows)
    i, j, counts, sums = moments.pairs()
    assert list(zip(i, j, counts, sums, strict=True)) == [
        (1, 1, 1, 4.0),
        (1, d - 1, 1, 6.0),
        (d - 1, d - 1, 2, 34.0),
    ]


def test_a_column_outside_is_refused():
    rows = sp.csr_array(([1.0], [1], [0, 1]), shape=(1, 3))
    rows.indices[0] = 5
    with pytest.raises(ValueError, match="index 5 exceeds matrix dimension 3"):
        SecondMoment(3).update(rows)
    rows = sp.coo_array(([1.0], ([0], [1])), shape=(1, 3))
    rows.col[0] = 5
    with pytest.raises(ValueError, match=r"rows has shape \(1, 3\), but a column index outside"):
        SecondMoment(3).update(rows)
