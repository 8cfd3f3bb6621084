"""A course folder of nbgrader: made from chapters, graded, and proved to grade rightly."""

import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcrepro.companion.files import write_atomic
from mcrepro.companion.notebooks import Chapter
from mcrepro.companion.project import Project
from mcrepro.companion.stamp import package_first
from mcrepro.companion.store import dump
from mcrepro.companion.students.assignment import answered, assignment, instructor, name_of
from mcrepro.companion.students.exercises import Exercise
from mcrepro.errors import BuildError

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "mcrepro"
"""
KERNEL_CONFIG = """\
c = get_config()
c.Application.log_level = 40
"""


@dataclass(frozen=True)
class Graded:
    """What one exercise of one submission got: `points` of `most`, and what the check said."""

    points: float
    most: float
    message: str


class Course:
    """A folder that the commands of nbgrader work in.

    It gets ``source/`` (what nbgrader starts from), ``release/`` (for students) and beside these
    ``instructor/`` (answers, explanations, mistakes).

    Parameters
    ----------
    project : Project
    folder : Path
        Made if it does not exist.

    Raises
    ------
    BuildError
        If nbgrader is not installed.
    """

    def __init__(self, project: Project, folder: Path):
        try:
            from nbgrader.apps import NbGraderAPI
            from traitlets.config import Config
        except ImportError:
            raise BuildError("nbgrader is missing: install the extra 'students'") from None
        self.project = project
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        config = Config()
        config.CourseDirectory.root = str(self.folder)
        config.CourseDirectory.course_id = "mcrepro"
        config.ExecutePreprocessor.timeout = 120
        self._api = NbGraderAPI(config=config)
        logging.getLogger("traitlets").setLevel(logging.ERROR)
        self._api.log.setLevel(logging.ERROR)

    def add(
        self,
        chapter: Chapter,
        parts: Sequence[Exercise],
        values: Mapping[str, Any] | None = None,
    ) -> Path:
        """Make the assignment of a chapter anew; return the students' notebook.

        Raises
        ------
        BuildError
            If nbgrader refuses it.
        """
        name = name_of(chapter)
        for kind in ("source", "release"):
            shutil.rmtree(self.folder / kind / name, ignore_errors=True)
        write_atomic(self.folder / "nbgrader_config.py", CONFIG.encode())
        source = assignment(self.project, chapter, parts, values)
        write_atomic(self.folder / "source" / name / f"{name}.ipynb", dump(source))
        full = instructor(self.project, chapter, parts, values)
        write_atomic(self.folder / "instructor" / f"{name}.ipynb", dump(full))
        self._run("generate_assignment", name, create=True, force=True)
        return self.release(name)

    def release(self, name: str) -> Path:
        """Return the students' notebook of an assignment."""
        return self.folder / "release" / name / f"{name}.ipynb"

    def submit(self, name: str, student: str, answers: Mapping[str, str]) -> dict[str, Graded]:
        """Hand in answers (label of the exercise to source) for a student; return the grades."""
        import nbformat

        notebook = nbformat.read(self.release(name), as_version=4)
        handed_in = self.folder / "submitted" / student / name / f"{name}.ipynb"
        write_atomic(handed_in, dump(answered(notebook, answers)))
        self._run("autograde", name, student, create=True, force=True)
        return self._grades(name, student)

    def _grades(self, name: str, student: str) -> dict[str, Graded]:
        import nbformat
        from nbgrader.api import Gradebook

        path = self.folder / "autograded" / student / name / f"{name}.ipynb"
        said = {}
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", ()):
                if output.output_type == "error":
                    label = cell.metadata.get("nbgrader", {}).get("grade_id", "")
                    said[label] = f"{output.ename}: {output.evalue}"
        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as book:
            notebook = book.find_submission_notebook(name, name, student)
            return {
                grade.cell.name.removesuffix("-check"): Graded(
                    grade.auto_score or 0.0, grade.cell.max_score, said.get(grade.cell.name, "")
                )
                for grade in notebook.grades
            }

    def _run(self, action: str, *arguments: Any, **options: Any) -> None:
        with _environment() as folder:
            # Two kernels that start at once may pick one port ("Address already in use"); sockets
            # in a folder of this action, which starts one kernel at a time, meet nobody's. Their
            # paths have at most 103 bytes.
            if os.name == "posix" and len(os.fsencode(folder)) < 90:
                self._api.config.KernelManager.update(transport="ipc", ip=f"{folder}/ipc")
            report = getattr(self._api, action)(*arguments, **options)
        if not report["success"]:
            said = f"{report.get('log') or ''}\n{report.get('error') or ''}".strip()
            raise BuildError(f"nbgrader, {action} {' '.join(arguments)}:\n{said}")


@contextmanager
def _environment() -> Iterator[str]:
    """Let the kernels see this package, and nbgrader the programs installed beside it.

    Yields a temporary folder.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="mcrepro-", ignore_cleanup_errors=True) as folder:
        # A profile of our own: nobody's start-up files, and no warning about each local socket.
        profile = Path(folder, "profile_default")
        profile.mkdir()
        (profile / "ipython_kernel_config.py").write_text(KERNEL_CONFIG)
        os.environ.update(package_first(), OMP_NUM_THREADS="1", IPYTHONDIR=folder)
        programs = [str(Path(sys.executable).parent), before.get("PATH", "")]
        os.environ["PATH"] = os.pathsep.join(programs)
        try:
            with warnings.catch_warnings(action="ignore"):  # nbgrader's, about its own database
                yield folder
        finally:
            os.environ.clear()
            os.environ.update(before)


def prove(course: Course, chapter: Chapter, parts: Sequence[Exercise]) -> list[str]:
    """Return what is wrong with the grading of an assignment; nothing, if it proves itself.

    The reference answers must get every point, an untouched notebook none, and every planted
    mistake must fail by an assertion, which has a message.
    """
    name = name_of(chapter)
    faults = []
    full = course.submit(name, "reference", {part.label: part.answer for part in parts})
    for label, got in full.items():
        if got.points < got.most:
            faults.append(f"{chapter.name}: {label}: the reference answer fails: {got.message}")
    for label, got in course.submit(name, "blank", {}).items():
        if got.points:
            faults.append(f"{chapter.name}: {label}: an empty answer gets {got.points:g}")
    for round_ in range(max((len(part.wrong) for part in parts), default=0)):
        # The reference for exercises that have no such many mistakes.
        mistakes = {part.label: part.wrong[round_] for part in parts if len(part.wrong) > round_}
        answers = {part.label: part.answer for part in parts} | mistakes
        graded = course.submit(name, f"mistaken-{round_ + 1}", answers)
        for label in mistakes:
            got = graded[label]
            if got.points:
                faults.append(f"{chapter.name}: {label}: mistake {round_ + 1} gets {got.points:g}")
            elif not got.message.startswith("AssertionError: "):
                faults.append(
                    f"{chapter.name}: {label}: mistake {round_ + 1} fails without a message "
                    f"of the check: {got.message or 'nothing was said'}"
                )
    return faults
