"""The build as a whole: what is executed when, and what the site then shows."""

import json
import os
import re
from pathlib import Path

import pytest

from mcrepro.companion import stage as staging
from mcrepro.companion.build import build
from mcrepro.companion.files import write_atomic
from mcrepro.companion.notebooks import read_page
from mcrepro.companion.run import run_chapter
from mcrepro.errors import BuildError, ParameterError

from .conftest import notebook

ALL = ("one/alpha", "one/beta", "two")


def outputs(project, name, profile="quick"):
    cells = json.loads((project.executed(profile) / f"{name}.ipynb").read_text())["cells"]
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


def append(path, text):
    path.write_text(path.read_text() + text)


def test_a_build_shows_every_page(toy):
    report = build(toy, jobs=2)
    assert sorted(report.executed) == sorted(ALL)
    assert report.site_built
    page = toy.html_of("one/alpha")
    assert "n = 20 p = 0.5 quick" in page
    assert re.search(r"Profile <strong>quick</strong>.*executed \d{4}-\d\d-\d\d in \d+ s", page)
    assert "from 1 to 500" in page  # the table of parameters
    assert (toy.html / "data" / "alpha.csv").read_text() == "n\n20\n"
    assert "<pre>python3 noxfile.py -s run -- one/alpha -p n 20</pre>" in page
    assert '<a href="../data/alpha.csv" download>alpha.csv</a>' in page
    assert "about.html" not in page  # the toy book has no such page
    downloaded = json.loads((toy.html / "_sources" / "one" / "alpha.ipynb").read_text())
    assert not {"papermill", "mcrepro", "execution"} & set(downloaded["metadata"])
    status = toy.html_of("status")
    assert status.count("executed</p>") == 3
    assert "BLAS" in status
    assert os.uname().nodename not in status
    assert str(toy.root) not in status


def test_nothing_changed_nothing_is_done(built, request):
    before = {path: path.stat().st_mtime_ns for path in built.build.rglob("*") if path.is_file()}
    request.getfixturevalue("no_kernels")
    report = build(built)
    assert report.executed == ()
    assert not report.site_built
    after = {path: path.stat().st_mtime_ns for path in built.build.rglob("*") if path.is_file()}
    assert {path: time for path, time in after.items() if path.name != ".lock"} == {
        path: time for path, time in before.items() if path.name != ".lock"
    }


