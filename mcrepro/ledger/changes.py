"""What changed in the reference run between two revisions: numbers, and the verdicts on them."""

import io
import subprocess
from collections.abc import Iterable

import pandas as pd

from .entries import LedgerError, load
from .reference import PATH, load_reference, reference_estimates, reference_verdict
from .schema import Claim

COLUMNS = ["id", "reading", "point", "before", "after", "verdict before", "verdict after"]

#: Relative change under which two numbers are the same: the last digits of another processor.
SAME = 1e-9


def reference_at(revision: str) -> pd.DataFrame:
    """Return the reference estimates as they were committed at a revision.

    Parameters
    ----------
    revision : str
        Whatever git understands: a tag, a branch, ``HEAD~3``.

    Raises
    ------
    LedgerError
        If this is no git checkout, the revision is unknown, or it had no reference.
    """
    command = ["git", "show", f"{revision}:./{PATH.name}"]
    try:
        done = subprocess.run(command, cwd=PATH.parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LedgerError("comparing with a revision needs git") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["git said nothing"]
        raise LedgerError(f"no reference at {revision!r}: {lines[0]}")
    return load_reference(io.StringIO(done.stdout))


def changes(
    before: pd.DataFrame, after: pd.DataFrame, claims: Iterable[Claim] | None = None
) -> pd.DataFrame:
    """Return one row for each estimate that came, went, or changed in value or verdict.

    The verdicts on both are those that today's entries give.

    Parameters
    ----------
    before, after : DataFrame
        Reference estimates (`mcrepro.ledger.load_reference`).
    claims : iterable of Claim, optional
        The entries; those of the ledger by default.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; NaN and "" where an estimate is missing on one side.
    """
    checks = {
        (claim.id, check.label): check
        for claim in (load() if claims is None else claims)
        for check in claim.checks
    }
    key = ["id", "reading", "point"]
    both = before[[*key, "value"]].merge(
        after[[*key, "value"]], on=key, how="outer", suffixes=("_before", "_after"), sort=True
    )
    rows = []
    for row in both.to_dict("records"):
        check = checks.get((row["id"], row["reading"]))
        verdicts = [
            reference_verdict(check, reference_estimates(table, row["id"], row["reading"]))
            if check
            else ""
            for table in (before, after)
        ]
        old, new = row["value_before"], row["value_after"]
        same = abs(old - new) <= SAME * max(abs(old), abs(new))  # False where one is missing
        if not same or verdicts[0] != verdicts[1]:
            rows.append([*(row[name] for name in key), old, new, *verdicts])
    return pd.DataFrame(rows, columns=COLUMNS)
