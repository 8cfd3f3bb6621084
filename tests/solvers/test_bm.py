"""Burer-Monteiro: derivatives, descent, recovery, agreement, certificates."""

import numpy as np
import pytest
from scipy.optimize import minimize

import mcrepro as mc
from mcrepro.solvers._factored import FactoredLoss, Ridge, RowNorm

PENALTIES = {"none": Ridge(0.0), "ridge": Ridge(0.7), "row_norm": RowNorm(0.5, 0.6)}


def problem(symmetric, seed=0):
    rng = np.random.default_rng(seed)
    if symmetric:
        return mc.instances.bernoulli(8, 0.5, rank=2, seed=rng)
    mask = rng.random((6, 9)) < 0.5
    return mc.Problem.from_dense(rng.standard_normal((6, 9)), mask)


@pytest.fixture(params=[False, True], ids=["rectangular", "symmetric"])
def symmetric(request):
    return request.param


@pytest.mark.parametrize("penalty", PENALTIES)
class TestDerivatives:
    def setup_loss(self, symmetric, penalty):
        loss = FactoredLoss(problem(symmetric), PENALTIES[penalty])
        W = np.random.default_rng(1).standard_normal((loss.n, 3)) / 2
        if penalty == "row_norm":  # rows on both sides of the kink count
            norms = np.linalg.norm(W, axis=1)
            assert (norms > 0.6).any()
            assert (norms < 0.6).any()
        return loss, W

    def test_value_is_the_dense_formula(self, symmetric, penalty):
        loss, W = self.setup_loss(symmetric, penalty)
        p = loss.problem
        left, right = loss.factors(W)
        mask = np.zeros(p.shape, dtype=bool)
        mask[p.rows, p.cols] = True
        fit = 0.5 * np.sum((left @ right.T - p.truth)[mask] ** 2)
        norms = np.linalg.norm(W, axis=1)
        extra = {
            "none": 0.0,
            "ridge": 0.35 * np.sum(W**2),
            "row_norm": 0.5 * np.sum(np.maximum(norms - 0.6, 0) ** 4),
        }[penalty]
        assert loss.measure(W)[0] == pytest.approx(fit + extra, rel=1e-13)

    def test_penalty_change_is_a_difference_and_does_not_cancel(self, symmetric, penalty):
        loss, W = self.setup_loss(symmetric, penalty)
        D = np.random.default_rng(4).standard_normal(W.shape)
        value = loss.penalty.value
        assert loss.penalty.change(W, D) == pytest.approx(value(W + D) - value(W))
        tiny = 1e-12 * D
        slope = np.vdot(loss.penalty.gradient(W), tiny)
        assert loss.penalty.change(W, tiny) == pytest.approx(slope, rel=1e-8)

    def test_gradient_against_central_differences(self, symmetric, penalty):
        loss, W = self.setup_loss(symmetric, penalty)
        h = 1e-5
        numeric = np.zeros_like(W)
        for index in np.ndindex(W.shape):
            E = np.zeros_like(W)
            E[index] = h
            numeric[index] = (loss.measure(W + E)[0] - loss.measure(W - E)[0]) / (2 * h)
        np.testing.assert_allclose(loss.measure(W)[1], numeric, rtol=0, atol=1e-8)

    def test_hessian_product_against_differences_of_the_gradient(self, symmetric, penalty):
        loss, W = self.setup_loss(symmetric, penalty)
        rng = np.random.default_rng(2)
        D, E = rng.standard_normal((2, *W.shape))
        r, h = loss.residual(W), 1e-5
        numeric = (loss.measure(W + h * D)[1] - loss.measure(W - h * D)[1]) / (2 * h)
        product = loss.hessian_product(W, D, r)
        np.testing.assert_allclose(product, numeric, rtol=0, atol=2e-7)
        assert np.vdot(E, product) == pytest.approx(np.vdot(D, loss.hessian_product(W, E, r)))

    def test_quartic_along_a_line(self, symmetric, penalty):
        loss, W = self.setup_loss(symmetric, penalty)
        D = np.random.default_rng(3).standard_normal(W.shape)
        coefficients = loss.along(W, D, loss.residual(W))
        for t in (-1.3, 0.0, 0.4, 2.0):
            r = loss.residual(W + t * D)
            assert np.polyval(coefficients[::-1], t) == pytest.approx(0.5 * np.dot(r, r))


