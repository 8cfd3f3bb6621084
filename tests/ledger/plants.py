"""A planted paper: protocols whose tables are known, and entries about them."""

import textwrap

from mcrepro.ledger.entries import parse

SWEEP = """
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact, mean, rate

def trial(seed, *, x: int):
    return {"y": 2.0 * x, "hit": 1}

PROTOCOL = Protocol(trial=trial, seed=7, profiles={
    "smoke": Sweep({"x": 1}, trials=2),
    "quick": Sweep({"x": [1, 2]}, trials=5),
    "paper": Sweep({"x": [1, 2, 3]}, trials=20),
})

def hits(table):
    return rate(int(table["hit"].sum()), len(table))

def two(table):
    return Estimate(2.0, 1.99, 2.01, 0.95, "mean", len(table))

def drifting(table):
    centre = 2.0 if len(table) > 10 else 5.0
    return Estimate(centre, centre - 0.1, centre + 0.1, 0.95, "mean", len(table))

def doubled(table):
    return {x: exact(part["y"].iloc[0]) for x, part in table.groupby("x")}

def number(table):
    return 2.0

def claim_true(table):
    return True

def _private(table):
    return exact(0)
"""

PROOF_PROTOCOL = """
from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import exact

def trial(seed, *, n: int):
    return {"deviation": 0.0}

PROTOCOL = Protocol(trial=trial, exact=True, profiles=dict.fromkeys(
    ("smoke", "quick", "paper"), Sweep({"n": 6})))

def holds(table):
    return bool((table["deviation"] == 0).all())

def numpy_holds(table):
    return (table["deviation"] == 0).all()

def fails(table):
    return False

def deviation(table):
    return exact(table["deviation"].max())
"""

FETCH = """
from mcrepro.errors import DataError
from mcrepro.experiments import Protocol, Sweep

def trial(seed, *, n: int):
    raise DataError("the ratings are not here: set MCREPRO_DATA")

PROTOCOL = Protocol(trial=trial, profiles=dict.fromkeys(("smoke", "quick", "paper"), Sweep({"n": 1})))

def ratio(table):
    raise AssertionError("there is no table")
"""


def entry(keys: str, name: str = "hajek-regime", paper: str = "hajek"):
    """One claim with the given YAML lines beside the ones all entries have."""
    common = (
        f"id: {name}\npaper: {paper}\nwhere: here\nclaim: in our words\nchapter: onesided/page\n"
    )
    text = "- " + textwrap.indent(common + textwrap.dedent(keys), "  ").lstrip()
    (claim,) = parse(text, f"{paper}.yml")
    return claim


TWO = """
    protocol: planted-sweep
    statistic: two
    printed: {value: 2.0, decimals: 1}
    tolerance: {reason: as printed}
"""
PROOF = "protocol: planted-proof\nstatistic: holds\nprinted: {holds: true}"
READINGS = """
    left_open: The text does not say which.
    protocol: planted-sweep
    readings:
      - {label: a, statistic: two, printed: {value: 2.0, decimals: 1}, tolerance: {reason: r}}
      - {label: b, statistic: hits, printed: {at_most: 0.5}, tolerance: {reason: r}}
      - {label: c, protocol: planted-proof, statistic: holds, printed: {holds: true}}
"""
CURVE = """
    protocol: planted-sweep
    statistic: doubled
    printed: {curve: [[1, 2], [2, 4], [3, 6]], decimals: 0}
    tolerance: {reason: as printed}
"""
