"""The notebooks of an assignment: what nbgrader starts from, and what the instructor reads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from mcrepro._near import did_you_mean
from mcrepro.companion.notebooks import Chapter
from mcrepro.companion.project import Project
from mcrepro.companion.students.exercises import Exercise, exercises, setup
from mcrepro.errors import BuildError

HOW_TO = """\
*Exercises of the chapter "{title}" (`{name}`).* Run the cells from the top. Write each answer where it says
`YOUR CODE HERE`, in place of the line that raises an error; the text above says which names to define. The cell
after it checks that they are there. The rest of the check is run when the notebook is graded."""

# nbgrader cuts out what stands between these marks.
SOLUTION = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
HIDDEN = "{}\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"


def name_of(chapter: Chapter) -> str:
    """Return the assignment's name: ``onesided/estimators`` becomes ``onesided-estimators``."""
    return chapter.name.replace("/", "-")


def chosen(chapter: Chapter, labels: Sequence[str] = ()) -> list[Exercise]:
    """Return the exercises with these labels, in the order given; all of the chapter by default.

    Raises
    ------
    BuildError
        If the chapter has no exercise of that label.
    """
    by_label = {exercise.label: exercise for exercise in exercises(chapter)}
    for label in labels:
        if label not in by_label:
            raise BuildError(
                f"{chapter.name} has no exercise {label!r}{did_you_mean(label, by_label)}"
            )
    return [by_label[label] for label in labels or by_label]


def assignment(
    project: Project,
    chapter: Chapter,
    parts: Sequence[Exercise],
    values: Mapping[str, Any] | None = None,
) -> Any:
    """Return the notebook that nbgrader makes the students' version from.

    Parameters
    ----------
    project : Project
    chapter : Chapter
    parts : sequence of Exercise
        What to ask.
    values : mapping, optional
        Parameters of the chapter to change.
    """
    cells = _opening(project, chapter, values or {})
    for exercise in parts:
        cells += [_plain(cell) for cell in exercise.prompt]
        cells.append(
            _code(SOLUTION.format(exercise.answer), _graded(exercise.label, solution=True))
        )
        check = HIDDEN.format(_presence(exercise.asked), exercise.check)
        cells.append(_code(check, _graded(f"{exercise.label}-check", points=1)))
    return _notebook(cells)


def instructor(
    project: Project,
    chapter: Chapter,
    parts: Sequence[Exercise],
    values: Mapping[str, Any] | None = None,
) -> Any:
    """Return the notebook with answers, explanations, checks and typical mistakes."""
    cells = _opening(project, chapter, values or {})
    for exercise in parts:
        cells += [_plain(cell) for cell in exercise.prompt]
        cells += [_text("**Answer**"), _code(exercise.answer)]
        cells += [_plain(cell) for cell in exercise.solution]
        cells += [_text("**Check**"), _code(exercise.check)]
        for wrong in exercise.wrong:
            cells.append(_text(f"**A mistake that the check refuses**\n\n```python\n{wrong}\n```"))
    return _notebook(cells)


def answered(notebook: Any, answers: Mapping[str, str]) -> Any:
    """Return a copy of a students' notebook with these answers (label to source) filled in."""
    from nbformat import from_dict

    copy = from_dict(notebook)
    for cell in copy.cells:
        label = cell.metadata.get("nbgrader", {}).get("grade_id")
        if label in answers:
            cell.source = answers[label]
    return copy


def _opening(project: Project, chapter: Chapter, values: Mapping[str, Any]) -> list[Any]:
    title = next(
        re.search(r"^# (.+)$", cell["source"], re.MULTILINE)[1]  # type: ignore[index]
        for cell in chapter.cells
        if cell["type"] == "markdown" and re.search(r"^# ", cell["source"], re.MULTILINE)
    )
    text = f"# {title}: exercises\n\n" + HOW_TO.format(title=title, name=chapter.name)
    macros = "\n".join(rf"\def\{name}{{{body}}}" for name, body in sorted(_macros(project).items()))
    if macros:
        text += f"\n\n$$\n{macros}\n$$"
    cells = [_text(text)]
    for number, source in enumerate(setup(chapter)):
        cells.append(_code(source, _graded(f"setup-{number}")))
    if values:
        lines = "\n".join(f"{name} = {value!r}" for name, value in values.items())
        cells.insert(2, _code(lines, _graded("setup-values")))
    return cells


def _macros(project: Project) -> Mapping[str, str]:
    """Return the book's TeX macros without arguments."""
    config = yaml.safe_load((project.root / "_config.yml").read_text(encoding="utf-8"))
    mathjax = config["sphinx"]["config"].get("mathjax3_config", {})
    return {
        name: body
        for name, body in mathjax.get("tex", {}).get("macros", {}).items()
        if isinstance(body, str)
    }


def _presence(names: Iterable[str]) -> str:
    return "\n".join(
        f'assert "{name}" in globals(), "The exercise asks for `{name}`; it is not defined."'
        for name in names
    )


def readable(text: str) -> str:
    """Return MyST text as a plain notebook shows it: roles and directives as words."""
    text = re.sub(r"\{eq\}`([^`]+)`", r"(equation *\1* of the chapter)", text)
    text = re.sub(r"\{(?:doc|ref|numref)\}`([^`<]+?) *(?:<[^`]*>)?`", r"*\1*", text)
    text = re.sub(r"\{cite(?::\w+)?\}`([^`]+)`", r"[\1]", text)
    return re.sub(r"\{\w[\w:-]*\}`([^`]+)`", r"\1", text)


def _plain(cell: Mapping[str, Any]) -> Any:
    if cell["type"] == "markdown":
        return _text(readable(cell["source"]))
    return _code(cell["source"])


def _text(source: str) -> Any:
    from nbformat import v4

    return v4.new_markdown_cell(source)


def _code(source: str, metadata: Mapping[str, Any] | None = None) -> Any:
    from nbformat import v4

    return v4.new_code_cell(source, metadata=dict(metadata or {}))


def _graded(name: str, *, solution: bool = False, points: int = 0) -> dict[str, Any]:
    """Return the metadata by which nbgrader knows a cell; locked unless it is a solution."""
    ours = {
        "grade_id": name,
        "grade": points > 0,
        "solution": solution,
        "locked": not solution,
        "task": False,
        "schema_version": 3,
    }
    return {"nbgrader": ours | ({"points": points} if points else {})}


def _notebook(cells: Sequence[Any]) -> Any:
    from nbformat import v4

    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # random by default; equal sources have to give equal files
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})
