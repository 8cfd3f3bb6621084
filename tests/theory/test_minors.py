"""Completion by vanishing minors."""

import numpy as np
import pytest

from mcrepro.theory.identifiability import finitely_completable
from mcrepro.theory.minors import fill, steps


def matrices(n1, n2, rank, count=5):
    rng = np.random.default_rng(7)
    return rng.standard_normal((count, n1, rank)) @ rng.standard_normal((count, rank, n2))


def test_rule_of_three():
    mask = np.array([[True, True], [True, False]])
    assert fill(np.array([[2.0, 4.0], [3.0, 99.0]]), mask, 1)[1, 1] == 6


def test_what_it_reaches_is_right_and_isolated():
    rng = np.random.default_rng(3)
    for _ in range(20):
        mask = rng.random((5, 6)) < 0.75
        M = matrices(5, 6, 2)
        filled = fill(M, mask, 2)
        reached = ~np.isnan(filled)
        np.testing.assert_allclose(filled[reached], M[reached], rtol=1e-6, atol=1e-8)
        if reached.all():
            assert finitely_completable(mask, 2)
        assert reached.sum() == 5 * (mask.sum() + len(steps(mask, 2)))


def test_found_entries_help_to_find_more():
    mask = np.eye(4, dtype=bool) | np.eye(4, k=1, dtype=bool)
    mask[0, 0] = True
    M = matrices(4, 4, 1)
    assert len(steps(mask, 1)) == 16 - 7
    np.testing.assert_allclose(fill(M, mask, 1), M, rtol=1e-8)


def test_hidden_diagonal_is_isolated_but_not_reached():
    mask = ~np.eye(4, dtype=bool)
    assert finitely_completable(mask, 2)
    assert steps(mask, 2) == []
    assert np.isnan(fill(matrices(4, 4, 2), mask, 2)).sum() == 5 * 4


def test_zero_minors_give_nan():
    mask = np.array([[True, True], [True, False]])
    assert np.isnan(fill(np.array([[0.0, 0.0], [3.0, 1.0]]), mask, 1)[1, 1])


def test_rank_zero_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        steps(np.ones((2, 2), bool), 0)
