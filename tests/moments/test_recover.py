"""Recovery of T: the printed loss and gradient, written out densely; exact cases; fair errors."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import mcrepro as mc
from mcrepro import instances

D, RANK = 12, 2
FIXED = {"optimizer": "gd", "max_iter": 1, "gtol": 0, "rtol": 0}


def full(M):
    return mc.SecondMoment(M.shape[1]).update(sp.csr_array(M))


@pytest.fixture(scope="module")
def moments():
    M = instances.mixture_rows(300, D, RANK, seed=0)
    return mc.SecondMoment(D).update(instances.sample_rows(M, 0.12, seed=1))


@pytest.fixture(scope="module")
def X():
    return 0.4 * np.random.default_rng(2).standard_normal((D, RANK))


def loss(moments, X, q=1.0, counts=True, lam=0.0, alpha=0.0):
    """f as the docstring prints it, and as dense as it can be."""
    N = moments.counts.toarray()
    W = np.where(N > 0, N if counts else 1.0, 0.0)
    W = np.where(np.eye(len(N), dtype=bool), q * W, W)
    error = np.where(N > 0, X @ X.T - moments.hajek().toarray(), 0.0)
    excess = np.maximum(np.linalg.norm(X, axis=1) - alpha, 0)
    return (W * error**2).sum() / (2 * W.sum()) + lam / len(N) * (excess**4).sum()


def numerical_gradient(f, X, h=1e-6):
    gradient = np.zeros_like(X)
    for index in np.ndindex(*X.shape):
        E = np.zeros_like(X)
        E[index] = h
        gradient[index] = (f(X + E) - f(X - E)) / (2 * h)
    return gradient


SETTINGS = [
    {},
    {"diagonal_weight": 0.3},
    {"diagonal_weight": 0},
    {"weights": "uniform", "diagonal_weight": 0.05},
    {"lam": 2.0, "alpha": 0.3},
    {"weights": "uniform", "diagonal_weight": 0.7, "lam": 1.0, "alpha": 0.0},
]


def dense_settings(setting):
    return {
        "q": setting.get("diagonal_weight", 1.0),
        "counts": setting.get("weights", "counts") == "counts",
        "lam": setting.get("lam", 0.0),
        "alpha": setting.get("alpha", 0.0),
    }


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_objective_is_the_printed_one(moments, X, setting):
    result = mc.recover_second_moment(moments, RANK, start=X, max_iter=0, **setting)
    expected = loss(moments, X, **dense_settings(setting))
    assert result.certificate["objective"] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(result.left, X)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_a_fixed_step_is_along_the_gradient_of_the_printed_objective(moments, X, setting):
    step = 1e-3
    moved = mc.recover_second_moment(moments, RANK, start=X, step=step, **FIXED, **setting)
    expected = numerical_gradient(lambda Y: loss(moments, Y, **dense_settings(setting)), X)
    np.testing.assert_allclose((X - moved.left) / step, expected, rtol=1e-6, atol=1e-8)


def test_gradient_has_the_form_of_the_published_code(moments, X):
    seen = moments.counts.toarray() > 0
    q, lam, alpha, step = 0.2, 0.7, 0.25, 1e-2
    W = np.where(np.eye(D, dtype=bool), q, 1.0) * seen
    T = moments.hajek().toarray()
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    slope_of_R = 4 * np.maximum(norms - alpha, 0) ** 3 * X / norms
    gradient = 2 / W.sum() * (W * (X @ X.T - T)) @ X + lam / D * slope_of_R
    options = {"weights": "uniform", "diagonal_weight": q, "lam": lam, "alpha": alpha}
    moved = mc.recover_second_moment(moments, RANK, start=X, step=step, **FIXED, **options)
    np.testing.assert_allclose(moved.left, X - step * gradient, rtol=1e-12, atol=1e-14)


def test_named_diagonal_weights_are_their_formulas(moments, X):
    n, d = moments.n_rows, moments.d
    p = moments.n_entries / (n * d)
    readings = {
        "expected_pairs": n * p**2,
        "pair_seen_in_d": 1 - (1 - p**2) ** d,
        "pair_seen": 1 - (1 - p**2) ** n,
        "entry_seen": 1 - (1 - p) ** n,
    }
    at = {"start": X, "max_iter": 0, "weights": "uniform"}
    for name, q in readings.items():
        result = mc.recover_second_moment(moments, RANK, diagonal_weight=name, **at)
        expected = loss(moments, X, q=q, counts=False)
        assert result.certificate["objective"] == pytest.approx(expected, rel=1e-10)
    assert len({round(q, 6) for q in readings.values()}) == 4


def test_everything_observed_is_recovered_exactly():
    M = instances.mixture_rows(50, 20, 3, seed=0)
    T = M.T @ M / 50
    for options in {}, {"weights": "uniform", "diagonal_weight": 0.1, "init": "normal"}:
        result = mc.recover_second_moment(full(M), 3, **options)
        assert result.stop_reason == "residual"
        assert result.relative_error(T) < 1e-7
    spectral = mc.recover_second_moment(full(M), 3, max_iter=0)
    assert spectral.relative_error(T) < 1e-9


def test_sparse_but_exact_observations_of_rank_one_are_recovered():
    # Rows +u and -u: every product M_ki M_kj is T_ij, whichever rows show the pair.
    rng = np.random.default_rng(3)
    u = rng.standard_normal(40)
    M = np.outer(rng.choice([-1.0, 1.0], 400), u)
    moments = mc.SecondMoment(40).update(instances.sample_rows(M, 0.03, seed=4))
    assert moments.counts.nnz < 0.6 * 40**2
    result = mc.recover_second_moment(moments, 1)
    assert result.stop_reason == "residual"
    assert result.relative_error(np.outer(u, u)) < 1e-7


def test_unit_weights_agree_with_bm():
    M = instances.gaussian_rows(400, 15, 3, seed=0)
    moments = mc.SecondMoment(15).update(instances.sample_rows(M, 0.2, seed=1))
    problem = mc.Problem.from_csr(moments.hajek(), symmetric=True)
    start = 0.3 * np.random.default_rng(2).standard_normal((15, 2))
    theirs = mc.complete(problem, "bm", rank=2, start=(start, start), gtol=1e-9, max_iter=20_000)
    options = {"weights": "uniform", "gtol": 1e-7, "start": start}
    for optimizer in "gd", "lbfgs":
        ours = mc.recover_second_moment(moments, 2, optimizer=optimizer, max_iter=20_000, **options)
        assert ours.converged
        np.testing.assert_allclose(ours.matrix(), theirs.matrix(), atol=1e-6)
        total = ours.certificate["objective"] * problem.n_observed
        assert total == pytest.approx(theirs.certificate["objective"], rel=1e-9)
        assert ours.certificate["residual"] == pytest.approx(theirs.certificate["residual"])


@pytest.mark.parametrize("optimizer", ["gd", "lbfgs"])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_certificate_holds_at_the_returned_point(moments, optimizer, setting):
    result = mc.recover_second_moment(
        moments, RANK, optimizer=optimizer, max_iter=20_000, gtol=1e-6, hessian=True, **setting
    )
    assert result.stop_reason == "gradient"
    assert result.left is result.right
    dense = dense_settings(setting)
    value = loss(moments, result.left, **dense)
    assert result.certificate["objective"] == pytest.approx(value, rel=1e-10)
    gradient = numerical_gradient(lambda Y: loss(moments, Y, **dense), result.left)
    pairs = (moments.counts.nnz + D) / 2
    size = np.sqrt(2 * value) * np.linalg.norm(result.left) / np.sqrt(pairs)
    assert np.linalg.norm(gradient) / size == pytest.approx(
        result.certificate["gradient_norm"], abs=2e-5
    )
    assert result.certificate["gradient_norm"] <= 1e-6

    without = dense | {"lam": 0.0}
    zero = loss(moments, np.zeros((D, RANK)), **without)
    residual = np.sqrt(loss(moments, result.left, **without) / zero)
    assert result.certificate["residual"] == pytest.approx(residual, rel=1e-10)

    top = result.certificate["hessian_max"]
    assert top > 0
    assert result.certificate["hessian_min"] > -1e-6 * top


def test_hessian_extremes_against_finite_differences(moments, X):
    setting = {"lam": 2.0, "alpha": 0.3, "diagonal_weight": 0.4}
    result = mc.recover_second_moment(moments, RANK, start=X, max_iter=0, hessian=True, **setting)
    dense = dense_settings(setting)

    def gradient(x):
        return numerical_gradient(
            lambda Y: loss(moments, Y, **dense), x.reshape(X.shape), h=1e-5
        ).ravel()

    h = 1e-4
    columns = [
        (gradient(X.ravel() + h * e) - gradient(X.ravel() - h * e)) / (2 * h)
        for e in np.eye(X.size)
    ]
    eigenvalues = np.linalg.eigvalsh(np.mean([columns, np.transpose(columns)], axis=0))
    assert result.certificate["hessian_min"] == pytest.approx(eigenvalues[0], abs=1e-5)
    assert result.certificate["hessian_max"] == pytest.approx(eigenvalues[-1], abs=1e-5)


def test_too_long_a_step_is_said_aloud(moments):
    result = mc.recover_second_moment(moments, RANK, optimizer="gd", step=1e7)
    assert result.stop_reason == "diverged"
    assert not result.converged


def test_halving_makes_the_same_step_safe(moments):
    result = mc.recover_second_moment(moments, RANK, optimizer="gd", step=1e7, halvings=60)
    objective = [record["objective"] for record in result.history]
    assert result.n_iter > 5
    assert all(np.diff(objective) < 0)


def test_an_allowance_of_halvings_that_is_used_up_is_said_aloud(moments):
    result = mc.recover_second_moment(moments, RANK, optimizer="gd", step=1e7, halvings=1)
    assert (result.stop_reason, result.n_iter) == ("stalled", 0)


@pytest.mark.parametrize("preset", ["paper", "revised"])
def test_presets_are_the_published_settings_and_can_be_overruled(moments, preset):
    result = mc.recover_second_moment(moments, RANK, preset=preset, max_iter=3, step=0.5)
    expected = {
        "paper": ("pair_seen_in_d", "uniform", 0),
        "revised": ("entry_seen", "spectral", 30),
    }[preset]
    used = result.options
    assert (used["diagonal_weight"], used["init"], used["halvings"]) == expected
    assert (used["weights"], used["lam"], used["alpha"]) == ("uniform", 1e-4, 1e-3)
    assert (used["optimizer"], used["step"], used["max_iter"]) == ("gd", 0.5, 3)


def test_published_settings_fit_the_instance_of_the_published_code():
    n, d = 5_000, 100
    M = instances.gaussian_rows(n, d, 3, seed=0, mean=2 / np.sqrt(d), std=1 / d)
    moments = mc.SecondMoment(d).update(instances.sample_rows(M, 4 / d, seed=1))
    # A step is in units of d^2 / ||T||: 1e4 at d = 1000 is 1e2 at d = 100.
    for preset in "paper", "revised":
        result = mc.recover_second_moment(moments, 3, preset=preset, step=1e2, max_iter=500)
        assert result.relative_error(M.T @ M / n) < 0.05


def test_starts():
    M = instances.mixture_rows(2_000, 400, 2, seed=0)
    moments = mc.SecondMoment(400).update(instances.sample_rows(M, 0.02, seed=1))

    def start(**options):
        return mc.recover_second_moment(moments, 5, max_iter=0, **options).left

    assert start(init="normal").std() == pytest.approx(400**-0.5, rel=0.05)
    assert start(init="normal", init_scale=3.0).std() == pytest.approx(3.0, rel=0.05)
    for options, top in ({}, 0.1), ({"init_scale": 7.0}, 7.0):
        X = start(init="uniform", **options)
        assert 0 <= X.min() < 0.01 * top
        assert 0.99 * top < X.max() <= top


def test_spectral_start_is_right_on_average():
    M = instances.mixture_rows(500, 8, 1, seed=0)
    T = M.T @ M / 500
    estimates = []
    for seed in range(200):
        moments = mc.SecondMoment(8).update(instances.sample_rows(M, 0.08, seed=seed))
        estimates.append(mc.recover_second_moment(moments, 1, max_iter=0).matrix())
    assert np.linalg.norm(np.mean(estimates, axis=0) - T) < 0.05 * np.linalg.norm(T)


def test_the_same_seed_gives_the_same_digits(moments):
    for init in "spectral", "normal", "uniform":
        one, two, other = (
            mc.recover_second_moment(moments, RANK, seed, init=init) for seed in (5, 5, 6)
        )
        np.testing.assert_array_equal(one.left, two.left)
        if init != "spectral":
            assert one.history[0]["objective"] != other.history[0]["objective"]


def test_nothing_given_is_changed_and_the_result_pickles(moments, X):
    before, start = copy.deepcopy(moments), X.copy()
    result = mc.recover_second_moment(moments, RANK, start=start)
    assert moments == before
    np.testing.assert_array_equal(start, X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(result)).left, result.left)
    assert result.shape == (D, D)
    assert result.method == "recover_second_moment"


def test_warm_start_has_nothing_left_to_do(moments):
    first = mc.recover_second_moment(moments, RANK)
    again = mc.recover_second_moment(moments, RANK, start=first.left)
    assert (again.n_iter, again.stop_reason) == (0, "gradient")


def test_callback_stops(moments):
    result = mc.recover_second_moment(
        moments, RANK, gtol=0, callback=lambda record, _point: record["iteration"] == 3
    )
    assert (result.stop_reason, result.n_iter) == ("callback", 3)


@pytest.mark.parametrize("init", ["spectral", "normal"])
def test_columns_never_seen_are_zero_and_counted(init):
    M = np.random.default_rng(0).standard_normal((30, 6))
    M[:, [1, 4]] = 0.0
    result = mc.recover_second_moment(full_without(M, [1, 4]), 2, init=init)
    assert result.certificate["unseen"] == 2
    assert not result.left[[1, 4]].any()
    assert result.left[[0, 2, 3, 5]].any(axis=1).all()


def full_without(M, columns):
    seen = np.ones(M.shape, dtype=bool)
    seen[:, columns] = False
    rows, cols = np.nonzero(seen)
    return mc.SecondMoment(M.shape[1]).update(
        sp.csr_array((M[rows, cols], (rows, cols)), shape=M.shape)
    )


def test_zero_data_give_zero():
    moments = full_without(np.zeros((4, 3)), [])
    result = mc.recover_second_moment(moments, 2)
    assert result.stop_reason == "residual"
    assert np.abs(result.matrix()).max() == 0


def test_beats_its_own_data_and_the_trivial_answers():
    n, d, C, rank = 20_000, 200, 4, 5
    M = instances.mixture_rows(n, d, rank, seed=0)
    T = M.T @ M / n
    rows = instances.sample_rows(M, C / d, seed=1)
    moments = mc.SecondMoment(d).update(rows)
    result = mc.recover_second_moment(moments, rank)
    assert result.converged
    error = result.relative_error(T)
    assert error < 0.35

    seen = moments.counts.toarray() > 0
    ours = np.linalg.norm((result.matrix() - T)[seen])
    data = np.linalg.norm((moments.hajek().toarray() - T)[seen])
    assert ours < 0.5 * data
    column_means = rows.sum(axis=0) / np.diff(rows.tocsc().indptr)
    for trivial in (
        np.zeros((d, d)),
        np.full((d, d), rows.data.mean() ** 2),
        np.outer(column_means, column_means),
    ):
        assert error < 0.5 * np.linalg.norm(trivial - T) / np.linalg.norm(T)
    # The published weights ask the same data less well.
    published = {"weights": "uniform", "diagonal_weight": "pair_seen_in_d"}
    assert error < mc.recover_second_moment(moments, rank, **published).relative_error(T)


def test_refuses_what_is_not_a_moment():
    with pytest.raises(TypeError, match=r"moments must be a mcrepro.SecondMoment, got csr_array"):
        mc.recover_second_moment(sp.csr_array((3, 3)), 1)
    with pytest.raises(ValueError, match="at least one row, got none; call update"):
        mc.recover_second_moment(mc.SecondMoment(3), 1)
    with pytest.raises(ValueError, match="one observed entry, got none in 4 rows"):
        mc.recover_second_moment(mc.SecondMoment(3).update(sp.csr_array((4, 3))), 1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rank": 0}, ValueError, "rank must be between 1 and 12, got 0"),
        ({"rank": D + 1}, ValueError, "rank must be between 1 and 12, got 13"),
        ({"rank": 1.5}, TypeError, "rank must be an integer"),
        ({"diagnal_weight": 1}, TypeError, "no option 'diagnal_weight'; did you mean 'diagonal_w"),
        ({"preset": "papr"}, ValueError, "preset must be one of .* did you mean 'paper'"),
        ({"weights": "count"}, ValueError, "weights must be one of .* did you mean 'counts'"),
        ({"diagonal_weight": "pair_sen"}, ValueError, "did you mean 'pair_seen'"),
        ({"diagonal_weight": -1}, ValueError, "diagonal_weight must be in"),
        ({"init": "specral"}, ValueError, "did you mean 'spectral'"),
        ({"init_scale": 2.0}, ValueError, "no meaning with init='spectral'"),
        ({"optimizer": "lbgfs"}, ValueError, "did you mean 'lbfgs'"),
        ({"step": 0.1}, ValueError, "step=0.1 has no meaning with optimizer='lbfgs'"),
        ({"preset": "paper", "optimizer": "lbfgs"}, ValueError, "step=10000.0 has no meaning"),
        ({"optimizer": "gd", "halvings": 3}, ValueError, "halvings=3 needs a step given as"),
        ({"optimizer": "gd", "step": "saef"}, ValueError, "did you mean 'safe'"),
        ({"optimizer": "gd", "step": -1.0}, ValueError, "step must be in"),
        ({"lam": -1}, ValueError, "lam must be in"),
        ({"alpha": np.nan}, ValueError, "alpha must be in"),
        ({"hessian": 1}, TypeError, "hessian must be True or False"),
        ({"start": np.ones((D, 3))}, ValueError, r"start must have shape \(12, 2\), got \(12, 3\)"),
        ({"start": np.full((D, RANK), np.inf)}, ValueError, "start must be finite"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"progress": "yes"}, TypeError, "progress must be True or False"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_refuses_bad_arguments(moments, options, error, message):
    with pytest.raises(error, match=message):
        mc.recover_second_moment(moments, **({"rank": RANK} | options))


def test_refuses_a_weight_that_leaves_nothing():
    alone = mc.SecondMoment(2).update(sp.csr_array([[1.0, 0.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="diagonal_weight=0 leaves nothing to fit"):
        mc.recover_second_moment(alone, 1, diagonal_weight=0)
