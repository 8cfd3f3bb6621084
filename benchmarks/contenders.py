"""Who runs in a case: a name, who made it, its setting in words, and a function that solves."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata, util
from typing import Any, Literal

import numpy as np

import mcrepro as mc
from benchmarks import peers


@dataclass(frozen=True)
class Answer:
    """Factors of the completion, or a gradient twice, and what else a case may want to score."""

    left: np.ndarray
    right: np.ndarray
    iterations: int = 0


@dataclass(frozen=True)
class Contender:
    """One way to solve the problems of a case.

    Attributes
    ----------
    name : str
        As the table shows it.
    role : {"ours", "reference", "peer"}
        "reference" is an algorithm as it was published, run by this package.
    package : str
        Name of the distribution that does the work.
    setting : str
        What was chosen, in words.
    solve : callable
        Takes a `Task` and returns an `Answer`.
    seeds : int, optional
        Runs on the first few seeds of the case only; by default on all.
    """

    name: str
    role: Literal["ours", "reference", "peer"]
    package: str
    setting: str
    solve: Callable[[Any], Answer]
    seeds: int | None = None

    @property
    def available(self) -> bool:
        """Whether its package is installed."""
        return (
            util.find_spec({"scikit-surprise": "surprise"}.get(self.package, self.package))
            is not None
        )

    @property
    def source(self) -> str:
        """The code and setting that decide what it does, apart from this package's methods."""
        bound, keywords = self.solve, {}
        while isinstance(bound, partial):
            keywords, bound = bound.keywords | keywords, bound.func
        version = "" if self.package == "mcrepro" else metadata.version(self.package)
        code = inspect.getsource(keywords.pop("function", bound))
        return f"{code} {sorted(keywords.items())} {version}"


def ours(
    method: str, label: str = "", role="ours", seeds=None, ranked=True, **options
) -> Contender:
    """A method of this package with these options; `ranked` if it is told the rank."""
    setting = ", ".join(f"{key}={value!r}" for key, value in options.items()) or "defaults"
    return Contender(
        label or method,
        role,
        "mcrepro",
        setting,
        partial(_complete, method=method, ranked=ranked, **options),
        seeds,
    )


def _complete(task, *, method, ranked, **options):
    rank = task.rank if ranked else None
    result = mc.complete(task.problem, method, rank=rank, seed=task.seed, **options)
    return Answer(result.left, result.right, result.n_iter)


def published(seeds=None) -> Contender:
    """The reference path of GNMR: LSQR on the whole least-squares problem, the authors' defaults."""
    return ours(
        "gnmr",
        "gnmr, as published",
        role="reference",
        seeds=seeds,
        variant="setting",
        least_squares="lsqr",
        inner_iter=2000,
        max_iter=100,
    )


def pymanopt(seconds: float = 20.0, rtol: float = 1e-9, seeds=None) -> Contender:
    """Riemannian conjugate gradients."""
    setting = (
        "FixedRankEmbedded, ConjugateGradient (Polak-Ribière, backtracking), gradient by hand, "
        f"spectral start, gradient to {rtol:g}, at most {seconds:g} s"
    )
    return Contender(
        "pymanopt",
        "peer",
        "pymanopt",
        setting,
        partial(_factors, function=peers.pymanopt, seconds=seconds, rtol=rtol),
        seeds,
    )


def cmfrec_als(sweeps: int, seeds=None) -> Contender:
    """Alternating least squares of cmfrec."""
    return Contender(
        "cmfrec ALS",
        "peer",
        "cmfrec",
        f"exact normal equations, lambda 1e-10, {sweeps} sweeps",
        partial(
            _factors, function=peers.cmfrec, method="als", use_cg=False, niter=sweeps, lambda_=1e-10
        ),
        seeds,
    )


def cmfrec_lbfgs(seeds=None) -> Contender:
    """L-BFGS of cmfrec."""
    return Contender(
        "cmfrec L-BFGS",
        "peer",
        "cmfrec",
        "lambda 1e-10, at most 3000 iterations",
        partial(_factors, function=peers.cmfrec, method="lbfgs", maxiter=3000, lambda_=1e-10),
        seeds,
    )


def tensorly(seconds: float = 20.0, seeds=None) -> Contender:
    """Masked CP decomposition."""
    setting = f"masked parafac, random start, at most {seconds:g} s"
    return Contender(
        "tensorly",
        "peer",
        "tensorly",
        setting,
        partial(_factors, function=peers.tensorly, seconds=seconds),
        seeds,
    )


def _factors(task, *, function, **options):
    return Answer(*function(task.problem, task.rank, task.seed, **options))


def surprise_svd(grid) -> Contender:
    """SVD of scikit-surprise."""
    setting = f"factors, epochs, rate and ridge chosen among {len(grid)} on held-out ratings"
    return Contender(
        "surprise SVD",
        "peer",
        "scikit-surprise",
        setting,
        partial(_ratings, function=peers.surprise_svd, grid=grid),
    )


def cmfrec_ratings(grid) -> Contender:
    """cmfrec with biases."""
    setting = f"ALS with biases; factors and ridge chosen among {len(grid)} on held-out ratings"
    return Contender(
        "cmfrec",
        "peer",
        "cmfrec",
        setting,
        partial(_ratings, function=peers.cmfrec_ratings, grid=grid),
    )


def surprise_bias() -> Contender:
    """BaselineOnly of scikit-surprise."""
    return Contender(
        "surprise biases", "peer", "scikit-surprise", "BaselineOnly, defaults", _biases
    )


def _ratings(task, *, function, **options):
    return Answer(*function(task.problem, task.seed, **options))


def _biases(task):
    return Answer(*peers.surprise_bias(task.problem))


def cvxpy_lasso(regularization: float) -> Contender:
    """The matrix lasso in cvxpy."""
    return Contender(
        "cvxpy + SCS",
        "peer",
        "cvxpy",
        "sum of squares plus normNuc, eps 1e-6",
        partial(_lasso, regularization=regularization),
    )


def _lasso(task, *, regularization):
    return Answer(*peers.cvxpy_lasso(task.problem, regularization))


def importing(module: str, package: str, role) -> Contender:
    """Importing a package in a new process, the start of Python included."""
    return Contender(
        f"import {module}", role, package, "new process", partial(_import, module=module)
    )


def _import(task, *, module):
    del task
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, capture_output=True)
    return Answer(np.zeros((1, 1)), np.zeros((1, 1)))


def lifted_gradient(form: str, role) -> Contender:
    """Twenty gradients of the lifted objective in one of its forms."""
    setting = "20 gradients at one point"
    return Contender(form, role, "mcrepro", setting, partial(_gradients, form=form))


def _gradients(task, *, form):
    objective = getattr(task.problem, form)
    for _ in range(20):
        gradient = objective.gradient(task.problem.point)
    return Answer(gradient, gradient)