def test_prose_is_free(built, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("mcrepro.companion.execute.Executor._execute", pytest.fail)
        built.edit("two.md", "is shown", "is displayed")
        built.edit("two.md", "A red dot.}", "A scarlet dot.}")  # a caption is prose too
        report = build(built)
    assert report.executed == ()
    assert report.site_built
    assert "is displayed" in built.html_of("two")
    assert "A scarlet dot." in built.html_of("two")
    assert "n = 20 p = 0.5 quick" in built.html_of("two")


def test_what_is_executed_again(built, no_site):  # noqa: ARG001
    built.edit("two.md", '"n ="', '"rows ="')
    assert build(built).executed == ("two",)
    assert "rows = 20" in str(outputs(built, "two"))

    (built.executed("quick") / "data" / "alpha.csv").write_text("n\n21\n")
    assert build(built).executed == ("one/alpha",)
    assert (built.executed("quick") / "data" / "alpha.csv").read_text() == "n\n20\n"
    assert build(built, force=True, only=["two"]).executed == ("two",)

    built.write("reference/table.csv", "claim,value\n")  # every page of claims may read it
    assert len(build(built).executed) == 3


def test_a_page_that_left_the_book_leaves_the_site(built):
    built.edit("_toc.yml", "      - file: one/beta\n", "")
    build(built)
    assert not list(built.staged.rglob("beta*"))
    assert not list(built.html.rglob("beta*"))


@pytest.mark.slow
def test_editing_the_package_executes_again(toy, package_copy):
    toy.edit("_toc.yml", "      - file: one/beta\n      - file: two\n", "")
    toy.write("index.md", "# Toy\n")
    toy.edit("one/alpha.md", "print(", "import mcrepro; print(mcrepro.__file__, ")
    done = toy.run("build", package=package_copy)
    assert done.returncode == 0, done.stderr
    assert str(package_copy) in toy.html_of("one/alpha")  # the kernel's package is the build's
    assert "1 executed" in done.stdout

    append(package_copy / "companion" / "build.py", "# the build's own\n")
    assert "0 executed" in toy.run("build", package=package_copy).stdout
    append(package_copy / "errors.py", "# changed\n")
    assert "1 executed" in toy.run("build", package=package_copy).stdout


@pytest.mark.usefixtures("no_kernels")
@pytest.mark.parametrize(
    ("only", "words", "message"),
    [
        (["two"], {"m": "3"}, "two has no parameter 'm'"),
        (["two"], {"n": "three"}, "n = 'three' will not do; it needs an integer from 1 to 500"),
        (["two"], {"n": "0"}, r"from 1 to 500 \(rows\)"),
        ([], {"n": "3"}, "the name of one chapter"),
        (["one/*"], {"n": "3"}, "the name of one chapter"),
    ],
)
def test_wrong_parameters_start_no_kernel(toy, only, words, message):
    with pytest.raises(ParameterError, match=message):
        build(toy, only=only, words=words)


@pytest.mark.usefixtures("no_kernels")
def test_a_fault_in_any_page_starts_no_kernel(toy):
    toy.edit("two.md", "smoke: 3", "smoke: 0")
    with pytest.raises(BuildError, match="two: n = 0 will not do"):
        build(toy, profile="quick")


@pytest.mark.usefixtures("no_kernels")
def test_unknown_names(toy):
    with pytest.raises(
        BuildError, match="no chapter matches 'one/alhpa'; did you mean 'one/alpha'"
    ):
        build(toy, only=["one/alhpa"])
    with pytest.raises(ParameterError, match="unknown profile 'papr'; did you mean 'paper'"):
        build(toy, profile="papr")


def test_own_parameters_are_shown_and_do_not_stay(built):
    assert build(built, only=["two"], words={"n": "7"}).executed == ("two",)
    page = built.html_of("two")
    assert "with <code>n = 7</code>" in page
    assert "n = 7 p = 0.5 quick" in page
    assert "This run&#39;s values" in page or "This run's values" in page
    assert build(built).executed == ("two",)
    assert "n = 20 p = 0.5 quick" in built.html_of("two")


def test_a_profile_keeps_its_own_outputs(built):
    report = build(built, profile="smoke", only=["one/alpha"])
    assert report.executed == ("one/alpha",)
    assert report.missing == ("one/beta", "two")
    assert "n = 3 p = 0.5 smoke" in built.html_of("one/alpha")
    assert "Not executed in profile" in built.html_of("two")
    assert "p = 0.5 quick" not in built.html_of("two")
    assert "n = 3 p = 0.5 smoke" not in str(outputs(built, "one/alpha"))
    assert build(built).executed == ()
    assert "n = 20 p = 0.5 quick" in built.html_of("two")


def test_a_failing_cell_fails_the_build_after_the_others(toy, no_site):  # noqa: ARG001
    toy.edit("one/alpha.md", "print(", "secret = 1 / 0  # ")
    with pytest.raises(BuildError) as caught:
        build(toy, jobs=1)
    message = str(caught.value)
    assert "one/alpha: code cell 3 failed" in message
    assert "    | secret = 1 / 0" in message
    assert "ZeroDivisionError: division by zero" in message
    assert "\x1b" not in message
    assert "_build/failed/one/alpha.ipynb" in message
    kept = json.loads((toy.failed / "one" / "alpha.ipynb").read_text())
    assert kept["cells"][-1]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert not toy.html.exists()
    assert not (toy.executed("quick") / "one" / "alpha.ipynb").exists()
    assert not (toy.executed("quick") / "data" / "alpha.csv").exists()
    # The others were finished and are not executed again.
    toy.edit("one/alpha.md", "secret = 1 / 0  # ", "print(")
    assert build(toy).executed == ("one/alpha",)
    assert not (toy.failed / "one" / "alpha.ipynb").exists()


def test_an_error_that_says_what_to_do_comes_without_a_traceback(toy):
    code = (
        "from mcrepro.errors import CacheError\nraise CacheError('x.sqlite is damaged; delete it')"
    )
    toy.write("two.md", notebook("two", code))
    with pytest.raises(BuildError) as caught:
        build(toy, only=["two"])
    message = str(caught.value)
    assert "\nCacheError: x.sqlite is damaged; delete it\nThe notebook as far" in message
    assert "Traceback" not in message


def test_an_expected_error_is_no_failure(toy):
    toy.edit("two.md", "```{code-cell} ipython3\nimport os", "```{code-cell}\nimport os")
    with (toy.book / "two.md").open("a") as page:
        page.write("\n```{code-cell}\n:tags: [raises-exception]\n1 / 0\n```\n")
    build(toy, jobs=2)
    assert "ZeroDivisionError" in toy.html_of("two")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import time; time.sleep(60)", "The cell took longer than 2 s"),
        ("import os; os._exit(3)", "Kernel died"),
    ],
)
def test_a_kernel_that_hangs_or_dies(toy, code, message):
    toy.write("two.md", notebook("two", code))
    with pytest.raises(BuildError, match=f"(?s)two: code cell 3 failed.*({message})"):
        build(toy, only=["two"], timeout=2)


