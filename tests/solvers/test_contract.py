"""What holds for every registered method; a new method is covered without a change here."""

import functools
import pickle

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.result import STOP_REASONS
from mcrepro.solvers import _registry

METHODS = _registry.names()
RANK = 2


def rectangular():
    return mc.instances.oversampled(40, 30, RANK, ratio=4.0, condition=3.0, seed=0)


def symmetric():
    return mc.instances.bernoulli(20, 0.8, rank=RANK, seed=2)


def nonnegative():
    rng = np.random.default_rng(2)
    truth = rng.random((40, RANK)) @ rng.random((RANK, 30))
    return mc.Problem.from_dense(truth, rng.random(truth.shape) < 0.5)


def tiny():
    rng = np.random.default_rng(3)
    truth = rng.standard_normal((3, RANK)) @ rng.standard_normal((RANK, 3))
    return mc.Problem.from_dense(truth, ~np.eye(3, k=2, dtype=bool))


PROBLEMS = {
    "rectangular": rectangular,
    "symmetric": symmetric,
    "nonnegative": nonnegative,
    "tiny": tiny,
}
pytestmark = pytest.mark.parametrize(
    ("method", "setting"),
    [(m, s) for m in METHODS for s in PROBLEMS if s in _registry.get(m).setting],
)


@pytest.fixture
def problem(setting):
    return PROBLEMS[setting]()


@functools.cache
def solved(method, setting):
    """The default answer, computed once; the tests that need a second one compute that."""
    return mc.complete(PROBLEMS[setting](), method, rank=RANK)


def equal(one, two):
    return np.array_equal(one.left, two.left) and np.array_equal(one.right, two.right)


def test_result_is_complete(problem, method, setting):
    result = solved(method, setting)
    assert result.converged
    assert result.shape == problem.shape
    assert result.left.shape[1] == result.right.shape[1] == result.rank
    assert result.left.dtype == result.right.dtype == np.float64
    assert result.stop_reason in STOP_REASONS
    assert result.seconds > 0
    assert len(result.history) == result.n_iter + 1
    assert result.options.keys() == _registry.get(method).options.keys()
    assert result.citation


def test_certificate_belongs_to_the_returned_factors(problem, method, setting):
    result = solved(method, setting)
    difference = result.predict(problem.rows, problem.cols) - problem.values
    residual = np.linalg.norm(difference) / np.linalg.norm(problem.values)
    assert result.certificate["residual"] == pytest.approx(residual, rel=1e-6, abs=1e-14)
    for name, value in result.history[-1].items():
        if name not in ("iteration", "seconds"):
            assert result.certificate[name] == value
    finite = [v for record in result.history for v in record.values() if isinstance(v, float)]
    assert np.isfinite(finite).all()
    seconds = [record["seconds"] for record in result.history]
    assert seconds == sorted(seconds)
    assert seconds[-1] <= result.seconds


def test_the_seed_decides_everything(problem, method):
    once, again = (mc.complete(problem, method, rank=RANK, seed=7) for _ in range(2))
    assert equal(once, again)
    assert once.certificate == again.certificate


def test_the_truth_is_not_looked_at(problem, method, setting):
    blind = mc.Problem(
        problem.rows, problem.cols, problem.values, problem.shape, symmetric=problem.symmetric
    )
    assert equal(solved(method, setting), mc.complete(blind, method, rank=RANK))


def test_the_order_of_the_entries_does_not_matter(problem, method, setting):
    order = np.random.default_rng(0).permutation(problem.n_observed)
    shuffled = mc.Problem(
        problem.rows[order],
        problem.cols[order],
        problem.values[order],
        problem.shape,
        symmetric=problem.symmetric,
    )
    assert equal(solved(method, setting), mc.complete(shuffled, method, rank=RANK))


def test_scaling_the_data_scales_the_answer(problem, method, setting):
    scaled = mc.Problem(
        problem.rows,
        problem.cols,
        1e4 * problem.values,
        problem.shape,
        symmetric=problem.symmetric,
    )
    result, expected = mc.complete(scaled, method, rank=RANK), solved(method, setting)
    assert result.stop_reason == expected.stop_reason
    np.testing.assert_allclose(
        result.matrix(), 1e4 * expected.matrix(), rtol=0, atol=1e-2 * np.abs(problem.values).max()
    )


def test_single_precision_data_give_the_same_answer(problem, method, setting):
    single = mc.Problem(
        problem.rows,
        problem.cols,
        problem.values.astype(np.float32),
        problem.shape,
        symmetric=problem.symmetric,
    )
    result, expected = mc.complete(single, method, rank=RANK), solved(method, setting)
    assert result.left.dtype == np.float64
    scale = np.abs(expected.matrix()).max()
    np.testing.assert_allclose(result.matrix(), expected.matrix(), rtol=0, atol=1e-5 * scale)


def test_progress_is_shown_and_changes_nothing(problem, method, setting, capsys):
    quiet = solved(method, setting)
    assert not capsys.readouterr().err
    assert equal(mc.complete(problem, method, rank=RANK, progress=True), quiet)
    assert method in capsys.readouterr().err or quiet.n_iter == 0


def test_too_few_steps_are_no_answer(problem, method, setting):
    if "max_iter" not in _registry.get(method).options:
        pytest.skip(f"{method} has nothing to iterate")
    if solved(method, setting).n_iter > 1:
        result = mc.complete(problem, method, rank=RANK, max_iter=1)
        assert not result.converged
        assert result.stop_reason == "max_iter"
        assert result.message


def test_callback_stops(problem, method):
    records = []

    def callback(record, iterate):
        assert iterate.left.shape == (problem.shape[0], iterate.right.shape[1])
        records.append(record)
        return True

    result = mc.complete(problem, method, rank=RANK, callback=callback)
    assert records == [result.history[0]]
    # A method that is done at once has met its tolerance, which says more.
    assert result.stop_reason == "callback" or result.converged
    assert result.n_iter == 0


def test_pickles(method, setting):
    result = solved(method, setting)
    copy = pickle.loads(pickle.dumps(result))
    assert equal(copy, result)
    assert (repr(copy), copy.history) == (repr(result), result.history)


def test_warm_start_at_the_answer_stays_there(problem, method, setting):
    if "start" not in _registry.get(method).options:
        pytest.skip(f"{method} has no option start")
    result = solved(method, setting)
    again = mc.complete(problem, method, rank=RANK, start=(result.left, result.right))
    assert equal(again, result)
    assert again.n_iter == 0


def test_every_option_with_a_vocabulary_refuses_other_words(problem, method):
    for name, default in _registry.get(method).options.items():
        if isinstance(default, str):
            with pytest.raises(ValueError, match=f"{name} must be one of .*got 'nonsense'"):
                mc.complete(problem, method, rank=RANK, **{name: "nonsense"})