def test_factors_of_a_symmetric_problem_are_one(symmetric):
    result = mc.complete(problem(symmetric), "bm", rank=2, max_iter=5)
    assert np.array_equal(result.left, result.right) == symmetric


@pytest.mark.parametrize("init", ["spectral", "random"])
def test_reaches_the_truth_of_an_easy_instance(init):
    easy = mc.instances.oversampled(200, 150, 3, ratio=4.0, condition=10.0, seed=0)
    result = mc.complete(easy, "bm", rank=3, init=init)
    assert result.stop_reason == "residual"
    assert result.certificate["residual"] < 1e-8
    assert result.relative_error(easy.truth) < 1e-7


def test_reaches_the_truth_of_a_symmetric_instance():
    easy = mc.instances.bernoulli(60, 0.3, rank=2, seed=1)
    result = mc.complete(easy, "bm", rank=2)
    assert result.stop_reason == "residual"
    assert result.relative_error(easy.truth) < 1e-7


def test_a_larger_rank_than_the_truths_is_allowed():
    easy = mc.instances.bernoulli(30, 0.9, rank=1, seed=1)
    result = mc.complete(easy, "bm", rank=3, rtol=1e-4)
    assert result.converged
    assert result.relative_error(easy.truth) < 1e-3


OPTIONS = {
    "none": {},
    "ridge": {"regularizer": "ridge", "weight": 0.5},
    "row_norm": {"regularizer": "row_norm", "weight": 2.0, "alpha": 0.8},
}


@pytest.mark.parametrize("penalty", OPTIONS)
def test_no_safe_step_increases_the_objective(symmetric, penalty):
    for seed in range(5):
        result = mc.complete(
            problem(symmetric, seed),
            "bm",
            rank=3,
            seed=seed,
            init="random",
            init_scale=10.0 ** (seed - 2),
            max_iter=200,
            **OPTIONS[penalty],
        )
        objective = np.array([record["objective"] for record in result.history])
        assert len(objective) > 2
        assert np.all(np.diff(objective) <= 1e-14 * objective[:-1])  # rounding of the sum


@pytest.mark.parametrize("penalty", OPTIONS)
def test_agrees_with_lbfgs_of_scipy_on_the_same_objective(symmetric, penalty):
    """Noisy data, no exact fit: both must end at the same minimum from the same start."""
    rng = np.random.default_rng(4)
    if symmetric:
        clean = mc.instances.bernoulli(15, 0.8, rank=1, seed=rng)
        noise = rng.standard_normal((15, 15))
        noisy = clean.truth + 0.1 * (noise + noise.T)
        p = mc.Problem.from_dense(noisy, clean.to_csr().toarray() != 0, symmetric=True)
    else:
        clean = mc.instances.oversampled(20, 15, 2, ratio=3.0, condition=2.0, seed=rng)
        noisy = clean.truth + 0.01 * rng.standard_normal((20, 15))
        p = mc.Problem.from_dense(noisy, clean.to_csr().toarray() != 0)
    options = dict(OPTIONS[penalty])
    if "weight" in options and not symmetric:
        options["weight"] /= 50  # the data are that much smaller
    if "alpha" in options:
        options["alpha"] /= 4  # so that the penalty is active
    result = mc.complete(p, "bm", rank=1 if symmetric else 2, max_iter=20_000, gtol=1e-7, **options)
    assert result.stop_reason == "gradient"

    penalty_term = {
        "none": lambda: Ridge(0.0),
        "ridge": lambda: Ridge(options["weight"]),
        "row_norm": lambda: RowNorm(options["weight"], options["alpha"]),
    }[penalty]()
    loss = FactoredLoss(p, penalty_term)
    start = mc.complete(p, "bm", rank=result.rank, max_iter=0, **options)
    W0 = start.left if symmetric else np.vstack([start.left, start.right])

    def fun(w):
        value, gradient, _ = loss.measure(w.reshape(W0.shape))
        return value, gradient.ravel()

    other = minimize(
        fun, W0.ravel(), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9}
    )
    assert result.certificate["objective"] == pytest.approx(other.fun, rel=1e-8)
    left, right = loss.factors(other.x.reshape(W0.shape))
    np.testing.assert_allclose(result.matrix(), left @ right.T, atol=1e-4 * np.abs(noisy).max())


