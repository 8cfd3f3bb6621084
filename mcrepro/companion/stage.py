"""Laying out what Sphinx reads: current prose, stored outputs, generated pages, assets."""

import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

from mcrepro.companion.notebooks import Chapter, Page
from mcrepro.companion.parameters import Schema
from mcrepro.companion.project import Project
from mcrepro.companion.store import Executed, dump
from mcrepro.errors import BuildError

#: In a page's prose, replaced by the table of its parameters.
PARAMETERS_MARK = "<!-- mcrepro: parameters -->"

CITATION = "CITATION.cff"
MATHJAX = "assets/mathjax/tex-svg-full.js"


def stage_page(
    page: Page, profile: str, executed: Executed | None, guide: bool = False
) -> tuple[str, bytes]:
    """Return file name and content of a staged page.

    Parameters
    ----------
    page : Page
    profile : str
        The profile of the build, for the note of a chapter without outputs.
    executed : Executed or None
        The stored outputs of a chapter; None where they are missing or out of date.
    guide : bool, default False
        Whether the page ``about``, which says more about running, is there to be linked to.
    """
    if not isinstance(page, Chapter):
        return f"{page.name}.md", page.text.encode()
    return f"{page.name}.ipynb", dump(_graft(page, profile, executed, guide))


def stage_files(project: Project) -> dict[str, bytes]:
    """Return the files beside the pages: assets, bibliography, table of contents, MathJax."""
    files = {
        path.relative_to(project.book).as_posix(): path.read_bytes()
        for path in sorted(project.book.rglob("*"))
        if path.is_file() and path.suffix != ".md" and not _left_out(path.relative_to(project.book))
    }
    files[MATHJAX] = mathjax()
    if (project.root / CITATION).is_file():  # a page shows it
        files[CITATION] = (project.root / CITATION).read_bytes()
    return files


def mathjax() -> bytes:
    """Return MathJax in one file, from the distribution ``sphinx-mathjax-offline``.

    Raises
    ------
    BuildError
        If it is not installed.
    """
    try:
        files = importlib.metadata.files("sphinx-mathjax-offline") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "tex-svg-full.js":
            return file.read_binary()
    raise BuildError("MathJax is missing: install the extra 'book' (sphinx-mathjax-offline)")


def parameters_table(schema: Schema) -> str:
    """Return the parameters of a notebook as a Markdown table."""
    rows = [
        [
            f"`{name}`",
            parameter.help,
            parameter.unit,
            parameter.allowed() or parameter.type,
            *(_literal(schema.profiles[profile][name]) for profile in ("quick", "paper")),
            parameter.cost,
        ]
        for name, parameter in schema.parameters.items()
    ]
    head = ["Name", "Meaning", "Unit", "Allowed", "quick", "paper", "Cost"]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in line) + " |"
        for line in lines
    )


