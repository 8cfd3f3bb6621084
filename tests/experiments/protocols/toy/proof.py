"""Sums of the first integers, by enumeration."""

from mcrepro.experiments import Protocol, Sweep


def trial(seed, *, n: int):
    assert seed is None
    return {"total": sum(range(n + 1)), "formula": n * (n + 1) // 2}


SWEEP = Sweep({"n": [1, 2, 10]})
PROTOCOL = Protocol(
    trial=trial, exact=True, profiles={"smoke": SWEEP, "quick": SWEEP, "paper": SWEEP}
)
