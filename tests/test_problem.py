"""The canonical form of a problem, and everything it refuses."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mcrepro import Problem

ROWS, COLS, VALUES = [2, 0, 1, 0], [1, 2, 0, 0], [4.0, 3.0, 2.0, 1.0]


def test_canonical_form():
    problem = Problem(ROWS, COLS, VALUES, (3, 3))
    assert problem.rows.tolist() == [0, 0, 1, 2]
    assert problem.cols.tolist() == [0, 2, 0, 1]
    assert problem.values.tolist() == [1.0, 3.0, 2.0, 4.0]
    assert problem.rows.dtype == problem.cols.dtype == np.intp
    assert (problem.n_observed, problem.density) == (4, 4 / 9)
    assert repr(problem) == "Problem(3 x 3, 4 entries, density 0.444)"


def test_is_read_only_and_leaves_its_input_alone():
    rows, values, truth = np.array([0, 1]), np.array([1.0, 2.0]), np.eye(2)
    problem = Problem(rows, rows, values, (2, 2), truth=truth)
    for array in (problem.rows, problem.cols, problem.values, problem.truth):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    rows[0], values[0], truth[0, 0] = 1, 9.0, 9.0
    assert (problem.rows[0], problem.values[0], problem.truth[0, 0]) == (0, 1.0, 1.0)
    with pytest.raises(AttributeError):
        problem.values = values


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [("f4", "f4"), ("f8", "f8"), ("f2", "f8"), ("i4", "f8"), ("u1", "f8"), ("longdouble", "f8")],
)
def test_dtype(given_dtype, kept):
    assert Problem([0], [0], np.ones(1, given_dtype), (1, 1)).values.dtype == np.dtype(kept)


@given(
    arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))),
    st.randoms(use_true_random=False),
)
def test_order_of_entries_does_not_matter_and_csr_is_faithful(mask, random):
    mask[0, 0] = True
    M = np.arange(mask.size, dtype=float).reshape(mask.shape)  # holds an observed zero
    problem = Problem.from_dense(M, mask)
    order = list(range(problem.n_observed))
    random.shuffle(order)
    shuffled = Problem(
        problem.rows[order], problem.cols[order], problem.values[order], problem.shape
    )
    stored = problem.to_csr()
    for same in (shuffled, Problem.from_csr(stored), Problem.from_csr(sp.coo_matrix(stored))):
        np.testing.assert_array_equal(same.rows, problem.rows)
        np.testing.assert_array_equal(same.cols, problem.cols)
        np.testing.assert_array_equal(same.values, problem.values)
    assert stored.nnz == mask.sum()
    np.testing.assert_array_equal(stored.toarray(), np.where(mask, M, 0))


def test_pickle_keeps_everything_and_read_only():
    M = np.array([[1.0, 2.0], [2.0, 3.0]], dtype=np.float32)
    problem = Problem.from_dense(M, M > 0, symmetric=True)
    copy = pickle.loads(pickle.dumps(problem))
    assert copy.symmetric
    assert copy.values.dtype == np.float32
    assert not copy.values.flags.writeable
    np.testing.assert_array_equal(copy.truth, M)
    np.testing.assert_array_equal(copy.values, problem.values)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rows": [0, 1]}, ValueError, "equal lengths, got 2, 4 and 4"),
        ({"rows": [0.0, 0, 1, 2]}, TypeError, "rows must hold integers, got dtype float64"),
        ({"cols": [True, False, True, True]}, TypeError, "cols must hold integers, got dtype bool"),
        ({"cols": [0, 0, 3, 0]}, ValueError, r"cols\[2\] = 3 is out of range: .* 0 to 2"),
        ({"rows": [0, -1, 1, 2]}, ValueError, r"rows\[1\] = -1 is out of range"),
        ({"rows": [[0, 1], [2, 0]]}, ValueError, r"rows must be one-dimensional"),
        ({"rows": [0, 1, 0, 1], "cols": [2, 1, 2, 1]}, ValueError, r"\(row 0, col 2\) .* \(2 rep"),
        ({"values": [1, 2, np.nan, 3]}, ValueError, r"got nan at entry \(row 1, col 0\)"),
        ({"values": [1, 2, 3, -np.inf]}, ValueError, r"got -inf at entry \(row 0, col 0\)"),
        ({"values": list("abcd")}, TypeError, "values must hold real numbers"),
        ({"values": [1j, 2, 3, 4]}, TypeError, "values must hold real numbers, got dtype complex"),
        ({"shape": (3, 0)}, ValueError, r"shape\[1\] must be at least 1, got 0"),
        ({"shape": (3, 3.0)}, TypeError, r"shape\[1\] must be an integer"),
        ({"shape": 3}, TypeError, "shape must be a pair of positive integers, got 3"),
        ({"symmetric": "yes"}, TypeError, "symmetric must be True or False, got 'yes'"),
        ({"shape": (3, 4), "symmetric": True}, ValueError, r"square matrix, got shape \(3, 4\)"),
        ({"truth": np.ones((3, 2))}, ValueError, r"truth must have shape \(3, 3\), got \(3, 2\)"),
    ],
)
def test_refusals(change, error, message):
    arguments = {"rows": ROWS, "cols": COLS, "values": VALUES, "shape": (3, 3)} | change
    with pytest.raises(error, match=message):
        Problem(**arguments)


def test_refuses_no_entries():
    with pytest.raises(ValueError, match="at least one observed entry"):
        Problem([], [], [], (2, 2))


def test_symmetric_values_must_agree_up_to_rounding():
    Problem([0, 1], [1, 0], [1.0, 1.0 + 1e-15], (2, 2), symmetric=True)
    with pytest.raises(ValueError, match=r"entry \(0, 1\) = 1.0 and entry \(1, 0\) = 1.01"):
        Problem([0, 1], [1, 0], [1.0, 1.01], (2, 2), symmetric=True)


def test_a_matrix_with_gaps_is_no_truth():
    M = np.array([[1.0, np.nan], [2.0, 3.0]])
    problem = Problem.from_dense(M, ~np.isnan(M))
    assert problem.n_observed == 3
    assert problem.truth is None
    with pytest.raises(ValueError, match="finite"):
        Problem.from_dense(M, np.ones((2, 2), dtype=bool))


def test_from_dense_and_from_csr_refusals():
    with pytest.raises(TypeError, match="mask must be an array of bool, got dtype int64"):
        Problem.from_dense(np.ones((2, 2)), np.ones((2, 2), dtype=np.int64))
    with pytest.raises(ValueError, match=r"mask must have the shape \(2, 2\) of M, got \(2, 3\)"):
        Problem.from_dense(np.ones((2, 2)), np.ones((2, 3), dtype=bool))
    with pytest.raises(TypeError, match="sparse matrix or array, got ndarray"):
        Problem.from_csr(np.ones((2, 2)))
    twice = sp.coo_array(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(ValueError, match=r"\(row 0, col 1\) is given more than once"):
        Problem.from_csr(twice)


def test_oversampling_counts_the_dimension_of_the_rank_r_matrices():
    """The dimension is the rank of the tangent map at a generic point."""
    rng = np.random.default_rng(0)
    n1, n2, r = 6, 5, 2
    U, V = rng.standard_normal((n1, r)), rng.standard_normal((n2, r))
    unit = [np.eye(1, n1 * r, k).reshape(n1, r) for k in range(n1 * r)]
    tangent = [(D @ V.T).ravel() for D in unit]
    tangent += [(U @ np.eye(1, n2 * r, k).reshape(n2, r).T).ravel() for k in range(n2 * r)]
    full = Problem.from_dense(U @ V.T, np.ones((n1, n2), dtype=bool))
    assert full.oversampling(r) == n1 * n2 / np.linalg.matrix_rank(tangent)

    tangent = [(D @ U.T + U @ D.T).ravel() for D in unit]
    full = Problem.from_dense(U @ U.T, np.ones((n1, n1), dtype=bool), symmetric=True)
    assert full.oversampling(r) == (n1 * (n1 + 1) / 2) / np.linalg.matrix_rank(tangent)
    with pytest.raises(ValueError, match="rank must be between 1 and 6, got 7"):
        full.oversampling(7)


@given(st.integers(0, 2**32), st.floats(0.1, 0.9), st.booleans())
def test_split_is_a_partition(seed, fraction, symmetric):
    M = np.add.outer(np.arange(5.0), np.arange(5.0))
    mask = np.ones((5, 5), dtype=bool)
    mask[3, 1] = False
    problem = Problem.from_dense(M, mask, symmetric=symmetric)
    train, test = problem.split(fraction, seed)
    both = sorted(
        zip(
            [*train.rows, *test.rows],
            [*train.cols, *test.cols],
            [*train.values, *test.values],
            strict=True,
        )
    )
    assert both == list(zip(problem.rows, problem.cols, problem.values, strict=True))
    assert train.truth is not None
    if symmetric:
        pairs = [
            {tuple(sorted(ij)) for ij in zip(p.rows, p.cols, strict=True)} for p in (train, test)
        ]
        assert not pairs[0] & pairs[1]
        assert len(pairs[0]) == round(fraction * 15)
    else:
        assert train.n_observed == round(fraction * 24)
    again, _ = problem.split(fraction, seed)
    np.testing.assert_array_equal(again.rows, train.rows)
    np.testing.assert_array_equal(again.cols, train.cols)


def test_split_refusals():
    problem = Problem([0, 1], [0, 1], [1.0, 2.0], (2, 2))
    with pytest.raises(ValueError, match=r"fraction=0.1 of 2 entries leaves one part empty"):
        problem.split(0.1)
    with pytest.raises(ValueError, match=r"fraction must be in \(0, 1\], got 1.5"):
        problem.split(1.5)
    with pytest.raises(TypeError, match="seed must be a non-negative integer"):
        problem.split(0.5, seed=None)
