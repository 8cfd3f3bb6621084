"""The constants and bounds of ε-MC against matrices, exact distributions and hand computation."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from mcrepro.theory import epsilon_mc as law

RNG = np.random.default_rng
MASK = np.array([[True, True], [True, False]])


def test_weights_and_their_constants():
    np.testing.assert_array_equal(law.weights(MASK, 0.25), [[1, 1], [1, 0.25]])
    assert law.restricted_constants(MASK, 0.25) == (0.0625, 1.0)
    assert law.restricted_constants(np.ones((2, 2), bool), 0.25) == (1.0, 1.0)
    assert law.restricted_constants(np.zeros((2, 2), bool), 0.25) == (0.0625, 0.0625)


def test_constants_are_the_extreme_singular_values():
    mask = RNG(0).random((4, 4)) < 0.5
    T = np.diag(law.weights(mask, 0.3).ravel())
    singular = np.linalg.svd(T, compute_uv=False)
    alpha, L = law.restricted_constants(mask, 0.3)
    assert (alpha, L) == pytest.approx((singular[-1] ** 2, singular[0] ** 2))


def test_rip_constant_of_the_rescaled_operator():
    alpha, L = 0.2, 0.7
    delta = law.rip_constant(alpha, L)
    scale = (L + alpha) / 2
    assert (alpha / scale, L / scale) == pytest.approx((1 - delta, 1 + delta))
    assert law.rip_constant(0.09, 1.0) == pytest.approx((1 - 0.09) / (1 + 0.09))


@pytest.mark.parametrize("eps", [0.3, 1.0])
def test_noise_makes_the_observations(eps):
    rng = RNG(1)
    M, mask = rng.standard_normal((5, 5)), rng.random((5, 5)) < 0.5
    w = law.surrogate_noise(M, mask, eps)
    np.testing.assert_allclose(law.weights(mask, eps) * M + w, np.where(mask, M, 0), atol=1e-15)
    assert np.linalg.norm(w) == pytest.approx(eps * np.linalg.norm(M[~mask]))


def test_expectations_by_enumeration():
    n, p, eps = 2, 0.3, 0.4
    M = np.array([[1.0, -2.0], [0.5, 3.0]])
    mean = mean_constant = 0.0
    for bits in product([False, True], repeat=n * n):
        mask = np.reshape(bits, (n, n))
        weight = p ** mask.sum() * (1 - p) ** (n * n - mask.sum())
        mean += weight * np.sum((law.weights(mask, eps) * M) ** 2)
        mean_constant += weight * law.restricted_constants(mask, eps)[0]
    assert mean / np.sum(M**2) == pytest.approx(law.expected_constant(p, eps))
    assert mean_constant == pytest.approx(law.mean_restricted_constant(n, p, eps))
    assert law.mean_restricted_constant(n, p, eps) < law.expected_constant(p, eps)


def test_spikiness_at_its_ends_and_under_scaling():
    assert law.spikiness(-np.ones((7, 7))) == pytest.approx(1)
    single = np.zeros((7, 7))
    single[2, 3] = -4
    assert law.spikiness(single) == pytest.approx(7)
    M = RNG(2).standard_normal((7, 7))
    assert law.spikiness(5 * M) == pytest.approx(law.spikiness(M))
    assert 1 < law.spikiness(M) < 7


def failure(bound, n, p):
    return stats.binom.cdf(np.ceil(bound * n * n) - 1, n * n, p)


@pytest.mark.parametrize("n", [10, 50])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("delta", [0.2, 0.05, 0.001])
def test_bernstein_keeps_its_promise_and_is_not_idle(n, p, delta):
    bound = law.observed_share_bound(p, n, 1.0, delta)
    assert failure(bound, n, p) <= delta
    # Half of the deviation would not do for all of these: the test can fail.
    half = p - (p - bound) / 2
    assert failure(half, n, p) > failure(bound, n, p)


def test_half_of_bernsteins_deviation_breaks_the_promise():
    worst = 0.0
    for p, delta in product([0.1, 0.5], [0.2, 0.05, 0.001]):
        bound = law.observed_share_bound(p, 50, 1.0, delta)
        worst = max(worst, failure(p - (p - bound) / 2, 50, p) / delta)
    assert worst > 1


def test_printed_form_fails_too_often_and_has_the_printed_value():
    assert law.observed_share_bound(0.5, 50, 1.0, 0.1, "printed") == pytest.approx(
        0.5 - 2 * np.log(10) / 2500
    )
    bound = law.observed_share_bound(0.5, 50, 1.0, 0.1, "printed")
    assert failure(bound, 50, 0.5) == pytest.approx(0.429, abs=5e-4)


def test_constant_bound_puts_the_share_into_the_decomposition():
    share = law.observed_share_bound(0.4, 9, 2.0, 0.1)
    assert law.constant_bound(0.4, 0.3, 9, 2.0, 0.1) == pytest.approx(0.09 + 0.91 * share)


def test_evenness_range_and_order():
    assert law.evenness([0, 0, 3]) == pytest.approx(1)
    assert law.evenness(np.full((4, 4), 1e-200)) == pytest.approx(16)
    assert law.evenness([3, 1]) < law.evenness([2, 2])
    assert law.evenness(np.array([1.0, 2.0, 5.0]) * 7) == pytest.approx(64 / 30)


def test_figure_inverts_the_theorem():
    """At the chi of the figure, the right-hand side of (10) is the target."""
    p, eps, norm2, rho = 0.4, 0.01, 9.0, 9.0
    chi = 0.35
    target = law.error_factor(p, chi) * eps**2 * norm2
    stated = law.certified_probability(target, p, eps, norm2, rho)
    assert stated == pytest.approx(law.probability_bound(chi, rho))
    assert stated == pytest.approx(1 - np.exp(-2 * 0.35**2 * 9))


def test_figure_certifies_nothing_below_chi_zero():
    # chi = p - 1/(1 + c) with c = 1/9: -0.6
    assert law.certified_probability(1e-4, 0.3, 0.01, 9.0, 9.0) == 0
    unclipped = law.certified_probability(1e-4, 0.3, 0.01, 9.0, 9.0, clip=False)
    assert unclipped == pytest.approx(1 - np.exp(-2 * 0.6**2 * 9))


def test_deviations_by_hand():
    d = law.deviations([[1, 0], [0, 2]], [[1, 1], [1, 1]], 0.5)
    np.testing.assert_allclose(d, [[0.25, 1.25], [1.25, 1.25]])


def test_safe_factor_covers_a_change_of_signs_and_three_would_not():
    """x = s (1, -1) for M* of ones, n = 2, diagonal observed: the quotient tends to 4."""
    for eps in (0.01, 0.3, 1.0):
        s2 = 1 / (1 + eps**2)
        error2 = 2 * (s2 - 1) ** 2 + 2 * (s2 + 1) ** 2
        assert error2 <= law.safe_error_factor(1.0, 1.0) * 2
    s2 = 1 / (1 + 0.01**2)
    assert (s2 - 1) ** 2 + (s2 + 1) ** 2 > 3 + 0.01**2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: law.weights(MASK, 0.0), ValueError, r"eps must be in \(0, 1\]"),
        (lambda: law.weights([True], 0.5), ValueError, "mask must be a square matrix"),
        (lambda: law.rip_constant(2.0, 1.0), ValueError, r"alpha must be in \[0, 1\]"),
        (lambda: law.surrogate_noise(np.ones((3, 3)), MASK, 0.5), ValueError, "same shape"),
        (lambda: law.spikiness(np.zeros((2, 2))), ValueError, "must not be zero"),
        (lambda: law.evenness([-1, 2]), ValueError, "nonnegative"),
        (lambda: law.error_factor(0.3, 0.3), ValueError, "divides by p - chi"),
        (lambda: law.error_factor(0.3, -0.1), ValueError, "chi must be in"),
        (
            lambda: law.observed_share_bound(0.5, 5, 1.0, 0.1, "bernstien"),
            ValueError,
            "did you mean 'bernstein'",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
