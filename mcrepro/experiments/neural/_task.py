"""What the networks learn: random matrices of rank r, of which a mask shows a part."""

import numpy as np

from mcrepro.experiments.neural._training import Net

TEST = 4000


def draw(rng, count, shape, rank):
    """Matrices U Vᵀ with standard normal factors, shape (count, n1, n2)."""
    n1, n2 = shape
    return rng.standard_normal((count, n1, rank)) @ rng.standard_normal((count, rank, n2))


def corner(n1: int, n2: int) -> np.ndarray:
    """Return the mask that hides the last entry only."""
    mask = np.ones((n1, n2), dtype=bool)
    mask[-1, -1] = False
    return mask


def learn(rng, mask, rank, *, width, layers, epochs, matrices=2000):
    """Train a network from the seen entries to all; nine tenths of `matrices` are used.

    Returns
    -------
    net : Net
    training, test : arrays of shape (N, n1, n2)
        What it was trained on, and `TEST` new matrices: they take the place of the other tenth, which
        is too few to measure by.
    history : list of float
    """
    training = draw(rng, round(0.9 * matrices), mask.shape, rank)
    test = draw(rng, TEST, mask.shape, rank)
    net = Net([int(mask.sum()), *[width] * layers, mask.size], rng)
    history = net.fit(training[:, mask], training.reshape(len(training), -1), epochs)
    return net, training, test, history


def errors(net, matrices, mask):
    """Prediction minus truth, shape (N, n1, n2)."""
    return net(matrices[:, mask]).reshape(matrices.shape).astype(float) - matrices


def relative(error, truth):
    """Root of the mean square of `error` over that of `truth`: 1 for predicting zero."""
    return float(np.linalg.norm(error) / np.linalg.norm(truth))
