"""Show verdicts: the table at a chapter's end, the page of all claims, and files for programs.

The HTML uses the classes ``claims`` (tables), ``claims-summary`` (the counts), ``claim-id``,
``claim-where``, ``claim-note``, ``number`` (cells of numbers), ``mcr-table`` (a box that scrolls) and
``verdict verdict-<name>`` with <name> one of reproduced, discrepant, under-specified, blocked,
not-run, not-checked. A verdict is always said in words; colour may only repeat it. Mathematics
between dollar signs is left to MathJax.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from html import escape
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import pandas as pd

from .evaluate import TRIED, summary
from .tables import reference_line
from .verdict import INCONCLUSIVE, NOT_CHECKED, NOT_RUN

SYMBOLS = {
    "reproduced": "✓",
    "discrepant": "✗",
    "under-specified": "?",
    "blocked": "⊘",
    "not run": "○",
    "not checked": "–",
}

_SCRIPT = Path(__file__).with_name("claims.js")

_RULE = (
    "A confidence interval that meets the accepted band, and is narrow enough to tell, reproduces a"
    " number; one wholly outside makes a discrepancy. Claims about random instances are decided by"
    " the paper profile alone."
)


def chapter_table(frame: pd.DataFrame, chapter: str) -> str:
    """Return the HTML table of the claims that a page shows.

    Parameters
    ----------
    frame : DataFrame
        From `mcrepro.ledger.verdicts`; rows of other chapters are left out.
    chapter : str
        The page, named as in ``_toc.yml``.

    Raises
    ------
    ValueError
        If no claim in `frame` belongs to the chapter.
    """
    rows = frame[frame["chapter"] == chapter]
    if rows.empty:
        raise ValueError(f"chapter {chapter!r} has no claims in this table")
    caption = f"Claims of this chapter, {_profile(rows)} profile. {_RULE}"
    table = _table(rows, caption, root="../" * chapter.count("/"))
    return wrapped(box("Claims of this chapter", table))


def claims_page(frame: pd.DataFrame, files: str | None = None) -> str:
    """Return the HTML of all claims: counts by paper and verdict, then the claims.

    Those that are not checked yet are folded away. A script puts a filter above the others and
    makes the heads of their columns sort; without it the table is simply long.

    Parameters
    ----------
    frame : DataFrame
        From `mcrepro.ledger.verdicts`.
    files : str, optional
        Address, seen from the page, of the folder into which `write` put its files; the page links
        to them.
    """
    parts = [f'<p class="claim-note">{_RULE}</p>', box("Counts", _summary_table(frame))]
    if files is not None:
        names = ("claims.csv", "claims.json")
        links = " ".join(f'<a href="{escape(files)}/{name}" download>{name}</a>' for name in names)
        parts.append(f'<p class="claim-note">This table for programs: {links}</p>')
    notes = (escape(reference_line()), _agreement(frame))
    parts += [f'<p class="claim-note">{note}</p>' for note in notes if note]
    checked = frame[frame["verdict"] != NOT_CHECKED]
    rest = frame[frame["verdict"] == NOT_CHECKED]
    if not checked.empty:
        caption = f"{len(checked)} of {len(frame)} claims, {_profile(frame)} profile"
        table = _table(checked, caption, root="", places=True)
        parts.append(f'<div class="claims-all">{box("Claims", table)}</div>')
        parts.append(f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script>")
    if not rest.empty:
        caption = f"{len(rest)} of {len(frame)} claims are not checked yet"
        table = box("Claims, not checked", _table(rest, caption, root="", places=True))
        parts.append(f"<details><summary>{caption}</summary>{table}</details>")
    return wrapped(*parts)


def agreement_line(frame: pd.DataFrame) -> str:
    """Return how many claims were compared with the reference run, and which disagree; "" if none.

    `frame` needs the columns ``id`` and ``consistent`` of `mcrepro.ledger.verdicts`.
    """
    return re.sub("<.*?>", "", _agreement(frame))


def _agreement(frame: pd.DataFrame) -> str:
    compared = frame[frame["consistent"].notna()]
    if compared.empty:
        return ""
    apart = compared.loc[~compared["consistent"].astype(bool), "id"]
    if apart.empty:
        return (
            f"All {len(compared)} claims that were compared with the reference run agree with it."
        )
    names = ", ".join(f'<a href="#claim-{name}">{name}</a>' for name in map(escape, apart))
    return (
        f"Of {len(compared)} claims that were compared with the reference run "
        f"{len(apart)} {'disagrees' if len(apart) == 1 else 'disagree'} with it: {names}."
    )


def write(frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``claims.csv`` and ``claims.json`` into `folder` and return their paths.

    The CSV has one row a claim; ``parameters`` and ``details`` (every reading and point) are JSON
    texts in it. In the JSON they are nested, and missing or infinite numbers are null or strings.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    as_csv, as_json = folder / "claims.csv", folder / "claims.json"
    flat = frame.copy()
    for column in ("parameters", "details"):
        flat[column] = [json.dumps(_plain(value), ensure_ascii=False) for value in flat[column]]
    flat.to_csv(as_csv, index=False, lineterminator="\n")
    records = [_plain(record) for record in frame.to_dict("records")]
    as_json.write_text(
        json.dumps(records, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    return [as_csv, as_json]


def _profile(rows: pd.DataFrame) -> str:
    return str(rows["profile"].iloc[0])


def box(label: str, table: str) -> str:
    """Put a table in a box that scrolls; it takes the focus so that a keyboard can scroll it."""
    name = escape(label)
    return f'<div class="mcr-table" role="region" aria-label="{name}" tabindex="0">{table}</div>'


def wrapped(*parts: str) -> str:
    return '<div class="tex2jax_process mathjax_process">\n' + "\n".join(parts) + "\n</div>"


def _summary_table(frame: pd.DataFrame) -> str:
    counts = summary(frame)
    head = "".join(f'<th scope="col" class="number">{labelled(v)}</th>' for v in counts.columns)
    body = "".join(
        f'<tr><th scope="row">{escape(str(paper))}</th>'
        + "".join(f'<td class="number">{count}</td>' for count in row)
        + "</tr>"
        for paper, row in zip(counts.index, counts.to_numpy(), strict=True)
    )
    return (
        '<table class="claims claims-summary"><caption>Claims by paper and verdict. “Not checked”: '
        "registered, and no check yet.</caption>"
        f'<thead><tr><th scope="col">paper</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _table(rows: pd.DataFrame, caption: str, root: str, places: bool = False) -> str:
    """Return the claims as a table.

    `root` is the address of the book's root as seen from the page; with `places` each claim names
    the chapter that shows it.
    """
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("claim", "printed", "regenerated, with interval", "verdict")
    )
    body = "\n".join(_row(row, root, places) for row in rows.to_dict("records"))
    return (
        f'<table class="claims"><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )


def _row(row: Mapping[Any, Any], root: str, places: bool) -> str:
    name = escape(row["id"])
    where = f'<span class="claim-where">{escape(row["where"])}</span>'
    style = f"verdict verdict-{plain_verdict(row['verdict']).replace(' ', '-')}"
    return (
        f'<tr id="claim-{name}" data-paper="{escape(row["paper"])}" data-verdict='
        f'"{plain_verdict(row["verdict"])}"><th scope="row"><span class="claim-id">{name}</span> {where}'
        f"<br>{prose(row['claim'])}</th><td>{prose(row['printed'])}</td>"
        f'<td class="number">{_regenerated(row)}</td>'
        f'<td class="{style}">{_verdict_cell(row, root, places)}</td></tr>'
    )


def _regenerated(row: Mapping[str, Any]) -> str:
    details = row["details"]
    if not details:
        return "–"
    if len(details) == 1 and not details[0]["reading"]:
        numbers = _interval(details[0])
    else:
        lines = "".join(f"<li>{_detail(detail)}</li>" for detail in details)
        count = _count(details, "value")
        numbers = f"<details><summary>{count}</summary><ul>{lines}</ul></details>"
    source = f"<summary>{escape(row['protocol'])}</summary>{escape(_source(row))}"
    return f'{numbers}<details class="claim-note">{source}</details>'


def _detail(detail: Mapping[str, Any]) -> str:
    name = ", ".join(filter(None, (detail["reading"], detail["point"])))
    text = f"{prose(name)}: {_interval(detail)}"
    if detail["printed"]:
        text += f" (printed {prose(detail['printed'])})"
    return text


def _count(things: Collection[Any], word: str) -> str:
    return f"{len(things)} {word}{'s' * (len(things) != 1)}"


def _interval(estimate: Mapping[str, Any]) -> str:
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    if estimate["kind"] == "statement":
        return "holds" if value else "does not hold"
    if low == high:
        return f"{value:.4g} (exact)" if estimate["kind"] == "exact" else f"{value:.4g}"
    return f"{value:.4g} [{low:.4g}, {high:.4g}]"


def _source(row: Mapping[str, Any]) -> str:
    """Return where the numbers come from, in words."""
    parameters = ", ".join(f"{name} = {value}" for name, value in row["parameters"].items())
    parts = [f"statistic {row['statistic']}", parameters, f"trials {row['trials']}"]
    if row["seed"] is not None:
        parts.append(f"seed {row['seed']}")
    parts += [f"commit {row['commit']}", f"computed in {row['seconds']:.1f} s"]
    return " · ".join(filter(None, parts))


def _verdict_cell(row: Mapping[str, Any], root: str, places: bool) -> str:
    reason, _, tried = row["reason"].partition(TRIED)
    notes = [prose(reason)]
    readings = readings_tried(row)
    if tried and readings:
        items = "".join(f"<li>{prose(name)}: {outcome}</li>" for name, outcome in readings.items())
        count = _count(readings, "reading")
        notes[0] += f"<details><summary>{count} tried</summary><ul>{items}</ul></details>"
    if row["consistent"] is not None:
        agrees = "agrees" if row["consistent"] else "does not agree"
        notes.append(f"The value {agrees} with the reference run.")
    if row["reference_verdict"] and row["verdict"].startswith(NOT_RUN):
        notes.append(f"The reference run, in the paper profile: {row['reference_verdict']}.")
    if row["explanation"]:
        notes.append(f"Explained in {link(row['explanation'], root)}.")
    elif row["verdict"] == "discrepant":
        notes.append("Not explained yet.")
    if places and row["chapter"] != row["explanation"].partition("#")[0]:
        notes.append(f"Shown in {link(row['chapter'], root)}.")
    lines = "".join(f"<div>{note}</div>" for note in notes)
    return f'{labelled(row["verdict"])}<div class="claim-note">{lines}</div>'


def readings_tried(row: Mapping[Any, Any]) -> dict[str, str]:
    """Return the verdict on each reading, that of the reference run where this profile has none.

    Where the interval is too wide to tell, it is "inconclusive".
    """
    found = {}
    for detail in row["details"]:
        if detail["reading"]:
            verdict, reference = detail["verdict"], detail["reference_verdict"]
            if verdict == NOT_RUN and detail["reason"].startswith(INCONCLUSIVE):
                verdict = INCONCLUSIVE
            elif verdict.startswith(NOT_RUN) and reference:
                # An estimate was kept: what it did not decide, its interval left open.
                known = INCONCLUSIVE if reference == NOT_RUN else reference
                verdict = f"{known} in the reference run"
            found[detail["reading"]] = verdict
    return found


def link(target: str, root: str) -> str:
    """Return a link to ``page`` or ``page#section``."""
    page, mark, section = target.partition("#")
    return f'<a href="{escape(f"{root}{page}.html{mark}{section}")}">{escape(target)}</a>'


def labelled(verdict: str) -> str:
    """Return the verdict's word, after a symbol that screen readers skip."""
    symbol = SYMBOLS.get(plain_verdict(verdict))
    if symbol is None:  # the column of totals
        return escape(verdict)
    return f'<span aria-hidden="true">{symbol}</span> {escape(verdict)}'


def plain_verdict(verdict: str) -> str:
    """Return the verdict without its profile: "not run" for "not run (quick)"."""
    return NOT_RUN if verdict.startswith(NOT_RUN) else verdict


def prose(text: str) -> str:
    """Escape `text` and hand the mathematics between dollar signs to MathJax."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", escape(text))


def _plain(value: Any) -> Any:
    """Return `value` in what JSON has: NaN becomes null and an infinity "inf" or "-inf"."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None if isnan(value) else str(value)
    return value
