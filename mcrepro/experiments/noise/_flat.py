"""Rank-r matrices whose singular vectors have entries of one size: incoherence μ₀ = 1, exactly."""

import numpy as np
from scipy.linalg import hadamard


def singular_vectors(n: int, rank: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return U, V of shape (n, rank) with orthonormal columns and entries ±1/√n.

    Random columns of a Hadamard matrix, with random signs of the rows; n is a power of two.
    """
    H = hadamard(n) / np.sqrt(n)

    def draw():
        signs = rng.choice([-1.0, 1.0], size=(n, 1))
        return signs * H[:, rng.choice(n, rank, replace=False)]

    return draw(), draw()
