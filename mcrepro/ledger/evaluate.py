"""Run the protocols that the ledger's entries name, once each, and decide every claim."""

from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

import pandas as pd

from mcrepro.experiments import PROFILES
from mcrepro.experiments.protocol import check_known

from .entries import PAPERS, LedgerError, expanded, load, mapping, register
from .outcome import Outcome, Runs, agreement, carry_out
from .reference import load_reference, reference_estimates, reference_verdict
from .schema import Claim
from .verdict import BLOCKED, NOT_CHECKED, NOT_RUN, UNDER_SPECIFIED, VERDICTS

COLUMNS = [
    "id", "paper", "where", "kind", "claim", "printed", "value", "low", "high", "n", "interval",
    "verdict", "reason", "profile", "protocol", "statistic", "chapter", "parameters", "trials",
    "seed", "commit", "seconds", "consistent", "reference_verdict", "explanation", "details",
]  # fmt: skip

TRIED = " Readings tried: "
"""In the reason of an under-specified claim: before it what is left open, behind it the outcomes."""


def verdicts(
    profile: str = "quick",
    jobs: int | None = None,
    paper: str | None = None,
    chapter: str | None = None,
) -> pd.DataFrame:
    """Decide the claims of the papers.

    Every protocol is run once for all its claims, through the cache of finished trials.

    Parameters
    ----------
    profile : {"quick", "smoke", "paper"}
        Sizes and trials. Claims about random instances are decided by "paper" alone; the others
        give their value, compared with the reference of the paper run. Exact ones always decide.
    jobs : int, optional
        Worker processes for the trials. Changes no digit.
    paper : str, optional
        Only this paper's claims: textbook, landscape, noise, hajek or neural.
    chapter : str, optional
        Only the claims that this page shows, named as in ``_toc.yml``.

    Returns
    -------
    DataFrame
        One row a registered claim, in the register's order. ``value``, ``low``, ``high``, ``n`` and
        ``interval`` (the kind of the interval) describe a single estimate; ``details`` lists every
        estimate of every reading and point as a mapping. ``consistent`` is True, False or None,
        ``reference_verdict`` the verdict on the reference estimates ("" without one). Registered
        claims without an entry have the verdict "not checked".

    Raises
    ------
    ParameterError
        If `profile`, `paper` or `chapter` is not known.
    LedgerError
        If an entry breaks the schema, or its statistic does not fit what it declares.
    """
    check_known("profile", profile, PROFILES)
    if paper is not None:
        check_known("paper", paper, PAPERS)
    claims = load()
    if chapter is not None:
        check_known("chapter with claims", chapter, sorted({claim.chapter for claim in claims}))
        claims = [claim for claim in claims if claim.chapter == chapter]
    rows = expanded(register(), mapping())
    if paper is not None:
        rows = rows[rows["paper"] == paper]
        claims = [claim for claim in claims if claim.paper == paper]
    frame = evaluate(claims, rows, mapping().merged, profile, jobs, load_reference())
    if chapter is not None:
        frame = frame[frame["chapter"] == chapter]
    return frame.reset_index(drop=True)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Count the claims by paper (rows, and their total) and verdict (columns, and their total).

    "not run (quick)" and the like are counted as "not run".
    """
    verdict = frame["verdict"].where(~frame["verdict"].str.startswith(NOT_RUN), NOT_RUN)
    papers = [paper for paper in PAPERS if paper in set(frame["paper"])]
    counts = pd.crosstab(frame["paper"], verdict)
    counts = counts.reindex(index=papers, columns=list(VERDICTS), fill_value=0)
    counts.loc["all"] = counts.sum()
    counts["registered"] = counts.sum(axis=1)
    return counts.rename_axis(index="paper", columns="verdict")


def reference_summary() -> pd.DataFrame:
    """Count the claims by paper and verdict as `summary` does, in the reference run.

    Nothing is run: the verdicts are those on the stored estimates. A claim whose estimates are
    missing, or lack a point that its entry asks for, counts as "not run".
    """
    stored = load_reference()
    found = {claim.id: _stored_verdict(claim, stored) for claim in load()}
    links = mapping()
    rows = expanded(register(), links)
    names = rows["id"].map(lambda name: links.merged.get(name, name))
    return summary(rows.assign(verdict=[found.get(name, NOT_CHECKED) for name in names]))


def _stored_verdict(claim: Claim, stored: pd.DataFrame) -> str:
    if claim.blocked is not None:
        return BLOCKED
    verdicts = [
        reference_verdict(check, reference_estimates(stored, claim.id, check.label))
        for check in claim.checks
    ]
    if not all(verdicts) or "outdated" in verdicts:
        return NOT_RUN
    return UNDER_SPECIFIED if claim.readings is not None else verdicts[0]


def evaluate(
    claims: Iterable[Claim],
    rows: pd.DataFrame,
    merged: Mapping[str, str],
    profile: str,
    jobs: int | None,
    reference: pd.DataFrame,
) -> pd.DataFrame:
    """Decide `claims` and lay the outcome out along the register's `rows`."""
    runs = Runs(profile, jobs)
    decided = {claim.id: _decide(claim, runs, reference) for claim in claims}
    records = []
    for row in rows.to_dict("records"):
        target = merged.get(row["id"])
        found = decided.get(target or row["id"], {"verdict": NOT_CHECKED, "reason": "no entry yet"})
        if target is not None:
            found = found | {"reason": f"checked as {target}: {found['reason']}"}
        records.append(_EMPTY | row | {"profile": profile} | found | {"id": row["id"]})
    # As objects first: a whole number beside a missing one would turn into a float.
    frame = pd.DataFrame(records, columns=COLUMNS, dtype=object)
    return frame.astype(dict.fromkeys(("value", "low", "high", "seconds"), float))


