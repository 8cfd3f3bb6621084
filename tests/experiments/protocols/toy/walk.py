"""Random walks whose end is scored in two ways."""

import math

import numpy as np

from mcrepro.experiments import Protocol, Sweep


def trial(seed, *, n: int, p: float = 0.5, score: str):
    steps = np.random.default_rng(seed).random(n)
    first = float(steps[0])
    if score == "mean":
        return {"first": first, "value": steps.mean(), "steps": np.int64(n)}
    late = np.linalg.norm(np.outer(steps, steps) @ steps)
    return {"first": first, "value": math.inf if steps[-1] > p else late, "steps": np.int64(n)}


PROTOCOL = Protocol(
    trial=trial,
    seed=3,
    shared=("score",),
    profiles={
        "smoke": Sweep({"n": 5, "score": ["mean", "norm"]}),
        "quick": Sweep({"n": [5, 50], "score": ["mean", "norm"]}, trials=4),
        "paper": Sweep({"n": [500, 50, 5], "score": ["norm", "mean"]}, trials=6),
    },
)