def test_gradient_certificate_is_that_of_the_returned_point(symmetric):
    p = problem(symmetric)
    result = mc.complete(p, "bm", rank=2, max_iter=7)
    E = np.zeros(p.shape)
    E[p.rows, p.cols] = result.predict(p.rows, p.cols) - p.values
    if symmetric:
        gradient, W = (E + E.T) @ result.left, result.left
    else:
        gradient = np.vstack([E @ result.right, E.T @ result.left])
        W = np.vstack([result.left, result.right])
    expected = np.linalg.norm(gradient) / np.linalg.norm(E) / np.linalg.norm(W)
    assert result.certificate["gradient_norm"] == pytest.approx(expected, rel=1e-12)
    assert result.certificate["objective"] == pytest.approx(0.5 * np.sum(E**2), rel=1e-12)


@pytest.mark.parametrize("n", [8, 210])  # dense, and by Lanczos
def test_hessian_certificate(n, symmetric):
    if symmetric:
        p = mc.instances.bernoulli(n, 0.7, rank=2, seed=5)
    else:
        M = np.random.default_rng(5).standard_normal((n, n))
        p = mc.Problem.from_dense(M, M > -0.5)
    result = mc.complete(p, "bm", rank=2, hessian=True, max_iter=3)
    W = result.left if symmetric else np.vstack([result.left, result.right])
    loss = FactoredLoss(p)
    r = loss.residual(W)
    H = [loss.hessian_product(W, e.reshape(W.shape), r).ravel() for e in np.eye(W.size)]
    expected = np.linalg.eigvalsh(H)
    scale = expected[-1]
    assert result.certificate["hessian_min"] == pytest.approx(expected[0], abs=1e-6 * scale)
    assert result.certificate["hessian_max"] == pytest.approx(expected[-1], abs=1e-6 * scale)


def test_zero_is_a_saddle_and_the_certificate_says_so():
    p = problem(False)
    zero = (np.zeros((6, 2)), np.zeros((9, 2)))
    result = mc.complete(p, "bm", rank=2, start=zero, hessian=True)
    assert (result.stop_reason, result.n_iter) == ("gradient", 0)
    # At W = 0 the Hessian is I_2 (x) (S + S^T) with S the negated data.
    assert result.certificate["hessian_min"] == pytest.approx(
        -np.linalg.norm(p.to_csr().toarray(), 2), rel=1e-10
    )


def test_a_step_that_is_too_long_diverges_and_is_reported(symmetric):
    result = mc.complete(problem(symmetric), "bm", rank=2, step=1e3)
    assert result.stop_reason == "diverged"
    assert not result.converged


def test_a_fixed_step_is_that_step():
    p = problem(True)
    visited = []
    mc.complete(
        p, "bm", rank=2, step=1e-3, max_iter=1, callback=lambda _, it: visited.append(it.left)
    )
    _, gradient, _ = FactoredLoss(p).measure(visited[0])
    np.testing.assert_allclose(visited[1], visited[0] - 1e-3 * gradient, rtol=1e-14)


def test_random_start_has_the_scale_that_was_asked_for():
    p = mc.instances.oversampled(300, 200, 4, ratio=3.0, seed=0)
    given = mc.complete(p, "bm", rank=4, init="random", init_scale=1e-2, max_iter=0)
    assert given.left.std() == pytest.approx(1e-2, rel=0.1)
    default = mc.complete(p, "bm", rank=4, init="random", max_iter=0)
    size = np.sqrt(np.mean(default.matrix() ** 2) / np.mean(p.values**2))
    assert size == pytest.approx(1.0, rel=0.15)


