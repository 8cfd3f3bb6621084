"""The table on the teacher's page: what each chapter teaches, needs and takes."""

import re
from collections.abc import Sequence

import pydantic

from mcrepro.companion.notebooks import Chapter, Page
from mcrepro.companion.students.exercises import exercises
from mcrepro.errors import BuildError

#: In a page's prose, replaced by the table.
COURSE_MARK = "<!-- mcrepro: course -->"


class Teaching(pydantic.BaseModel):
    """What the key ``course`` of a chapter's front matter holds."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    #: What a student can do afterwards; one sentence.
    goal: str = pydantic.Field(min_length=10)
    #: Reading and running it, without the exercises.
    minutes: int = pydantic.Field(ge=5, le=600)
    #: Chapters to know before.
    needs: tuple[str, ...] = ()


def teaching(chapter: Chapter, known: Sequence[str]) -> Teaching:
    """Return what a chapter says of itself; the pages in `known` can be needed.

    Raises
    ------
    BuildError
        If the key ``course`` is missing or not as it should be.
    """
    try:
        found = Teaching.model_validate(chapter.course)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("course", *first["loc"])))
        raise BuildError(f"{chapter.name}: front matter, {place}: {first['msg']}") from None
    for name in found.needs:
        if name not in known:
            raise BuildError(f"{chapter.name}: front matter, course.needs: no page {name!r}")
    return found


def course_table(pages: Sequence[Page]) -> str:
    """Return the chapters with exercises as a Markdown table, in the book's order."""
    known = [page.name for page in pages]
    head = ["Chapter", "Afterwards a student can", "Needs", "Minutes", "Exercises"]
    lines = [head, ["---"] * len(head)]
    for page in pages:
        if not isinstance(page, Chapter) or not (asked := exercises(page)):
            continue
        about = teaching(page, known)
        needs = ", ".join(f"{{doc}}`/{name}`" for name in about.needs) or "–"
        cells = [f"{{doc}}`/{page.name}`", about.goal, needs, str(about.minutes), str(len(asked))]
        lines.append([re.sub(r"\s+", " ", cell).replace("|", r"\|") for cell in cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
