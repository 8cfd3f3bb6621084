"""Provenance lines and tables as HTML: every value is escaped, and each has a plain reading too."""

import html
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mcrepro._near import did_you_mean

# Where a cell of a table must not break: inside an interval, and around "to" and "±" of numbers.
_INTERVAL = re.compile(r"\[[^\[\]]{1,30}\]|(?<=[\d%]) (?:to|±) (?=[-+−.]?\d)")
_LONG = 6  # a parameter with more values than this is shown by its ends and its number of values


class Html:
    """Text for the page, with a plain reading for a terminal."""

    def __init__(self, markup: str, plain: str):
        self.markup, self.plain = markup, plain

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.plain


def provenance_line(record: Mapping[str, Any], href: str | None) -> Html:
    """Set the record as one line: words for the eye, the same words for a terminal."""
    parts: list[tuple[str, str]] = []  # (as HTML, as text)

    def add(label: str, value: str, code: bool = False) -> None:
        shown = html.escape(value)
        parts.append(
            (f"{label}<code>{shown}</code>" if code else f"{label}{shown}", f"{label}{value}")
        )

    if record.get("protocol"):
        add("protocol ", str(record["protocol"]), code=True)
    if record.get("what"):
        add("", str(record["what"]))
    if record.get("profile"):
        add("profile ", str(record["profile"]))
    parameters = record.get("parameters") or {}
    if parameters:
        add("", ", ".join(f"{key} = {_values(value)}" for key, value in parameters.items()))
    if record.get("exact"):
        add("", "exact")
    elif record.get("trials"):
        add("", "1 trial each" if record["trials"] == 1 else f"{record['trials']} trials each")
    if record.get("seed") is not None:
        add("seed ", str(record["seed"]))
    for name, fingerprint in (record.get("data") or {}).items():
        add("data ", f"{name} ({fingerprint[:12]})")
    version = f"mcrepro {record.get('version', 'unknown')}"
    if record.get("commit"):
        known = record["commit"] != "unknown"
        version += f" ({record['commit'] if known else 'commit unknown'})"
    add("", version)
    if record.get("seconds") is not None:
        add("computed in ", _duration(float(record["seconds"])))
    if href:
        parts.append((f'<a href="{html.escape(href)}" download>data (CSV)</a>', href))
    markup = ' <span aria-hidden="true">·</span> '.join(
        f"<span>{shown}</span>" for shown, _ in parts
    )
    return Html(f'<p class="mcr-provenance">{markup}</p>', " · ".join(plain for _, plain in parts))


def table_box(
    frame: pd.DataFrame, caption: str, formats: Mapping[str, str | Callable[[Any], str]]
) -> Html:
    """Set a data frame as an HTML table inside a box that scrolls by itself."""
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    for column in formats:
        if column not in frame.columns:
            raise ValueError(
                f"formats names {column!r}, but the columns are {list(frame.columns)}"
                f"{did_you_mean(column, frame.columns)}"
            )
    numeric = [_is_number(frame[column]) for column in frame.columns]
    classes = [' class="num"' if n else "" for n in numeric]
    head = "".join(
        f'<th scope="col"{cls}>{html.escape(str(column))}</th>'
        for column, cls in zip(frame.columns, classes, strict=True)
    )
    body = []
    for row in frame.itertuples(index=False, name=None):
        cells = (
            f"<td{cls}>{html.escape(_kept(_cell(value, formats.get(column))))}</td>"
            for column, value, cls in zip(frame.columns, row, classes, strict=True)
        )
        body.append(f"<tr>{''.join(cells)}</tr>")
    shown = html.escape(caption)
    # The box takes the focus, so that a keyboard can scroll it.
    return Html(
        f'<div class="mcr-table" role="region" aria-label="{shown}" tabindex="0"><table>'
        f"<caption>{shown}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>",
        f"{caption}\n{frame.to_string(index=False)}",
    )


def slug(text: str) -> str:
    """Letters, digits and single dashes: safe in a file name and in an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80]


def _values(value: Any) -> str:
    """One value, or a short reading of a list of values."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return _exact(value)
    values = [_exact(item) for item in value]
    if len(values) == 1:
        return values[0]
    if len(values) > _LONG:
        return f"{values[0]} … {values[-1]} ({len(values)} values)"
    return ", ".join(values).join("{}")


def _cell(value: Any, form: str | Callable[[Any], str] | None) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "–"
    if callable(form):
        return str(form(value))
    if form is not None:
        return format(value, form)
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def _kept(text: str) -> str:
    """The text of a cell with every interval in it on one line."""
    return _INTERVAL.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def _exact(value: Any) -> str:
    """A parameter as it was given: never rounded, and quoted where a comma would part it."""
    if isinstance(value, float | np.floating) or (isinstance(value, str) and "," in value):
        return repr(value.item() if isinstance(value, np.floating) else value)
    return str(value)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
