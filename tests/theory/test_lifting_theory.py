"""Curvature, conversion and the linear phase against definitions, finite differences and search."""

from functools import reduce

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.experiments.noise._points import second_order_points
from mcrepro.lifting import rank_one
from mcrepro.theory import conversion, lifted_curvature
from mcrepro.theory import factored_sensing as sensing
from mcrepro.theory.linear_phase import linear_phase, rank_one_time


def lift(X, order):
    return reduce(np.multiply.outer, [X.T.ravel()] * order)


def random_sensing(seed, n=2, rank=1, m=3):
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal
    return draw((m, n, n)), draw(m), draw((n, rank)), draw((n, rank))


@pytest.mark.parametrize("rank", [1, 2])
def test_unlifted_derivatives(rank):
    A, b, X, U = random_sensing(0, n=3, rank=rank)
    h, t = sensing.value, 1e-4
    N = sensing.gradient_matrix(A, b, X)
    slope = (h(A, b, X + t * U) - h(A, b, X - t * U)) / (2 * t)
    np.testing.assert_allclose(slope, 2 * np.sum(N @ X * U), rtol=1e-6)
    bend = (h(A, b, X + t * U) - 2 * h(A, b, X) + h(A, b, X - t * U)) / t**2
    u = U.T.ravel()
    np.testing.assert_allclose(bend, u @ sensing.hessian(A, b, X) @ u, rtol=1e-5)


@pytest.mark.parametrize(("rank", "order"), [(1, 1), (1, 3), (2, 3), (1, 5)])
def test_lifted_derivatives(rank, order):
    A, b, X, _ = random_sensing(1, rank=rank)
    rng = np.random.default_rng(2)
    w, d = lift(X, order), rng.standard_normal((2 * rank,) * order)
    h, g, t = lifted_curvature.lifted_value, lifted_curvature.lifted_gradient, 1e-5
    slope = (h(A, b, w + t * d, rank) - h(A, b, w - t * d, rank)) / (2 * t)
    np.testing.assert_allclose(slope, np.vdot(g(A, b, w, rank), d), rtol=1e-6)
    difference = (g(A, b, w + t * d, rank) - g(A, b, w - t * d, rank)).ravel() / (2 * t)
    H = lifted_curvature.lifted_hessian(A, b, w, rank)
    np.testing.assert_allclose(H @ d.ravel(), difference, atol=1e-6 * np.abs(H).max())


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("rank", "order"), [(1, 3), (2, 3), (1, 5)])
def test_five_powers_are_the_curvature(rank, order, symmetric):
    A, b, X, U = random_sensing(3, rank=rank)
    A = sensing.symmetrized(A) if symmetric else A
    d = lift(U, order).ravel()
    H = lifted_curvature.lifted_hessian(A, b, lift(X, order), rank)
    found = lifted_curvature.terms(A, b, X, U)
    np.testing.assert_allclose(found.curvature(order), d @ H @ d, rtol=1e-10)
    assert (np.ptp([found.P, found.Q, found.R]) < 1e-12 * found.P) == symmetric
    wrong = found._replace(R=2 * found.R)
    assert abs(wrong.curvature(order) / (d @ H @ d) - 1) > 1e-6


def test_the_lifted_hessian_is_that_of_the_method():
    problem = mc.instances.structured(3, even_value=0.4)
    lifted = mc.lifting.LiftedObjective(problem, 3, epsilon=0.1)
    w = np.random.default_rng(4).standard_normal(lifted.shape)
    A = sensing.entry_operator(lifted.weights)
    H = lifted_curvature.lifted_hessian(A, lifted.data.ravel(), w)
    ours = [lifted.hessian_product(w, e.reshape(w.shape)).ravel() for e in np.eye(w.size)]
    np.testing.assert_allclose(H, ours, atol=1e-10 * np.abs(H).max())


def test_too_large_a_dense_form_is_refused():
    with pytest.raises(ValueError, match="GiB"):
        lifted_curvature.lifted_hessian(np.zeros((36, 6, 6)), np.zeros(36), np.zeros((6,) * 5))


