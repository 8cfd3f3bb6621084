"""The number of iterations after which the paper has gradient descent near rank one."""

from __future__ import annotations

import numpy as np

from mcrepro._checks import one_of, real

# Singular values closer than this, relatively, are equal.
_EQUAL = 1e-12


def iteration_bound(lifted, x0, kappa, step, *, rate="printed"):
    """t(κ, l) of eq. (26).

        ceil( ln(||x_0||^l / (κ |v_1^T x_0|^l)) / ln((1 + η σ_1^l) / (1 + η σ_2^l)) ),

    with σ_1 >= σ_2 the leading singular values of ``U = I_r ⊗ B`` (eq. (27): D ∘ B = B) and v_1 the
    vector of the first; for an unsymmetric mask B stands for its symmetric part. Infinite when
    σ_1 = σ_2, where the denominator is ln 1 = 0: for the paper's structured instance with zeros at
    even indices, and for every r > 1, because I_r repeats each singular value r times.

    Parameters
    ----------
    lifted : LiftedObjective
    x0 : array_like, shape (n * r,) or (n, r)
        Direction of the start, of any norm.
    kappa : float
        In (0, 1).
    step : float
        η, positive.
    rate : {"printed", "gradient"}
        ``η`` as printed, or ``4 factor η``, the rate at which gradient descent with step η on h does
        grow near 0: the derivation drops the factor of the gradient.

    Returns
    -------
    float
        A whole number of at least 0, or infinity.
    """
    one_of("rate", rate, ("printed", "gradient"))
    kappa = real("kappa", kappa, 0, 1, open_low=True)
    eta = real("step", step, 0, open_low=True)
    if rate == "gradient":
        eta *= 4 * lifted.factor
    x0 = np.asarray(x0, dtype=np.float64)
    x0 = x0.T.ravel() if x0.ndim == 2 else x0
    if x0.shape != (lifted.n * lifted.rank,) or not x0.any():
        raise ValueError(
            f"x0 must be a nonzero vector of length {lifted.n * lifted.rank}, got shape {x0.shape}"
        )
    if lifted.rank > 1:
        return np.inf
    eigenvalues, vectors = np.linalg.eigh((lifted.data + lifted.data.T) / 2)
    leading = np.argsort(-np.abs(eigenvalues), kind="stable")
    first, second = np.abs(eigenvalues[leading[0]]), np.abs(eigenvalues[leading[1:2]]).sum()
    share = np.abs(vectors[:, leading[0]] @ x0) / np.linalg.norm(x0)
    if first - second <= _EQUAL * first or share == 0:
        return np.inf
    gain = np.log1p(eta * first**lifted.order) - np.log1p(eta * second**lifted.order)
    wanted = -np.log(kappa) - lifted.order * np.log(share)
    return float(np.ceil(wanted / gain))
