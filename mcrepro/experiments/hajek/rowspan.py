"""What T = MᵀM/n keeps of M: everything but the left factor, shown with fractions.

M has integer entries and Q = I - 2 v vᵀ / (vᵀv) is a reflection with rational entries, so that
QM has exactly the same T without being M. What survives of M are the right singular vectors and
the singular values, the eigenvectors of T and the square roots of n times its eigenvalues.
"""

from fractions import Fraction

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep


def trial(_: None, *, matrix: int, n: int, d: int) -> dict:
    """Reflect an integer matrix of shape (n, d), made by a generator with the seed `matrix`.

    Returns
    -------
    dict
        ``moment_change``: largest entry of |T(QM) - T(M)|, as a fraction in text;
        ``matrix_change``: largest entry of |QM - M|, likewise;
        ``vector_gap``: largest |1 - |⟨eigenvector of T, right singular vector of M⟩||;
        ``value_gap``: largest relative difference between n·eigenvalue and singular value².
    """
    rng = np.random.default_rng(matrix)
    original = _fractions(rng.integers(-4, 5, size=(n, d)))
    direction = _fractions(rng.integers(1, 4, size=n))
    rotated = reflection(direction) @ original
    eigenvalues, eigenvectors = np.linalg.eigh(second_moment(original).astype(float))
    _, singular_values, right = np.linalg.svd(original.astype(float), full_matrices=False)
    overlaps = np.abs(np.sum(eigenvectors[:, ::-1] * right.T, axis=0))
    squares = singular_values**2
    return {
        "moment_change": str(np.abs(second_moment(rotated) - second_moment(original)).max()),
        "matrix_change": str(np.abs(rotated - original).max()),
        "vector_gap": float(np.abs(1 - overlaps).max()),
        "value_gap": float(np.abs(n * eigenvalues[::-1] / squares - 1).max()),
    }


def reflection(v: np.ndarray, factor: Fraction = Fraction(2)) -> np.ndarray:
    """Return I - factor·v vᵀ/(vᵀv), of shape (n, n); orthogonal for factor 2 (and 0) only."""
    return _fractions(np.eye(len(v), dtype=int)) - factor * np.outer(v, v) / (v @ v)


def second_moment(matrix: np.ndarray) -> np.ndarray:
    """Return MᵀM/n, of shape (d, d), in the arithmetic of the entries of M, of shape (n, d)."""
    return matrix.T @ matrix / Fraction(len(matrix))


def _fractions(integers: np.ndarray) -> np.ndarray:
    return np.vectorize(Fraction, otypes=[object])(integers.astype(int).astype(object))


def moment_is_invariant(table: pd.DataFrame) -> bool:
    """T(QM) = T(M) exactly while QM ≠ M, and T has M's right singular pairs to rounding."""
    return bool(
        all(Fraction(change) == 0 for change in table["moment_change"])
        and all(Fraction(change) != 0 for change in table["matrix_change"])
        and table["vector_gap"].max() < 1e-10
        and table["value_gap"].max() < 1e-10
    )


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"matrix": 1, "n": 6, "d": 3}),
        "quick": Sweep({"matrix": [1, 2], "n": [6, 12], "d": [3, 4]}),
        "paper": Sweep({"matrix": [1, 2, 3, 4, 5], "n": [6, 12], "d": [3, 4]}),
    },
)
