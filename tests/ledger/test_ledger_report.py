"""The page and its files say what the table says, to every reader."""

import json
import math
from html.parser import HTMLParser

import pandas as pd
import pytest

from mcrepro.ledger import report

from .plants import CURVE, PROOF, READINGS, TWO, entry


class Cells(HTMLParser):
    """Checks nesting, and collects tags with their attributes."""

    void = ("br",)

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def frame(decide):
    return decide(
        entry(TWO.replace("here", "x")),
        entry(TWO.replace("2.0, d", "2.1, d"), name="hajek-exp2"),
        entry(READINGS, name="hajek-amazon"),
        entry("blocked: data <b>missing</b>", name="hajek-C-ge-2"),
        entry(CURVE, name="hajek-oq1"),
        entry(PROOF, name="hajek-thm"),
        merged={"hajek-alpha": "hajek-init"},
    )


def test_every_claim_has_a_row_with_its_verdict_in_words(frame):
    page = Cells(report.claims_page(frame))
    ids = {attrs["id"] for tag, attrs in page.tags if tag == "tr" and "id" in attrs}
    assert ids == {f"claim-{name}" for name in frame["id"]}
    classes = [a["class"] for t, a in page.tags if t == "td" and "verdict" in a.get("class", "")]
    named = [f"verdict verdict-{verdict.replace(' ', '-')}" for verdict in frame["verdict"]]
    assert sorted(classes) == sorted(named)
    for verdict in set(frame["verdict"]):
        assert verdict in page.text


def test_tables_can_be_read_aloud(frame):
    page = Cells(report.claims_page(frame))
    tables = [attrs for tag, attrs in page.tags if tag == "table"]
    assert len(tables) == sum(tag == "caption" for tag, _ in page.tags) == 3
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in page.tags if tag == "th")
    symbols = [attrs for tag, attrs in page.tags if tag == "span" and "aria-hidden" in attrs]
    assert len(symbols) >= len(frame)


def test_unchecked_claims_are_folded_away_and_counted(frame):
    shown, _, folded = report.claims_page(frame).partition("claims are not checked yet</summary>")
    assert "1 of 7 " in shown[-20:]
    assert "claim-hajek-alpha" in folded
    assert "claim-hajek-alpha" not in shown
    assert "claim-hajek-regime" in shown


def test_text_is_escaped_and_mathematics_kept(decide):
    claim = entry("blocked: 'x < 1 & $T_{ij} < 2$'")
    html = report.claims_page(decide(claim))
    assert r"x &lt; 1 &amp; \(T_{ij} &lt; 2\)" in html


def test_an_unexplained_discrepancy_is_said_to_be_one(decide):
    wrong = TWO.replace("2.0, d", "2.1, d")
    assert "Not explained yet" in report.claims_page(decide(entry(wrong)))
    explained = report.claims_page(decide(entry(wrong + "    explanation: onesided/page#why\n")))
    assert "Not explained yet" not in explained
    assert "onesided/page#why" in explained


def test_chapter_table_shows_the_chapter_alone(frame):
    html = report.chapter_table(frame, "onesided/page")
    assert "claim-hajek-regime" in html
    assert "claim-hajek-alpha" not in html  # it has no entry, hence no chapter
    assert 'class="mcr-table"' in html  # the box that gives a table its lines, and scrolls
    with pytest.raises(ValueError, match="chapter 'onesided/other' has no claims"):
        report.chapter_table(frame, "onesided/other")


def links(html):
    return [attrs["href"] for tag, attrs in Cells(html).tags if tag == "a"]


def test_page_links_its_files_and_the_chapters(decide):
    wrong = TWO.replace("2.0, d", "2.1, d") + "    explanation: onesided/other#why\n"
    frame = decide(entry(wrong))
    chapters = ["onesided/other.html#why", "onesided/page.html"]
    assert links(report.claims_page(frame)) == chapters
    assert links(report.claims_page(frame, "data")) == [
        "data/claims.csv", "data/claims.json", *chapters]  # fmt: skip
    # A chapter lies deeper than the book's root, and is itself where its claims are shown.
    assert links(report.chapter_table(frame, "onesided/page")) == ["../onesided/other.html#why"]


def test_row_tells_how_its_number_was_made(decide):
    frame = decide(entry(TWO))
    text = Cells(report.claims_page(frame)).text
    commit = frame["commit"][0]
    assert f"statistic two · x = [1, 2, 3] · trials 20 · seed 7 · commit {commit}" in text


def test_reference_is_told_in_a_reduced_profile(decide, tmp_path):
    from mcrepro.ledger import reference

    path = reference.save_reference(decide(entry(TWO)), tmp_path / "claims.csv")
    stored = reference.load_reference(path)
    text = Cells(report.claims_page(decide(entry(TWO), profile="quick", stored=stored))).text
    assert "The reference run, in the paper profile: reproduced." in text
    assert "The value agrees with the reference run." in text


def test_files_hold_the_table(frame, tmp_path):
    as_csv, as_json = report.write(frame, tmp_path)
    table = pd.read_csv(as_csv, keep_default_na=False, dtype=str)
    assert list(table["id"]) == list(frame["id"])
    assert list(table["verdict"]) == list(frame["verdict"])
    details = json.loads(table.set_index("id").loc["hajek-oq1", "details"])
    assert [d["value"] for d in details] == [2, 4, 6]
    records = {record["id"]: record for record in json.loads(as_json.read_text("utf-8"))}
    assert records["hajek-regime"]["parameters"] == {"x": [1, 2, 3]}
    assert records["hajek-alpha"]["value"] is None
    assert records["hajek-oq1"]["details"][2]["printed"] == "6"


def test_json_has_no_number_that_json_does_not_know():
    plain = report._plain({"a": math.nan, "b": (math.inf, -math.inf), "c": 1.5})
    assert plain == {"a": None, "b": ["inf", "-inf"], "c": 1.5}
    json.dumps(plain, allow_nan=False)


@pytest.mark.parametrize(
    ("verdict", "reason", "reference", "told"),
    [
        ("not run", "inconclusive: the interval", "discrepant", "inconclusive"),
        ("not run", "no data", "", "not run"),
        ("not run (quick)", "", "not run", "inconclusive in the reference run"),
        ("not run (quick)", "", "discrepant", "discrepant in the reference run"),
        ("not run (quick)", "", "", "not run (quick)"),
        ("reproduced", "", "discrepant", "reproduced"),
    ],
)
def test_a_reading_that_ran_and_decided_nothing_is_inconclusive(verdict, reason, reference, told):
    detail = {"reading": "a", "verdict": verdict, "reason": reason, "reference_verdict": reference}
    assert report.readings_tried({"details": [detail]}) == {"a": told}
