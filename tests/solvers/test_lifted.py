"""Method "lifted": recovery, certificates, closed forms, failure said aloud."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.lifting import LiftedObjective


def small(even_value=0.3):
    return mc.instances.structured(6, even_value)


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("optimizer", ["lbfgs", "gd"])
def test_reaches_the_truth(order, optimizer):
    result = mc.complete(small(), "lifted", rank=1, order=order, optimizer=optimizer)
    assert result.stop_reason == "gradient"
    assert result.relative_error(small().truth) < 1e-7
    assert result.certificate["rank_one_residual"] < 1e-8
    assert result.certificate["rank_one_ratio"] < 1e-8
    np.testing.assert_array_equal(result.left, result.right)


def test_adam_comes_near_from_a_small_start():
    result = mc.complete(small(), "lifted", rank=1, optimizer="adam", max_iter=1000)
    assert result.relative_error(small().truth) < 1e-3
    assert not result.converged


def test_reaches_an_independent_instance_of_rank_two():
    p = mc.instances.bernoulli(10, 0.8, rank=2, seed=1)
    result = mc.complete(p, "lifted", rank=2)
    assert result.converged
    assert result.relative_error(p.truth) < 1e-6
    # W W^T is (X X^T)^{⊗3}, yet w is far from rank one: it is known up to a gauge.
    assert result.certificate["rank_ratio"] < 1e-6
    assert result.certificate["rank_one_ratio"] > 1e-3
    pca = mc.complete(p, "lifted", rank=2, extraction="tensor_pca")
    assert pca.relative_error(p.truth) > 100 * result.relative_error(p.truth)


@pytest.mark.parametrize("rank", [1, 2])
def test_with_everything_observed_it_is_the_truncated_eigendecomposition(rank):
    M = np.random.default_rng(2).standard_normal((5, 5))
    M = M @ M.T
    p = mc.Problem.from_dense(M, np.ones((5, 5), dtype=bool), symmetric=True)
    values, V = np.linalg.eigh(M)
    result = mc.complete(p, "lifted", rank=rank, gtol=1e-9)
    assert result.stop_reason == "gradient"
    if rank == 1:
        best = values[-1] * np.outer(V[:, -1], V[:, -1])
        np.testing.assert_allclose(result.matrix(), best, atol=1e-6 * values[-1])
        assert result.certificate["factor_gradient_norm"] < 1e-6
    else:
        # The best W W^T of rank 8 = 2^3 takes the eight largest of the products of three eigenvalues,
        # which are not the products of the first two: it is no power of a matrix of rank 2.
        products = np.sort(np.multiply.outer(np.multiply.outer(values, values), values).ravel())
        least = 0.5 * np.sum(products[:-8] ** 2)
        assert result.certificate["objective"] == pytest.approx(least, rel=1e-9)


def test_order_1_without_epsilon_ends_where_bm_does():
    rng = np.random.default_rng(3)
    clean = mc.instances.bernoulli(12, 0.9, rank=1, seed=rng)
    noise = 0.1 * rng.standard_normal((12, 12))
    p = mc.Problem.from_dense(
        clean.truth + noise + noise.T, clean.to_csr().toarray() != 0, symmetric=True
    )
    options = {"rank": 1, "gtol": 1e-9}
    result = mc.complete(p, "lifted", order=1, epsilon=0.0, **options)
    bm = mc.complete(p, "bm", max_iter=20_000, **options)
    assert (result.stop_reason, bm.stop_reason) == ("gradient", "gradient")
    assert result.certificate["objective"] == pytest.approx(bm.certificate["objective"], rel=1e-10)
    np.testing.assert_allclose(result.matrix(), bm.matrix(), atol=1e-6)


def test_certificate_is_recomputed_from_the_factors():
    p = mc.instances.bernoulli(6, 0.6, seed=4)
    result = mc.complete(p, "lifted", rank=1, max_iter=12)
    X, x = result.left, result.left[:, 0]
    D = np.full(p.shape, 5e-5)
    D[p.rows, p.cols] = 1.0
    B = np.zeros(p.shape)
    B[p.rows, p.cols] = p.values
    R = D * np.outer(x, x) - B
    gradient = (D * R + (D * R).T) @ x
    expected = np.linalg.norm(gradient) / np.linalg.norm(R) / np.linalg.norm(x)
    assert result.certificate["factor_gradient_norm"] == pytest.approx(expected, rel=1e-10)
    assert result.stop_reason == "max_iter"
    # A tensor that is not at rank one yet, and X X^T not at its fit: the certificate is not kinder.
    assert result.certificate["rank_one_residual"] > 1e-6
    assert LiftedObjective(p).gradient_norm(LiftedObjective(p).lift(X)) > 1e-6


def test_order_of_the_residual_is_epsilon_squared():
    errors = [
        mc.complete(small(), "lifted", rank=1, epsilon=eps, gtol=1e-10).certificate["residual"]
        for eps in (1e-2, 1e-3)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)


def test_the_start_is_the_one_that_was_asked_for():
    p = small()
    lifted = LiftedObjective(p)
    x = np.arange(1.0, 7)[:, None]
    starts = []
    options = {
        "rank": 1,
        "init_scale": 8e-3,
        "max_iter": 0,
        "callback": lambda record, it: starts.append((record["objective"], it.left)),
    }
    mc.complete(p, "lifted", init=x, **options)
    value, X = starts.pop()
    np.testing.assert_allclose(X, 0.2 * x / np.linalg.norm(x), rtol=1e-12)
    assert value == lifted.value(lifted.initial(8e-3, direction=x))
    one, two = (mc.complete(p, "lifted", init="ones", seed=s, **options) for s in (0, 1))
    np.testing.assert_array_equal(one.left, two.left)


def test_the_printed_step_diverges_and_says_why():
    p = mc.instances.structured(8)
    result = mc.complete(p, "lifted", rank=1, optimizer="gd", step=0.02, factor=1.0)
    assert result.stop_reason == "diverged"
    assert not result.converged
    assert not result.certificate["step_curvature"] < 2
    safe = mc.complete(p, "lifted", rank=1, optimizer="gd", factor=1.0)
    assert safe.stop_reason == "gradient"
    assert safe.certificate["step_curvature"] < 2


def test_the_printed_step_oscillates_and_says_why():
    result = mc.complete(
        small(0.0), "lifted", rank=1, optimizer="gd", step=0.02, factor=1.0, gtol=0.0, rtol=0.0
    )
    assert result.stop_reason == "stalled"
    assert result.certificate["step_curvature"] > 2
    near = mc.complete(small(0.0), "lifted", rank=1, optimizer="gd", step=0.02, factor=1.0)
    assert near.certificate["step_curvature"] == pytest.approx(2.16, rel=1e-2)


def test_a_tensor_that_is_not_near_rank_one_is_reported():
    """An instance whose data leave entries open: h has minimisers away from rank one."""
    p = mc.instances.bernoulli(12, 0.12, seed=2)
    result = mc.complete(p, "lifted", rank=1, max_iter=400)
    assert result.certificate["rank_one_ratio"] > 0.01
    assert result.certificate["rank_one_residual"] > 0.01
    flat = mc.complete(p, "lifted", rank=1, order=1)
    assert flat.relative_error(p.truth) < 1e-5 < result.relative_error(p.truth)


def test_all_zero_data_do_no_harm():
    p = mc.Problem([0, 1, 1], [0, 0, 1], [0.0, 0.0, 0.0], (3, 3), symmetric=True)
    result = mc.complete(p, "lifted", rank=1, max_iter=100)
    assert np.abs(result.predict(p.rows, p.cols)).max() < 1e-2


def test_memory_stays_at_a_few_tens_of_tensors():
    import tracemalloc

    p = mc.instances.structured(40, 0.2)
    tracemalloc.start()
    result = mc.complete(p, "lifted", rank=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.stop_reason == "gradient"
    assert result.relative_error(p.truth) < 1e-6
    assert peak < 50 * 8 * 40**3


@pytest.mark.slow
def test_order_5_at_twelve():
    p = mc.instances.structured(12, 0.2)
    result = mc.complete(p, "lifted", rank=1, order=5)
    assert result.stop_reason == "gradient"
    assert result.relative_error(p.truth) < 1e-6


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"order": 4}, ValueError, "order must be odd, got 4"),
        ({"epsilon": 2.0}, ValueError, r"epsilon must be in \[0, 1\]"),
        ({"step": 0.1}, ValueError, "step=0.1 has no meaning with optimizer='lbfgs'"),
        ({"optimizer": "gd", "step": -1.0}, ValueError, r"step must be in \(0, inf\)"),
        ({"optimizer": "adam", "step": "safe"}, TypeError, "step must be a real number"),
        ({"optimizer": "sgd"}, ValueError, "optimizer must be one of .*did you mean 'gd'"),
        ({"extraction": "pca"}, ValueError, "extraction must be one of"),
        ({"init": np.ones(6)}, ValueError, r"direction must have shape \(6, 1\), got \(6,\)"),
        ({"init_scale": 0.0}, ValueError, "scale must not be 0"),
        ({"patience": 0}, ValueError, "patience must be at least 1"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        mc.complete(small(), "lifted", rank=1, **options)


def test_refusal_of_problems():
    with pytest.raises(ValueError, match="needs a symmetric problem"):
        mc.complete(mc.Problem([0], [1], [1.0], (2, 2)), "lifted", rank=1)
    large = mc.Problem([0], [0], [1.0], (1000, 1000), symmetric=True)
    with pytest.raises(ValueError, match=r"takes 7\.45 GiB, more than the 2 GiB allowed"):
        mc.complete(large, "lifted", rank=1)
