"""The build: check parameters, execute what changed, lay out the book, make the site."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from mcrepro._near import near_miss
from mcrepro.companion.execute import Executor, Task
from mcrepro.companion.files import only_one
from mcrepro.companion.notebooks import Chapter, Page, read_book
from mcrepro.companion.progress import Progress
from mcrepro.companion.project import DEFAULT_PROFILE, Project, available_cpus
from mcrepro.companion.site import build_site
from mcrepro.companion.stage import stage_files, stage_page
from mcrepro.companion.stamp import stamp, surroundings
from mcrepro.companion.status import ChapterStatus, status_page
from mcrepro.companion.store import Executed, Record, load
from mcrepro.companion.students.overview import COURSE_MARK, course_table
from mcrepro.errors import BuildError, ParameterError
from mcrepro.experiments import PROFILES


@dataclass(frozen=True)
class Report:
    """What a build did.

    Attributes
    ----------
    executed, reused, missing : tuple of str
        Chapters that ran, whose stored outputs were used, and that are shown without outputs.
    site_built : bool
        Whether the site had to be made anew.
    seconds : float
    """

    executed: tuple[str, ...]
    reused: tuple[str, ...]
    missing: tuple[str, ...]
    site_built: bool
    seconds: float


def build(
    project: Project,
    profile: str = DEFAULT_PROFILE,
    only: Sequence[str] = (),
    jobs: int | None = None,
    words: Mapping[str, str] | None = None,
    force: bool = False,
    timeout: int | None = None,
) -> Report:
    """Build the book.

    Parameters
    ----------
    project : Project
    profile : {"quick", "smoke", "paper"}
    only : sequence of str
        Patterns of chapter names; others are not executed. They are shown with their stored
        outputs where these are of the current code, else without outputs and with a note saying
        so; references to figures they would have made are then no error.
    jobs : int, optional
        Processors to use (default: all).
    words : mapping, optional
        Parameters of the one chapter that `only` names, as text.
    force : bool, default False
        Execute also what did not change.
    timeout : int, optional
        Seconds that one cell may take (default: by profile).

    Raises
    ------
    ParameterError, BuildError, OSError
    """
    began = time.monotonic()
    if profile not in PROFILES:
        raise ParameterError(f"unknown profile {profile!r}{near_miss(profile, PROFILES)}")
    with only_one(project.build / ".lock"):
        pages = read_book(project)
        selected = select([page.name for page in pages if isinstance(page, Chapter)], only)
        tasks = plan(project, pages, profile, selected, words)
        stored = {name: _current(task) for name, task in tasks.items()}
        todo = [
            task
            for name, task in tasks.items()
            if name in selected and (force or stored[name] is None)
        ]
        execute(project, todo, jobs, timeout)
        stored |= {task.chapter.name: _lasting(task) for task in todo}
        missing = tuple(name for name, executed in stored.items() if executed is None)
        site_built = build_site(project, stage(project, pages, profile, stored), strict=not missing)
    names = [task.chapter.name for task in todo]
    return Report(
        executed=tuple(names),
        reused=tuple(name for name in tasks if name not in names and name not in missing),
        missing=missing,
        site_built=site_built,
        seconds=time.monotonic() - began,
    )


def select(names: Sequence[str], only: Sequence[str]) -> list[str]:
    """Return those names of chapters that match a pattern; all if there is no pattern.

    Raises
    ------
    BuildError
        If a pattern matches nothing.
    """
    if not only:
        return list(names)
    chosen = set()
    for pattern in only:
        matching = {name for name in names if fnmatch(name, pattern.removesuffix(".md"))}
        if not matching:
            raise BuildError(f"no chapter matches {pattern!r}{near_miss(pattern, names)}")
        chosen |= matching
    return [name for name in names if name in chosen]


def plan(
    project: Project,
    pages: Sequence[Page],
    profile: str,
    selected: Sequence[str],
    words: Mapping[str, str] | None = None,
) -> dict[str, Task]:
    """Return what executing each chapter would mean; every parameter is checked on the way.

    Raises
    ------
    ParameterError
        If `words` are no parameters of the one chapter selected.
    """
    if words and len(selected) != 1:
        raise ParameterError("parameters need --only with the name of one chapter")
    around = surroundings(project)
    folder = project.executed(profile)
    tasks = {}
    for chapter in pages:
        if not isinstance(chapter, Chapter):
            continue
        own = words if words and chapter.name in selected else {}
        overrides: dict[str, Any] = chapter.schema.parse(own)
        record = Record(
            stamp=stamp(chapter, chapter.schema.resolve(profile, overrides), profile, around),
            profile=profile,
            injected=chapter.schema.injected(profile, overrides),
            own=chapter.schema.own(profile, overrides),
            seconds=0.0,
            executed="",
        )
        path = folder / f"{chapter.name}.ipynb"
        tasks[chapter.name] = Task(chapter, record, path, folder / "data")
    return tasks


def execute(
    project: Project, tasks: Sequence[Task], jobs: int | None, timeout: int | None = None
) -> None:
    """Execute `tasks` and show their progress.

    Raises
    ------
    BuildError
        If chapters failed, after the others have finished.
    """
    if not tasks:
        return
    profile = tasks[0].record.profile
    _say(f"Executing {len(tasks)} of the book's notebooks, profile {profile}")
    executor = Executor(project, jobs or available_cpus(), timeout)
    failures = executor.run(tasks, Progress(len(tasks)))
    if failures:
        raise BuildError("\n\n".join(failure.message for failure in failures))


def stage(
    project: Project,
    pages: Sequence[Page],
    profile: str,
    stored: Mapping[str, Executed | None],
) -> dict[str, bytes]:
    """Return the files of the staged book."""
    guide = "about" in project.toc()
    files = dict(stage_page(page, profile, stored.get(page.name), guide) for page in pages)
    for page in pages:
        if COURSE_MARK in page.text and not isinstance(page, Chapter):
            text = page.text.replace(COURSE_MARK, course_table(pages))
            files[f"{page.name}.md"] = text.encode()
    if "status" in project.toc():
        chapters = [ChapterStatus(name, executed) for name, executed in stored.items()]
        files["status.md"] = status_page(chapters)
    for executed in filter(None, stored.values()):
        for name in executed.record.files:
            path = project.executed(executed.record.profile) / "data" / name
            files[f"data/{name}"] = path.read_bytes()
    return stage_files(project) | files


def statuses(project: Project, profile: str) -> list[ChapterStatus]:
    """Return which chapters have current outputs in `profile`."""
    tasks = plan(project, read_book(project), profile, [])
    return [ChapterStatus(name, _current(task)) for name, task in tasks.items()]


def _current(task: Task) -> Executed | None:
    """Return the stored outputs of a task if they are of its current stamp."""
    executed = load(task.path, task.data)
    return executed if executed and executed.record.stamp == task.record.stamp else None


def _lasting(task: Task) -> Executed:
    """Return the outputs stored a moment ago."""
    executed = _current(task)
    if executed is None:
        raise BuildError(
            f"{task.chapter.name} was executed, but what it stored did not last: "
            "does another chapter write a data file of the same name?"
        )
    return executed


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