def test_constants_are_sharp():
    A, *_ = random_sensing(5, n=3, m=8)
    alpha, L = sensing.constants(A)
    rng = np.random.default_rng(6)
    ratios = []
    for _ in range(4000):
        M = rng.standard_normal((3, 3))
        M = M + M.T
        ratios.append(np.sum(sensing.apply(A, M) ** 2) / np.sum(M**2))
    assert alpha <= min(ratios)
    assert max(ratios) <= L
    assert max(ratios) > 0.8 * L


@pytest.mark.parametrize(
    ("numbers", "order"),
    [
        ((0.5, 1.2, 1, 1, 0.5), 3),
        ((0, 1, 0.5, 0.5, 0.5), 3),  # -2 + 4/2 is 0 at order 1
        ((-0.5, 0.5, 1, 1, 1), np.inf),
        ((0, 1, 1, 1, 0), np.inf),
        ((0, 0, 0, 0, 0), np.inf),
    ],
)
def test_smallest_order(numbers, order):
    assert lifted_curvature.Terms(*numbers).smallest_order() == order


def test_a_smallest_order_beyond_trying_is_bisected():
    """b^l = 3 P^l: ln 3 / ln(1 + 1e-6) is the tie for a = P."""
    order = lifted_curvature.Terms(a=1, b=1 + 1e-6, P=1, Q=1, R=1).smallest_order()
    assert order % 2 == 1
    assert abs(order - np.log(3) / np.log1p(1e-6)) <= 2


@pytest.mark.parametrize(("beta", "order"), [(0.6, 3), (0.79, 3), (0.8, 5), (0.9, 7), (0.99, 69)])
def test_printed_orders(beta, order):
    assert conversion.smallest_odd_above(conversion.order_bound(beta)) == order
    # (48), and not two orders earlier
    assert 2 ** ((order - 1) / order) > 2 * beta
    assert order <= 3 or not 2 ** ((order - 3) / (order - 2)) > 2 * beta


def test_no_order_at_equality():
    assert conversion.order_bound(1.0) == np.inf
    assert conversion.smallest_odd_above(conversion.order_bound(1.7)) == np.inf


def noiseless_points(seed, epsilon=0.0):
    """Second-order points of a random rank-one problem with a symmetric mask."""
    rng = np.random.default_rng(seed)
    n = 5
    z = rng.standard_normal(n)
    seen = np.triu(rng.random((n, n)) < 0.6)
    seen |= seen.T
    D, B = np.where(seen, 1.0, epsilon), np.where(seen, np.outer(z, z), 0.0)
    starts = rng.standard_normal((10, n, 1))
    A = sensing.entry_operator(D)
    return D, B, z, [X[:, 0] for X in second_order_points(A, B.ravel(), 1, starts)]


@pytest.mark.parametrize("seed", range(12))
def test_signs_decide(seed):
    """The theorem on signs: what contradicts the data is converted, what does not survives."""
    D, B, z, points = noiseless_points(seed, epsilon=0.01)
    for x in points:
        if np.abs(x).min() < 1e-4 * np.abs(x).max():
            continue
        smallest = np.linalg.eigvalsh(conversion.survival_matrix(D, B, x))[0]
        bound = conversion.sign_order_bound(D, B, x)
        if (B * np.outer(x, x) < -1e-9).any():
            assert smallest < 0
            order = conversion.smallest_odd_above(bound)
            found = conversion.entry_terms(D, B, x, np.abs(x) * np.sign(z)).smallest_order()
            assert found <= order
        else:
            assert smallest > -1e-9
            assert bound == np.inf
            assert all(conversion.escape_direction(D, B, x, l)[1] > -1e-7 for l in (3, 7))


@pytest.mark.parametrize("seed", range(6))
def test_without_noise_consistent_signs_fit(seed):
    D, B, _, points = noiseless_points(seed)
    for x in points:
        consistent = not (B * np.outer(x, x) < -1e-9).any()
        if consistent and np.abs(x).min() > 1e-4 * np.abs(x).max():
            np.testing.assert_allclose(D * np.outer(x, x), B, atol=1e-5)


