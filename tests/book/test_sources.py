"""The pages as they are written: what a reader may count on under every figure and table."""

import re
from pathlib import Path

import pytest

from mcrepro.companion.notebooks import Chapter, read_book
from mcrepro.companion.project import Project
from mcrepro.companion.students.exercises import exercises

BOOK = read_book(Project.find(Path(__file__)))
CHAPTERS = [page for page in BOOK if isinstance(page, Chapter)]


def unsigned(chapter: Chapter) -> list[str]:
    """First lines of the cells whose figure or table no provenance line follows."""
    code = [cell for cell in chapter.cells if cell["type"] == "code"]
    found = []
    for cell, following in zip(code, [*code[1:], {"source": ""}], strict=True):
        source = cell["source"]
        figure = "figure" in cell["metadata"].get("mystnb", {})
        shown = source.rfind("page.table(")
        if not figure and shown < 0:
            continue
        # Inside a captioned cell the line would become a part of the figure.
        here = not figure and "page.provenance(" in source[shown:]
        before, line, _ = following["source"].partition("page.provenance(")
        if not here and (not line or "page.table(" in before):
            found.append(source.partition("\n")[0])
    return found


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_every_figure_and_table_ends_in_its_provenance(chapter):
    assert unsigned(chapter) == []


LIGHTNESS = re.compile(r"\b(black|white|dark|bright|pale)(er)?\b", re.IGNORECASE)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_figure_whose_words_name_a_lightness_keeps_it_in_the_dark(chapter):
    for cell in chapter.cells:
        shown = cell["metadata"].get("mystnb", {})
        figure, image = shown.get("figure", {}), shown.get("image", {})
        words = f"{figure.get('caption', '')} {image.get('alt', '')}"
        if LIGHTNESS.search(words):
            assert image.get("classes") == "photo", words


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_every_exercise_can_be_graded(chapter):
    labels = [exercise.label for exercise in exercises(chapter)]
    assert labels or chapter.name.startswith("methods/") or "/" not in chapter.name


def test_labels_of_exercises_are_unique():
    labels = [exercise.label for chapter in CHAPTERS for exercise in exercises(chapter)]
    assert len(set(labels)) == len(labels)


def test_a_missing_line_is_found():
    cells = [
        ("fig = plt.figure()", {"mystnb": {"figure": {"name": "fig-a"}}}),
        ("page.table(a, 'A')\npage.provenance(a)", {}),
        ("page.table(b, 'B')", {}),
        ("page.provenance(b)", {}),
        ("page.table(c, 'C')", {}),
        ("page.table(d, 'D')\\npage.provenance(d)", {}),
    ]
    cells = [{"type": "code", "source": source, "metadata": data} for source, data in cells]
    chapter = Chapter("x", "", tuple(cells), {}, schema=None, data=())
    assert unsigned(chapter) == ["fig = plt.figure()", "page.table(c, 'C')"]
