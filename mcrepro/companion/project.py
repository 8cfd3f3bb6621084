"""Where things are: the project's root, the book's sources, the built tree."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mcrepro.errors import BuildError

DEFAULT_PROFILE = "quick"

#: Pages that the build writes itself; they may stand in the table of contents without a source.
GENERATED = ("status",)


@dataclass(frozen=True)
class Project:
    """The folders of one checkout.

    Parameters
    ----------
    root : Path
        Folder that holds ``_config.yml`` and ``book/_toc.yml``.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Find the project around `start` (default: the current folder), else around the package.

        Raises
        ------
        BuildError
            If neither is inside a checkout.
        """
        here = Path(start or Path.cwd()).resolve()
        for folder in (here, *here.parents, *Path(__file__).resolve().parents):
            if (folder / "_config.yml").is_file() and (folder / "book" / "_toc.yml").is_file():
                return cls(folder)
        raise BuildError(
            f"no book here: neither {here} nor a folder above it has _config.yml and book/_toc.yml"
        )

    @property
    def book(self) -> Path:
        return self.root / "book"

    @property
    def config(self) -> Path:
        return self.root / "_config.yml"

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @property
    def staged(self) -> Path:
        return self.build / "book"

    @property
    def html(self) -> Path:
        return self.build / "html"

    @property
    def failed(self) -> Path:
        return self.build / "failed"

    @property
    def scratch(self) -> Path:
        return self.build / "scratch"

    def executed(self, profile: str) -> Path:
        """Return the folder of the notebooks that were executed in `profile`."""
        return self.build / "executed" / profile

    def shown(self, path: Path) -> str:
        """Return `path` as messages show it: relative to the root where it can be."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    def toc(self) -> list[str]:
        """Return the names of the book's pages, in order, without extension.

        Raises
        ------
        BuildError
            If the table of contents cannot be read, names a page twice or one without a source.
        """
        path = self.book / "_toc.yml"
        try:
            names = [_without_extension(name) for name in _files(yaml.safe_load(path.read_text()))]
        except yaml.YAMLError as error:
            raise BuildError(f"{self.shown(path)} is not YAML: {error}") from None
        if not names:
            raise BuildError(f"{self.shown(path)} lists no page")
        for name in names:
            if names.count(name) > 1:
                raise BuildError(f"{self.shown(path)} lists {name} twice")
            if name not in GENERATED and not self.source(name).is_file():
                raise BuildError(
                    f"{self.shown(path)} lists {name}, but there is no "
                    f"{self.shown(self.source(name))}"
                )
        return names

    def source(self, name: str) -> Path:
        """Return the path of page `name`'s source."""
        return self.book / f"{name}.md"


def available_cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _files(entry: Any) -> Iterator[str]:
    if isinstance(entry, dict):
        for key, value in entry.items():
            if key in ("root", "file"):
                yield str(value)
            elif isinstance(value, list):
                yield from _files(value)
    elif isinstance(entry, list):
        for item in entry:
            yield from _files(item)


def _without_extension(name: str) -> str:
    return name.removesuffix(".md").removesuffix(".ipynb")
