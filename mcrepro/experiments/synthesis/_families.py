"""Families of small problems on which all methods meet, and how each method is called there.

A method is called with its defaults unless `Family.options` says otherwise: the rank where it needs
one, a ridge or a noise level where the data are noisy, and a limit of iterations for methods that
would crawl. Every method sees the same entries; those of a symmetric problem are mirrored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import mcrepro as mc

EXACT = 1e-5
"""Relative error at which an exact problem counts as solved."""

NOISE = 0.1
"""Standard deviation of the noise, in units of the root mean square of the observed entries."""

STRUCTURED = 10
"""Size of the structured problem: the tensors and networks of two methods allow no more."""

RANK_FREE = ("mean", "lin_rfm", "soft_impute", "nuclear_norm", "trace_sdp")
GENERAL = ("mean", "als", "alternating_gd", "bm", "gnmr", "lin_rfm", "soft_impute", "nuclear_norm")
CRAWL: dict[str, dict[str, Any]] = {
    "alternating_gd": {"max_iter": 500},
    "bm": {"max_iter": 500},
    "nmf": {"max_iter": 500},
    "neural": {"n_matrices": 200, "max_iter": 10},
}


@dataclass(frozen=True)
class Family:
    """Problems of one kind.

    Attributes
    ----------
    draw : callable
        Takes a size n and a generator, returns a Problem with its truth.
    rank : int
    methods : tuple of str
        Which methods apply.
    limit : callable
        Takes a Problem, returns the relative error at which it counts as solved.
    options : mapping of str to callable
        Options of a method that are not its defaults, from the Problem.
    """

    draw: Callable[[int, np.random.Generator], mc.Problem]
    rank: int
    methods: tuple[str, ...] = GENERAL
    limit: Callable[[mc.Problem], float] = lambda _problem: EXACT
    options: Mapping[str, Callable[[mc.Problem], dict[str, Any]]] = field(default_factory=dict)

    def solve(self, problem: mc.Problem, method: str, rng: np.random.Generator, **more: Any):
        """Call one method as this family calls it, with `more` options."""
        options = dict(CRAWL.get(method, {}))
        if method in self.options:
            options |= self.options[method](problem)
        options |= more
        rank = None if method in RANK_FREE else self.rank
        return mc.complete(problem, method, rank=rank, seed=rng, **options)


def uniform(ratio: float, condition: float):
    """Uniform entries, `ratio` times the degrees of freedom, of a random matrix of rank 2."""
    return lambda n, rng: mc.instances.oversampled(n, n, 2, ratio, condition, rng)


def noisy(n, rng):
    """The well-sampled problem with normal noise on its entries."""
    clean = uniform(5.0, 3.0)(n, rng)
    size = NOISE * np.sqrt(np.mean(clean.values**2))
    values = clean.values + size * rng.standard_normal(clean.n_observed)
    return mc.Problem(clean.rows, clean.cols, values, clean.shape, truth=clean.truth)


def structured(_n, rng):
    """The deterministic mask, of one size for every n; what stands at even indices is random."""
    return mc.instances.structured(STRUCTURED, rng.uniform(0.1, 0.5))


def psd(n, rng):
    """Independent entries of a positive semidefinite matrix, six a row, mirrored."""
    one_way = mc.instances.bernoulli(n, 6 / n, 2, rng)
    mask = np.zeros((n, n), dtype=bool)
    mask[one_way.rows, one_way.cols] = True
    return mc.Problem.from_dense(one_way.truth, mask | mask.T, symmetric=True)


def nonnegative(n, rng):
    """Uniform entries of a product of factors that are uniform on [0, 1]."""
    mask = uniform(2.0, 1.0)(n, rng)
    M = rng.random((n, 2)) @ rng.random((2, n))
    return mc.Problem(mask.rows, mask.cols, M[mask.rows, mask.cols], mask.shape, truth=M)


def _near_oracle(problem):
    """One and a half times the error of least squares in the true tangent space, at its least."""
    return 1.5 * NOISE / np.sqrt(problem.oversampling(2))


_NOISE_OPTIONS: dict[str, Callable[[mc.Problem], dict[str, Any]]] = {
    "als": lambda _problem: {"ridge": "learned"},
    "lin_rfm": lambda _problem: {"schedule": "constant", "ridge": 0.05},
    "nuclear_norm": lambda problem: {"noise": NOISE * float(np.linalg.norm(problem.values))},
}

FAMILIES = {
    "well sampled": Family(uniform(5.0, 3.0), 2),
    "scarce": Family(uniform(1.5, 3.0), 2),
    "ill-conditioned": Family(uniform(3.0, 1000.0), 2),
    "noisy": Family(noisy, 2, limit=_near_oracle, options=_NOISE_OPTIONS),
    "structured": Family(
        structured,
        1,
        (*GENERAL, "trace_sdp", "lifted", "nmf", "neural"),
        limit=lambda problem: 0.05 / float(np.linalg.norm(problem.truth)),
    ),
    "symmetric": Family(psd, 2, (*GENERAL, "trace_sdp")),
    "nonnegative": Family(nonnegative, 2, (*GENERAL, "nmf")),
}
