"""Instances, searches and their price for the protocols on lifting without the tensor."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh

import mcrepro as mc
from mcrepro.theory.rank_one_completion import is_determined

FIT, SOLVED = 1e-4, 1e-3
"""Relative residual below which data are fitted; relative error below which a matrix is found."""

RANK = {"structured": 1, "random": 1, "blocks": 2}


def instance(family: str, n: int, level: float, rng: np.random.Generator) -> mc.Problem:
    """Draw a problem whose rank-r completion is unique, without noise.

    Parameters
    ----------
    family : {"structured", "random", "blocks"}
        "structured": eq. (20) with ``level/√⌊n/2⌋`` at even indices. "random": rank one, Gaussian,
        each entry observed with probability ``level·log(n)/n``; drawn until the completion is
        unique. "blocks": rank two, Gaussian, eight diagonal blocks observed in full and each pair
        of entries outside with probability `level`.
    """
    if family == "structured":
        return mc.instances.structured(n, level / np.sqrt(n // 2))
    if family == "random":
        while True:
            problem = mc.instances.bernoulli(n, level * np.log(n) / n, seed=rng)
            if is_determined(problem):
                return problem
    if family == "blocks":
        Z, block = rng.standard_normal((n, 2)), np.arange(n) * 8 // n
        linked = np.triu(rng.random((n, n)) < level)
        mask = linked | linked.T | (block[:, None] == block)
        return mc.Problem.from_dense(Z @ Z.T, mask, symmetric=True)
    raise ValueError(f"family must be one of {', '.join(RANK)}; got {family!r}")


class Search:
    """Runs of descent on one problem, with what they cost and the best fit so far.

    The unit of work is one gradient of the Burer-Monteiro objective. A step of L-BFGS or of safe
    descent takes two (gradient and exact line search); a gradient of two terms, or of the escape
    ratio, takes `PAIR`, for it has four products X_a X_b^T in the place of one.
    """

    PAIR = 5

    def __init__(
        self, problem: mc.Problem, rank: int, rng: np.random.Generator, budget: int = 10**9
    ):
        self.problem, self.rank, self.rng = problem, rank, rng
        self.budget = budget
        self.work = 0
        self.fit = np.inf
        self.X: np.ndarray = np.zeros((problem.shape[0], rank))

    def descend(self, start=None, *, optimizer="lbfgs", **options) -> tuple[np.ndarray, float]:
        """Run method bm from `start` or at random; return X and the relative residual."""
        if start is not None:
            options["start"] = (start, start)
        elif "init" not in options:
            options["init"] = "random"
        options = {"rtol": 1e-7, "gtol": 1e-7, **options}
        options["max_iter"] = min(options.get("max_iter", 1000), self.steps(2))
        result = mc.complete(
            self.problem, "bm", rank=self.rank, seed=self.rng, optimizer=optimizer, **options
        )
        fixed_step = "step" in options.get("optimizer_options", {})
        self.work += (1 if fixed_step else 2) * result.n_iter
        return self.keep(result.left)

    def steps(self, price: float) -> int:
        """How many steps at this price the budget still has."""
        return int(max((self.budget - self.work) // price, 0))

    def open(self) -> bool:
        """Whether the data are not fitted yet and there is budget to go on."""
        return self.fit > FIT and self.work < self.budget

    def keep(self, X: np.ndarray) -> tuple[np.ndarray, float]:
        """Compare X with the best so far; return X and its relative residual."""
        problem = self.problem
        misfit = np.einsum("mr,mr->m", X[problem.rows], X[problem.cols]) - problem.values
        fit = float(np.linalg.norm(misfit) / np.linalg.norm(problem.values))
        if fit < self.fit:
            self.fit, self.X = fit, X
        return X, fit

    def escape(self, X: np.ndarray, order: int, **options) -> mc.lifting.Escape:
        """Try to leave X at one order of lifting."""
        terms = mc.lifting.FewTerms(self.problem, order)
        options = {"max_iter": min(200, self.steps(self.PAIR)), "seed": self.rng, **options}
        found = mc.lifting.escape(terms, X, **options)
        self.work += self.PAIR * (found.n_ratio + found.n_gradient)
        return found

    def small_start(self, scale: float = 1e-4) -> np.ndarray:
        """Follow plain gradient descent from entries `scale` times the usual ones to full size."""
        problem = self.problem
        B = sp.csr_array((problem.values, (problem.rows, problem.cols)), shape=problem.shape)
        v0 = self.rng.standard_normal(problem.shape[0])
        top = abs(eigsh((B + B.T) / 2, 1, which="LA", v0=v0, tol=1e-2)[0][0])
        self.work += 20
        typical = np.sqrt(np.sqrt(np.mean(problem.values**2) / self.rank))
        X, _ = self.descend(
            optimizer="gd",
            optimizer_options={"step": 0.1 / top},
            init_scale=scale * typical,
            max_iter=150,
        )
        return X

    def solved(self) -> bool:
        """Whether the best X is the truth."""
        truth = self.problem.truth
        return bool(np.linalg.norm(self.X @ self.X.T - truth) <= SOLVED * np.linalg.norm(truth))


def rescaled(problem: mc.Problem, U: np.ndarray) -> np.ndarray:
    """Return c U with ``c² U Uᵀ`` closest to the data."""
    image = np.einsum("mr,mr->m", U[problem.rows], U[problem.cols])
    return np.sqrt(max(image @ problem.values, 0.0) / (image @ image)) * U
