"""Concentration bounds: what is true of them by hand."""

import numpy as np
import pytest
from scipy import stats

from mcrepro.theory.sampling import (
    bernstein_tail,
    bernstein_threshold,
    gradient_epsilon,
    inner_product_bound,
    printed_tail,
    printed_threshold,
    sign_sup,
    spectral_epsilon,
)


def test_only_the_whole_root_is_of_degree_one():
    def doubled(whole_root):
        return inner_product_bound(2.0, 2.0, 50, 2, 0.3, whole_root) / inner_product_bound(
            1.0, 1.0, 50, 2, 0.3, whole_root
        )

    assert doubled(True) == pytest.approx(2)
    assert doubled(False) > 2.01


def test_bernstein_keeps_its_promise_and_the_printed_threshold_does_not():
    d, eta = 100, 0.1
    law = stats.binom(d * d, 0.5)

    def exceeded(t):
        width = t * d * d
        return law.sf(np.ceil(d * d / 2 + width) - 1) + law.cdf(np.floor(d * d / 2 - width))

    assert exceeded(bernstein_threshold(1 / d**2, 0.25 / d**2, eta)) <= eta
    assert exceeded(printed_threshold(1 / d**2, 0.5, eta)) > 0.9


def test_tails_at_one_entry():
    # d = 1: the norm is 1 - p with probability p.
    p, epsilon = 0.1, 9.0
    assert printed_tail(epsilon, 1.0, 1, p) == pytest.approx(np.exp(-16.2))
    assert bernstein_tail(epsilon, 1.0, 1, p) >= p


def test_epsilons():
    assert spectral_epsilon(2.0, 100, 0.5) == pytest.approx(2 * np.sqrt(np.log(100) / 50))
    p = 2.0**6 * 3 * np.log(100) ** 1.5 / 100  # the p of Theorem D.2 for ε = 1, C = 1
    assert gradient_epsilon(2.0, 100, 3, p) == pytest.approx(1)


def test_sign_search_finds_the_best_of_a_small_matrix():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 6))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    best = np.abs(signs @ A).sum(axis=1).max()
    assert sign_sup(A, 20, rng) == pytest.approx(best)
