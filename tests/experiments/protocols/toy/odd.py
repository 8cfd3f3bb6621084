"""Trials that misbehave as they are told, with parameters of every kind."""

import os

import numpy as np

from mcrepro.experiments import Protocol, Sweep

RETURNS = {
    "row": {"value": 1},
    "rows": [{"value": 1, "part": "a"}, {"value": 2.5, "part": "b"}],
    "mixed": {
        "none": None,
        "bool": np.bool_(True),
        "nan": np.float32("nan"),
        "text": 'é\n"',
        "tiny": 5e-324,
        "minus_zero": -0.0,
        "big": 2**60,
    },
    "fat": {"value": "x" * 30_000},
    "array": {"value": np.zeros(3)},
    "complex": {"value": 1j},
    "nothing": None,
    "empty": [],
    "clash": {"layers": 1},
}


def trial(_seed, *, returns: str, layers=(1,), rank: int | None = None):
    assert layers is None or isinstance(layers, tuple)
    if returns == "fail" and rank == 2:
        raise ZeroDivisionError("rank is two")
    if returns == "die":
        os._exit(1)
    return RETURNS.get(returns, RETURNS["row"])


SWEEP = Sweep({"returns": "row"})
PROTOCOL = Protocol(trial=trial, profiles={"smoke": SWEEP, "quick": SWEEP, "paper": SWEEP})
