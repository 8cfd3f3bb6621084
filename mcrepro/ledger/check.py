"""Hold the entries against what they name: protocols, statistics and chapters."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mcrepro._near import did_you_mean
from mcrepro.errors import ParameterError

from .entries import Mapping, expanded
from .protocols import is_exact, statistic
from .schema import Claim, Statement


def chapters(toc: Path) -> set[str]:
    """Return every page that a ``_toc.yml`` names, without suffix."""

    def pages(node: Any) -> Iterable[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("root", "file"):
                    yield value.removesuffix(".md")
                else:
                    yield from pages(value)
        elif isinstance(node, list):
            for item in node:
                yield from pages(item)

    return set(pages(yaml.safe_load(toc.read_text(encoding="utf-8"))))


def unmatched(claims: Iterable[Claim], table: pd.DataFrame, links: Mapping) -> list[str]:
    """Return a sentence for every id that the register or the entries have and the other lacks.

    Parameters
    ----------
    claims : iterable of Claim
    table : DataFrame
        The register (`mcrepro.ledger.register`).
    links : Mapping
        What ``mapping.yml`` says: a merged id needs no entry, a split one an entry for each part.
    """
    wanted = [name for name in expanded(table, links)["id"] if name not in links.merged]
    given = [claim.id for claim in claims]
    return [
        *(f"{name}: registered, and without an entry" for name in wanted if name not in given),
        *(f"{name}: an entry, and not registered" for name in given if name not in wanted),
    ]


def problems(claims: Iterable[Claim], pages: Iterable[str]) -> list[str]:
    """Return a sentence for everything that entries name and that does not exist."""
    found = []
    pages = set(pages)
    for claim in claims:
        if claim.chapter not in pages:
            found.append(
                f"{claim.id}: no chapter {claim.chapter!r}{did_you_mean(claim.chapter, pages)}"
            )
        page = (claim.explanation or claim.chapter).partition("#")[0]
        if page != claim.chapter and page not in pages:
            found.append(f"{claim.id}: explanation on no page: {page!r}{did_you_mean(page, pages)}")
        for check in claim.checks:
            try:
                statistic(check.protocol, check.statistic)
                if isinstance(check.printed, Statement) and not is_exact(check.protocol):
                    raise ValueError(f"'holds' needs an exact protocol, {check.protocol} is not")
            except (ParameterError, ValueError) as error:
                found.append(f"{claim.id}: {error}")
    return found