def _graft(
    chapter: Chapter, profile: str, executed: Executed | None, guide: bool
) -> dict[str, Any]:
    """Return the chapter as a notebook with the stored outputs on its code cells."""
    outputs = list(executed.cells) if executed else []
    injected = [cell for cell in outputs if _is_injected(cell)]
    outputs = [cell for cell in outputs if not _is_injected(cell)]
    sources = [source for source, _ in chapter.code()]
    if executed and [_source(cell) for cell in outputs] != sources:
        raise BuildError(
            f"{chapter.name}: the stored notebook is of other code; build with --force"
        )
    cells: list[dict[str, Any]] = []
    for cell in chapter.cells:
        if cell["type"] == "markdown":
            text = cell["source"].replace(PARAMETERS_MARK, parameters_table(chapter.schema))
            cells.append({"cell_type": "markdown", "metadata": cell["metadata"], "source": text})
            continue
        ran = outputs.pop(0) if executed else {"outputs": [], "execution_count": None}
        cells.append(
            {
                "cell_type": "code",
                "metadata": cell["metadata"],
                "source": cell["source"],
                "outputs": ran["outputs"],
                "execution_count": ran["execution_count"],
            }
        )
        if injected and "parameters" in cell["metadata"].get("tags", []):
            ran = injected[0]
            cells.append({key: ran[key] for key in ("cell_type", "outputs", "execution_count")})
            cells[-1] |= {"metadata": {}, "source": _source(ran)}
    _note(cells, chapter, _run_line(chapter, profile, executed) + _again(chapter, executed, guide))
    for number, staged in enumerate(cells):
        staged["id"] = f"cell-{number}"
    return {
        "cells": cells,
        "metadata": dict(chapter.metadata),
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _run_line(chapter: Chapter, profile: str, executed: Executed | None) -> str:
    """Return the line under the title. It may only say what changes with the outputs."""
    if executed is None:
        return (
            '<p class="mc-run mc-run-missing">Not executed in profile '
            f"<strong>{profile}</strong> since its last change: the code is shown without its "
            "outputs.</p>"
        )
    record = executed.record
    up = "../" * chapter.name.count("/")
    values = ", ".join(
        f"<code>{name} = {_html(repr(value))}</code>" for name, value in record.own.items()
    )
    return (
        f'<p class="mc-run">Profile <strong>{record.profile}</strong>'
        + (f" with {values}" if values else "")
        + f" · executed {record.executed} in {duration(record.seconds)} · "
        + f'<a href="{up}_sources/{chapter.name}.ipynb" download>executed notebook</a></p>'
    )


def _again(chapter: Chapter, executed: Executed | None, guide: bool) -> str:
    """Return how to run the page: the command, the notebook, the numbers it left."""
    up = "../" * chapter.name.count("/")
    command = f"python3 noxfile.py -s run -- {chapter.name}"
    for name, parameter in chapter.schema.parameters.items():
        if parameter.type in ("int", "float"):
            command += f" -p {name} {chapter.schema.profiles['quick'][name]}"
            break
    text = "In a checkout, with Python 3.11 to 3.13; change the value, add others with"
    parts = [f"<p>{text} <code>-p</code>:</p><pre>{_html(command)}</pre>"]
    if executed:
        parts.append(
            f'<p>Or open the <a href="{up}_sources/{chapter.name}.ipynb" download>executed '
            "notebook</a> in Jupyter, where the package is installed.</p>"
        )
    if executed and executed.record.files:
        prefix = chapter.name.replace("/", "-") + "-"
        links = ", ".join(
            f'<a href="{up}data/{name}" download>{name.removeprefix(prefix)}</a>'
            for name in sorted(executed.record.files)
        )
        parts.append(f"<p>The numbers of this page: {links}.</p>")
    if guide:
        parts.append(
            f'<p><a href="{up}about.html#run-it-again">More ways</a>, conda and Binder among them.'
            "</p>"
        )
    return (
        '<details class="mc-again"><summary>Run this page</summary>' + "".join(parts) + "</details>"
    )


def duration(seconds: float) -> str:
    """Return seconds as ``8 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _note(cells: list[dict[str, Any]], chapter: Chapter, line: str) -> None:
    """Put `line` under the page's title."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            titled, found = re.subn(
                r"^# .*$",
                lambda match: f"{match[0]}\n\n{line}",
                cell["source"],
                count=1,
                flags=re.MULTILINE,
            )
            if found:
                cell["source"] = titled
                return
    raise BuildError(f"{chapter.name}: the page has no title ('# ...')")


def _is_injected(cell: Mapping[str, Any]) -> bool:
    return "injected-parameters" in cell["metadata"].get("tags", [])


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _left_out(path: Any) -> bool:
    # The reference tables are for the ledger, which reads them where they are.
    return path.parts[0] == "reference" or any(part.startswith(".") for part in path.parts)


def _literal(value: Any) -> str:
    return f"`{value!r}`"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
