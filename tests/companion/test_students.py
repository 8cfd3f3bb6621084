"""Exercises as assignments: what is read, what students get, and that the grading proves itself."""

import json
import os
import re
from pathlib import Path

import pytest

from mcrepro.companion.notebooks import read_page
from mcrepro.companion.project import Project
from mcrepro.companion.students.assignment import assignment, chosen, instructor, readable
from mcrepro.companion.students.course import Course, prove
from mcrepro.companion.students.exercises import exercises
from mcrepro.companion.students.overview import course_table
from mcrepro.errors import BuildError

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = """\
---
kernelspec: {name: python3, display_name: Python 3}
mcrepro:
  parameters:
    n: {type: int, ge: 1, le: 9, help: A number.}
---
# A toy

```{code-cell} ipython3
:tags: [parameters]
n = 3
```

```{code-cell} ipython3
:tags: [setup]
import math
```

```{code-cell} ipython3
unrelated = 1
```

```{exercise-start}
:label: ex-double
```
Double $n$, by {eq}`eq-two`. Store it as `twice`.
```{exercise-end}
```

```{solution-start} ex-double
:class: dropdown
```
Add it to itself.

```{code-cell} ipython3
:tags: [answer]
twice = n + n
```

```{code-cell} ipython3
:tags: [check, remove-cell]
assert twice == 2 * n, "Twice n is n + n."
```

```{code-cell} ipython3
:tags: [wrong]
twice = n**2
```

That is all.
```{solution-end}
```
"""
ANSWER = "twice = n + n"
CHECK = 'assert twice == 2 * n, "Twice n is n + n."'


@pytest.fixture
def chapter(tmp_path):
    def read(text=CHAPTER):
        path = tmp_path / "toy.md"
        path.write_text(text)
        return read_page("one/toy", path)

    return read


@pytest.fixture
def project(tmp_path):
    (tmp_path / "_config.yml").write_text(
        r'sphinx: {config: {mathjax3_config: {tex: {macros: {R: "\\mathbb{R}"}}}}}'
    )
    return Project(tmp_path)


def test_an_exercise_is_read_with_all_its_parts(chapter):
    (exercise,) = exercises(chapter())
    assert exercise.label == "ex-double"
    assert exercise.asked == ["twice"]
    assert exercise.prompt[0]["source"].startswith("Double $n$")
    assert [cell["source"] for cell in exercise.solution] == ["Add it to itself.", "That is all."]
    assert (exercise.answer, exercise.check, exercise.wrong) == (ANSWER, CHECK, ["twice = n**2"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":tags: [answer]", ":tags: []", "ex-double has no answer"),
        (":tags: [check, remove-cell]", ":tags: []", "ex-double has no check"),
        (":tags: [wrong]", ":tags: []", "ex-double has no wrong"),
        (":tags: [wrong]", ":tags: [answer]", "ex-double has two cells that are its answer"),
        ('2 * n, "Twice n is n + n."', "2 * n", "'assert twice == 2 \\* n' has no message"),
        (CHECK, 'assert n, "n"', "reads no name that its answer defines"),
        ("{solution-start} ex-double", "{solution-start} ex-other", "solution of no exercise"),
        ("```{solution-end}\n```\n", "", "last solution is not closed"),
        ("```{exercise-end}\n```\n", "", "out of order"),
        (":label: ex-double\n", "", "an exercise has no ':label:'"),
    ],
)
def test_a_broken_exercise_is_refused_by_name(chapter, old, new, message):
    assert old in CHAPTER
    with pytest.raises(BuildError, match=f"one/toy: .*{message}"):
        exercises(chapter(CHAPTER.replace(old, new)))


def test_names_within_functions_and_comprehensions_are_not_asked_for(chapter):
    answer = "def twice_of(k):\n    seed = k\n    return 2 * seed\n\ntwice = sum(twice_of(seed) for seed in [n])"
    check = 'seed = 0\nassert twice == 2 * n + seed, "Twice n is n + n."'
    (exercise,) = exercises(chapter(CHAPTER.replace(ANSWER, answer).replace(CHECK, check)))
    assert exercise.asked == ["twice"]


def test_unknown_exercise_has_a_near_miss(chapter):
    with pytest.raises(BuildError, match="no exercise 'ex-dubble'; did you mean 'ex-double'"):
        chosen(chapter(), ["ex-dubble"])


def test_the_source_has_setup_and_changed_values_only(chapter, project):
    page = chapter()
    notebook = assignment(project, page, exercises(page), {"n": 5})
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert code[:3] == ["n = 3", "n = 5", "import math"]
    assert "unrelated = 1" not in code
    assert r"\def\R{\mathbb{R}}" in notebook.cells[0].source
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "Add it to itself" not in text
    assert "n**2" not in text
    full = instructor(project, page, exercises(page))
    text = "\n".join(cell.source for cell in full.cells)
    for part in ("Add it to itself.", ANSWER, CHECK, "twice = n**2"):
        assert part in text


