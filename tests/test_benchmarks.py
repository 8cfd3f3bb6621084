"""The benchmarks run, at tiny sizes and without peers, and the runner keeps what it measured."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mcrepro as mc

ROOT = Path(__file__).resolve().parents[1]

# They stand beside the package, not in it.
sys.path.insert(0, str(ROOT))
from benchmarks import runner
from benchmarks.__main__ import VARIABLES, main
from benchmarks.cases import cases, unobserved_error
from benchmarks.contenders import Answer

CASES = cases()
KINDS = {(case.group, c.name): (case, c) for case in CASES.values() for c in case.contenders}
OURS = [key for key, (_, contender) in KINDS.items() if contender.role != "peer"]
HERE = {"machine": {"processor": "any", "cores": 1, "threads": 1}, "versions": {}}


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("key", OURS, ids=" ".join)
def test_every_contender_of_ours_runs(key):
    case, contender = KINDS[key]
    (row,) = runner.measure(case, case.task(0, tiny=True), [contender], rounds=1)
    assert row["seconds"] > 0
    assert row["success"], (row["error"], row["reference"])


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_peers_are_listed_beside_ours(case):
    assert case.name == case.name.lower()
    roles = [c.role for c in case.contenders]
    assert "ours" in roles
    assert ("peer" in roles) == (not case.group.startswith(("cost", "lifted", "scarce")))


def test_tables_of_the_book_have_only_cases_that_exist():
    if runner.TABLE.is_file():
        assert set(pd.read_csv(runner.TABLE)["case"]) <= set(CASES)


def test_the_error_is_that_of_the_entries_that_were_not_observed():
    problem = mc.instances.oversampled(30, 20, 2, 3.0, seed=1)
    rng = np.random.default_rng(0)
    answer = Answer(rng.standard_normal((30, 2)), rng.standard_normal((20, 2)))
    hidden = np.ones((30, 20), dtype=bool)
    hidden[problem.rows, problem.cols] = False
    difference = (answer.left @ answer.right.T - problem.truth)[hidden]
    expected = np.linalg.norm(difference) / np.linalg.norm(problem.truth[hidden])
    assert unobserved_error(problem, answer) == pytest.approx(expected, rel=1e-12)


def test_no_answer_beats_the_oracle_by_much():
    # It is least squares over a space that holds the truth, given the truth's own row and column
    # spaces: the error of a good method is a little larger, and of the same size.
    case = CASES["noise-300"]
    task = case.task(3, tiny=True)
    result = mc.complete(task.problem, "als", rank=task.rank)
    ratio = task.score(Answer(result.left, result.right)) / task.reference
    assert 0.97 < ratio < 1.1


def test_what_was_measured_is_not_measured_again(tmp_path):
    case = CASES["import"]
    case = type(case)(**{**vars(case), "contenders": case.contenders[:1], "rounds": 1})
    lines = []
    table = runner.Table(tmp_path / "speed.csv", HERE)
    runner.run(case, table, seeds=1, rounds=1, say=lines.append)
    assert len(lines) == 1

    again = runner.Table(tmp_path / "speed.csv", HERE)
    runner.run(case, again, seeds=1, rounds=1, say=lines.append)
    assert len(lines) == 1
    assert again.frame()["seconds"].tolist() == pytest.approx(table.frame()["seconds"], rel=1e-3)

    # Another setting, or another machine, does not count.
    (key,) = again.rows
    again.rows[key]["source"] = "another"
    runner.run(case, again, seeds=1, rounds=1, say=lines.append)
    assert len(lines) == 2
    assert runner.Table(tmp_path / "speed.csv", {**HERE, "machine": {}}).rows == {}


def test_measuring_again_without_the_data_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "QUICK", tmp_path / "quick.csv")
    monkeypatch.setenv("MCREPRO_DATA", str(tmp_path))
    monkeypatch.setenv("MCREPRO_OFFLINE", "1")
    monkeypatch.setenv("MCREPRO_CACHE", str(tmp_path / "cache"))
    for name in VARIABLES:  # main sets them
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    table = runner.Table(runner.QUICK, runner.environment(1))
    columns = ["group", "title", "x", "role", "setting", "error", "reference", "success"]
    row = dict.fromkeys([*columns, "seconds", "cpu"], 1.0)
    table.add({**row, "case": "ml-100k", "contender": "als", "seed": 0})
    assert main(["--quick", "--again", "ml-100k", "import"]) == 0
    kept = runner.Table(runner.QUICK, runner.environment(1)).rows
    assert {key[0] for key in kept} == {"ml-100k", "import"}


def test_the_ratio_is_the_median_over_seeds_to_the_fastest_that_always_succeeds():
    rows = [
        # (contender, role, seed, cpu, success)
        ("a", "ours", 0, 1.0, True), ("a", "ours", 1, 2.0, True), ("a", "ours", 2, 4.0, True),
        ("b", "ours", 0, 0.1, False), ("b", "ours", 1, 0.1, True), ("b", "ours", 2, 0.1, True),
        ("c", "peer", 0, 2.0, True), ("c", "peer", 1, 10.0, True), ("c", "peer", 2, 40.0, True),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["contender", "role", "seed", "cpu", "success"])
    table = table.assign(group="g", case="k", title="t", x=np.nan, setting="", seconds=table["cpu"])
    summary = runner.summary(table.assign(error=0.0, reference=np.nan)).set_index("contender")
    assert summary.loc["a", "ratio"] == 1.0
    assert summary.loc["c", "ratio"] == 5.0  # of 2, 5, 10
    assert summary["fastest"].tolist() == [True, False, False]
    assert summary.loc["b", "recovered"] == 2


def test_the_command_line_names_what_it_does_not_know():
    command = [sys.executable, "-m", "benchmarks"]
    listed = run(*command, "--list")
    assert "300 × 350" in listed.stdout
    wrong = run(*command, "nothing-*")
    assert wrong.returncode == 2
    assert "no case matches 'nothing-*'" in wrong.stderr
