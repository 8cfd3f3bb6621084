"""One chapter with a reader's own parameters, beside the book."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcrepro.companion.build import execute, plan, select
from mcrepro.companion.execute import Task
from mcrepro.companion.files import only_one
from mcrepro.companion.notebooks import Chapter, chapter_names, read_page
from mcrepro.companion.project import DEFAULT_PROFILE, Project
from mcrepro.companion.site import build_one
from mcrepro.companion.stage import stage_files, stage_page
from mcrepro.companion.store import load
from mcrepro.errors import BuildError

BIBLIOGRAPHY = "bibliography"


@dataclass(frozen=True)
class OwnRun:
    """Where the executed notebook and its page are."""

    notebook: Path
    page: Path


def run_chapter(
    project: Project,
    name: str,
    words: Mapping[str, str],
    profile: str = DEFAULT_PROFILE,
    jobs: int | None = None,
    timeout: int | None = None,
) -> OwnRun:
    """Execute chapter `name` with the parameters `words`; the book itself stays as it is.

    The notebook goes to ``_build/runs/<chapter>-<hash>/``, named after everything it depends on,
    so that runs with other parameters stand side by side.

    Raises
    ------
    ParameterError, BuildError, OSError
    """
    with only_one(project.build / ".lock"):
        # Only this chapter is read: a slip in the command is answered at once.
        selected = select(chapter_names(project), [name])
        if len(selected) != 1:
            raise BuildError(f"{name!r} is more than one chapter: {', '.join(selected)}")
        chapter = read_page(selected[0], project.source(selected[0]))
        assert isinstance(chapter, Chapter)  # by its front matter
        task = plan(project, [chapter], profile, selected, words)[chapter.name]
        slug = chapter.name.replace("/", "-")
        folder = project.build / "runs" / f"{slug}-{task.record.stamp[:8]}"
        task = Task(chapter, task.record, folder / f"{slug}.ipynb", folder / "data")
        execute(project, [task], jobs, timeout)
        executed = load(task.path, task.data)
        assert executed is not None  # it was stored a moment ago
        files = stage_files(project) | dict([stage_page(chapter, profile, executed)])
        toc = f"format: jb-book\nroot: {chapter.name}\n"
        if project.source(BIBLIOGRAPHY).is_file():  # where the citations lead
            references = read_page(BIBLIOGRAPHY, project.source(BIBLIOGRAPHY))
            files |= dict([stage_page(references, profile, None)])
            toc += f"chapters: [{{file: {BIBLIOGRAPHY}}}]\n"
        files["_toc.yml"] = toc.encode()
        for data in executed.record.files:
            files[f"data/{data}"] = (task.data / data).read_bytes()
        return OwnRun(task.path, build_one(project, files, folder))
