"""A trial that takes a while and notes in a file that it was begun."""

import os
import time

import numpy as np

from mcrepro.experiments import Protocol, Sweep


def trial(seed, *, n: int, log: str, pause: float = 0.02):
    tag = f"{seed.entropy:x}"[:16]
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{tag}\n".encode())  # appends whole: the line is short
    os.close(descriptor)
    time.sleep(pause)
    values = np.random.default_rng(seed).standard_normal(n)
    return {"tag": tag, "mean": values.mean(), "largest": np.abs(values).max()}


SWEEP = Sweep({"n": [10, 20, 30, 40], "log": os.devnull}, trials=10)
PROTOCOL = Protocol(
    trial=trial,
    seed=7,
    shared=("log", "pause"),
    profiles={"smoke": SWEEP, "quick": SWEEP, "paper": SWEEP},
)