def test_the_sign_order_is_nearly_needed_along_its_direction():
    """A third of the theorem's order is too small: its constant is no waste."""
    problem = mc.instances.structured(6, even_value=0.1)
    lifted = mc.lifting.LiftedObjective(problem, order=1)
    start = np.array([-1, 0.1, 1, 0.1, 1, 0.1])
    x = mc.lifting.minimize(lifted, start, gtol=1e-12).w[0]
    bound = conversion.sign_order_bound(lifted.weights, lifted.data, x)
    v = np.abs(x)
    first = conversion.entry_terms(lifted.weights, lifted.data, x, v).smallest_order()
    assert bound / 3 < first < bound + 2


def test_escape_directions_bend_downwards():
    problem = mc.instances.structured(6, even_value=0.3)
    start = np.array([-1, 0.3, 1, 0.3, 1, 0.3])
    unlifted = mc.lifting.LiftedObjective(problem, order=1)
    x = mc.lifting.minimize(unlifted, start, gtol=1e-12).w[0]
    D, B = unlifted.weights, unlifted.data
    v, value = conversion.escape_direction(D, B, x, 3)
    lifted = mc.lifting.LiftedObjective(problem, 3)
    d = lifted.lift(v[:, None])
    bend = np.vdot(d, lifted.hessian_product(lifted.lift(x[:, None]), d))
    P = conversion.entry_terms(D, B, x, v).P
    np.testing.assert_allclose(bend, value * P**3, rtol=1e-6)
    assert value < 0
    assert conversion.escape_order(D, B, x) == 3


def test_linear_phase_is_the_iteration():
    rng = np.random.default_rng(7)
    B = rng.standard_normal((3, 3))
    B = B + B.T
    B /= np.linalg.norm(B, 2)
    x0 = rng.standard_normal(3)
    values = np.linalg.eigvalsh(B)
    w, power = lift(x0[:, None], 3).ravel(), np.kron(np.kron(B, B), B)
    for _ in range(25):
        w = w + 0.1 * power @ w
    closed = linear_phase(B, x0, 3, 0.1, 25).ravel() * (1 + 0.1 * values[-1] ** 3) ** 25
    np.testing.assert_allclose(closed, w, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.3, 0.8, 0.97])
@pytest.mark.parametrize("order", [3, 5])
def test_rank_one_time_is_enough(sigma, order):
    largest = 0.0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        V = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        B = (V * [1, sigma, -0.9 * sigma]) @ V.T
        x0 = rng.standard_normal(3)
        steps = rank_one_time(B, x0, 0.05, order, 0.02)
        w = linear_phase(B, x0, order, 0.02, int(steps))
        size, v = rank_one.leading_component(w, order)
        largest = max(largest, rank_one.residual(w, order, size, v) / 0.05)
    assert largest <= 1


def test_rank_one_time_with_the_printed_exponent_is_not():
    """Comparing with λ_2^l, as printed, stops too early where the eigenvalues are close."""
    B, x0 = np.diag([1, 0.97, 0.0]), np.array([0.5, 0.8, 0.3])
    full = mc.Problem.from_dense(B, np.ones((3, 3), dtype=bool), symmetric=True)
    lifted = mc.lifting.LiftedObjective(full, order=5)
    steps = mc.lifting.iteration_bound(lifted, x0, 1e-3, 0.02)
    w = linear_phase(B, x0, 5, 0.02, int(steps))
    size, v = rank_one.leading_component(w, 5)
    assert rank_one.residual(w, 5, size, v) > 1e-3


def test_rank_one_time_is_infinite_for_a_tie():
    assert rank_one_time(np.diag([1.0, 1.0, 0.5]), np.ones(3), 0.1, 3, 0.1) == np.inf
    assert rank_one_time(np.diag([-1.0, 0.9]), np.ones(2), 0.1, 3, 0.1) == np.inf
    assert rank_one_time(np.diag([1.0, 0.5]), np.array([0.0, 1.0]), 0.1, 3, 0.1) == np.inf


def test_rates_beyond_the_linear_map_are_refused():
    with pytest.raises(ValueError, match="rate must be below"):
        linear_phase(np.diag([2.0, 1.0]), np.ones(2), 3, 0.2, 1)
    with pytest.raises(ValueError, match="rate must be below"):
        rank_one_time(np.diag([1.0, 0.5]), np.ones(2), 0.1, 3, 1.5)