def test_a_warning_of_sphinx_fails_the_build(built):
    built.edit("index.md", "sec-alpha", "sec-alhpa")
    with pytest.raises(BuildError, match=r"index\.md:3: WARNING: undefined label: 'sec-alhpa'"):
        build(built)
    assert "The page alpha" in built.html_of("index")  # the site that was there stays
    built.edit("index.md", "sec-alhpa", "sec-alpha")
    built.edit("two.md", "is shown.", "is shown in {ref}`sec-tow`.")
    with pytest.raises(BuildError, match=r"two, cell 1, line \d+: WARNING: .*'sec-tow'"):
        build(built)


def test_a_fault_of_the_site_fails_the_build(built):
    built.edit("index.md", "See", '<img src="https://example.org/a.png" alt="A"> See')
    with pytest.raises(BuildError, match=r"index.html: loads https://example.org/a.png"):
        build(built)
    assert "example.org" not in built.html_of("index")


def test_run_leaves_the_book_alone(built):
    before = built.html_of("two")
    done = built.run("run", "two", "-p", "n", "9", "-p", "p", "1")
    assert done.returncode == 0, done.stderr
    notebook_path, page = re.findall(r"(?:Notebook|Open): (.+)", done.stdout)
    assert "url=two.html" in Path(page).read_text()
    two = (built.build / "runs").glob("two-*/html/two.html")
    assert "n = 9 p = 1.0 quick" in next(two).read_text()
    assert json.loads(Path(notebook_path).read_text())["metadata"]["mcrepro"]["own"] == {
        "n": 9,
        "p": 1.0,
    }
    assert built.html_of("two") == before
    assert build(built).executed == ()


def test_a_run_has_the_bibliography_that_its_citations_lead_to(toy):
    toy.write("works.bib", "@book{some, title={Some}, author={Some Body}, year={2001}}\n")
    toy.write("bibliography.md", "# Bibliography\n\n```{bibliography}\n:all:\n```\n")
    toy.config.write_text(f"{toy.config.read_text()}bibtex_bibfiles: [works.bib]\n")
    toy.edit("two.md", "is shown.", "is shown in {cite:t}`some`.")
    run_chapter(toy, "two", {}, profile="smoke")
    (page,) = (toy.build / "runs").glob("two-*/html/two.html")
    assert re.search(r'Body \[<a [^>]*href="bibliography\.html#', page.read_text())


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_table_of_parameters(toy):
    toy.edit("two.md", "Share observed.", "Share | observed.")
    table = staging.parameters_table(read_page("two", toy.source("two")).schema)
    assert table.splitlines()[2:] == [
        "| `n` | How many rows. | rows | from 1 to 500 | `20` | `100` |  |",
        r"| `p` | Share \| observed. |  | above 0 and at most 1 | `0.5` | `0.5` |  |",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_durations(seconds, text):
    assert staging.duration(seconds) == text
