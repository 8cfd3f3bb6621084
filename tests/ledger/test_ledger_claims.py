"""The ledger's own entries, against the register, the protocols and the table of contents."""

from pathlib import Path

import pytest

from mcrepro.ledger import load, register
from mcrepro.ledger.check import chapters, problems, unmatched
from mcrepro.ledger.entries import Mapping, mapping

from .plants import PROOF, entry

TOC = Path(__file__).parents[2] / "book" / "_toc.yml"


def test_entries_name_what_exists():
    assert problems(load(), chapters(TOC)) == []


def test_register_and_entries_have_the_same_ids():
    assert unmatched(load(), register(), mapping()) == []


def test_an_id_that_one_side_lacks_is_found():
    claims = [claim for claim in load() if claim.id != "noise-thm22"]
    assert unmatched(claims, register(), mapping()) == [
        "noise-thm22: registered, and without an entry"
    ]
    table = register()
    table = table[table["id"] != "hajek-thm"]
    assert unmatched(load(), table, mapping()) == ["hajek-thm: an entry, and not registered"]


def test_merged_and_split_ids_are_followed():
    table = register()
    table = table[table["id"].isin(["hajek-exp2", "hajek-scale-n", "noise-table2"])]
    links = Mapping(
        merged={"hajek-exp2": "hajek-scale-n"}, split={"noise-table2": ("noise-a", "noise-b")}
    )
    claims = [
        entry(PROOF, name="hajek-scale-n"),
        entry(PROOF, name="noise-a", paper="noise"),
        entry(PROOF, name="noise-b", paper="noise"),
    ]
    assert unmatched(claims, table, links) == []
    assert unmatched(claims[:2], table, links) == ["noise-b: registered, and without an entry"]
    again = entry(PROOF, name="hajek-exp2")
    assert unmatched([*claims, again], table, links) == ["hajek-exp2: an entry, and not registered"]


def test_chapters_are_read_at_every_depth(tmp_path):
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "format: jb-book\nroot: index\nparts:\n- caption: One\n  chapters:\n"
        "  - file: onesided/index\n    sections:\n    - file: onesided/page.md\n"
    )
    assert chapters(toc) == {"index", "onesided/index", "onesided/page"}


GOOD = """
    protocol: planted-sweep
    statistic: two
    printed: {at_least: 1}
    tolerance: {reason: r}
    explanation: onesided/page#why
"""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("statistic: two", "statistic: tow"), "no statistic 'tow'; did you mean 'two'"),
        (("planted-sweep", "planted-swep"), "unknown protocol 'planted-swep'; did you mean 'planted-sweep'"),
        (("page#why", "pag#why"), "explanation on no page: 'onesided/pag'; did you mean 'onesided/page'"),
        (("{at_least: 1}\n    tolerance: {reason: r}", "{holds: true}"), "needs an exact protocol"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("planted")
def test_what_does_not_exist_is_named(change, problem):
    assert problems([entry(GOOD)], ["onesided/page"]) == []
    assert change[0] in GOOD
    (found,) = problems([entry(GOOD.replace(*change))], ["onesided/page"])
    assert found.startswith("hajek-regime: ")
    assert problem in found


@pytest.mark.usefixtures("planted")
def test_chapter_that_does_not_exist_is_named():
    (found,) = problems(
        [entry(GOOD.replace("    explanation: onesided/page#why\n", ""))], ["onesided/pages"]
    )
    assert found == "hajek-regime: no chapter 'onesided/page'; did you mean 'onesided/pages'?"
