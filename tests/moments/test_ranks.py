"""The rank by held-out pairs: right where there is enough to see, honest where there is not."""

import numpy as np
import pytest
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.moments import MixtureStream, accumulate, select_rank


def mixture(n, d, C, rank, seed):
    return accumulate(MixtureStream(n, d, C, rank, seed, chunk=n), d)


@pytest.mark.parametrize("seed", range(4))
def test_finds_the_rank(seed):
    choice = select_rank(mixture(60_000, 40, 4.0, 3, seed), range(1, 7), seed)
    assert choice.best == 3
    assert choice.ranks.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert choice.errors.shape == (5, 7)
    assert np.all(choice.errors[:, 0] == 1)
    assert choice.parsimonious <= choice.best
    assert choice.mean[3] == choice.mean.min()


def test_nothing_to_be_found():
    rng = np.random.default_rng(0)
    noise = mc.instances.sample_rows(rng.standard_normal((2000, 30)), 0.1, 1)
    choice = select_rank(mc.SecondMoment(30).update(noise), [1, 3])
    assert choice.best == 0


def test_scores_what_the_fit_has_not_seen():
    """With rank d any pairs are fitted, but those that are left out only by luck."""
    moments = mixture(5000, 12, 3.0, 2, 0)
    i, j, counts, sums = moments.pairs()
    part = moments.without_pairs([3, 0], [1, 0])
    left = set(zip(*(column.tolist() for column in part.pairs()[:2]), strict=True))
    assert left == set(zip(i.tolist(), j.tolist(), strict=True)) - {(1, 3), (0, 0)}
    assert (part.n_rows, part.n_entries) == (moments.n_rows, moments.n_entries)
    at = {pair: k for k, pair in enumerate(zip(i.tolist(), j.tolist(), strict=True))}
    for a, b, count, total in zip(*part.pairs(), strict=True):
        assert (count, total) == (counts[at[a, b]], sums[at[a, b]])
    choice = select_rank(moments, [2, 12], max_iter=500)
    assert choice.mean[2] > 1.2 * choice.mean[1]


def test_same_seed_same_choice():
    moments = mixture(5000, 20, 3.0, 2, 0)
    one, two = (select_rank(moments, [1, 2], 7, folds=2) for _ in range(2))
    np.testing.assert_array_equal(one.errors, two.errors)


def test_refusals():
    moments = mixture(1000, 20, 3.0, 2, 0)
    with pytest.raises(ValueError, match="ranks must hold at least one rank, got none"):
        select_rank(moments, [])
    with pytest.raises(ValueError, match="ranks must be between 1 and 20, got 21"):
        select_rank(moments, [2, 21])
    with pytest.raises(ValueError, match="folds must be at least 2, got 1"):
        select_rank(moments, [2], folds=1)
    with pytest.raises(TypeError, match=r"moments must be a mcrepro.SecondMoment, got ndarray"):
        select_rank(np.eye(3), [1])
    few = mc.SecondMoment(2).update(sp.csr_array([[1.0, 1.0]]))
    with pytest.raises(ValueError, match="5 folds need as many pairs off the diagonal, got 1"):
        select_rank(few, [1])
