"""The papers' errors and gaps, and the claims whose computed verdicts carry them.

An entry of ``errata.yml`` has

========== =========================================================================================
id         ``E-`` and the register's number, or ``F-`` and ours for what was found on the way; the
           letter names the paper (T textbook, L landscape, N noise, H hajek, S neural)
kind       ``result`` (a stated result changes), ``step`` (a step of an argument does, not the
           result), ``misprint``, or ``open`` (something is left out that decides)
where      section, equation, figure or table
printed    what is printed, in our words
holds      what holds instead
fair       the reading under which the print holds, where ``holds`` does not say it (optional)
correction what the book found against the register (optional)
evidence   ``proof`` (in code or by enumeration), ``counter-example``, ``measurement``, or
           ``reading`` (the text against itself)
claims     ids of the ledger; their verdicts are computed, and none stands in the file
shown      the page or ``page#section`` that shows it
========== =========================================================================================
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import Field, ValidationError

from .entries import PAPERS, LedgerError
from .report import box, labelled, link, plain_verdict, prose, readings_tried, wrapped
from .schema import Strict, Text

_FILE = Path(__file__).with_name("errata.yml")

#: Letter of an id -> the paper's key.
LETTERS = {"T": "textbook", "L": "landscape", "N": "noise", "H": "hajek", "S": "neural"}

#: What the page calls a kind.
KINDS = {
    "result": "changes a result",
    "step": "changes a step",
    "misprint": "misprint",
    "open": "left open",
}


class Erratum(Strict):
    """One entry; see the module's description for its keys."""

    id: Annotated[str, Field(pattern=r"^[EF]-[TLNHS][1-9][0-9]*$")]
    kind: Literal["result", "step", "misprint", "open"]
    where: Text
    printed: Text
    holds: Text
    fair: Text | None = None
    correction: Text | None = None
    evidence: Literal["proof", "counter-example", "measurement", "reading"]
    claims: tuple[str, ...]
    shown: Text

    @property
    def paper(self) -> str:
        """Key of the paper."""
        return LETTERS[self.id[2]]


def errata(path: Path | None = None) -> list[Erratum]:
    """Read the entries.

    Raises
    ------
    LedgerError
        If one breaks the schema, or an id stands twice; the message names it.
    """
    path = _FILE if path is None else path
    found = []
    for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), 1):
        name = entry.get("id", f"number {number}")
        try:
            found.append(Erratum.model_validate(entry))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise LedgerError(f"{path.name}: entry {name}: {place}: {first['msg']}") from None
    for name, count in Counter(erratum.id for erratum in found).items():
        if count > 1:
            raise LedgerError(f"{path.name}: entry {name} is given twice")
    return found


def errata_table(verdicts: pd.DataFrame, entries: Iterable[Erratum] | None = None) -> pd.DataFrame:
    """Return the errata with the verdicts of their claims, one row each.

    Parameters
    ----------
    verdicts : DataFrame
        From `mcrepro.ledger.verdicts`.
    entries : iterable of Erratum, optional
        Those of the file by default.
    """
    rows = {row["id"]: row for row in verdicts.to_dict("records")}
    return pd.DataFrame(
        {
            "id": erratum.id,
            "paper": erratum.paper,
            "kind": erratum.kind,
            "where": erratum.where,
            "printed": erratum.printed,
            "holds": erratum.holds,
            "fair": erratum.fair or "",
            "correction": erratum.correction or "",
            "evidence": erratum.evidence,
            "verdicts": "; ".join(f"{name}: {_said(rows[name])}" for name in erratum.claims),
            "shown": erratum.shown,
        }
        for erratum in (errata() if entries is None else entries)
    )


def errata_summary(entries: Iterable[Erratum] | None = None) -> str:
    """Return the HTML table of how many entries of each kind a paper has."""
    found = errata() if entries is None else list(entries)
    counts = pd.crosstab([e.paper for e in found], [e.kind for e in found])
    papers = [paper for paper in PAPERS if paper in counts.index]
    counts = counts.reindex(index=papers, columns=list(KINDS), fill_value=0)
    counts.loc["all"] = counts.sum()
    counts["all"] = counts.sum(axis=1)
    heads = [*KINDS.values(), "all"]
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{paper}</th>'
        + "".join(f'<td class="number">{count}</td>' for count in row)
        + "</tr>"
        for paper, row in zip(counts.index, counts.to_numpy(), strict=True)
    )
    caption = "Entries by paper and kind."
    table = (
        f'<table class="claims claims-summary"><caption>{caption}</caption><thead><tr>'
        f'<th scope="col">paper</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
    return wrapped(box("Entries by paper and kind", table))


def errata_list(
    verdicts: pd.DataFrame, paper: str, entries: Iterable[Erratum] | None = None
) -> str:
    """Return the HTML of one paper's errata, each with the verdicts that carry it.

    Parameters
    ----------
    verdicts : DataFrame
        From `mcrepro.ledger.verdicts`.
    paper : str
        Key of the paper.
    entries : iterable of Erratum, optional
        Those of the file by default.
    """
    rows = {row["id"]: row for row in verdicts.to_dict("records")}
    found = errata() if entries is None else entries
    return wrapped(*(_item(e, rows) for e in found if e.paper == paper))


def _item(erratum: Erratum, rows: Mapping[str, Mapping[Any, Any]]) -> str:
    parts = [("Printed", prose(erratum.printed)), ("What holds", prose(erratum.holds))]
    if erratum.fair:
        parts.append(("In fairness", prose(erratum.fair)))
    if erratum.correction:
        parts.append(("The register", prose(erratum.correction)))
    shown = f"{erratum.evidence}, in {link(erratum.shown, '')}"
    claims = "".join(f"<li>{_claim(rows[name])}</li>" for name in erratum.claims)
    parts.append(("Evidence", shown + (f"<ul>{claims}</ul>" if claims else "")))
    body = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in parts)
    return (
        f'<section class="erratum" id="{erratum.id}"><h3>{erratum.id} · {prose(erratum.where)} '
        f'<span class="claim-where">{KINDS[erratum.kind]}</span></h3><dl>{body}</dl></section>'
    )


def _claim(row: Mapping[Any, Any]) -> str:
    """Return a claim's id, verdict and, where readings were tried, theirs."""
    name = escape(row["id"])
    text = f'<a href="claims.html#claim-{name}">{name}</a> {labelled(row["verdict"])}'
    if row["reference_verdict"] and row["verdict"].startswith("not run"):
        text += f", reference run: {labelled(row['reference_verdict'])}"
    readings = readings_tried(row)
    if not readings:
        return text
    tried = "".join(f"<li>{prose(label)}: {verdict}</li>" for label, verdict in readings.items())
    return f"<details><summary>{text}</summary><ul>{tried}</ul></details>"


def _said(row: Mapping[Any, Any]) -> str:
    """Return a claim's verdict as text, that of the reference run beside one that is not given."""
    verdict = plain_verdict(row["verdict"])
    if verdict == "not run" and row["reference_verdict"]:
        return f"{verdict} here, {row['reference_verdict']} in the reference run"
    return verdict
