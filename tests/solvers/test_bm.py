"""Burer-Monteiro: derivatives, descent, recovery, agreement, certificates."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize

import mcrepro as mc
from mcrepro.solvers._factored import FactoredLoss
from mcrepro.solvers._optimizers import OPTIMIZERS
from mcrepro.solvers._penalties import Ridge, RowNorm
from mcrepro.solvers._weights import inward

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
        p = problem(symmetric)
        weights = np.random.default_rng(8).uniform(0.5, 2.0, p.n_observed)
        loss = FactoredLoss(p, PENALTIES[penalty], weights)
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
        fit = 0.5 * loss.weights @ (left @ right.T - p.truth)[mask] ** 2
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
            assert np.polyval(coefficients[::-1], t) == pytest.approx(0.5 * loss.weights @ r**2)


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
@pytest.mark.parametrize("optimizer", ["gd", "lbfgs", "trust_region", "projected_gd"])
def test_no_safe_step_increases_the_objective(symmetric, penalty, optimizer):
    for seed in range(5):
        result = mc.complete(
            problem(symmetric, seed),
            "bm",
            rank=3,
            seed=seed,
            init="random",
            init_scale=10.0 ** (seed - 2),
            max_iter=200,
            optimizer=optimizer,
            **OPTIONS[penalty],
        )
        objective = np.array([record["objective"] for record in result.history])
        assert len(objective) > 2
        assert np.all(np.diff(objective) <= 1e-14 * objective[:-1])  # rounding of the sum


@pytest.mark.parametrize("penalty", OPTIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_agrees_with_lbfgs_of_scipy_on_the_same_objective(symmetric, penalty, optimizer):
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
    gtol = 1e-7
    if optimizer == "adam":
        options["optimizer_options"] = {"lr": 0.003}  # a step that no data scale
        # Its steps are relative to the last gradients, so that it circles a minimum: how near it
        # comes, below 1e-6, is a matter of rounding.
        gtol = 2e-6
    result = mc.complete(
        p,
        "bm",
        rank=1 if symmetric else 2,
        max_iter=20_000,
        gtol=gtol,
        optimizer=optimizer,
        **options,
    )
    assert result.stop_reason == "gradient"
    options.pop("optimizer_options", None)

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
    result = mc.complete(p, "bm", rank=2, start=zero, hessian=True, optimizer="gd")
    assert (result.stop_reason, result.n_iter) == ("gradient", 0)
    # At W = 0 the Hessian is I_2 (x) (S + S^T) with S the negated data.
    assert result.certificate["hessian_min"] == pytest.approx(
        -np.linalg.norm(p.to_csr().toarray(), 2), rel=1e-10
    )


def test_a_step_that_is_too_long_diverges_and_is_reported(symmetric):
    result = mc.complete(
        problem(symmetric), "bm", rank=2, optimizer="gd", optimizer_options={"step": 1e3}
    )
    assert result.stop_reason == "diverged"
    assert not result.converged


def test_a_fixed_step_is_that_step():
    p = problem(True)
    visited = []
    mc.complete(
        p,
        "bm",
        rank=2,
        optimizer="gd",
        optimizer_options={"step": 1e-3},
        max_iter=1,
        callback=lambda _, it: visited.append(it.left),
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


def gd(**options):
    return {"optimizer": "gd", "optimizer_options": options}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (gd(step=0.0), ValueError, r"step must be in \(0, inf\), got 0"),
        (gd(step="sefe"), ValueError, "step must be one of 'safe', got 'sefe'; did you mean"),
        (gd(step=None), TypeError, "step must be a real number"),
        (gd(stepp=1.0), TypeError, "'gd' has no option 'stepp'; did you mean 'step'"),
        ({"optimizer_options": 3}, TypeError, "optimizer_options must be a dict, got int"),
        ({"optimizer_options": {"memory": 0}}, ValueError, "memory must be at least 1, got 0"),
        (
            {"optimizer": "perturbed_gd", "optimizer_options": {"escape_steps": "9"}},
            TypeError,
            "escape_steps must be an integer",
        ),
        (
            {"optimizer": "projected_gd", "optimizer_options": {"radius": 1.0}},
            TypeError,
            "'projected_gd' has no option 'radius'",
        ),
        (
            {"optimizer": "adam", "optimizer_options": {"betas": 0.9}},
            TypeError,
            "betas must be a pair of numbers",
        ),
        ({"max_abs": 1.0}, ValueError, "max_abs needs optimizer='projected_gd', got 'lbfgs'"),
        ({"weights": [1.0]}, ValueError, r"weights must have shape \(\d+,\), one for each"),
        ({"weights": "rows"}, ValueError, "weights must be one of 'rows\\+columns', got 'rows'"),
        (
            {"regularizer": "row_norm", "weight": "paper", "alpha": "paper"},
            ValueError,
            "weight='paper' is a theorem on symmetric problems",
        ),
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


@pytest.mark.parametrize("optimizer", ["perturbed_gd", "trust_region"])
def test_saddles_are_left(optimizer, symmetric):
    """From W = 0, where the gradient vanishes, to the truth."""
    if symmetric:
        p = mc.instances.bernoulli(30, 0.8, rank=1, seed=2)
    else:
        p = mc.instances.oversampled(30, 25, 1, ratio=6.0, seed=2)
    zero = tuple(np.zeros((n, 1)) for n in p.shape)
    stuck = mc.complete(p, "bm", rank=1, start=zero, optimizer="gd")
    assert (stuck.stop_reason, stuck.n_iter) == ("gradient", 0)
    result = mc.complete(p, "bm", rank=1, start=zero, optimizer=optimizer)
    assert result.stop_reason == "residual"
    assert result.relative_error(p.truth) < 1e-7


def noisy(seed=0):
    M = np.random.default_rng(seed).standard_normal((12, 10))
    return mc.Problem.from_dense(M, np.random.default_rng(seed + 1).random(M.shape) < 0.8)


def test_perturbed_descent_ends_where_it_found_no_escape():
    result = mc.complete(noisy(), "bm", rank=2, optimizer="perturbed_gd", gtol=1e-6, hessian=True)
    assert result.stop_reason == "gradient"
    assert result.certificate["gradient_norm"] <= 1e-6
    assert result.certificate["hessian_min"] > -1e-6 * result.certificate["hessian_max"]
    # It was there before the perturbation, and has come back.
    visits = [r for r in result.history if r["objective"] == result.certificate["objective"]]
    assert len(visits) == 2
    assert result.n_iter - visits[0]["iteration"] > 1


def test_trust_region_certifies_second_order_and_converges_fast():
    result = mc.complete(noisy(), "bm", rank=2, optimizer="trust_region", gtol=1e-10)
    assert result.stop_reason == "gradient"
    assert result.certificate["hessian_min"] > -1e-8 * result.certificate["hessian_max"]
    assert result.n_iter < 40


def test_line_search_of_lbfgs_is_exact(symmetric):
    points = []
    mc.complete(problem(symmetric), "bm", rank=2, callback=lambda _, it: points.append(it))
    loss = FactoredLoss(problem(symmetric))
    W = [it.left if symmetric else np.vstack([it.left, it.right]) for it in points[:6]]
    for before, after in pairwise(W):
        gradient, step = loss.measure(after)[1], after - before
        assert abs(np.vdot(gradient, step)) < 1e-6 * np.linalg.norm(gradient) * np.linalg.norm(step)


def test_adam_takes_its_first_step_by_the_sign_of_the_gradient():
    points = []
    p = problem(True)
    options = {"optimizer": "adam", "optimizer_options": {"lr": 0.01, "eps": 0.0}, "max_iter": 1}
    mc.complete(p, "bm", rank=2, callback=lambda _, it: points.append(it.left), **options)
    gradient = FactoredLoss(p).measure(points[0])[1]
    np.testing.assert_allclose(points[1], points[0] - 0.01 * np.sign(gradient), rtol=1e-10)


@pytest.mark.parametrize("max_abs", [0.3, 1.0])
def test_entry_bound_holds_and_the_point_is_stationary_under_it(symmetric, max_abs):
    p = problem(symmetric)
    result = mc.complete(
        p, "bm", rank=2, optimizer="projected_gd", max_abs=max_abs, gtol=1e-7, max_iter=20_000
    )
    assert result.stop_reason == "gradient"
    assert np.abs(result.matrix()).max() <= max_abs * (1 + 1e-12)
    W = result.left if symmetric else np.vstack([result.left, result.right])
    norms = np.linalg.norm(W, axis=1)
    radius = np.sqrt(max_abs)
    assert norms.max() == pytest.approx(radius, rel=1e-12)  # the bound is active
    _, gradient, _ = FactoredLoss(p).measure(W)
    # Stationary: inside no gradient; on the sphere it points straight at the centre or vanishes.
    on = norms >= radius * (1 - 1e-12)
    scale = np.linalg.norm(gradient)
    assert np.linalg.norm(gradient[~on]) < 1e-5 * scale
    along = np.sum(gradient * W, axis=1)[on] / radius
    assert (along < 1e-5 * scale).all()
    rest = gradient[on] - np.outer(along, np.ones(2)) * W[on] / radius
    assert np.linalg.norm(rest) < 1e-5 * scale
    assert np.linalg.norm(inward(W, gradient, radius)) < 1e-5 * scale


def test_weights_are_repetitions(symmetric):
    """An entry of weight 2 counts like two: for a symmetric problem that is the mirrored pair."""
    p = noisy()
    s = np.where(np.arange(p.n_observed) % 3 == 0, 2.0, 1.0)
    if symmetric:
        full = mc.instances.bernoulli(10, 1.0, rank=3, seed=1)
        below = full.rows >= full.cols
        half = mc.Problem(
            full.rows[below], full.cols[below], full.values[below], full.shape, symmetric=True
        )
        s = np.where(half.rows == half.cols, 1.0, 2.0)
        one = mc.complete(half, "bm", rank=1, weights=s, gtol=1e-9)
        two = mc.complete(full, "bm", rank=1, gtol=1e-9)
        np.testing.assert_allclose(one.matrix(), two.matrix(), atol=1e-6)
        assert one.certificate["objective"] == pytest.approx(two.certificate["objective"])
        return
    result = mc.complete(p, "bm", rank=2, weights=s, gtol=1e-9)
    E = np.zeros(p.shape)
    E[p.rows, p.cols] = s * (result.predict(p.rows, p.cols) - p.values)
    assert np.linalg.norm(E @ result.right) < 1e-7 * np.linalg.norm(E)
    assert np.linalg.norm(E.T @ result.left) < 1e-7 * np.linalg.norm(E)


def test_estimated_weights_are_the_inverse_of_the_product_of_counts():
    p = noisy()
    counts = np.outer(np.bincount(p.rows), np.bincount(p.cols))[p.rows, p.cols]
    s = (1 / counts) / np.mean(1 / counts)
    one, two = (mc.complete(p, "bm", rank=1, weights=w) for w in ("rows+columns", s))
    np.testing.assert_allclose(one.matrix(), two.matrix(), rtol=1e-8)


def test_constants_of_the_paper_scale_with_the_data():
    """At full observation the spectral start is the truth, whose mu, kappa and size are known."""
    rng = np.random.default_rng(3)
    Z = np.linalg.qr(rng.standard_normal((20, 2)))[0] * [3.0, 1.5]
    p = mc.Problem.from_dense(Z @ Z.T, np.ones((20, 20), dtype=bool), symmetric=True)
    paper = {"regularizer": "row_norm", "weight": "paper", "alpha": "paper"}
    result = mc.complete(p, "bm", rank=2, **paper)
    size, rows = np.linalg.norm(Z), np.linalg.norm(Z, axis=1)
    mu, kappa, unit = np.sqrt(20) * rows.max() / size, 2.0, np.sqrt(2) / size
    alpha = 4 * mu * kappa * 2 / np.sqrt(20)  # of unit * Z
    assert unit * result.certificate["alpha"] == pytest.approx(alpha)
    assert result.certificate["weight"] == pytest.approx(mu**2 * 2 / alpha**2)
    assert result.certificate["alpha"] > rows.max()  # the truth is not penalised
    assert result.relative_error(p.truth) < 1e-8


def test_a_small_ridge_makes_up_for_a_rank_that_is_too_large():
    p = mc.instances.bernoulli(60, 0.5, rank=2, seed=0)
    size = np.linalg.norm(p.to_csr().toarray(), 2)
    result = mc.complete(p, "bm", rank=5, regularizer="ridge", weight=1e-3 * size)
    assert result.stop_reason == "gradient"
    assert result.relative_error(p.truth) < 2e-3


def test_symmetric_start_must_be_one_factor():
    with pytest.raises(ValueError, match="left and right must be equal"):
        mc.complete(problem(True), "bm", rank=1, start=(np.ones((8, 1)), np.zeros((8, 1))))
