"""The exercises of a chapter, as its source has them.

An exercise is what stands between ``exercise-start`` and ``exercise-end``; its solution, between
``solution-start`` and ``solution-end``, has text and code cells. Three tags have a meaning:

answer
    The reference answer; students get an empty cell in its place.
check
    Assertions about the names that the answer defines, each with a message.
wrong
    A typical mistake, which the check has to refuse. Dropped when the chapter is read to be
    executed; the other two are run with the chapter.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcrepro.companion.notebooks import WRONG, Chapter
from mcrepro.errors import BuildError

SETUP = "setup"
ANSWER = "answer"
CHECK = "check"

_DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<kind>exercise|solution)-(?P<end>start|end)\}[ \t]*"
    r"(?P<argument>\S*)[ \t]*\n(?P<options>(?::\w+:.*\n)*)(?P=fence)[ \t]*$",
    re.MULTILINE,
)


@dataclass
class Exercise:
    """One exercise and its solution.

    Attributes
    ----------
    label : str
        Its label in the chapter, such as ``ex-factor``.
    prompt : list of dict
        Cells that ask.
    solution : list of dict
        Cells that explain, without those below.
    answer, check : str
        Source of the reference answer, and of the assertions on it.
    wrong : list of str
        Answers that the check has to refuse.
    """

    label: str
    prompt: list[Mapping[str, Any]] = field(default_factory=list)
    solution: list[Mapping[str, Any]] = field(default_factory=list)
    answer: str = ""
    check: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """The names that the check reads and the answer defines, sorted."""
        return sorted(_names(self.check, ast.Load) & _defined(self.answer))


def exercises(chapter: Chapter) -> list[Exercise]:
    """Return the exercises of a chapter in order.

    Raises
    ------
    BuildError
        If a block is not closed, a solution belongs to no exercise, or an exercise lacks its
        answer, its check or a wrong answer.
    """
    found: dict[str, Exercise] = {}
    current: list | None = None
    exercise: Exercise | None = None
    opened = ""
    for piece in _pieces(chapter):
        if isinstance(piece, re.Match):
            kind, is_start = piece["kind"], piece["end"] == "start"
            if is_start == bool(opened) or (not is_start and kind != opened):
                raise BuildError(f"{chapter.name}: {piece[0].splitlines()[0]} out of order")
            opened = kind if is_start else ""
            if not is_start:
                current = exercise = None
            elif kind == "exercise":
                label = _label(chapter, piece)
                exercise = found.setdefault(label, Exercise(label))
                current = exercise.prompt
            else:
                if piece["argument"] not in found:
                    raise BuildError(
                        f"{chapter.name}: solution of no exercise: {piece['argument']}"
                    )
                exercise = found[piece["argument"]]
                current = exercise.solution
        elif current is not None and exercise is not None:
            _take(chapter, exercise, current, piece)
    if opened:
        raise BuildError(f"{chapter.name}: the last {opened} is not closed")
    for exercise in found.values():
        _complete(chapter, exercise)
    return list(found.values())


def setup(chapter: Chapter) -> list[str]:
    """Return the sources of the code cells that exercises build on: parameters, then ``setup``."""
    return [source for source, tags in chapter.code() if "parameters" in tags or SETUP in tags]


def _pieces(chapter: Chapter) -> Iterator[re.Match | Mapping[str, Any]]:
    """Yield directives and cells in order, markdown cells cut at the directives."""
    for cell in chapter.source_cells:
        if cell["type"] != "markdown":
            yield cell
            continue
        text, at = cell["source"], 0
        for match in _DIRECTIVE.finditer(text):
            yield from _markdown(text[at : match.start()])
            yield match
            at = match.end()
        yield from _markdown(text[at:])


def _markdown(text: str) -> Iterator[Mapping[str, Any]]:
    if text.strip():
        yield {"type": "markdown", "source": text.strip(), "metadata": {}}


def _label(chapter: Chapter, piece: re.Match) -> str:
    match = re.search(r"^:label: *(\S+)", piece["options"], re.MULTILINE)
    if not match:
        raise BuildError(f"{chapter.name}: an exercise has no ':label:'")
    return match[1]


def _take(chapter: Chapter, exercise: Exercise, current: list, cell: Mapping[str, Any]) -> None:
    tags = cell["metadata"].get("tags", [])
    marks = [tag for tag in (ANSWER, CHECK, WRONG) if tag in tags]
    if not marks:
        current.append(cell)
    elif marks == [WRONG]:
        exercise.wrong.append(cell["source"])
    elif len(marks) > 1 or getattr(exercise, marks[0]):
        raise BuildError(f"{chapter.name}: {exercise.label} has two cells that are its {marks[0]}")
    else:
        setattr(exercise, marks[0], cell["source"])


def _complete(chapter: Chapter, exercise: Exercise) -> None:
    for part in ("prompt", ANSWER, CHECK, WRONG):
        if not getattr(exercise, part):
            raise BuildError(f"{chapter.name}: {exercise.label} has no {part}")
    if not exercise.asked:
        raise BuildError(
            f"{chapter.name}: the check of {exercise.label} reads no name that its answer defines"
        )
    for statement in ast.walk(ast.parse(exercise.check)):
        if isinstance(statement, ast.Assert) and statement.msg is None:
            raise BuildError(
                f"{chapter.name}: {exercise.label}: 'assert {ast.unparse(statement.test)}' has no "
                "message"
            )


def _names(source: str, context: type) -> set[str]:
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }


def _defined(source: str) -> set[str]:
    """Return the names that a cell defines: not those within its functions and comprehensions."""
    inner = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    names: set[str] = set()
    pending: list[ast.AST] = list(ast.parse(source).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif not isinstance(node, inner):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            pending.extend(ast.iter_child_nodes(node))
    return names
