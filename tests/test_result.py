"""What a result predicts and how it is scored."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from mcrepro import Problem, Result
from mcrepro.result import STOP_REASONS

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.standard_normal((4, 2)), RNG.standard_normal((3, 2))


def make(stop_reason="residual"):
    return Result(LEFT, RIGHT, "toy", 2, stop_reason, n_iter=3, seconds=0.5)


def test_predict_is_the_product():
    rows, cols = np.meshgrid(range(4), range(3), indexing="ij")
    np.testing.assert_allclose(make().predict(rows, cols), LEFT @ RIGHT.T, rtol=1e-14)
    np.testing.assert_array_equal(make().matrix(), LEFT @ RIGHT.T)
    assert make().predict([], []).shape == (0,)
    assert make().predict(1, 2) == pytest.approx(LEFT[1] @ RIGHT[2])


def test_predict_over_many_blocks():
    rows, cols = RNG.integers(4, size=50_000), RNG.integers(3, size=50_000)
    expected = (LEFT @ RIGHT.T)[rows, cols]
    np.testing.assert_allclose(make().predict(rows, cols), expected, rtol=1e-12, atol=1e-14)


def test_relative_error():
    truth = LEFT @ RIGHT.T
    assert make().relative_error(truth) == 0
    assert make().relative_error(2 * truth) == pytest.approx(0.5)
    mask = np.zeros((4, 3), dtype=bool)
    mask[1, 2] = mask[0, 0] = True
    problem = Problem.from_dense(3 * truth, mask)
    assert make().relative_error(problem) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("truth", "error", "message"),
    [
        (None, TypeError, "truth must be a matrix or a Problem, got None"),
        (np.ones((3, 4)), ValueError, r"truth must have shape \(4, 3\), got \(3, 4\)"),
        (np.zeros((4, 3)), ValueError, "truth is zero"),
        (Problem([0], [0], [1.0], (2, 2)), ValueError, r"shape \(4, 3\), got \(2, 2\)"),
    ],
)
def test_relative_error_refusals(truth, error, message):
    with pytest.raises(error, match=message):
        make().relative_error(truth)


def test_predict_refusals():
    with pytest.raises(ValueError, match=r"rows must lie between 0 and 3, got 0 to 4"):
        make().predict([0, 4], [0, 0])
    with pytest.raises(ValueError, match="cols must lie between 0 and 2, got -1"):
        make().predict([0], [-1])
    with pytest.raises(TypeError, match="cols must hold integers, got dtype float64"):
        make().predict([0], [1.0])
    with pytest.raises(ValueError, match="equal shapes"):
        make().predict([0, 1], [1])


@pytest.mark.parametrize("reason", STOP_REASONS)
def test_only_a_met_tolerance_is_convergence(reason):
    result = make(reason)
    assert result.converged == (reason in {"gradient", "residual"})
    assert result.message == STOP_REASONS[reason]
    assert f"{'' if result.converged else 'not '}converged: {reason}" in repr(result)


def test_unknown_stop_reason_is_refused():
    with pytest.raises(ValueError, match=r"stop_reason must be one of .* got 'done'"):
        make("done")


def test_is_frozen_and_pickles():
    with pytest.raises(FrozenInstanceError):
        make().rank = 3
    copy = pickle.loads(pickle.dumps(make()))
    assert repr(copy) == repr(make())
    np.testing.assert_array_equal(copy.matrix(), make().matrix())
