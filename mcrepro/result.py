"""What is answered: factors, why the method stopped, and what holds at the returned point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mcrepro._factors import entries
from mcrepro.problem import Problem

#: Every reason for which a method may stop, and what it means.
STOP_REASONS = {
    "residual": "the relative residual on the observed entries is below its tolerance",
    "gradient": "the first-order optimality condition holds to its tolerance",
    "stalled": "the objective no longer decreases, and no tolerance is met",
    "max_iter": "the iteration limit was reached before any tolerance was met",
    "diverged": "the iterates left every reasonable range; the factors are not an answer",
    "callback": "the callback asked to stop",
}


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A completed matrix ``left @ right.T`` and the evidence for it.

    Attributes
    ----------
    left : ndarray, shape (n1, k)
    right : ndarray, shape (n2, k)
        For a symmetric method ``right`` equals ``left``.
    method : str
        Name of the method.
    rank : int
        Number k of columns of the factors.
    options : dict
        Every option of the method with the value that was used.
    stop_reason : str
        One of "gradient", "residual", "stalled", "max_iter", "diverged", "callback".
    n_iter : int
        Steps taken.
    seconds : float
        Wall time, in seconds.
    history : tuple of dict
        One record for each point visited, the start included: "iteration", "objective",
        "residual", "gradient_norm" (where the method has one), "seconds", and what the method adds.
    certificate : dict
        "objective", "residual", "gradient_norm" and what the method adds, measured at the
        returned factors.
    citation : str
        The work the method comes from.
    """

    left: np.ndarray
    right: np.ndarray
    method: str
    rank: int
    stop_reason: str
    n_iter: int
    seconds: float
    history: tuple[Mapping[str, Any], ...] = ()
    certificate: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    citation: str = ""

    def __post_init__(self):
        if self.stop_reason not in STOP_REASONS:
            raise ValueError(
                f"stop_reason must be one of {', '.join(map(repr, STOP_REASONS))}, "
                f"got {self.stop_reason!r}"
            )

    @property
    def converged(self) -> bool:
        """Whether a tolerance was met, that is, `stop_reason` is "gradient" or "residual"."""
        return self.stop_reason in ("gradient", "residual")

    @property
    def message(self) -> str:
        """The stop reason in a sentence."""
        return STOP_REASONS[self.stop_reason]

    @property
    def shape(self) -> tuple[int, int]:
        """Size (n1, n2) of the completed matrix."""
        return len(self.left), len(self.right)

    def predict(self, rows, cols) -> np.ndarray:
        """Entries of the completed matrix.

        Parameters
        ----------
        rows, cols : array_like of int, equal shapes
            Zero-based indices.

        Returns
        -------
        ndarray
            Of the shape of `rows`.
        """
        rows, cols = np.asarray(rows), np.asarray(cols)
        if rows.shape != cols.shape:
            raise ValueError(
                f"rows and cols must have equal shapes, got {rows.shape} and {cols.shape}"
            )
        for name, index, size in (("rows", rows, self.shape[0]), ("cols", cols, self.shape[1])):
            if index.size and not np.issubdtype(index.dtype, np.integer):
                raise TypeError(f"{name} must hold integers, got dtype {index.dtype}")
            if index.size and not (index.min() >= 0 and index.max() < size):
                raise ValueError(
                    f"{name} must lie between 0 and {size - 1}, got {index.min()} to {index.max()}"
                )
        flat = entries(
            self.left, self.right, rows.ravel().astype(np.intp), cols.ravel().astype(np.intp)
        )
        return flat.reshape(rows.shape)

    def matrix(self) -> np.ndarray:
        """The whole completed matrix, dense, shape (n1, n2)."""
        return self.left @ self.right.T

    def relative_error(self, truth) -> float:
        """Distance to the truth in Frobenius norm, divided by the norm of the truth.

        Parameters
        ----------
        truth : array_like, shape (n1, n2), or Problem
            A whole matrix; or a problem, whose observed values are then compared (its own
            ``truth`` is not looked at), as for the test part of ``Problem.split``.

        Raises
        ------
        ValueError
            Another shape, or a truth of norm zero.
        """
        if truth is None:
            raise TypeError("truth must be a matrix or a Problem, got None")
        if isinstance(truth, Problem):
            if truth.shape != self.shape:
                raise ValueError(f"truth must have shape {self.shape}, got {truth.shape}")
            target = truth.values
            error = entries(self.left, self.right, truth.rows, truth.cols) - target
        else:
            target = np.asarray(truth)
            if target.shape != self.shape:
                raise ValueError(f"truth must have shape {self.shape}, got {target.shape}")
            error = self.matrix() - target
        size = np.linalg.norm(target)
        if size == 0:
            raise ValueError("truth is zero: a relative error is not defined")
        return float(np.linalg.norm(error) / size)

    def __repr__(self) -> str:
        n1, n2 = self.shape
        verdict = "converged" if self.converged else "not converged"
        residual = self.certificate.get("residual")
        fit = "" if residual is None else f", residual {residual:.2g}"
        return (
            f"Result({self.method}, {n1} x {n2}, rank {self.rank}, {verdict}: "
            f"{self.stop_reason} after {self.n_iter} iterations{fit}, {self.seconds:.2g} s)"
        )
