"""The matrices that the slides print, and which of their entries were hidden."""

import numpy as np

EXAMPLE_2 = np.array([[0.6, -0.2], [1.2, -0.4]])
EXAMPLE_4 = np.array(
    [
        [-0.303, 0.388, 3.082, -0.64],
        [-4.413, -2.146, -0.12, 0.776],
        [0.356, 0.362, 1.1, -0.307],
        [1.375, 0.96, 1.717, -0.619],
    ]
)
CASE_2 = np.array([[-0.0233782, -0.0575182], [-0.12784362, -0.31453815]])
CASE_4 = np.array(
    [
        [-0.784, -0.07, -0.167, 0.333],
        [-1.185, 0.579, 0.841, 0.472],
        [0.221, -1.358, -2.152, -0.031],
        [1.413, -0.628, -0.904, -0.565],
    ]
)
PREDICTION_2 = np.array([[-0.02139766, -0.05180938], [-0.13365555, -0.30243173]])
PREDICTION_4 = np.array(
    [
        [-0.766, -0.074, -0.143, 0.313],
        [-1.187, 0.603, 0.854, 0.388],
        [1.625, -0.602, -2.103, -0.028],
        [1.378, -0.627, -0.876, -0.572],
    ]
)


def hiding(n: int, *entries: tuple[int, int]) -> np.ndarray:
    """Return the n-by-n mask that shows all but `entries`, counted from 0."""
    mask = np.ones((n, n), dtype=bool)
    mask[tuple(zip(*entries, strict=True))] = False
    return mask


MASK_2 = hiding(2, (1, 1))
EXAMPLE_MASK_4 = hiding(4, (0, 2), (2, 0), (3, 3))
MASK_4 = hiding(4, (1, 3), (2, 0), (2, 1))
