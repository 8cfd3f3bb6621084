"""The notation table names what is there: every name in code exists, every row has a cell for each paper."""

import re
from pathlib import Path

import mcrepro as mc

TEXT = (Path(__file__).resolve().parents[2] / "book" / "notation.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and "book; code" not in line
]


def test_every_row_has_our_letter_and_that_of_each_paper():
    assert len(ROWS) > 30
    assert [row[0] for row in ROWS if len(row) != 7 or not all(row)] == []


def test_every_name_in_code_is_there():
    problem = mc.Problem([0], [0], [1.0], shape=(1, 1), truth=[[1.0]])
    known = {
        "problem": problem,
        "result": mc.complete(problem, "als", rank=1),
        "moments": mc.SecondMoment(2),
    }
    options = set().union(*mc.methods()["options"])
    names = [name for row in ROWS for name in re.findall(r"`([^`<>]+)`", row[1])]
    for name in names:
        owner, _, attribute = name.partition("(")[0].partition(".")
        if attribute:
            assert hasattr(known[owner], attribute), name
    plain = {name.partition("=")[0] for name in names if "." not in name}
    elsewhere = {"rank", "p", "C", "mu", "condition", "w"}  # arguments of instances and theory
    assert plain - elsewhere <= options


def test_every_term_of_the_glossary_that_is_named_is_defined():
    glossary = TEXT.partition("```{glossary}\n")[2].partition("\n```")[0]
    defined = set(re.findall(r"^(\S.*)$", glossary, re.MULTILINE))
    used = re.findall(r"\{term}`(?:[^`<]*<)?([^`>]+)>?`", TEXT)
    assert used
    assert set(used) <= defined
