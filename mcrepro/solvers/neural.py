"""A feed-forward network, trained on random low-rank matrices to fill one pattern of holes.

Problem
    For one mask and one rank r, a map from the observed entries of an n1 x n2 matrix to all of its
    entries. It minimises the mean squared error over matrices ``U V^T`` with independent standard
    normal U, V of r columns; the matrix to complete is not among them, and is scaled to their mean
    square before it is shown to the network (completion does not depend on scale; the network
    does).
Optimality
    None: training has no certificate, and a small training loss says nothing of *this* matrix. So
    the result counts as converged if the prediction at the observed entries, which the network saw,
    is within `rtol` of them, which is necessary only. The certificate has this
    "prediction_residual"; "validation", the loss on held-out matrices; and "unobserved_error", the
    relative error at unobserved entries of held-out matrices, to be compared with 1, the error of
    predicting zero. It is usually the number to look at.
Deviations
    The slides train for 10,000 epochs, and name neither the number of matrices nor the constant in
    the width O(n^2) (here 8 n1 n2 units: n1 n2 learn next to nothing). Here the held-out tenth stops the training early, and its
    best epoch is what is returned. Their matrices are square; nothing needs that.
References
    M. Alkady, "Low-rank matrix completion via deep neural networks", slides, Machine Learning for
    Physicists and Mathematicians Summer School, Northeastern University, 2025.
"""

import numpy as np

from mcrepro._checks import generator, integer, one_of, real
from mcrepro.solvers._given import mirrored, misfit
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._network import Network
from mcrepro.solvers._registry import method


@method(
    "neural",
    setting="tiny (at most 20 x 20), like U V^T with independent normal factors",
    cost="O(n_matrices n1^2 n2^2) an epoch",
    source="neural, Model and Model Summary",
    citation="M. Alkady, Low-rank matrix completion via deep neural networks, Machine Learning for "
    "Physicists and Mathematicians Summer School, Northeastern University (2025)",
    dense=True,
)
def neural(
    problem,
    rank,
    rng,
    loop,
    *,
    output="filled",
    n_matrices=1000,
    hidden_layers=2,
    width=None,
    learning_rate=1e-3,
    batch_size=64,
    patience=10,
    max_iter=100,
    rtol=0.1,
):
    """Complete by a network that is trained for the problem's mask.

    A step is an epoch. To use one network on many matrices, see `train`.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2), at most 20 x 20, with something left to predict.
    rank : int
        Of the training matrices.
    output : {"filled", "network", "truncated"}
        What the factors multiply to: the observed entries with predictions elsewhere; predictions
        throughout; or the best approximation of the first of rank `rank`.
    n_matrices : int, default 1000
        Random matrices, a tenth of which is held out; at least 10.
    hidden_layers : {1, 2}
    width : int, optional
        Units in a hidden layer; default 8 n1 n2.
    learning_rate : float, default 1e-3
        Of Adam.
    batch_size : int, default 64
    patience : int, default 10
        Epochs without a smaller held-out loss after which training stops.
    max_iter : int, default 100
        Most epochs. The slides: 10,000.
    rtol : float, default 0.1
        On ``||prediction - data|| / ||data||`` at the observed entries, after training.
    """
    one_of("output", output, ("filled", "network", "truncated"))
    max_iter, rtol = integer("max_iter", max_iter, 0), real("rtol", rtol, 0)
    patience = integer("patience", patience, 1)
    rows, cols, values = mirrored(problem)
    mask = np.zeros(problem.shape, dtype=bool)
    mask[rows, cols] = True
    network = Network(mask, rank, rng, n_matrices, hidden_layers, width, learning_rate, batch_size)
    observed = np.zeros(problem.shape)
    observed[rows, cols] = values

    # The residual is for judging the trained network, not for stopping its training.
    iterates = _iterates(problem, network, observed, rank, output)
    outcome = loop(iterates, max_iter=max_iter, rtol=-1.0, patience=patience)
    trained = outcome.stop_reason in ("stalled", "max_iter")
    if trained and outcome.certificate["prediction_residual"] <= rtol:
        outcome.stop_reason = "residual"
    return outcome


def train(
    mask,
    rank,
    *,
    n_matrices=1000,
    hidden_layers=2,
    width=None,
    learning_rate=1e-3,
    batch_size=64,
    patience=10,
    max_iter=100,
    seed=0,
):
    """Train a network for one mask, to be used on many matrices.

    Parameters
    ----------
    mask : array_like of bool, shape (n1, n2)
        True where entries are observed.
    rank : int
        Of the training matrices, between 1 and min(n1, n2).
    n_matrices, hidden_layers, width, learning_rate, batch_size, patience, max_iter
        As for the method `neural`.
    seed : int, SeedSequence or Generator, default 0

    Returns
    -------
    Network
        ``predict(matrices)`` completes them; ``history``, ``epochs``, ``best_epoch``,
        ``validation`` and ``unobserved_error`` tell of the training.

    Examples
    --------
    >>> import numpy as np
    >>> from mcrepro.solvers.neural import train
    >>> network = train([[True, True], [True, False]], rank=1, n_matrices=200, max_iter=5)
    >>> network.predict(np.ones((10, 2, 2))).shape
    (10, 2, 2)
    """
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.ndim != 2:
        raise TypeError(
            f"mask must be a matrix of bool, got shape {mask.shape} and dtype {mask.dtype}"
        )
    rank = integer("rank", rank, 1, min(mask.shape))
    max_iter, patience = integer("max_iter", max_iter, 0), integer("patience", patience, 1)
    network = Network(
        mask, rank, generator(seed), n_matrices, hidden_layers, width, learning_rate, batch_size
    )
    while network.epochs < max_iter and network.epochs - network.best_epoch < patience:
        network.train_epoch()
    return network


def _iterates(problem, network, observed, rank, output):
    values = problem.values.astype(np.float64)
    size = np.linalg.norm(values) or 1.0
    # The entries of U V^T have variance r.
    unit = np.sqrt(np.mean(observed[network.mask] ** 2) / rank) or 1.0
    while True:
        prediction = unit * network.predict(observed / unit)
        left, right = _factors(prediction, observed, network.mask, rank, output)
        yield Iterate(
            left,
            right,
            objective=network.validation,
            residual=misfit(problem, left, right),
            prediction_residual=float(
                np.linalg.norm(prediction[problem.rows, problem.cols] - values) / size
            ),
            validation=network.validation,
            unobserved_error=network.unobserved_error,
        )
        network.train_epoch()


def _factors(prediction, observed, mask, rank, output):
    completed = prediction if output == "network" else np.where(mask, observed, prediction)
    U, s, Vt = np.linalg.svd(completed, full_matrices=False)
    k = rank if output == "truncated" else len(s)
    return U[:, :k] * s[:k], Vt[:k].T
