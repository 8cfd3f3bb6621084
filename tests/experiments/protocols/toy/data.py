"""Counts how often it was computed in this process, as if it read some data."""

import itertools

from mcrepro.experiments import Protocol, Sweep

COUNT = itertools.count()


def trial(_seed):
    return {"process": next(COUNT)}


PROTOCOL = Protocol(
    trial=trial,
    data=("toy-ratings",),
    profiles={"smoke": Sweep(), "quick": Sweep(), "paper": Sweep()},
)