def test_spectral_start_is_exact_when_everything_is_observed(symmetric):
    rng = np.random.default_rng(6)
    U, V = rng.standard_normal((40, 3)), rng.standard_normal((30, 3))
    M = U @ U.T if symmetric else U @ V.T
    p = mc.Problem.from_dense(M, np.ones(M.shape, dtype=bool), symmetric=symmetric)
    start = mc.complete(p, "bm", rank=3, max_iter=0)
    assert start.certificate["residual"] < 1e-10


def test_spectral_start_allows_for_the_observed_share(symmetric):
    rng = np.random.default_rng(7)
    U, V = rng.standard_normal((300, 2)), rng.standard_normal((250, 2))
    M = U @ U.T if symmetric else U @ V.T
    p = mc.Problem.from_dense(M, rng.random(M.shape) < 0.5, symmetric=symmetric)
    start = mc.complete(p, "bm", rank=2, max_iter=0)
    assert np.vdot(start.matrix(), M) / np.sum(M**2) == pytest.approx(1.0, abs=0.05)


def test_directions_that_the_data_do_not_show_are_filled_at_random():
    """A zero column of the factor would stay zero for ever."""
    p = mc.Problem.from_dense(np.ones((6, 6)), np.ones((6, 6), dtype=bool), symmetric=True)
    start = mc.complete(p, "bm", rank=3, max_iter=0)
    assert np.linalg.matrix_rank(start.left) == 3
    assert start.certificate["residual"] < 0.01


def test_all_zero_data_are_completed_by_zero():
    p = mc.Problem([0, 1], [1, 0], [0.0, 0.0], (3, 3))
    result = mc.complete(p, "bm", rank=1, init_scale=1.0)
    assert result.converged
    assert np.abs(result.predict(p.rows, p.cols)).max() < 1e-6


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"step": 0.0}, ValueError, r"step must be in \(0, inf\), got 0"),
        ({"step": "sefe"}, ValueError, "step must be one of 'safe', got 'sefe'; did you mean"),
        ({"step": None}, TypeError, "step must be a real number"),
        ({"weight": 1.0}, ValueError, "weight=1.0 has no meaning with regularizer='none'"),
        ({"regularizer": "ridge"}, ValueError, "'ridge' needs weight, a positive number"),
        (
            {"regularizer": "ridge", "weight": 1.0, "alpha": 1.0},
            ValueError,
            "alpha=1.0 has no meaning with regularizer='ridge'",
        ),
        ({"regularizer": "row_norm", "weight": 1.0}, ValueError, "'row_norm' needs alpha"),
        ({"regularizer": "ridge", "weight": -1.0}, ValueError, r"weight must be in \(0, inf\)"),
        ({"init_scale": np.nan}, ValueError, "init_scale must be in"),
        ({"max_iter": -1}, ValueError, "max_iter must be at least 0, got -1"),
        ({"max_iter": 10.0}, TypeError, "max_iter must be an integer at least 0, got 10.0"),
        ({"rtol": -1.0}, ValueError, r"rtol must be in \[0, inf\), got -1"),
        ({"hessian": 1}, TypeError, "hessian must be True or False, got 1"),
        ({"start": np.ones((6, 2))}, TypeError, r"start must be a pair \(left, right\)"),
        (
            {"start": (np.ones((6, 2)), np.ones((9, 1)))},
            ValueError,
            r"start: right must have shape \(9, 2\), got \(9, 1\)",
        ),
        (
            {"start": (np.full((6, 2), np.nan), np.ones((9, 2)))},
            ValueError,
            "start: left must be finite",
        ),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        mc.complete(problem(False), "bm", rank=2, **options)


def test_symmetric_start_must_be_one_factor():
    with pytest.raises(ValueError, match="left and right must be equal"):
        mc.complete(problem(True), "bm", rank=1, start=(np.ones((8, 1)), np.zeros((8, 1))))
