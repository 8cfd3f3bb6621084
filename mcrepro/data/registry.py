"""The table of data sets, read from ``registry.yml``."""

import functools
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from mcrepro._near import near_miss
from mcrepro.errors import DataError


@dataclass(frozen=True)
class Part:
    """One file of a data set; the fields are explained at the head of ``registry.yml``."""

    name: str
    sha256: str | None = None
    md5: str | None = None
    content: str | None = None
    bytes: int | None = None
    url: str | None = None
    member: str | None = None
    at_most: int | None = None


@dataclass(frozen=True)
class Form:
    """Files that together hold a whole data set, and the release they hold."""

    release: str
    parts: tuple[Part, ...]

    @property
    def downloadable(self) -> bool:
        return all(part.url for part in self.parts)

    @property
    def bytes(self) -> int | None:
        sizes = [part.bytes for part in self.parts if part.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.parts) else None


@dataclass(frozen=True)
class Embedded:
    """A data set inside an installed package: a file below the package's folder."""

    package: str
    requirement: str
    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Dataset:
    """All that is known of a data set before it is read."""

    name: str
    title: str
    reader: str
    rows: str
    cols: str
    terms: str
    citation: str
    depth: str | None = None
    shape: tuple[int, ...] | None = None
    entries: int | None = None
    swap: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    forms: tuple[Form, ...] = ()
    embedded: Embedded | None = None
    release: str | None = None
    fallback: str | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        return (self.rows, self.cols) if self.depth is None else (self.rows, self.cols, self.depth)

    @property
    def download_form(self) -> Form | None:
        """The form that can be had from its publisher, if there is one."""
        return next((form for form in self.forms if form.downloadable), None)


def _dataset(name: str, entry: dict[str, Any]) -> Dataset:
    entry = dict(entry)
    forms = tuple(
        Form(release=form["release"], parts=tuple(Part(**part) for part in form["parts"]))
        for form in entry.pop("forms", ())
    )
    embedded = entry.pop("embedded", None)
    shape = entry.pop("shape", None)
    return Dataset(
        name=name,
        forms=forms,
        embedded=Embedded(**embedded) if embedded else None,
        shape=tuple(shape) if shape else None,
        **entry,
    )


@functools.cache
def datasets() -> dict[str, Dataset]:
    """Return every registered data set by name, in the order of ``registry.yml``."""
    text = resources.files("mcrepro.data").joinpath("registry.yml").read_text(encoding="utf-8")
    return {name: _dataset(name, entry) for name, entry in yaml.safe_load(text).items()}


def find(name: str) -> Dataset:
    """Return the data set called `name`.

    Raises
    ------
    DataError
        If there is none; the message suggests the nearest name.
    """
    known = datasets()
    if name in known:
        return known[name]
    raise DataError(f"there is no data set {name!r}{near_miss(name, known)}")
