"""The register of claims and the entries that check them, read and held against each other."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import get_args

import pandas as pd
import yaml
from pydantic import Field, ValidationError

from mcrepro._near import did_you_mean
from mcrepro.errors import McreproError

from .schema import Claim, Paper, Strict

_HERE = Path(__file__).parent
PAPERS: tuple[str, ...] = get_args(Paper)


class LedgerError(McreproError):
    """An entry of the ledger is not what it should be."""


class Mapping(Strict):
    """Where registered ids and entries are not one to one; see ``mapping.yml``."""

    merged: dict[str, str] = Field(default_factory=dict)
    split: dict[str, tuple[str, ...]] = Field(default_factory=dict)


@cache
def _register_rows() -> pd.DataFrame:
    return pd.read_csv(_HERE / "register.csv", dtype=str, keep_default_na=False)


def register() -> pd.DataFrame:
    """Return every registered claim: columns id, paper, where, kind."""
    return _register_rows().copy()


def mapping() -> Mapping:
    """Return which registered ids are merged with another or split into parts."""
    text = (_HERE / "mapping.yml").read_text(encoding="utf-8")
    return Mapping(**(yaml.safe_load(text) or {}))


def expanded(table: pd.DataFrame, links: Mapping) -> pd.DataFrame:
    """Return the register with every split id replaced by its parts, one row each."""
    known = set(table["id"]) | {part for parts in links.split.values() for part in parts}
    for name in (*links.merged, *links.split, *links.merged.values()):
        if name not in known:
            raise LedgerError(f"mapping.yml: {name!r} is not registered{did_you_mean(name, known)}")
    parts = table["id"].map(lambda i: links.split.get(i, (i,)))
    return table.assign(id=parts).explode("id", ignore_index=True)


def parse(text: str, source: str) -> list[Claim]:
    """Read the entries in one YAML document.

    Parameters
    ----------
    text : str
        A list of mappings; their keys are described in `mcrepro.ledger.schema`.
    source : str
        Name of the file, for messages.

    Raises
    ------
    LedgerError
        If the text is no YAML or an entry breaks the schema; the message names file, id and key.
    """
    try:
        entries = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        raise LedgerError(f"{source}: not readable as YAML: {error}") from None
    if not isinstance(entries, list):
        raise LedgerError(f"{source}: needs a list of entries, got {type(entries).__name__}")
    claims = []
    for number, entry in enumerate(entries, 1):
        name = (
            entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
        )
        try:
            claims.append(Claim.model_validate(entry))
        except ValidationError as error:
            problems = "; ".join(_problem(e) for e in error.errors(include_url=False))
            raise LedgerError(f"{source}: entry {name}: {problems}") from None
    return claims


def _problem(error) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def load(folder: Path | None = None) -> list[Claim]:
    """Read all entries of ``claims/<paper>/<chapter>.yml``; check their ids against the register.

    Parameters
    ----------
    folder : Path, optional
        Another folder of entries; the package's by default.

    Raises
    ------
    LedgerError
        If an entry breaks the schema, stands in another paper's or chapter's file, is given
        twice, or has an id that is neither registered nor a part named in ``mapping.yml``.
    """
    folder = folder or _HERE / "claims"
    claims: list[Claim] = []
    for part in sorted(folder.glob("[!.]*")):
        if part.name not in PAPERS:
            raise LedgerError(f"claims/{part.name}: no paper{did_you_mean(part.name, PAPERS)}")
    for file in sorted(folder.glob("*/[!.]*.yml")):
        source = f"{file.parent.name}/{file.name}"
        found = parse(file.read_text(encoding="utf-8"), source)
        for claim in found:
            wanted = f"{claim.paper}/{claim.chapter.rsplit('/')[-1]}.yml"
            if wanted != source:
                raise LedgerError(f"{source}: entry {claim.id} belongs to {wanted}")
        claims += found
    links = mapping()
    for claim in claims:
        if claim.id in links.merged:
            target = links.merged[claim.id]
            raise LedgerError(f"entry {claim.id}: merged with {target} in mapping.yml")
    check_ids(claims, expanded(register(), links)["id"])
    return claims


def check_ids(claims: Iterable[Claim], known: Iterable[str]) -> None:
    """Raise LedgerError unless every id is known and stands once."""
    known = set(known)
    seen: set[str] = set()
    for claim in claims:
        if claim.id not in known:
            raise LedgerError(
                f"entry {claim.id}: not in register.csv{did_you_mean(claim.id, known)}"
            )
        if claim.id in seen:
            raise LedgerError(f"entry {claim.id}: given twice")
        seen.add(claim.id)
