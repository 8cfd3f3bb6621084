"""Tensor PCA, measures of rank one, the printed definition, and the iteration bound."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.lifting import LiftedObjective, iteration_bound, rank_one
from mcrepro.lifting._kronecker import power


def orthonormal(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def symmetric_tensor(n, order, seed=0):
    T = np.random.default_rng(seed).standard_normal((n,) * order)
    return rank_one.symmetric_part(T, order)


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_rank_one_tensor_is_found(order, sign):
    v = orthonormal(4)[:, 0]
    T = (sign * 3.0 * power(v, order)).reshape((4,) * order)
    size, found = rank_one.leading_component(T, order)
    assert size == pytest.approx(3.0, rel=1e-14)
    np.testing.assert_allclose(found, sign * v, rtol=0, atol=1e-14)
    assert rank_one.residual(T, order, size, found) < 1e-14
    assert rank_one.unfolding_ratio(T, order) < 1e-14


@pytest.mark.parametrize("order", [3, 5])
def test_two_orthogonal_components_have_closed_forms(order):
    V = orthonormal(5)
    T = (2.0 * power(V[:, 0], order) + 0.5 * power(V[:, 1], order)).reshape((5,) * order)
    size, v = rank_one.leading_component(T, order)
    assert size == pytest.approx(2.0, rel=1e-13)
    np.testing.assert_allclose(v, V[:, 0], atol=1e-12)
    assert rank_one.residual(T, order, size, v) == pytest.approx(0.5 / np.hypot(2.0, 0.5))
    assert rank_one.unfolding_ratio(T, order) == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_approximation_in_the_plane_is_that_of_a_fine_grid(order, seed):
    T = symmetric_tensor(2, order, seed)
    angles = np.linspace(0, 2 * np.pi, 20_001)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    best = np.max(power(circle, order) @ T.ravel())
    size, v = rank_one.leading_component(T, order)
    assert size == pytest.approx(best, rel=1e-6)
    assert size >= best - 1e-14
    assert power(v, order) @ T.ravel() == pytest.approx(size, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_ends_of_the_power_method_are_eigenpairs_without_restarts(seed):
    """``T v^{l-1} = size v``: stationary on the sphere. Random tensors need the shift."""
    T = symmetric_tensor(6, 3, seed)
    size, v = rank_one.leading_component(T, 3, restarts=0)
    np.testing.assert_allclose(np.einsum("ijk,j,k->i", T, v, v), size * v, atol=1e-6 * size)


def test_only_the_symmetric_part_counts_and_trials_are_apart():
    T = np.random.default_rng(1).standard_normal((3, 4, 4, 4))
    S = rank_one.symmetric_part(T, 3)
    for axes in ((0, 1, 3, 2), (0, 2, 1, 3), (0, 3, 1, 2)):
        np.testing.assert_allclose(S, S.transpose(axes), atol=1e-15)
    size, v = rank_one.leading_component(T, 3)
    assert size.shape == (3,)
    for k in range(3):
        alone, w = rank_one.leading_component(S[k], 3)
        assert size[k] == pytest.approx(alone, rel=1e-12)
        np.testing.assert_allclose(v[k], w, atol=1e-9)
    ratio = rank_one.unfolding_ratio(T, 3)
    np.testing.assert_array_equal(ratio, [rank_one.unfolding_ratio(t, 3) for t in T])
    residual = rank_one.residual(T, 3, size, v)
    assert residual[1] == rank_one.residual(T[1], 3, size[1], v[1])


def test_the_measures_bound_each_other():
    """dist to rank one >= tail of the unfolding: ||T - s v^l||^2 >= sum of sigma_k^2, k >= 2."""
    for seed in range(5):
        T = symmetric_tensor(4, 3, seed)
        size, v = rank_one.leading_component(T, 3)
        values = np.linalg.svd(T.reshape(4, -1), compute_uv=False)
        tail = np.linalg.norm(values[1:]) / np.linalg.norm(values)
        assert rank_one.residual(T, 3, size, v) >= tail > 0
        assert size <= values[0]


def test_zero_and_what_is_not_finite():
    T = np.stack([np.zeros((3, 3, 3)), np.full((3, 3, 3), np.inf), 1e300 * np.ones((3, 3, 3))])
    size, v = rank_one.leading_component(T, 3)
    assert size[0] == 0
    assert np.isnan(size[1])
    assert np.isnan(v[1]).all()
    assert size[2] == pytest.approx(1e300 * 3**1.5)
    assert rank_one.unfolding_ratio(T[:2], 3)[0] == 0
    assert np.isnan(rank_one.unfolding_ratio(T[1], 3))
    assert rank_one.residual(T[0], 3, 0.0, v[0]) == 0


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_printed_eigenvalues_beyond_the_first_vanish(order, k):
    """Definition C.7: every subspace of two dimensions holds a u with <T, u> = 0."""
    T = symmetric_tensor(4, order, seed=k)
    V = orthonormal(4, seed=k)[:, :k]
    for norm in ("printed", "homogeneous"):
        minimum, witness = rank_one.variational_minimum(T, order, V, norm)
        assert minimum == 0
        u = witness @ power(V.T, order)
        assert np.linalg.norm(u) == pytest.approx(1.0)
        assert abs(np.vdot(T.ravel(), u)) < 1e-13 * np.linalg.norm(T)
        # It is in S, not zero, and the T was not orthogonal to all of S.
        assert np.abs(power(V.T, order) @ T.ravel()).max() > 1e-3


def test_the_printed_quotient_is_not_one_of_scale():
    T, v = symmetric_tensor(3, 3), orthonormal(3)[:, :1]
    u = power(v[:, 0], 3)
    inner = abs(np.vdot(T.ravel(), u))
    assert rank_one.variational_minimum(T, 3, v)[0] == 0
    quotients = [abs(np.vdot(T.ravel(), c * u)) / np.vdot(c * u, c * u) for c in (1.0, 1e3, 1e6)]
    np.testing.assert_allclose(quotients, inner / np.array([1.0, 1e3, 1e6]))
    assert rank_one.variational_minimum(T, 3, v, "homogeneous")[0] == pytest.approx(inner)


def test_refusals():
    with pytest.raises(ValueError, match="order must be odd, got 2"):
        rank_one.leading_component(np.eye(3), 2)
    with pytest.raises(ValueError, match=r"needs 3 equal modes.*got shape \(2, 3\)"):
        rank_one.leading_component(np.ones((2, 3)), 3)
    with pytest.raises(ValueError, match=r"needs 3 equal modes.*got shape \(2, 3, 3\)"):
        rank_one.unfolding_ratio(np.ones((2, 3, 3)), 3)
    with pytest.raises(ValueError, match="orthonormal"):
        rank_one.variational_minimum(np.ones((2, 2, 2)), 3, np.ones((2, 2)))
    with pytest.raises(ValueError, match="norm must be one of"):
        rank_one.variational_minimum(np.ones((2, 2, 2)), 3, np.eye(2), "square")


class TestIterationBound:
    """t(κ, l) of (26): the first t at which v_1 has outgrown a pure second mode by 1/κ."""

    def setting(self, order):
        lifted = LiftedObjective(mc.instances.structured(6, 0.3), order)
        values, vectors = np.linalg.eigh(lifted.data)
        leading = np.argsort(-np.abs(values))
        x0 = np.random.default_rng(3).standard_normal(6)
        return lifted, np.abs(values[leading]), vectors[:, leading], x0

    @pytest.mark.parametrize("order", [1, 3, 5])
    @pytest.mark.parametrize("rate", ["printed", "gradient"])
    def test_is_the_first_time_that_the_ratio_is_kappa(self, order, rate):
        lifted, values, vectors, x0 = self.setting(order)
        kappa, step = 0.05, 0.01
        eta = step if rate == "printed" else 4 * lifted.factor * step
        share = abs(vectors[:, 0] @ x0) / np.linalg.norm(x0)

        def ratio(t):
            one, two = ((1 + eta * value**order) ** t for value in values[:2])
            return two / (one * share**order)

        t = iteration_bound(lifted, 7 * x0, kappa, step, rate=rate)
        assert t == int(t) > 1
        assert ratio(t) <= kappa < ratio(t - 1)

    def test_the_gradient_rate_is_that_of_gradient_descent_near_zero(self):
        lifted, values, vectors, _ = self.setting(3)
        step = 1e-3
        w = lifted.lift(1e-3 * vectors[:, :1])
        descent = mc.lifting.minimize(lifted, w, "gd", step=step, max_iter=1)
        growth = np.linalg.norm(descent.w) / np.linalg.norm(w)
        assert growth == pytest.approx(1 + 4 * lifted.factor * step * values[0] ** 3, rel=1e-9)

    def test_grows_as_kappa_falls(self):
        lifted, _, _, x0 = self.setting(3)
        times = [iteration_bound(lifted, x0, kappa, 0.01) for kappa in (0.5, 0.1, 1e-2, 1e-4)]
        assert times == sorted(set(times))

    def test_is_infinite_where_its_denominator_vanishes(self):
        x0 = np.random.default_rng(0).standard_normal(6)
        # The paper's instance: sigma = (1, 1, 1, 0, 0, 0).
        lifted = LiftedObjective(mc.instances.structured(6))
        np.testing.assert_allclose(
            np.linalg.svd(lifted.data, compute_uv=False), [1, 1, 1, 0, 0, 0], atol=1e-15
        )
        assert iteration_bound(lifted, x0, 0.1, 0.02) == np.inf
        # Search rank 2: U = I_2 (x) B has every singular value twice.
        lifted = LiftedObjective(mc.instances.structured(6, 0.3), rank=2)
        assert iteration_bound(lifted, np.tile(x0, 2), 0.1, 0.02) == np.inf
        lifted, _, vectors, _ = self.setting(3)
        assert iteration_bound(lifted, vectors[:, 1] - 0.0, 0.1, 0.02) > 1e3

    def test_refusals(self):
        lifted, _, _, x0 = self.setting(3)
        with pytest.raises(ValueError, match="x0 must be a nonzero vector of length 6"):
            iteration_bound(lifted, x0[:5], 0.1, 0.02)
        with pytest.raises(ValueError, match="kappa must be in"):
            iteration_bound(lifted, x0, 0.0, 0.02)
        with pytest.raises(ValueError, match="rate must be one of"):
            iteration_bound(lifted, x0, 0.1, 0.02, rate="true")