_EMPTY: dict[str, Any] = (
    dict.fromkeys(COLUMNS, "")
    | dict.fromkeys(("value", "low", "high", "seconds"), nan)
    | {"n": None, "seed": None, "trials": None, "consistent": None, "parameters": {}, "details": ()}
)


def _decide(claim: Claim, runs: Runs, reference: pd.DataFrame) -> dict[str, Any]:
    """Return the claim's cells in the table."""
    cells: dict[str, Any] = {
        "claim": claim.claim,
        "where": claim.where,
        "printed": claim.printed_text(),
        "chapter": claim.chapter,
        "explanation": claim.explanation or "",
    }
    if claim.blocked is not None:
        return cells | {"verdict": BLOCKED, "reason": claim.blocked}
    try:
        outcomes = [carry_out(claim, check, runs, reference) for check in claim.checks]
    except (TypeError, ValueError) as error:
        raise LedgerError(f"{claim.id}: {error}") from error
    cells |= _provenance(outcomes)
    cells |= {
        "details": tuple(detail for outcome in outcomes for detail in outcome.details),
        "consistent": agreement([outcome.consistent for outcome in outcomes]),
    }
    if claim.readings is not None:
        tried = "; ".join(_tried(outcome) for outcome in outcomes)
        stored = any(outcome.reference_verdict for outcome in outcomes)
        return cells | {
            "verdict": UNDER_SPECIFIED,
            "reason": f"{claim.left_open}{TRIED}{tried}.",
            "reference_verdict": UNDER_SPECIFIED if stored else "",
        }
    (only,) = outcomes
    if len(only.details) == 1:
        names = ("value", "low", "high", "n")
        cells |= {name: only.details[0][name] for name in names}
        cells["interval"] = only.details[0]["kind"]
    return cells | {
        "verdict": only.verdict.verdict,
        "reason": only.verdict.reason,
        "reference_verdict": only.reference_verdict,
    }


def _tried(outcome: Outcome) -> str:
    """Return what became of one reading; the reference tells where this profile may not."""
    verdict, stored = outcome.verdict.verdict, outcome.reference_verdict
    shown = f"{outcome.check.label}: {verdict}"
    return f"{shown}, reference run {stored}" if verdict.startswith(NOT_RUN) and stored else shown


def _provenance(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return the cells that tell where the numbers come from; several protocols are joined."""
    found = {o.check.protocol: o.provenance for o in outcomes if o.provenance}

    def joined(key: str):
        values = list(dict.fromkeys(p[key] for p in found.values() if p[key] is not None))
        return values[0] if len(values) == 1 else "; ".join(map(str, values)) or None

    cells = {
        "protocol": "; ".join(dict.fromkeys(o.check.protocol for o in outcomes)),
        "statistic": "; ".join(dict.fromkeys(o.check.statistic for o in outcomes)),
    }
    if not found:
        return cells
    parameters = {name: p["parameters"] for name, p in found.items()}
    return cells | {
        "parameters": next(iter(parameters.values())) if len(parameters) == 1 else parameters,
        "trials": joined("trials"),
        "seed": joined("seed"),
        "commit": joined("commit"),
        "seconds": sum(p["seconds"] for p in found.values()),
    }
