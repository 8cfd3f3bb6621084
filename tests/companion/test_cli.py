"""The command line: messages, exit statuses, what is removed."""

import re

import pandas
import pytest

from mcrepro import data, ledger
from mcrepro.companion import cli
from mcrepro.errors import DataError


@pytest.fixture
def here(built, monkeypatch):
    monkeypatch.chdir(built.root)
    return built


def test_build_ends_with_the_path(here, capsys):
    assert cli.main(["build"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"Open: {here.html / 'index.html'}"
    assert "0 executed, 3 unchanged; site unchanged" in out


def test_chapters_without_outputs_are_told_together(here, capsys):  # noqa: ARG001
    assert cli.main(["build", "--profile", "smoke", "--only", "one/beta"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "Without outputs, not executed in profile smoke: one/alpha, two\nLinks to "
    )


def test_run_answers_a_slip_though_another_chapter_is_broken(here, capsys):
    here.edit("one/alpha.md", "n = 20", "n = 20 +")
    assert cli.main(["run", "two", "-p", "m", "3"]) == 1
    assert capsys.readouterr().err.startswith("error: two has no parameter 'm'")


def test_check(here, capsys):
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().out == "5 pages, no fault\n"
    (here.html / "two.html").unlink()
    (here.html / "index.html").write_text('<script src="https://cdn.org/x.js"></script>')
    assert cli.main(["check"]) == 1
    out, err = capsys.readouterr()
    assert "two: the page is missing" in out
    assert "index.html: loads https://cdn.org/x.js from outside" in out
    assert re.fullmatch(r"error: the site has \d+ faults\n", err)


def test_status(here, capsys):
    here.edit("two.md", '"n ="', '"rows ="')
    assert cli.main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"one/alpha +executed +quick +\d{4}-", lines[0])
    assert re.match(r"two +not executed ", lines[2])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "--only", "twoo"], "error: no chapter matches 'twoo'; did you mean 'two'?"),
        (["run", "two", "-p", "n", "x"], "error: two: n = 'x' will not do; it needs an integer"),
        (["run", "*"], "error: '*' is more than one chapter"),
    ],
)
def test_errors_are_one_line(here, capsys, words, message):  # noqa: ARG001
    assert cli.main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [[], ["built"], ["build", "--profile", "papr"], ["build", "--jobs", "0"], ["run"]]
)
def test_mistakes_in_the_command_are_status_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    assert "usage: mcrepro" in capsys.readouterr().err


def test_the_environment_names_the_default_profile(here, monkeypatch, capsys):  # noqa: ARG001
    monkeypatch.setenv("MCREPRO_PROFILE", "smoke")
    assert cli.main(["status"]) == 0
    assert re.search(r"two +not executed", capsys.readouterr().out)  # the one here is quick
    assert cli.main(["status", "--profile", "quick"]) == 0
    assert re.search(r"two +executed +quick", capsys.readouterr().out)
    monkeypatch.setenv("MCREPRO_PROFILE", "papr")
    with pytest.raises(SystemExit) as caught:
        cli.main(["status"])
    assert caught.value.code == 2
    assert "unknown profile 'papr'; did you mean 'paper'?" in capsys.readouterr().err


def test_no_book_here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mcrepro.companion.project.__file__", str(tmp_path / "x.py"))
    assert cli.main(["build"]) == 1
    assert "error: no book here" in capsys.readouterr().err


def test_clean_keeps_finished_trials(here):
    (here.build / "cache" / "trials").mkdir(parents=True)
    assert cli.main(["clean"]) == 0
    assert [path.name for path in here.build.iterdir()] == ["cache"]
    assert cli.main(["clean", "--cache"]) == 0
    assert list(here.build.iterdir()) == []


def test_an_interrupt_is_130(here, monkeypatch, capsys):  # noqa: ARG001
    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("mcrepro.companion.build.build", interrupt)
    assert cli.main(["build"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted; what was finished is kept"


def test_data_list(capsys):
    assert cli.main(["data", "list"]) == 0
    out = capsys.readouterr().out
    assert out == data.describe() + "\n"
    assert max(map(len, out.splitlines())) <= 120


def test_data_list_of_one(capsys):
    assert cli.main(["data", "list", "ml-1m"]) == 0
    out = capsys.readouterr().out
    assert out == data.describe("ml-1m") + "\n"
    assert "Terms: " in out
    assert cli.main(["data", "list", "ml1m"]) == 1
    assert "did you mean 'ml-1m'?" in capsys.readouterr().err


def test_data_fetch(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(data, "fetch", lambda name: (tmp_path / name,))
    assert cli.main(["data", "fetch", "ml-1m"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'ml-1m'}\n"

    def missing(name):
        raise DataError(f"{name} is not here; get it from its site")

    monkeypatch.setattr(data, "fetch", missing)
    assert cli.main(["data", "fetch", "ml-1m"]) == 1
    assert capsys.readouterr().err == "error: ml-1m is not here; get it from its site\n"


def test_verdicts(monkeypatch, capsys, tmp_path):
    table = pandas.DataFrame(
        {
            "id": ["a1", "a2", "b1"],
            "paper": ["hajek", "hajek", "noise"],
            "verdict": ["reproduced", "not checked", "not run (smoke)"],
            "protocol": ["hajek-rows; hajek-scaling", "", "hajek-rows"],
            "consistent": None,
        }
    )
    monkeypatch.setattr(ledger, "verdicts", lambda **_options: table)
    monkeypatch.setattr(ledger, "settled_commit", lambda: "abc")
    saved = []

    def save(given, commit, jobs=None):  # noqa: ARG001
        saved.append((given, commit))
        return tmp_path

    monkeypatch.setattr(ledger, "save_reference", save)
    monkeypatch.setattr(ledger, "save_tables", save)
    assert cli.main(["verdicts", "--profile", "smoke"]) == 0
    out = capsys.readouterr().out
    assert "a2" not in out
    assert re.search(r"b1 +not run \(smoke\)", out)
    assert re.search(r"(?m)^all .* 3$", out)
    assert saved == []
    assert cli.main(["verdicts", "--profile", "paper", "--save-reference"]) == 0
    (frame, commit), (claimed, _), (others, _) = saved
    assert frame is table
    assert commit == "abc"
    assert claimed == ["hajek-rows", "hajek-scaling"]
    assert "hajek-counts" in others  # shown by a chapter, named by no claim
    assert f"Saved: {tmp_path}" in capsys.readouterr().out


def test_verdicts_say_what_is_not_as_in_the_reference(monkeypatch, capsys):
    table = pandas.DataFrame(
        {
            "id": ["a1", "a2", "b1"],
            "paper": "hajek",
            "verdict": "not run (quick)",
            "consistent": [True, False, None],
        }
    )
    monkeypatch.setattr(ledger, "verdicts", lambda **_options: table)
    assert cli.main(["verdicts", "--profile", "quick"]) == 0
    out = capsys.readouterr().out
    told = "Of 2 claims that were compared with the reference run 1 disagrees with it: a2."
    assert out.splitlines()[-1] == told


def test_build_says_what_is_not_as_in_the_reference(here, capsys):
    page = here.html / "data" / "claims.json"
    page.parent.mkdir(exist_ok=True)
    page.write_text('[{"id": "a1", "consistent": true}, {"id": "a2", "consistent": null}]')
    assert cli.main(["build"]) == 0
    told = "All 1 claims that were compared with the reference run agree with it."
    assert told in capsys.readouterr().out.splitlines()
