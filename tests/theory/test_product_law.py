"""The law of an entry of U Vᵀ, by symbolic integration and by closed forms."""

import numpy as np
import pytest
import sympy as sp

from mcrepro.theory.product_law import density, moment, share_within


def test_moments_of_k0_by_symbolic_integration():
    x = sp.symbols("x", positive=True)
    for k in range(4):
        integral = 2 * sp.integrate(x ** (2 * k) * sp.besselk(0, x) / sp.pi, (x, 0, sp.oo))
        assert sp.simplify(integral - moment(k, 1)) == 0


def test_rank_two_is_the_laplace_law():
    x = np.linspace(-5, 5, 21)
    np.testing.assert_allclose(density(x, 2), np.exp(-np.abs(x)) / 2, rtol=1e-13)
    assert share_within(1, 2) == pytest.approx(1 - np.exp(-np.sqrt(2)), abs=1e-10)


def test_density_at_zero_is_the_limit():
    assert density(0.0, 1) == np.inf
    for rank in (2, 3, 7):
        assert density(0.0, rank) == pytest.approx(density(1e-9, rank), rel=1e-6)
    # Where K_ν overflows.
    np.testing.assert_allclose(density([0.0, 1e-12, 1e-9], 60), density(1e-6, 60), rtol=1e-6)


def test_share_tends_to_that_of_the_normal_law():
    assert share_within(1, 1) == pytest.approx(0.79101, abs=1e-5)
    assert share_within(1, 100000) == pytest.approx(0.682689, abs=1e-5)
    assert share_within(1, 133) < 0.6845 < share_within(1, 132)
    assert share_within(1, 298) < 0.6835 < share_within(1, 297)


def test_share_of_drawn_entries():
    u, v = np.random.default_rng(1).standard_normal((2, 200_000, 3))
    within = np.mean(np.abs((u * v).sum(axis=1)) <= np.sqrt(3))
    assert within == pytest.approx(share_within(1, 3), abs=0.005)


@pytest.mark.parametrize("rank", [0, -1])
def test_rank_must_be_positive(rank):
    with pytest.raises(ValueError, match="at least 1"):
        share_within(1, rank)
    with pytest.raises(ValueError, match="at most 60"):
        density(1.0, 61)