def test_roles_become_words():
    text = (
        "See {eq}`eq-a`, {doc}`/bibliography`, {cite:t}`hajek`, {numref}`Figure %s <fig-b>`, $x$."
    )
    assert readable(text) == (
        "See (equation *eq-a* of the chapter), */bibliography*, [hajek], *Figure %s*, $x$."
    )


def test_a_build_runs_checks_and_drops_mistakes(chapter):
    sources = [source for source, _ in chapter().code()]
    assert CHECK in sources
    assert "twice = n**2" not in sources


@pytest.fixture
def course(project, tmp_path):
    pytest.importorskip("nbgrader")
    return Course(project, tmp_path / "course")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere kernels have ports")
def test_kernels_of_gradings_take_no_ports_from_each_other(chapter, course):
    check = (
        "from ipykernel.kernelapp import IPKernelApp\n"
        f'{CHECK}; assert IPKernelApp.instance().transport == "ipc", "Two may pick one port."'
    )
    page = chapter(CHAPTER.replace(CHECK, check))
    parts = exercises(page)
    course.add(page, parts)
    graded = course.submit("one-toy", "reference", {"ex-double": parts[0].answer})
    assert graded["ex-double"].points == graded["ex-double"].most, graded


def test_students_get_no_solution_and_grading_proves_itself(chapter, course):
    page = chapter()
    parts = exercises(page)
    released = course.add(page, parts).read_text()
    for secret in (ANSWER, CHECK.replace('"', '\\"'), "Twice n", "n**2", "Add it"):
        assert secret not in released
    sources = ["".join(cell["source"]) for cell in json.loads(released)["cells"]]
    assert "# YOUR CODE HERE\nraise NotImplementedError()" in sources
    assert any("is not defined" in source for source in sources)
    assert prove(course, page, parts) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (ANSWER, "twice = n", "the reference answer fails: AssertionError: Twice n is n + n."),
        (CHECK, 'assert twice is not None, "None"', "mistake 1 gets 1"),
        (
            "twice = n**2",
            "twice = type('T', (), {'__eq__': None})()",
            "mistake 1 fails without a message of the check",
        ),
        ("import math", "import math\ntwice = 2 * n", "an empty answer gets 1"),
    ],
)
def test_a_grading_that_is_wrong_is_found(chapter, course, old, new, fault):
    assert CHAPTER.count(old) == 1
    page = chapter(CHAPTER.replace(old, new))
    parts = exercises(page)
    course.add(page, parts)
    faults = prove(course, page, parts)
    assert any(fault in found for found in faults), faults


def test_a_tampered_check_is_restored(chapter, course):
    page = chapter()
    course.add(page, exercises(page))
    graded = course.submit(
        "one-toy", "cheat", {"ex-double": "twice = 0", "ex-double-check": "pass"}
    )
    assert graded["ex-double"].points == 0


def test_the_teachers_table_is_made_of_front_matter(chapter):
    about = "course: {goal: double a number, minutes: 20, needs: [one/toy]}\n  parameters:"
    page = chapter(CHAPTER.replace("parameters:", about, 1))
    assert course_table([page]).splitlines()[2] == (
        "| {doc}`/one/toy` | double a number | {doc}`/one/toy` | 20 | 1 |"
    )


TEACHING = (ROOT / "book" / "teaching.md").read_text()
EXAMPLE = re.search(r"````markdown\n(.*?)````", TEACHING, re.DOTALL)[1]


def adapted(tmp_path):
    """The chapter of the teacher's page with the adapted exercise of that page added."""
    path = tmp_path / "adapted.md"
    source = (ROOT / "book" / "onesided" / "estimators.md").read_text()
    path.write_text(f"{source}\n{EXAMPLE}")
    return read_page("onesided/estimators", path)


def test_the_teachers_page_names_exercises_that_exist(tmp_path):
    named = re.findall(r"--exercise((?: ex-[\w-]+)+)", TEACHING)
    labels = " ".join(named).split()
    assert "ex-factor-survey" in labels
    assert len(chosen(adapted(tmp_path), labels)) == len(set(labels))


@pytest.mark.slow
def test_the_teachers_example_grades_itself(tmp_path):
    pytest.importorskip("nbgrader")
    page = adapted(tmp_path)
    parts = chosen(page, ["ex-factor-survey"])
    course = Course(Project.find(ROOT), tmp_path / "course")
    course.add(page, parts)
    assert prove(course, page, parts) == []


@pytest.mark.parametrize(
    ("course", "message"),
    [
        ("", "course.goal: Field required"),
        ("course: {goal: double a number, minutes: soon}", "course.minutes"),
        ("course: {goal: double a number, minutes: 20, needs: [two]}", "no page 'two'"),
        ("course: {goal: double a number, minutes: 20, need: []}", "course.need"),
    ],
)
def test_a_broken_course_is_refused(chapter, course, message):
    page = chapter(CHAPTER.replace("parameters:", f"{course}\n  parameters:", 1))
    with pytest.raises(BuildError, match=f"one/toy: front matter, .*{message}"):
        course_table([page])
