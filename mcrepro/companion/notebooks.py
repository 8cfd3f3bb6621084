"""Reading the book's sources: MyST Markdown, some of it notebooks."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mcrepro.companion.parameters import Schema
from mcrepro.companion.project import GENERATED, Project
from mcrepro.errors import BuildError

#: Tag of a cell with a wrong answer to an exercise: graded by the student edition, run by nobody.
WRONG = "wrong"


@dataclass(frozen=True)
class Page:
    """A page without code.

    Attributes
    ----------
    name : str
        Its name in the table of contents, such as ``onesided/estimators``.
    text : str
        Its source.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Chapter(Page):
    """A page that is a notebook.

    Attributes
    ----------
    cells : tuple of dict
        Its cells: ``type`` ("code" or "markdown"), ``source``, ``metadata``.
    metadata : mapping
        Its front matter, without what only the build reads.
    schema : Schema
        Its parameters.
    data : tuple of str
        The data sets it declares to read.
    source_cells : tuple of dict
        All cells of the source, also the wrong answers that no build runs or shows.
    course : mapping
        What the teacher's page says of it (`mcrepro.companion.students.overview.Teaching`).
    """

    cells: tuple[Mapping[str, Any], ...]
    metadata: Mapping[str, Any]
    schema: Schema
    data: tuple[str, ...]
    source_cells: tuple[Mapping[str, Any], ...] = ()
    course: Mapping[str, Any] = field(default_factory=dict)

    def code(self) -> list[tuple[str, list[str]]]:
        """Return source and tags of every code cell, all of the page that execution depends on."""
        return [
            (cell["source"], sorted(cell["metadata"].get("tags", [])))
            for cell in self.cells
            if cell["type"] == "code"
        ]


def read_book(project: Project) -> list[Page]:
    """Return the pages of the table of contents that have a source, in order."""
    return [
        read_page(name, project.source(name)) for name in project.toc() if name not in GENERATED
    ]


def chapter_names(project: Project) -> list[str]:
    """Return the names of the chapters, in order, without reading more than their front matter."""
    return [
        name
        for name in project.toc()
        if name not in GENERATED
        and "kernelspec" in front_matter(name, project.source(name).read_text(encoding="utf-8"))
    ]


def read_page(name: str, path: Path) -> Page:
    """Read one page; it is a :class:`Chapter` if its front matter has a ``kernelspec``.

    Raises
    ------
    BuildError
        If the front matter or the parameters cell is not as it should be.
    """
    text = path.read_text(encoding="utf-8")
    front = front_matter(name, text)
    if "kernelspec" not in front:
        return Page(name, text)
    ours = front.get("mcrepro") or {}
    if not isinstance(ours, dict) or ours.keys() - {"parameters", "data", "course"}:
        raise BuildError(
            f"{name}: front matter 'mcrepro' has the keys 'parameters', 'data' and 'course'"
        )
    declared, data = ours.get("parameters") or {}, ours.get("data") or []
    course = ours.get("course") or {}
    if not isinstance(declared, dict) or not isinstance(data, list) or not isinstance(course, dict):
        raise BuildError(
            f"{name}: front matter wants 'parameters: {{name: ...}}', 'data: [...]', "
            "'course: {goal: ..., minutes: ..., needs: [...]}'"
        )

    import jupytext
    import nbformat

    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except (nbformat.ValidationError, jupytext.myst.MystMetadataParsingError) as error:
        raise BuildError(f"{name}: {str(error).splitlines()[0]}") from None
    source = tuple(
        {
            "type": cell.cell_type,
            "source": cell.source,
            "metadata": _plain(cell.metadata),
        }
        for cell in notebook.cells
    )
    cells = tuple(cell for cell in source if WRONG not in cell["metadata"].get("tags", []))
    ignored = ("mcrepro", "jupytext", "kernelspec")
    metadata = {key: value for key, value in front.items() if key not in ignored}
    # The kernel is this interpreter's, whatever the source calls it.
    metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    schema = Schema(name, declared, _parameters_cell(name, cells))
    return Chapter(name, text, cells, metadata, schema, tuple(map(str, data)), source, course)


def front_matter(name: str, text: str) -> dict[str, Any]:
    """Return the YAML block at the top of a page; empty if there is none."""
    if not text.startswith("---\n"):
        return {}
    block, fence, _ = text[4:].partition("\n---")
    if not fence:
        raise BuildError(f"{name}: the front matter has no closing ---")
    try:
        front = yaml.safe_load(block)
    except yaml.YAMLError as error:
        raise BuildError(f"{name}: the front matter is not YAML: {error}") from None
    if not isinstance(front, dict):
        raise BuildError(f"{name}: the front matter is not a mapping")
    return front


def _parameters_cell(name: str, cells: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """Return the values of the cell tagged ``parameters``: simple assignments of literals."""
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if not tagged:
        return {}
    if len(tagged) > 1:
        raise BuildError(f"{name}: {len(tagged)} cells are tagged 'parameters'; one may be")
    values = {}
    try:
        for statement in ast.parse(tagged[0]["source"]).body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)], value=value):
                    values[target] = ast.literal_eval(value)
                case _:
                    raise ValueError(f"line {statement.lineno} is something else")
    except (ValueError, SyntaxError) as error:
        raise BuildError(
            f"{name}: the parameters cell may only hold 'name = literal' lines ({error})"
        ) from None
    return values


def _plain(node: Any) -> Any:
    """Return a notebook's metadata as plain dictionaries and lists."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(item) for item in node]
    return node
