"""Counts, sums and both estimators against a dense brute force, bit for bit."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mcrepro import SecondMoment, instances

unhurried = settings(deadline=None)  # the first call compiles


def sparse(M, mask):
    """The entries of M under the mask, zeros among them stored."""
    rows, cols = np.nonzero(mask)
    return sp.csr_array((M[rows, cols].astype(float), (rows, cols)), shape=M.shape)


def brute_force(M, mask):
    """Counts and sums by their definition, with Python integers."""
    n, d = M.shape
    counts, sums = np.zeros((d, d), dtype=int), np.zeros((d, d), dtype=int)
    for k in range(n):
        for i in range(d):
            for j in range(d):
                if mask[k, i] and mask[k, j]:
                    counts[i, j] += 1
                    sums[i, j] += int(M[k, i]) * int(M[k, j])
    return counts, sums


def omega(array):
    coo = array.tocoo()
    pairs = list(zip(coo.row.tolist(), coo.col.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    return set(pairs)


@st.composite
def observed(draw, d=None):
    """A small integer matrix and a mask, with empty rows and columns now and then."""
    n = draw(st.integers(0, 6))
    d = draw(st.integers(1, 5)) if d is None else d
    M = draw(arrays(np.int64, (n, d), elements=st.integers(-2, 2)))
    share = draw(st.sampled_from(["some", "all", "none"]))
    if share != "some":
        return M, np.full((n, d), share == "all")
    return M, draw(arrays(bool, (n, d)))


CANCELLING = np.array([[1, 1], [1, -1]]), np.ones((2, 2), dtype=bool)
EMPTY_ROW_AND_COLUMN = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 0, 1], [0, 0, 0]], bool)


@unhurried
@given(observed(), st.floats(0.01, 1.0))
@example(CANCELLING, 1.0)
@example(EMPTY_ROW_AND_COLUMN, 0.5)
def test_exact_agreement_with_brute_force(instance, p):
    M, mask = instance
    n, d = M.shape
    counts, sums = brute_force(M, mask)
    seen = counts > 0
    pairs = set(zip(*(index.tolist() for index in np.nonzero(seen)), strict=True))
    moments = SecondMoment(d).update(sparse(M, mask))

    assert moments.counts.dtype == np.int64
    np.testing.assert_array_equal(moments.counts.toarray(), counts)
    np.testing.assert_array_equal(moments.sums.toarray(), sums)
    assert (moments.n_rows, moments.n_entries) == (n, mask.sum())
    assert omega(moments.counts) == omega(moments.sums) == pairs

    hajek = moments.hajek()
    assert omega(hajek) == pairs
    np.testing.assert_array_equal(hajek.toarray()[seen], sums[seen] / counts[seen])
    if n:
        ht = moments.horvitz_thompson(p)
        probability = np.where(np.eye(d, dtype=bool), p, p * p)
        assert omega(ht) == pairs
        np.testing.assert_array_equal(ht.toarray(), sums / (n * probability))


@unhurried
@given(observed())
def test_everything_observed_gives_the_truth_twice(instance):
    M, _ = instance
    n, d = M.shape
    if n == 0:
        return
    moments = SecondMoment(d).update(sparse(M, np.ones(M.shape, dtype=bool)))
    T = (M.T @ M) / n
    np.testing.assert_array_equal(moments.hajek().toarray(), T)
    np.testing.assert_array_equal(moments.horvitz_thompson(1.0).toarray(), T)


@unhurried
@given(observed(d=4), observed(d=4), observed(d=4))
def test_commutative_monoid(one, two, three):
    instances_ = one, two, three
    a, b, c = (SecondMoment(4).update(sparse(*instance)) for instance in instances_)
    before = copy.deepcopy((a, b, c))
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + SecondMoment(4) == SecondMoment(4) + a == a
    assert before == (a, b, c)
    at_once = np.vstack([M for M, _ in instances_]), np.vstack([mask for _, mask in instances_])
    assert a + b + c == SecondMoment(4).update(sparse(*at_once))


def test_the_builtin_sum_adds_parts_and_changes_none():
    parts = [
        SecondMoment(2).update(sp.csr_array(rows))
        for rows in ([[1.0, 2.0]], [[3.0, 0.0]], [[0, 4.0]])
    ]
    before = copy.deepcopy(parts)
    total = sum(parts)
    assert total == parts[0] + parts[1] + parts[2]
    assert total.n_rows == 3
    sum(parts[:1]).update(sp.csr_array([[5.0, 5.0]]))
    assert parts == before
    with pytest.raises(TypeError, match="unsupported operand"):
        1 + parts[0]


def test_real_sums_do_not_depend_on_the_order_of_two():
    rng = np.random.default_rng(0)
    parts = [instances.sample_rows(rng.standard_normal((40, 6)), 0.4, rng) for _ in range(2)]
    a, b = (SecondMoment(6).update(part) for part in parts)
    assert a + b == b + a
    np.testing.assert_array_equal((a + b).sums.toarray(), (a + b).sums.toarray().T)


def test_cancelling_sums_stay_in_omega_when_added():
    plus, minus = ([[1.0, 1.0]], [[1.0, -1.0]])
    total = SecondMoment(2).update(sp.csr_array(plus)) + SecondMoment(2).update(sp.csr_array(minus))
    assert omega(total.hajek()) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    np.testing.assert_array_equal(total.hajek().toarray(), np.eye(2))


@pytest.mark.parametrize("make", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_formats_and_dtypes(make, dtype):
    M, mask = np.array([[3, 0, 2], [0, 5, 0]]), np.ones((2, 3), dtype=bool)
    rows = make(sparse(M, mask)).astype(dtype)
    before = rows.copy()
    moments = SecondMoment(3).update(rows)
    assert moments == SecondMoment(3).update(sparse(M, mask))
    assert moments.counts.nnz == 9  # the stored zeros were observed
    np.testing.assert_array_equal(before.toarray(), rows.toarray())


def test_unsorted_indices_are_understood_and_left_alone():
    rows = sp.csr_array((np.array([2.0, 1.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert SecondMoment(2).update(rows) == SecondMoment(2).update(sp.csr_array([[1.0, 2.0]]))
    assert rows.indices.tolist() == [1, 0]


def test_pickles_and_prints():
    moments = SecondMoment(3).update(sp.csr_array([[1.0, 2.0, 0.0]]))
    assert pickle.loads(pickle.dumps(moments)) == moments
    assert repr(moments) == "SecondMoment(1 rows of 3 columns, 2 entries, 3 of 6 pairs seen)"
    assert moments != SecondMoment(3)
    assert moments != 3


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.ones((2, 3)), TypeError, "rows must be a SciPy sparse matrix or array, got ndarray"),
        (sp.csr_array((2, 4)), ValueError, r"rows must have shape \(n, 3\), got \(2, 4\)"),
        (sp.csr_array((2, 3), dtype=complex), TypeError, "must hold real numbers, got dtype comp"),
        (sp.csr_array((2, 3), dtype=bool), TypeError, "must hold real numbers, got dtype bool"),
        (
            sp.csr_array([[0, 1, np.nan]]),
            ValueError,
            r"rows must be finite, got nan at \(row 0, col 2\)",
        ),
        (
            sp.csr_array(([1.0, 2.0], [1, 1], [0, 0, 2]), shape=(2, 3)),
            ValueError,
            r"stores the entry \(row 1, col 1\) more than once",
        ),
    ],
)
def test_refused_rows_change_nothing(rows, error, message):
    moments = SecondMoment(3).update(sp.csr_array([[1.0, 2.0, 0.0]]))
    before = copy.deepcopy(moments)
    with pytest.raises(error, match=message):
        moments.update(rows)
    assert moments == before


def test_an_index_beyond_32_bits_is_out_of_range():
    rows = sp.csr_array((1, 3))
    rows.data, rows.indices = np.ones(1), np.array([2**32])
    rows.indptr = np.array([0, 1])
    with pytest.raises(ValueError, match="exceeds matrix dimension 3"):
        SecondMoment(3).update(rows)


def test_other_refusals():
    with pytest.raises(ValueError, match="d must be between 1 and 2147483647, got 0"):
        SecondMoment(0)
    with pytest.raises(ValueError, match="same number of columns, got 3 and 4"):
        SecondMoment(3) + SecondMoment(4)
    with pytest.raises(TypeError, match="unsupported operand"):
        SecondMoment(3) + 1
    with pytest.raises(ValueError, match="needs at least one row"):
        SecondMoment(3).horvitz_thompson(0.5)
    one = SecondMoment(1).update(sp.csr_array([[1.0]]))
    for p in (0.0, -0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=r"p must be in \(0, 1\]"):
            one.horvitz_thompson(p)
