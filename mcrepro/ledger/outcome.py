"""Carry out one check: run its protocol, reduce its table, judge, compare with the reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mcrepro import experiments
from mcrepro.errors import DataError

from .protocols import is_exact, statistic
from .reference import named_estimates, point_name, reference_estimates, reference_verdict
from .schema import Check, Claim, Curve, Order, Statement
from .verdict import NOT_RUN, Computed, Verdict, bands, consistent, judge


class Runs:
    """The tables of the protocols that were asked for, each computed once."""

    def __init__(self, profile: str, jobs: int | None):
        self.profile = profile
        self._jobs = jobs
        self._tables: dict[str, pd.DataFrame | DataError] = {}

    def table(self, protocol: str) -> pd.DataFrame | DataError:
        """Return the protocol's table, or why its data are not to be had."""
        if protocol not in self._tables:
            try:
                table = experiments.run(protocol, profile=self.profile, jobs=self._jobs)
            except DataError as error:
                table = error
            self._tables[protocol] = table
        return self._tables[protocol]


@dataclass
class Outcome:
    """One check, carried out."""

    check: Check
    verdict: Verdict
    details: list[dict[str, Any]]
    provenance: Mapping[str, Any]
    consistent: bool | None = None
    reference_verdict: str = ""


def carry_out(claim: Claim, check: Check, runs: Runs, reference: pd.DataFrame) -> Outcome:
    """Compute and decide one check of a claim.

    Raises
    ------
    TypeError, ValueError
        If the statistic does not exist, or does not return what `check.printed` needs.
    """
    reduce = statistic(check.protocol, check.statistic)
    exact = is_exact(check.protocol)
    if isinstance(check.printed, Statement) and not exact:
        raise ValueError(f"'holds' needs an exact protocol, {check.protocol} is not")
    stored = reference_estimates(reference, claim.id, check.label)
    stored_verdict = reference_verdict(check, stored)
    table = runs.table(check.protocol)
    if isinstance(table, DataError):
        missing = Verdict(NOT_RUN, f"data missing: {table}")
        return Outcome(check, missing, [], {}, None, stored_verdict)
    computed = reduce(table)
    if isinstance(computed, np.bool_):
        computed = bool(computed)
    verdict = _verdict(check, computed, runs.profile, exact)
    provenance = table.attrs["provenance"]
    agreements = []
    details = []
    for point, estimate in named_estimates(computed).items():
        agrees = None
        if not exact and claim.incomparable is None and point in stored:
            agrees = consistent(estimate, stored[point])
        agreements.append(agrees)
        details.append(
            {
                "reading": check.label,
                "point": point,
                **_printed_at(check, point),
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "confidence": estimate.confidence,
                "kind": estimate.kind,
                "n": estimate.n,
                "exact": exact,
                "verdict": verdict.verdict,
                "reason": verdict.reason,
                "consistent": agrees,
                "reference_verdict": stored_verdict,
                "protocol": check.protocol,
                "statistic": check.statistic,
                "commit": provenance["commit"],
                "source": provenance["source"],
            }
        )
    return Outcome(check, verdict, details, provenance, agreement(agreements), stored_verdict)


def _verdict(check: Check, computed: Computed, profile: str, exact: bool) -> Verdict:
    """Judge, and withhold the verdict where a reduced profile may not give it."""
    if exact or profile == "paper":
        return judge(check.printed, check.tolerance, computed)
    if not _points_left_out(check, computed):
        judge(check.printed, check.tolerance, computed)  # refuses what does not fit the entry
    return Verdict(f"{NOT_RUN} ({profile})", f"the {profile} profile gives a value, not a verdict")


def _points_left_out(check: Check, computed: Computed) -> bool:
    """Tell whether a reduced grid leaves out printed points of a curve or ranking."""
    match check.printed:
        case Curve(curve=points):
            keys = {point_name(x) for x, _ in points}
        case Order(increasing=names):
            keys = set(names)
        case _:
            return False
    return isinstance(computed, Mapping) and not keys <= set(named_estimates(computed))


def _printed_at(check: Check, point: str) -> dict[str, str]:
    """Return what is printed for one estimate, and the band that counts as printed."""
    band = {point_name(x): band for x, band in bands(check.printed, check.tolerance).items()}
    accepted = str(band[point]) if point in band else ""
    printed = check.printed.as_text()
    if isinstance(check.printed, Curve):
        printed = {point_name(x): check.printed.show(y) for x, y in check.printed.curve}.get(
            point, ""
        )
    elif point:  # a name in a ranking
        printed = ""
    return {"printed": printed, "accepted": accepted}


def agreement(agreements: list[bool | None]) -> bool | None:
    """Return False if one disagrees, None if none was compared, and True otherwise."""
    compared = [agreement for agreement in agreements if agreement is not None]
    return all(compared) if compared else None
