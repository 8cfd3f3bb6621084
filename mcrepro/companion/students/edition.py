"""The whole student edition: every chapter's assignment, each proved in a process of its own."""

import multiprocessing
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mcrepro.companion.notebooks import Chapter, read_book
from mcrepro.companion.project import DEFAULT_PROFILE, Project
from mcrepro.companion.students.assignment import chosen, name_of
from mcrepro.companion.students.course import Course, prove
from mcrepro.companion.students.exercises import exercises
from mcrepro.errors import BuildError


def chapters_with_exercises(project: Project) -> list[Chapter]:
    """Return the chapters that have exercises, in the book's order."""
    pages = read_book(project)
    return [page for page in pages if isinstance(page, Chapter) and exercises(page)]


def make(
    project: Project,
    chapters: Sequence[Chapter],
    folder: Path,
    labels: Sequence[str] = (),
    words: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the assignments of these chapters into a course folder.

    Parameters
    ----------
    project : Project
    chapters : sequence of Chapter
    folder : Path
        The course folder.
    labels : sequence of str
        Only these exercises, of one chapter.
    words : mapping of str to str, optional
        Parameters to change and their new values, as typed; of one chapter.

    Returns
    -------
    list of Path
        The students' notebooks.

    Raises
    ------
    BuildError
        If `labels` or `words` come with several chapters, or one of them is unknown.
    """
    if (labels or words) and len(chapters) != 1:
        raise BuildError("exercises and parameters are chosen for one chapter: name it")
    course = Course(project, folder)
    made = []
    for chapter in chapters:
        values = chapter.schema.own(DEFAULT_PROFILE, chapter.schema.parse(words or {}))
        made.append(course.add(chapter, chosen(chapter, labels), values))
    return made


def prove_all(
    project: Project,
    chapters: Sequence[Chapter],
    labels: Sequence[str] = (),
    words: Mapping[str, str] | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = print,
) -> list[str]:
    """Return the faults of all gradings; one line of progress for each chapter.

    The courses of the proof are temporary: grades of invented students belong in no gradebook.
    """
    faults: list[str] = []
    # Not forked: nbgrader and its kernels live in threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, min(jobs, len(chapters))), mp_context=context) as pool:
        futures = [
            pool.submit(_prove, project, chapter.name, tuple(labels), dict(words or {}))
            for chapter in chapters
        ]
        for chapter, future in zip(chapters, futures, strict=True):
            found, asked = future.result()
            faults += found
            verdict = f"{len(found)} faults" if found else "proved"
            say(f"{name_of(chapter)}: {asked} exercises, {verdict}")
    return faults


def _prove(
    project: Project, name: str, labels: tuple[str, ...], words: dict[str, str]
) -> tuple[list[str], int]:
    from mcrepro.companion.notebooks import read_page

    chapter = read_page(name, project.source(name))
    assert isinstance(chapter, Chapter)  # it was one a moment ago
    parts = chosen(chapter, labels)
    with tempfile.TemporaryDirectory(prefix="mcrepro-", ignore_cleanup_errors=True) as folder:
        course = Course(project, Path(folder))
        course.add(chapter, parts, chapter.schema.own(DEFAULT_PROFILE, chapter.schema.parse(words)))
        return prove(course, chapter, parts), len(parts)
