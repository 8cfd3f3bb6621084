"""The objective on few terms beside the whole tensor: the same numbers, and what they cost.

``check``: value, gradient, line and extraction of ``FewTerms`` against ``LiftedObjective`` on random
terms. ``cost``: seconds of one gradient (best of three) and size of the unknown, both forms, for
orders and sizes as far as each form goes; n^l numbers may take 16 MiB.
"""

import time

import numpy as np
import pandas as pd

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact

_LARGEST = 2**21


def trial(
    seed: np.random.SeedSequence, *, part: str, n: int, order: int, rank: int, symmetric: bool
) -> dict:
    """One comparison or one timing.

    Returns
    -------
    dict
        part "check": ``deviation``, the largest relative one among value, gradient, line and
        extraction. Part "cost": ``pair_seconds``, ``pair_numbers``, ``tensor_seconds``,
        ``tensor_numbers``, the times for two terms and a tensor (None where it is too large).
    """
    rng = np.random.default_rng(seed)
    if part == "check":
        problem = _problem(n, rank, symmetric, 0.6, rng)
        return {"deviation": _deviation(problem, order, rank, rng)}
    problem = _problem(n, rank, symmetric, min(1.0, 10 / n), rng)
    terms = mc.lifting.FewTerms(problem, order)
    pair = rng.standard_normal((2, n, rank))
    tensor_numbers, tensor_seconds = float(n * rank) ** order, None
    if tensor_numbers <= _LARGEST:
        lifted = mc.lifting.LiftedObjective(problem, order, rank=rank)
        w = lifted.initial(scale=1.0, seed=0)
        tensor_seconds = _seconds(lambda: lifted.gradient(w))
    return {
        "pair_seconds": _seconds(lambda: terms.gradient(pair)),
        "pair_numbers": pair.size,
        "tensor_seconds": tensor_seconds,
        "tensor_numbers": tensor_numbers,
    }


def _problem(n, rank, symmetric, p, rng):
    Z = rng.standard_normal((n, rank))
    mask = rng.random((n, n)) < p
    mask[0, 0] = True
    if symmetric:
        mask |= mask.T
    return mc.Problem.from_dense(Z @ Z.T, mask, symmetric=True)


def _deviation(problem, order, rank, rng) -> float:
    n, epsilon = problem.shape[0], 0.3
    terms = mc.lifting.FewTerms(problem, order, epsilon)
    lifted = mc.lifting.LiftedObjective(problem, order, epsilon, rank)
    X, U = rng.standard_normal((3, n, rank)), rng.standard_normal((1, n, rank))
    w, u = lifted.lift(X).sum(axis=0), lifted.lift(U)[0]
    at_zero = lifted.value(np.zeros(lifted.shape))
    t = 0.37
    # The chain rule: a term moves by dX, the tensor by the derivative of vec(X)^{⊗l}.
    dX, h = rng.standard_normal(X.shape), 1e-3
    nodes = np.array([-2, -1, 1, 2]) * h
    weights = np.array([1, -8, 8, -1]) / (12 * h)
    moved = [lifted.lift(X + node * dX).sum(axis=0) for node in nodes]
    velocity = sum(weight * tensor for weight, tensor in zip(weights, moved, strict=True))
    slope = np.vdot(lifted.gradient(w), velocity) / at_zero
    extracted = lifted.extract(w, method="partial_trace")
    pairs = [
        (terms.value(X), lifted.value(w) / at_zero),
        (np.polyval(terms.line(X, U)[::-1], t), lifted.value(w + t * u) / at_zero),
        (terms.extract(X) @ terms.extract(X).T, extracted @ extracted.T),
    ]
    exact_ones = [np.abs(a - b).max() / np.abs(b).max() for a, b in pairs]
    # Finite differences are good for fewer digits; on this scale they weigh as much.
    by_differences = abs(np.vdot(terms.gradient(X), dX) - slope) / abs(slope)
    return float(max(*exact_ones, 1e-4 * by_differences))


def _seconds(function) -> float:
    function()
    best = np.inf
    for _ in range(3):
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best


def largest_deviation(table: pd.DataFrame) -> Estimate:
    """Largest relative deviation of the few-term form from the tensor's."""
    return exact(float(table["deviation"].max()))


_CHECKS = [
    {"part": "check", "n": n, "order": order, "rank": rank, "symmetric": symmetric}
    for n, order, rank in ((5, 1, 1), (5, 3, 1), (4, 5, 1), (3, 3, 2))
    for symmetric in (True, False)
]


def _costs(sizes):
    return [
        {"part": "cost", "n": n, "order": order, "rank": 1, "symmetric": True}
        for order in (3, 5, 7)
        for n in sizes
    ]


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(trials=1, cells=_CHECKS + _costs([10, 20])),
        "quick": Sweep(trials=2, cells=_CHECKS + _costs([10, 30, 100, 300, 1000])),
        "paper": Sweep(trials=5, cells=_CHECKS + _costs([10, 18, 30, 60, 100, 300, 1000, 3000])),
    },
)
