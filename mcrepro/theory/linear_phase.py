r"""Gradient descent on the lifted objective near zero, where it is a linear map.

With ``B = D ∘ b̃`` (its symmetric part, r = 1) and the gradient of ``factor ||...||²``, a step η from a small w is

    w <- w + ρ B^{⊗l} w,    ρ = 4 factor η.

In the eigenbasis v_1, v_2, ... of B, eigenvalues ``λ_1 > |λ_2| >= ...``, the coordinate (i_1, ..., i_l) of w grows
by ``1 + ρ λ_{i_1} ... λ_{i_l}`` a step. From ``x_0^{⊗l}`` with ``c_i = <v_i, x_0>`` it is, after t steps,
``c_{i_1} ... c_{i_l} (1 + ρ λ_{i_1} ... λ_{i_l})^t``.

Distance to rank one. Put ``u = v_1 + sum_j (c_j / c_1) s_j^t v_j`` with ``s_j = (1 + ρ λ_1^{l-1} λ_j) / (1 + ρ λ_1^l)``:
then ``u^{⊗l}`` has the coordinates of w (divided by the first) wherever at most one index is not 1. Those are a
*turn* of the rank-one tensor, no departure from it. All others decay at least as fast as
``s^t``, ``s = (1 + ρ λ_1^{l-2} λ_2^2) / (1 + ρ λ_1^l)``, in w and, as ``s_j s_k <= s``, in ``u^{⊗l}``. Hence w is within
``κ ||w||`` of a rank-one tensor once

    t >= ln(||x_0||^l / (κ |c_1|^l)) / ln(1 / s).

The ε-MC paper ("noise"), eq. (26), has η in the place of ρ and ``λ_2^l`` in that of ``λ_1^{l-2} λ_2^2``.
"""

from __future__ import annotations

import numpy as np

from mcrepro._checks import integer, real


def linear_phase(data, x0, order: int, rate: float, steps: int) -> np.ndarray:
    """Where t steps of the linear map bring ``x_0^{⊗l}``, divided by the growth of ``v_1^{⊗l}``.

    Parameters
    ----------
    data : ndarray, shape (n, n)
        B; its symmetric part counts.
    x0 : ndarray, shape (n,)
    order : int
    rate : float
        ρ, positive and below one divided by the l-th power of the largest eigenvalue in absolute value.
    steps : int
        t.

    Returns
    -------
    ndarray, shape (n,)*order
    """
    order, steps = integer("order", order, 1), integer("steps", steps, 0)
    values, vectors = np.linalg.eigh((data + data.T) / 2)
    rate = _stable(rate, values, order)
    coordinates, growth = vectors.T @ x0, values
    for _ in range(order - 1):
        coordinates = np.multiply.outer(coordinates, vectors.T @ x0)
        growth = np.multiply.outer(growth, values)
    log_growth = np.log1p(rate * growth) - np.log1p(rate * values[-1] ** order)
    w = coordinates * np.exp(steps * log_growth)
    for _ in range(order):
        # The first mode is rotated and comes out last: after `order` turns each was first once.
        w = np.moveaxis(np.tensordot(vectors, w, axes=(1, 0)), 0, -1)
    return w


def rank_one_time(data, x0, kappa: float, order: int, rate: float) -> float:
    """Steps after which the linear phase is within κ of rank one, relatively; see the module.

    Parameters
    ----------
    data, x0, order, rate
        As for `linear_phase`; order at least 2.
    kappa : float
        In (0, 1].

    Returns
    -------
    float
        A whole number of at least 0, or infinity where the leading eigenvalue is not simple, not the
        largest in absolute value, or x_0 has no part along its vector.
    """
    order = integer("order", order, 2)
    kappa = real("kappa", kappa, 0, 1, open_low=True)
    values, vectors = np.linalg.eigh((data + data.T) / 2)
    rate = _stable(rate, values, order)
    x0 = np.asarray(x0, dtype=float).ravel()
    first, second = values[-1], np.abs(values[:-1]).max(initial=0.0)
    share = abs(vectors[:, -1] @ x0) / np.linalg.norm(x0)
    if first - second <= 1e-12 * first or share == 0:
        return np.inf
    gain = np.log1p(rate * first**order) - np.log1p(rate * first ** (order - 2) * second**2)
    return max(0.0, float(np.ceil((-np.log(kappa) - order * np.log(share)) / gain)))


def _stable(rate, values, order):
    """The rate, if it turns no coordinate's sign."""
    rate, most = real("rate", rate, 0, open_low=True), np.abs(values).max() ** order
    if rate * most >= 1:
        raise ValueError(f"rate must be below 1/|λ|^l = {1 / most:.4g}, got {rate}")
    return rate
