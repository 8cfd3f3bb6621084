"""Optimizers of the lifted objective, alone and in batches."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.lifting import LBFGS, Adam, GradientDescent, LiftedObjective, minimize
from mcrepro.lifting.optimizers import first_minimiser


def error(lifted, w):
    X = lifted.extract(w)
    truth = lifted.problem.truth
    return np.linalg.norm(X @ X.swapaxes(-1, -2) - truth, axis=(-2, -1))


def test_first_minimiser_of_quartics_with_known_roots():
    rng = np.random.default_rng(0)
    for _ in range(300):
        first, *others = 10.0 ** rng.uniform([-8, -8, -8], [8, 8, 8])
        if rng.random() < 0.5:
            # One positive root of the derivative ...
            second, third = -others[0], -others[1]
        else:
            # ... or three, of which the first is a minimiser as well.
            second, third = first * (1.1 + np.array(others)[[0, 1]])
        roots = [-first * second * third, first * second + first * third + second * third]
        derivative = np.array([*roots, -(first + second + third), 1.0])
        derivative /= np.abs(derivative).max()
        c = np.array([[5.0, *derivative / [1, 2, 3, 4]]])
        assert first_minimiser(c)[0] == pytest.approx(first, rel=1e-5)


def test_first_minimiser_where_there_is_none():
    c = np.array(
        [
            [0.0, 1.0, 1.0, 0.0, 1.0],  # rises at 0
            [0.0, 0.0, 1.0, 0.0, 1.0],  # flat at 0
            [0.0, -1.0, 0.0, 0.0, 0.0],  # falls for ever
            [0.0, np.nan, 1.0, 0.0, 1.0],
            [0.0, -1.0, 0.5, 0.0, 0.0],  # a parabola
        ]
    )
    np.testing.assert_allclose(first_minimiser(c), [0, 0, 0, 0, 1])


def test_a_fixed_step_is_that_step():
    lifted = LiftedObjective(mc.instances.structured(4, 0.2))
    w = lifted.initial(0.5, 0)
    descent = minimize(lifted, w, "gd", step=0.01, max_iter=1)
    np.testing.assert_allclose(descent.w[0], w - 0.01 * lifted.gradient(w), rtol=1e-14)
    assert (descent.n_iter[0], descent.stop_reason) == (1, ("max_iter",))


@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0])
def test_safe_steps_decrease_enough_and_only_shrink(scale):
    lifted = LiftedObjective(mc.instances.bernoulli(5, 0.6, seed=0))
    algebra, optimizer = lifted.algebra, GradientDescent()
    state = optimizer.start(algebra, lifted.columns(lifted.initial(scale, 1, trials=4))[0])
    step = state.memory["step"]
    np.testing.assert_allclose(step, 1 / algebra.curvature_at_zero)
    for _ in range(200):
        new = optimizer.advance(algebra, state)
        t = new.memory["step"]
        assert np.all(t <= step)
        slope = np.sum(state.point.gradient**2, axis=(1, 2))
        decrease = state.point.value - new.point.value
        assert np.all(decrease >= 0.5 * t * slope - 1e-12 * state.point.value)
        state, step = new, t
    assert np.all(step[-1] > 0)


def test_adam_is_the_published_recursion():
    lifted = LiftedObjective(mc.instances.structured(4, 0.2))
    w = lifted.initial(1e-4, 0)
    expected, m, v = w.copy(), 0.0, 0.0
    for t in range(1, 31):
        g = lifted.gradient(expected)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        expected = expected - 0.02 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    descent = minimize(lifted, w, "adam", max_iter=30)
    np.testing.assert_allclose(descent.w[0], expected, rtol=1e-9)
    assert Adam().step == 0.02


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("optimizer", ["gd", "lbfgs"])
def test_with_everything_observed_the_minimiser_is_the_leading_eigenpair(order, optimizer):
    """``W W^T`` nearest to ``M^{⊗l}``: for r = 1 the tensor ``λ_1^{l/2} v_1^{⊗l}``."""
    M = np.random.default_rng(1).standard_normal((4, 4))
    M = M @ M.T / 3
    p = mc.Problem.from_dense(M, np.ones((4, 4), dtype=bool), symmetric=True)
    values, vectors = np.linalg.eigh(M)
    lifted = LiftedObjective(p, order)
    descent = minimize(
        lifted, lifted.initial(1e-4, 0, trials=3), optimizer, max_iter=20_000, gtol=1e-9
    )
    assert descent.stop_reason == ("gradient",) * 3
    X = lifted.extract(descent.w)
    top = values[-1] * np.outer(vectors[:, -1], vectors[:, -1])
    np.testing.assert_allclose(X @ X.swapaxes(1, 2), np.stack([top] * 3), atol=1e-7)
    assert np.max(lifted.rank_one_ratio(descent.w)) < 1e-7
    least = 0.5 * (np.sum(values**2) ** order - values[-1] ** (2 * order))
    np.testing.assert_allclose(descent.value, least, rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["gd", "lbfgs", "adam"])
@pytest.mark.parametrize("rank", [1, 2])
def test_a_batch_takes_the_paths_of_its_trials_bit_for_bit(optimizer, rank):
    lifted = LiftedObjective(mc.instances.bernoulli(4, 0.6, seed=2), 3, 1e-2, rank)
    w = lifted.initial(1e-2, 3, trials=4)
    w[1] *= 10
    # Trials stop at different times; the others must not notice.
    together = minimize(lifted, w, optimizer, max_iter=150, gtol=1e-4)
    assert len(set(together.n_iter)) > 1 or set(together.stop_reason) == {"max_iter"}
    for k in range(4):
        alone = minimize(lifted, w[k], optimizer, max_iter=150, gtol=1e-4)
        np.testing.assert_array_equal(together.w[k], alone.w[0])
        assert together.n_iter[k] == alone.n_iter[0]
        assert together.stop_reason[k] == alone.stop_reason[0]
        assert together.value[k] == alone.value[0]


@pytest.mark.parametrize("optimizer", ["gd", "lbfgs", "adam"])
def test_no_optimizer_tells_signs_apart(optimizer):
    """Flipping the start by signs that the instance does not see flips the whole path."""
    lifted = LiftedObjective(mc.instances.structured(5))
    w = lifted.initial(1e-2, 4)
    s = np.array([1.0, 1.0, -1.0, 1.0, -1.0])
    S = np.einsum("i,j,k->ijk", s, s, s)
    one, other = (minimize(lifted, start, optimizer, max_iter=80).w[0] for start in (w, S * w))
    np.testing.assert_array_equal(other, S * one)


def test_order_1_descends_as_burer_monteiro_does():
    p = mc.instances.bernoulli(6, 0.7, seed=3)
    start = np.random.default_rng(5).standard_normal((6, 1))
    bm = mc.complete(
        p,
        "bm",
        rank=1,
        start=(start, start),
        optimizer="gd",
        optimizer_options={"step": 1e-3},
        max_iter=25,
    )
    lifted = LiftedObjective(p, 1, 0.0)
    descent = minimize(lifted, lifted.lift(start), "gd", step=1e-3, max_iter=25)
    np.testing.assert_allclose(descent.w[0], bm.left[:, 0], rtol=1e-11)


def test_bounded_steps_keep_what_a_small_start_gains():
    """Even values .15, n = 8: gradient descent from 1e-4 recovers, and so does L-BFGS with bounded
    steps; one unbounded first step lands where a large start would have."""
    lifted = LiftedObjective(mc.instances.structured(8, 0.15))
    w = lifted.initial(1e-4, 1, trials=40)
    success = {
        name: np.mean(error(lifted, minimize(lifted, w, kind, max_iter=3000, **options).w) < 0.05)
        for name, kind, options in (
            ("gd", "gd", {}),
            ("bounded", "lbfgs", {}),
            ("unbounded", "lbfgs", {"growth": 1e9}),
        )
    }
    assert success["gd"] >= 0.8
    assert success["bounded"] >= 0.8
    assert success["unbounded"] <= 0.5


def test_lbfgs_arrives_where_gradient_descent_stalls():
    """Open entries are decided by curvature ε^2 = 2.5e-9."""
    lifted = LiftedObjective(mc.instances.bernoulli(12, 0.12, seed=3), 1)
    w = lifted.initial(1e-4, 0)
    fast = minimize(lifted, w, "lbfgs", max_iter=1000)
    slow = minimize(lifted, w, "gd", max_iter=3000)
    assert fast.stop_reason == ("gradient",)
    assert slow.gradient_norm[0] > 100 * fast.gradient_norm[0]
    assert fast.value[0] < slow.value[0]


class TestPrintedStep:
    """.02 on (12) as printed, whose curvature at the solutions is 4 ceil(n/2)^3 > 2 / .02."""

    @pytest.mark.parametrize("n", [7, 8, 10])
    def test_diverges(self, n):
        lifted = LiftedObjective(mc.instances.structured(n), factor=1.0)
        w = lifted.initial(1e-4, 0, trials=10)
        descent = minimize(lifted, w, "gd", step=0.02)
        assert descent.stop_reason == ("diverged",) * 10

    @pytest.mark.parametrize("n", [5, 6])
    def test_ends_in_a_cycle_of_two(self, n):
        lifted = LiftedObjective(mc.instances.structured(n), factor=1.0)
        z = np.arange(1, n + 1) % 2.0
        assert 0.02 * lifted.curvature(lifted.lift(z[:, None])) == pytest.approx(2.16, rel=1e-3)
        w = lifted.initial(1e-4, 0, trials=10)
        # It comes near a solution first, which a tolerance on the gradient takes for the end.
        near = minimize(lifted, w, "gd", step=0.02)
        assert near.stop_reason == ("gradient",) * 10
        assert np.max(near.value) < 1e-6
        past = [
            minimize(lifted, w, "gd", step=0.02, gtol=0.0, patience=10_000, max_iter=steps)
            for steps in (2000, 2001, 2002)
        ]
        steps = [np.linalg.norm((past[k].w - past[0].w).reshape(10, -1), axis=1) for k in (1, 2)]
        assert np.min(steps[0]) > 0.5
        assert np.max(steps[1]) < 1e-9
        # At either point of the cycle the misfit is large, and no sign pattern is a success.
        assert np.min(past[0].value) > 1
        assert np.min(error(lifted, past[0].w)) > 0.05
        descent = minimize(lifted, w, "gd", step=0.02, gtol=0.0, max_iter=5000)
        assert descent.stop_reason == ("stalled",) * 10

    @pytest.mark.parametrize("n", [5, 6])
    def test_settles_with_the_factor_one_half(self, n):
        lifted = LiftedObjective(mc.instances.structured(n))
        w = lifted.initial(1e-4, 0, trials=10)
        descent = minimize(lifted, w, "gd", step=0.02)
        assert descent.stop_reason == ("gradient",) * 10


def test_reasons_to_stop():
    lifted = LiftedObjective(mc.instances.structured(4, 0.3))
    w = lifted.initial(1e-4, 0)
    assert minimize(lifted, w, vtol=1e-3).stop_reason == ("residual",)
    assert minimize(lifted, w, vtol=1e-3).value[0] <= 1e-3
    assert minimize(lifted, w, max_iter=3).stop_reason == ("max_iter",)
    assert minimize(lifted, w, "gd", step=1e-30, patience=20).stop_reason == ("stalled",)
    nothing = minimize(lifted, w, max_iter=0)
    np.testing.assert_array_equal(nothing.w[0], w)
    assert nothing.value[0] == lifted.value(w)
    assert nothing.gradient_norm[0] == lifted.gradient_norm(w)


def test_callback_sees_the_trials_that_still_run():
    lifted = LiftedObjective(mc.instances.structured(4, 0.3))
    w = lifted.initial(1e-4, 0, trials=6)
    last = {}

    def callback(n, active, tensors):
        assert len(active) == len(tensors)
        last.update({k: (n, tensor) for k, tensor in zip(active.tolist(), tensors, strict=True)})

    descent = minimize(lifted, w, callback=callback)
    for k in range(6):
        assert last[k][0] == descent.n_iter[k]
        np.testing.assert_array_equal(last[k][1], descent.w[k])


def test_hundreds_of_starts_run_in_one_call():
    lifted = LiftedObjective(mc.instances.structured(6, 0.3))
    descent = minimize(lifted, lifted.initial(1e-4, 0, trials=300))
    assert set(descent.stop_reason) == {"gradient"}
    assert np.mean(error(lifted, descent.w) < 1e-6) == 1.0
    assert descent.seconds < 30


def test_refusals():
    lifted = LiftedObjective(mc.instances.structured(4))
    w = lifted.initial()
    with pytest.raises(ValueError, match=r"optimizer must be one of .*got 'lbfg'; did you mean"):
        minimize(lifted, w, "lbfg")
    with pytest.raises(
        TypeError, match="optimizer 'gd' has no option 'steps'; did you mean 'step'"
    ):
        minimize(lifted, w, "gd", steps=0.1)
    with pytest.raises(ValueError, match="step must be one of 'safe', got 'sage'"):
        GradientDescent("sage")
    with pytest.raises(ValueError, match="memory must be at least 1"):
        LBFGS(memory=0)
    with pytest.raises(ValueError, match="growth must be in"):
        LBFGS(growth=0)
    with pytest.raises(ValueError, match="w must have shape"):
        minimize(lifted, np.ones((4, 4)))
