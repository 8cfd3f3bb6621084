"""The penalties of the Burer-Monteiro objective, and how options name them."""

from __future__ import annotations

import numpy as np

from mcrepro._checks import one_of, real
from mcrepro.solvers import _start

_WANTED = {"none": (), "ridge": ("weight",), "row_norm": ("weight", "alpha")}


class Ridge:
    """penalty(W) = weight / 2 ||W||_F^2; a weight of 0 is no penalty."""

    def __init__(self, weight: float):
        self.weight = weight

    def value(self, W):
        return 0.5 * self.weight * np.vdot(W, W)

    def change(self, W, D):
        """``value(W + D) - value(W)``, without cancellation."""
        return self.weight * (np.vdot(W, D) + 0.5 * np.vdot(D, D))

    def gradient(self, W):
        return self.weight * W

    def hessian_product(self, _W, D):
        return self.weight * D


class RowNorm:
    """penalty(W) = weight sum_i (||w_i|| - alpha)_+^4, the R of eq. (1.2) of Ge, Lee and Ma."""

    def __init__(self, weight: float, alpha: float):
        self.weight = weight
        self.alpha = alpha

    def _excess(self, W):
        norms = np.linalg.norm(W, axis=1)
        return norms, np.maximum(norms - self.alpha, 0.0)

    def value(self, W):
        return self.weight * np.sum(self._excess(W)[1] ** 4)

    def change(self, W, D):
        """``value(W + D) - value(W)``, without cancellation."""
        old, before = self._excess(W)
        new, after = self._excess(W + D)
        # a^4 - b^4 = (a - b)(a + b)(a^2 + b^2), and the norms differ by <2w + d, d> over their sum.
        sums = np.where(old + new > 0, old + new, 1.0)
        both = (before > 0) & (after > 0)
        gap = np.where(both, np.sum((2 * W + D) * D, axis=1) / sums, after - before)
        return self.weight * np.sum(gap * (after + before) * (after**2 + before**2))

    def gradient(self, W):
        # Proposition 4.2 of the paper prints a fourth power; the derivative of t^4 has the cube.
        norms, excess = self._excess(W)
        factor = 4 * self.weight * excess**3 / np.where(excess > 0, norms, 1.0)
        return factor[:, None] * W

    def hessian_product(self, W, D):
        norms, excess = self._excess(W)
        norms = np.where(excess > 0, norms, 1.0)
        across = 4 * self.weight * excess**3 / norms
        along = 12 * self.weight * excess**2
        radial = np.sum(W * D, axis=1) / norms**2
        return across[:, None] * D + ((along - across) * radial)[:, None] * W


def chosen(regularizer, weight, alpha, loss, rank, rng):
    """The penalty that these options of `bm` ask for, and its numbers by name."""
    numbers = _numbers(regularizer, weight, alpha, loss, rank, rng)
    if regularizer == "row_norm":
        return RowNorm(**numbers), numbers
    return Ridge(numbers.get("weight", 0.0)), numbers


def _numbers(regularizer, weight, alpha, loss, rank, rng):
    one_of("regularizer", regularizer, _WANTED)
    wanted, numbers = _WANTED[regularizer], {}
    for name, value in {"weight": weight, "alpha": alpha}.items():
        if value is not None and name not in wanted:
            raise ValueError(f"{name}={value} has no meaning with regularizer={regularizer!r}")
        if name not in wanted:
            continue
        if value is None:
            raise ValueError(f"regularizer={regularizer!r} needs {name}, a positive number")
        if isinstance(value, str):
            one_of(name, value, ("paper",))
            if regularizer != "row_norm" or not loss.problem.symmetric:
                raise ValueError(
                    f"{name}='paper' is a theorem on symmetric problems with "
                    "regularizer='row_norm'; give a number"
                )
            numbers[name] = _of_the_paper(loss, rank, rng)[name]
        else:
            numbers[name] = real(name, value, 0, open_low=True)
    return numbers


def _of_the_paper(loss, rank, rng):
    """Theorem 4.3, for any size of Z: its alpha is for ``||Z||_F^2 = r`` and scales with Z."""
    Z, p = _start.initial(loss, rank, rng, "spectral", None), loss.problem.density
    d, size = len(Z), np.linalg.norm(Z)
    singular = np.linalg.svd(Z, compute_uv=False)
    mu = np.sqrt(d) * np.linalg.norm(Z, axis=1).max() / size
    kappa = singular[0] / singular[-1]
    normalised = 4 * mu * kappa * rank / np.sqrt(d)
    return {
        "weight": float(mu**2 * rank * p / normalised**2),
        "alpha": float(normalised * size / np.sqrt(rank)),
    }
