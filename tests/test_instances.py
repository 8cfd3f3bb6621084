"""The instances are what their sources define."""

import collections
import itertools

import numpy as np
import pytest
from scipy import stats

from mcrepro import instances


@pytest.mark.parametrize("n", range(1, 12))
def test_structured_mask_is_eq_20(n):
    problem = instances.structured(n, even_value=0.25)
    omega = {(i, i) for i in range(1, n + 1)}
    for i in range(1, n + 1):
        for k in range(1, n // 2 + 1):
            omega |= {(i, 2 * k), (2 * k, i)}
    assert set(zip(problem.rows + 1, problem.cols + 1, strict=True)) == omega
    m = (n + 1) // 2
    assert problem.n_observed == n * n - m * (m - 1)
    z = np.array([1.0 if i % 2 else 0.25 for i in range(1, n + 1)])
    np.testing.assert_array_equal(problem.truth, np.outer(z, z))


def test_structured_has_as_many_exact_fits_as_sign_patterns():
    problem = instances.structured(6)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T
    completions = set()
    for s in signs:
        z = np.zeros(6)
        z[::2] = s
        M = np.outer(z, z) + 0.0  # no negative zeros
        np.testing.assert_array_equal(M[problem.rows, problem.cols], problem.values)
        completions.add(M.tobytes())
    assert len(completions) == 2**2


def test_bernoulli():
    problem = instances.bernoulli(200, 0.3, rank=2, seed=1)
    eigenvalues = np.linalg.eigvalsh(problem.truth)
    assert eigenvalues[-2] > 1
    assert np.abs(eigenvalues[:-2]).max() < 1e-10
    assert problem.symmetric
    observed = stats.binomtest(problem.n_observed, 200**2, 0.3)
    assert observed.pvalue > 1e-4
    mask = problem.to_csr().toarray() != 0
    assert (mask != mask.T).mean() == pytest.approx(2 * 0.3 * 0.7, abs=0.02)


def test_bernoulli_with_nothing_observed():
    with pytest.raises(ValueError, match="no entry was observed for n=2, p=1e-09"):
        instances.bernoulli(2, 1e-9)


def test_oversampled():
    problem = instances.oversampled(40, 30, rank=3, ratio=2.5, condition=7.0, seed=3)
    assert problem.n_observed == round(2.5 * 3 * 67)
    assert problem.oversampling(3) == pytest.approx(2.5, abs=0.51 / (3 * 67))
    s = np.linalg.svd(problem.truth, compute_uv=False)
    np.testing.assert_allclose(np.sort(s[:3]), [1, 4, 7], rtol=1e-12)
    assert s[3] < 1e-12
    assert np.bincount(problem.rows, minlength=40).min() >= 3
    assert np.bincount(problem.cols, minlength=30).min() >= 3


@pytest.mark.parametrize(
    ("ratio", "message"),
    [
        (4.0, "asks for 224 entries of a 20 x 10 matrix, which has 200; .* at most 3.571"),
        (0.5, "gives 28 entries, but 2 in every row and column need at least 40"),
        (0.0, r"ratio must be in \(0, inf\), got 0"),
    ],
)
def test_oversampled_refusals(ratio, message):
    with pytest.raises(ValueError, match=message):
        instances.oversampled(20, 10, 2, ratio)


def test_oversampled_masks_are_uniform_among_those_with_enough_in_every_line():
    # 5 of 12 entries of a 4 x 3 matrix; three uniform sets in four miss a row or a column.
    sets = {
        entries
        for entries in itertools.combinations(range(12), 5)
        if len({e // 3 for e in entries}) == 4 and len({e % 3 for e in entries}) == 3
    }
    rng, draws = np.random.default_rng(0), 40 * len(sets)
    seen = collections.Counter()
    for _ in range(draws):
        problem = instances.oversampled(4, 3, 1, ratio=5 / 6, seed=rng)
        seen[tuple(sorted((3 * problem.rows + problem.cols).tolist()))] += 1
    assert set(seen) == sets
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3


@pytest.mark.parametrize("ratio", [1.2, 1.05])
def test_oversampled_near_the_information_limit(ratio):
    problem = instances.oversampled(300, 350, 5, ratio, seed=0)
    assert problem.n_observed == round(ratio * 5 * 645)
    assert min(np.bincount(problem.rows).min(), np.bincount(problem.cols).min()) == 5


def test_oversampled_gives_up(monkeypatch):
    monkeypatch.setattr("mcrepro._exchange._MIXING", 0)
    with pytest.raises(ValueError, match="found no set of 3386 entries with 5 in every row"):
        instances.oversampled(300, 350, 5, 1.05)


def test_mixture_rows():
    M = instances.mixture_rows(3000, 50, 4, seed=2)
    factors, counts = np.unique(M, axis=0, return_counts=True)
    assert len(factors) == 4
    np.testing.assert_allclose(factors @ factors.T, np.eye(4), atol=1e-12)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("shape", [(60, 20), (20, 60)])
def test_gaussian_rows_is_the_truncated_svd(shape):
    M = instances.gaussian_rows(*shape, rank=3, seed=4)
    d = shape[1]
    full = 1 / np.sqrt(d) + np.random.default_rng(4).standard_normal(shape) / np.sqrt(d)
    U, s, Vt = np.linalg.svd(full)
    np.testing.assert_allclose(M, (U[:, :3] * s[:3]) @ Vt[:3], atol=1e-12)


def test_second_reading_of_the_gaussian_law_is_numerically_rank_one():
    d = 100
    M = instances.gaussian_rows(500, d, rank=5, seed=0, std=1 / d)
    s = np.linalg.svd(M, compute_uv=False) ** 2
    assert s[1] / s[0] < 3e-4
    assert np.linalg.matrix_rank(M) == 5


def test_sample_rows_observes_zeros_too():
    M = np.zeros((300, 40))
    M[:, ::2] = 5.0
    sample = instances.sample_rows(M, 0.25, seed=6)
    assert stats.binomtest(sample.nnz, M.size, 0.25).pvalue > 1e-4
    assert np.any(sample.data == 0)
    coo = sample.tocoo()
    np.testing.assert_array_equal(coo.data, M[coo.row, coo.col])
    assert instances.sample_rows(M, 1.0).nnz == M.size


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: instances.bernoulli(8, 0.5, seed=seed).values,
        lambda seed: instances.oversampled(12, 10, 2, 2.0, seed=seed).values,
        lambda seed: instances.mixture_rows(5, 6, 2, seed=seed),
        lambda seed: instances.gaussian_rows(5, 6, 2, seed=seed),
        lambda seed: instances.sample_rows(np.ones((6, 6)), 0.5, seed=seed).indices,
    ],
)
def test_seed_decides(draw):
    np.testing.assert_array_equal(draw(3), draw(np.random.SeedSequence(3)))
    assert not np.array_equal(draw(3), draw(4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: instances.structured(0), "n must be at least 1, got 0"),
        (lambda: instances.bernoulli(5, 0.0), r"p must be in \(0, 1\], got 0"),
        (lambda: instances.bernoulli(5, 0.5, rank=6), "rank must be between 1 and 5, got 6"),
        (lambda: instances.mixture_rows(5, 3, 4), "rank must be between 1 and 3, got 4"),
        (lambda: instances.gaussian_rows(5, 3, 1, std=-1.0), r"std must be in \[0, inf\), got -1"),
        (lambda: instances.sample_rows(np.ones((2, 2)), 1.5), r"p must be in \(0, 1\], got 1.5"),
        (lambda: instances.oversampled(9, 9, 1, 2.0, condition=0.5), "condition must be in"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
