"""The estimates of the paper-profile run, kept in ``book/reference/claims.csv``.

Only estimates are stored. The verdict on them is computed anew, so that it follows the entries.
"""

import os
from pathlib import Path
from typing import TextIO

import pandas as pd

from mcrepro.experiments.source import source_hash
from mcrepro.experiments.statistics import Estimate

from .entries import LedgerError
from .schema import Check, Curve, Order, Statement
from .verdict import Computed, judge

PATH = Path(__file__).parents[2] / "book" / "reference" / "claims.csv"
"""The table in a checkout; without one there is nothing to compare with."""

COLUMNS = [
    "id",
    "reading",
    "point",
    "value",
    "low",
    "high",
    "confidence",
    "kind",
    "n",
    "profile",
    "commit",
    "source",
]


def point_name(x: float | str) -> str:
    """Return the name under which the estimate at `x` of a curve or ranking is stored."""
    return x if isinstance(x, str) else f"{float(x):.12g}"


def named_estimates(computed: Computed) -> dict[str, Estimate]:
    """Return what a statistic returned as name -> Estimate; a single one has the name ""."""
    if isinstance(computed, bool):
        number = float(computed)
        return {"": Estimate(number, number, number, 1.0, "statement", 1)}
    if isinstance(computed, Estimate):
        return {"": computed}
    return {point_name(x): estimate for x, estimate in computed.items()}


def load_reference(path: Path | TextIO | None = None) -> pd.DataFrame:
    """Read the reference estimates; an empty table where there are none yet."""
    path = PATH if path is None else path
    if isinstance(path, Path) and not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    table = pd.read_csv(path, keep_default_na=False, dtype={"reading": str, "point": str})
    if list(table.columns) != COLUMNS:
        name = getattr(path, "name", PATH.name)
        raise LedgerError(f"{name}: needs the columns {COLUMNS}, got {list(table.columns)}")
    return table


def reference_estimates(table: pd.DataFrame, claim_id: str, reading: str) -> dict[str, Estimate]:
    """Return the stored estimates of one claim's reading, by point name."""
    rows = table[(table["id"] == claim_id) & (table["reading"] == reading)]
    fields = ["value", "low", "high", "confidence", "kind", "n"]
    estimates = zip(*(rows[field] for field in fields), strict=True)
    return {point: Estimate(*e) for point, e in zip(rows["point"], estimates, strict=True)}


def as_computed(check: Check, estimates: dict[str, Estimate]) -> Computed | None:
    """Return stored estimates in the form that the printed kind needs; None where some are missing."""
    match check.printed:
        case Curve(curve=points):
            keys: list = [x for x, _ in points]
        case Order(increasing=names):
            keys = list(names)
        case _:
            single = estimates.get("")
            if single is not None and isinstance(check.printed, Statement):
                return bool(single.value)
            return single
    if any(point_name(key) not in estimates for key in keys):
        return None
    return {key: estimates[point_name(key)] for key in keys}


def reference_verdict(check: Check, stored: dict[str, Estimate]) -> str:
    """Return the verdict on stored estimates; "" without any, "outdated" if some are missing."""
    if not stored:
        return ""
    computed = as_computed(check, stored)
    if computed is None:
        return "outdated"
    return judge(check.printed, check.tolerance, computed).verdict


def save_reference(
    verdicts: pd.DataFrame, path: Path | None = None, commit: str | None = None
) -> Path:
    """Write the estimates of a paper-profile run as the reference.

    Readings of claims without an estimate in `verdicts` keep the reference they have.

    Parameters
    ----------
    verdicts : DataFrame
        What `mcrepro.ledger.verdicts` returned with ``profile="paper"``.
    path : Path, optional
        Where to write; ``book/reference/claims.csv`` by default.
    commit : str, optional
        The commit to name for all estimates, in place of the one each carries: that of now, once
        every protocol's source is found to be still the one that made them.

    Raises
    ------
    LedgerError
        If an estimate comes from another profile and its protocol is not exact, or, with `commit`,
        from other code than is here now.
    """
    path = PATH if path is None else path
    rows = []
    for row in verdicts.to_dict("records"):
        for detail in row["details"]:
            if row["profile"] != "paper" and not detail["exact"]:
                raise LedgerError(
                    f"{row['id']}: a reference needs the paper profile, got {row['profile']!r}"
                )
            if commit is not None and source_hash(detail["protocol"])[:12] != detail["source"]:
                raise LedgerError(
                    f"{row['id']}: the code of {detail['protocol']} is no longer what made its "
                    "estimate; run again"
                )
            own = {"id": row["id"], "profile": row["profile"], "commit": commit or detail["commit"]}
            rows.append(detail | own)
    new = pd.DataFrame(rows, columns=COLUMNS)
    old = load_reference(path)
    key = ["id", "reading"]
    kept = old[~pd.MultiIndex.from_frame(old[key]).isin(pd.MultiIndex.from_frame(new[key]))]
    table = new if kept.empty else pd.concat([kept, new], ignore_index=True)
    table = table.sort_values("id", kind="stable")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    table.to_csv(unfinished, index=False, lineterminator="\n")
    os.replace(unfinished, path)
    return path
