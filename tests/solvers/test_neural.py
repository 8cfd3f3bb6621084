"""What the network sees, what it is scored on, and what becomes of its output."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers.neural import train

MASK = np.array([[True, True], [True, False]])


def drawn(count, rank=1, n=2, seed=9):
    rng = np.random.default_rng(seed)
    U, V = rng.standard_normal((2, count, n, rank))
    return U @ V.transpose(0, 2, 1)


@pytest.fixture(scope="module")
def network():
    return train(MASK, rank=1, n_matrices=4000, width=32, max_iter=40, learning_rate=3e-3, seed=1)


def test_it_learns_what_fresh_matrices_confirm(network):
    matrices = drawn(20_000)
    error = network.predict(matrices) - matrices
    unobserved = np.linalg.norm(error[:, 1, 1]) / np.linalg.norm(matrices[:, 1, 1])
    assert unobserved < 0.7  # predicting zero gives 1
    assert unobserved == pytest.approx(network.unobserved_error, abs=0.2)
    assert 0.5 * np.mean(error**2) == pytest.approx(network.validation, rel=0.5)
    assert network.validation == min(record["validation"] for record in network.history)
    assert network.history[network.best_epoch - 1]["validation"] == network.validation
    assert len(network.history) == network.epochs


def test_hidden_entries_are_not_seen(network):
    matrices = drawn(10)
    hidden = np.where(MASK, matrices, np.nan)
    np.testing.assert_array_equal(network.predict(hidden), network.predict(matrices))
    np.testing.assert_allclose(network.predict(matrices[3]), network.predict(matrices)[3])


def test_prediction_is_that_of_the_trained_regressor():
    network = train(MASK, rank=1, n_matrices=1000, learning_rate=0.01, max_iter=1)
    assert network.best_epoch == 1
    matrices = drawn(5)
    expected = network._regressor.predict(matrices[:, MASK]).reshape(5, 2, 2)
    np.testing.assert_allclose(network.predict(matrices), expected, rtol=1e-12)


def test_training_matrices_follow_the_data_model():
    """Entries of U V^T with r columns have mean 0 and variance r, and the rank is r."""
    mask = np.ones((4, 3), dtype=bool)
    mask[0, 0] = False
    network = train(mask, rank=2, n_matrices=5000, max_iter=0)
    matrices = np.concatenate([network._training, network._held_out])
    assert matrices.shape == (5000, 4, 3)
    assert len(network._held_out) == 500
    np.testing.assert_allclose(matrices.var(axis=0), 2.0, rtol=0.15)
    assert (np.linalg.matrix_rank(matrices) == 2).all()
    assert not network.predict(matrices).any()
    assert network.unobserved_error == 1.0


def test_training_stops_early():
    network = train(MASK, rank=1, n_matrices=50, max_iter=500, patience=3, learning_rate=0.05)
    assert network.epochs < 500
    assert network.epochs == network.best_epoch + 3


@pytest.mark.parametrize("output", ["filled", "network", "truncated"])
def test_outputs(output):
    truth = np.outer([1.0, -2.0, 0.5], [3.0, 1.0, -1.0])
    mask = ~np.eye(3, k=1, dtype=bool)
    problem = mc.Problem.from_dense(truth, mask)
    options = {"n_matrices": 300, "max_iter": 15}
    result = mc.complete(problem, "neural", rank=1, output=output, **options)
    certificate = result.certificate
    network = train(mask, rank=1, seed=0, **options)
    unit = np.sqrt(np.mean(problem.values**2))
    prediction = unit * network.predict(truth / unit)
    filled = np.where(mask, truth, prediction)
    if output == "network":
        expected = prediction
        assert certificate["residual"] == pytest.approx(certificate["prediction_residual"])
    elif output == "filled":
        expected = filled
        assert certificate["residual"] < 1e-14
    else:
        U, s, Vt = np.linalg.svd(filled)
        expected = s[0] * np.outer(U[:, 0], Vt[0])
        assert result.rank == 1
    np.testing.assert_allclose(result.matrix(), expected, atol=1e-12)
    misfit = np.linalg.norm((prediction - truth)[mask]) / np.linalg.norm(problem.values)
    assert certificate["prediction_residual"] == pytest.approx(misfit)
    assert certificate["unobserved_error"] == network.unobserved_error


def test_filling_in_the_data_is_no_convergence():
    problem = mc.Problem.from_dense(drawn(1)[0], MASK)
    result = mc.complete(problem, "neural", rank=1, n_matrices=100, max_iter=5, rtol=1e-6)
    assert result.certificate["residual"] < 1e-14
    assert result.stop_reason == "max_iter"
    assert not result.converged
    easy = mc.complete(problem, "neural", rank=1, n_matrices=100, max_iter=5, rtol=10.0)
    assert (easy.stop_reason, easy.n_iter) == ("residual", 5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mask": np.ones((2, 2), dtype=bool)}, ValueError, "both observed and unobserved"),
        ({"mask": np.eye(21, dtype=bool)}, ValueError, "at most 20 x 20, got 21 x 21"),
        ({"mask": np.eye(2)}, TypeError, "mask must be a matrix of bool"),
        ({"rank": 3}, ValueError, "rank must be between 1 and 2, got 3"),
        ({"n_matrices": 9}, ValueError, "n_matrices must be at least 10"),
        ({"hidden_layers": 3}, ValueError, "hidden_layers must be between 1 and 2"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be in"),
        ({"width": 0}, ValueError, "width must be at least 1"),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=message):
        train(**({"mask": MASK, "rank": 1} | arguments))


def test_shapes_are_checked(network):
    with pytest.raises(ValueError, match=r"matrices must have shape \(2, 2\)"):
        network.predict(np.ones((2, 3)))
