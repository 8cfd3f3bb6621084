"""What a notebook calls to look like a page of this book.

A notebook starts with ``page.style()``, ends every figure and table with
``page.provenance(table)`` and ends its chapter with ``page.claims("<chapter>", profile=profile)``.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from mcrepro.companion.files import write_atomic
from mcrepro.companion.markup import Html, provenance_line, slug, table_box
from mcrepro.errors import BuildError

__all__ = ["claims", "provenance", "style", "table"]

DATA_DIR = "MCREPRO_DATA_DIR_OUT"  # set by the build: where a page leaves its tables
PAGE = "MCREPRO_PAGE"  # set by the build: which page is running, such as "onesided/estimators"

# What this process has already written: another table under the same name would make a link lie.
_written: dict[Path, str] = {}


def style() -> None:
    """Give every figure of this notebook the look of the book, as SVG whose bytes repeat.

    Outside IPython only the Matplotlib style is set.
    """
    import matplotlib.pyplot as plt
    from IPython.core.getipython import get_ipython

    plt.style.use(Path(__file__).with_suffix(".mplstyle"))
    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # No date in the file, and no cropping: constrained layout has already fitted the figure.
        set_matplotlib_formats("svg", metadata={"Date": None}, bbox_inches=None)


def provenance(
    table: pd.DataFrame,
    *,
    what: str | None = None,
    profile: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    seed: int | None = None,
    seconds: float | None = None,
    name: str | None = None,
) -> None:
    """Show one small line that says where the numbers of a figure or table come from.

    During a build the table is also written as CSV and the line links to it. Open figures are shown
    first, so that the line stands under them. A cell with a ``mystnb: figure`` caption makes a
    figure of *every* output: call this in the cell after it.

    Parameters
    ----------
    table : pandas.DataFrame
        The numbers shown. What `mcrepro.experiments.run` returned carries its own record in
        ``table.attrs["provenance"]``; each option below replaces that part of it.
    what : str, optional
        What computed a table made in the notebook itself, in a few words; needed when there is
        no record.
    profile : str, optional
        The profile that made it.
    parameters : mapping of str to value or list of values, optional
        Default: none are shown.
    seed : int, optional
        Default: none is shown.
    seconds : float, optional
        Computing time. Leave it out for numbers made in the notebook: a measured time changes at
        every execution.
    name : str, optional
        Ends the file name of the CSV. Default: the protocol, or `what`.

    Raises
    ------
    ValueError
        If the table carries no record and `what` is missing.
    BuildError
        If another table of this page was already written under the same name, or the build has not
        said which page runs.
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table must be a pandas DataFrame, not {type(table).__name__}")
    given = {
        "what": what,
        "profile": profile,
        "parameters": parameters,
        "seed": seed,
        "seconds": seconds,
    }
    record = dict(table.attrs.get("provenance") or _package())
    record.update({key: value for key, value in given.items() if value is not None})
    title = record.get("protocol") or record.get("what")
    if not title:
        raise ValueError(
            "table has no provenance of its own: say what computed it, "
            'as in page.provenance(table, what="enumeration of all masks", profile=profile)'
        )
    _show_open_figures()
    _display(provenance_line(record, _publish(table, name or title)))


def table(
    frame: pd.DataFrame,
    caption: str,
    formats: Mapping[str, str | Callable[[Any], str]] | None = None,
) -> None:
    """Show a table that reads well on paper, on a phone and through a screen reader.

    Parameters
    ----------
    frame : pandas.DataFrame
        A named or non-default index is shown as the first columns.
    caption : str
        Says what the table shows; it can be read alone.
    formats : mapping of column to format, optional
        A format specification such as ``".3f"``, or a function from value to text. Default: four
        significant digits for floats. A missing value is shown as a dash.

    Raises
    ------
    ValueError
        If `formats` names a column that is not there.
    """
    _show_open_figures()
    _display(table_box(frame, caption, formats or {}))


def claims(chapter: str, profile: str = "quick") -> None:
    """Show how the claims that belong to one chapter fared, from the ledger.

    Parameters
    ----------
    chapter : str
        The page, such as ``"onesided/estimators"``.
    profile : str
        The profile whose numbers are judged.
    """
    from mcrepro import ledger

    rows = ledger.verdicts(profile=profile, chapter=chapter)
    plain = rows[["id", "verdict"]].to_string(index=False)
    _display(Html(ledger.chapter_table(rows, chapter), plain))


def _publish(table: pd.DataFrame, name: str) -> str | None:
    """Write the table where the build collects them; return its address as seen from the page."""
    folder = os.environ.get(DATA_DIR)
    if not folder:
        return None
    page = os.environ.get(PAGE)
    if not page:
        raise BuildError(f"{DATA_DIR} is set but {PAGE} is not: the build must name the page")
    target = Path(folder) / f"{slug(page)}-{slug(name)}.csv"
    text = table.to_csv(index=not isinstance(table.index, pd.RangeIndex), lineterminator="\n")
    if _written.get(target, text) != text:
        raise BuildError(
            f"page {page!r} writes two different tables named {target.name!r}: "
            "give one of them another name, as in page.provenance(table, name=...)"
        )
    write_atomic(target, text.encode())
    _written[target] = text
    depth = len(PurePosixPath(page).parts) - 1
    return f"{'../' * depth}data/{target.name}"


def _display(item: Html) -> None:
    from IPython.display import display

    display(item)


def _show_open_figures() -> None:
    """Inline figures wait for the end of their cell; what stands under them must not come first."""
    if "matplotlib_inline.backend_inline" in sys.modules:
        from matplotlib_inline.backend_inline import flush_figures

        flush_figures()


def _package() -> dict[str, str]:
    import mcrepro
    from mcrepro.experiments.provenance import commit

    return {"version": mcrepro.__version__, "commit": commit()}
