"""Means against their definition and an independent least-squares solver."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import mcrepro as mc


def sampled(seed=0, shape=(12, 9), share=0.4):
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < share
    mask[3] = mask[:, 5] = False  # an empty row and an empty column
    return mc.Problem.from_dense(rng.standard_normal(shape) + 3, mask), mask


@pytest.mark.parametrize(("kind", "axis"), [("rows", 1), ("columns", 0), ("global", None)])
def test_simple_means(kind, axis):
    problem, mask = sampled()
    masked = np.ma.masked_array(problem.truth, ~mask)
    means = masked.mean(axis=axis, keepdims=axis is not None)
    expected = np.ma.filled(means, masked.mean()) * np.ones(problem.shape)
    result = mc.complete(problem, "mean", kind=kind)
    np.testing.assert_allclose(result.matrix(), expected, rtol=1e-12)
    assert (result.stop_reason, result.rank) == ("gradient", 1)


@given(arrays(bool, (5, 4)), st.integers(0, 100))
def test_two_way_fit_is_the_least_squares_solution_of_least_norm(mask, seed):
    mask[0, 0] = True
    M = np.random.default_rng(seed).integers(-3, 4, size=mask.shape).astype(float)
    problem = mc.Problem.from_dense(M, mask)
    rows, cols, values = problem.rows, problem.cols, problem.values
    design = np.zeros((len(values), 9))
    design[np.arange(len(values)), rows] = design[np.arange(len(values)), 5 + cols] = 1
    g = values.mean()
    ab = np.linalg.pinv(design) @ (values - g)
    expected = g + ab[:5, None] + ab[None, 5:]
    result = mc.complete(problem, "mean")
    np.testing.assert_allclose(result.matrix(), expected, atol=1e-7)
    assert result.converged
    assert result.rank == 2


def test_two_way_fit_is_exact_on_a_two_way_matrix():
    truth = np.add.outer(np.arange(8.0), np.arange(6.0) ** 2)
    problem, _ = mc.Problem.from_dense(truth, np.ones((8, 6), dtype=bool)).split(0.7, seed=3)
    result = mc.complete(problem, "mean")
    assert result.relative_error(truth) < 1e-10


@pytest.mark.parametrize("shape", [(900, 400), (400, 900)])
def test_two_way_fit_leaves_no_gradient_on_a_sparse_pattern_of_many_parts(shape):
    rng = np.random.default_rng(0)
    n = min(shape)
    # A chain through 300 rows and columns, slow for iterative methods, and scattered entries.
    chain = np.arange(300)
    rows, cols = np.r_[chain, chain[:-1]], np.r_[chain, chain[1:]]
    rows, cols = np.r_[rows, 300 + rng.permutation(n - 300)], np.r_[cols, np.arange(300, n)]
    problem = mc.Problem(rows, cols, rng.standard_normal(len(rows)), shape)
    result = mc.complete(problem, "mean")
    # A forest can be fitted exactly.
    assert result.certificate["residual"] < 1e-11
    outside = result.predict(np.arange(n, shape[0]), np.zeros(max(shape[0] - n, 0), dtype=int))
    np.testing.assert_allclose(outside, result.right[0, 1] + problem.values.mean())


def test_rank_is_an_upper_bound():
    problem, _ = sampled()
    assert mc.complete(problem, "mean", rank=7).rank == 2
    assert mc.complete(problem, "mean", rank=1, kind="rows").rank == 1
    with pytest.raises(ValueError, match=r"rank=1 is too small: kind='rows\+columns' .* rank 2"):
        mc.complete(problem, "mean", rank=1)
    with pytest.raises(ValueError, match=r"kind must be one of .* did you mean 'columns'"):
        mc.complete(problem, "mean", kind="column")
