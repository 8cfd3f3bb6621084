"""Alternating gradient descent: exact steps, monotone, scale of the factors, the paper's baseline."""

import numpy as np
import pytest

import mcrepro as mc


def instance(seed=0):
    return mc.instances.oversampled(60, 50, 2, ratio=4.0, condition=10.0, seed=seed)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("init", ["spectral", "random"])
def test_recovers_and_never_increases_the_objective(scaled, init):
    p = instance()
    result = mc.complete(p, "alternating_gd", rank=2, scaled=scaled, init=init, max_iter=20_000)
    assert result.stop_reason == "residual"
    assert result.relative_error(p.truth) < 1e-7
    objective = np.array([record["objective"] for record in result.history])
    assert (np.diff(objective) <= 0).all()


def test_one_step_is_nine_tenths_of_the_best_on_its_line():
    p = instance()
    points = []
    mc.complete(
        p, "alternating_gd", rank=2, scaled=False, init="random", max_iter=1,
        callback=lambda _, it: points.append(it),
    )  # fmt: skip
    (U, V), (U1, V1) = ((it.left.copy(), it.right.copy()) for it in points)
    mask = p.to_csr().toarray() != 0

    def value(A, B):
        return np.sum((A @ B.T - p.truth)[mask] ** 2)

    for line in (lambda t: value(U + t * (U1 - U), V), lambda t: value(U1, V + t * (V1 - V))):
        a, b, c = line(0.0), line(1.0), line(2.0)
        vertex = (3 * a - 4 * b + c) / (2 * (a - 2 * b + c))
        assert vertex == pytest.approx(1 / 0.9, rel=1e-6)
    E = np.where(mask, U @ V.T - p.truth, 0)
    cosine = np.vdot(U1 - U, -E @ V) / np.linalg.norm(U1 - U) / np.linalg.norm(E @ V)
    assert cosine == pytest.approx(1.0, rel=1e-10)


def test_scaled_steps_do_not_see_how_the_factors_share_their_scale():
    p = instance()
    rng = np.random.default_rng(0)
    U, V = rng.standard_normal((60, 2)), rng.standard_normal((50, 2))
    A = np.array([[3.0, 1.0], [0.0, 0.1]])
    one, two = (
        mc.complete(p, "alternating_gd", rank=2, start=start, max_iter=20)
        for start in ((U, V), (U @ A, V @ np.linalg.inv(A).T))
    )
    np.testing.assert_allclose(one.matrix(), two.matrix(), rtol=1e-6, atol=1e-8)


def test_the_baseline_of_the_paper_descends_but_does_not_converge():
    p = instance()
    result = mc.complete(p, "alternating_gd", rank=2, step="adam", init="random", max_iter=200)
    assert result.stop_reason == "max_iter"
    assert result.n_iter == 200
    assert result.history[-1]["objective"] < 1e-2 * result.history[0]["objective"]


def test_two_factors_for_a_symmetric_problem():
    p = mc.instances.bernoulli(20, 0.9, rank=1, seed=0)
    result = mc.complete(p, "alternating_gd", rank=1)
    assert result.relative_error(p.truth) < 1e-6


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lr": 0.1}, ValueError, "lr=0.1 has no meaning with step='exact'"),
        ({"step": "adam", "lr": 0.0}, ValueError, r"lr must be in \(0, inf\)"),
        ({"step": "Adam"}, ValueError, "did you mean 'adam'"),
        ({"scaled": 1}, TypeError, "scaled must be True or False, got 1"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        mc.complete(instance(), "alternating_gd", rank=2, **options)
