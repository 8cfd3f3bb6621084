"""The errata: every number of the register, and nothing that does not exist."""

import re
from pathlib import Path

import pytest

from mcrepro import ledger
from mcrepro.ledger import LedgerError
from mcrepro.ledger.check import chapters
from mcrepro.ledger.errata import KINDS, LETTERS, errata, errata_list, errata_summary, errata_table
from mcrepro.ledger.protocols import is_exact

from .plants import PROOF, READINGS, TWO, entry
from .test_ledger_report import Cells

BOOK = Path(__file__).parents[2] / "book"

#: How many numbers the register has for each paper: E-T1 to E-T8 and so on.
REGISTERED = {"T": 8, "L": 20, "N": 19, "H": 9, "S": 4}


def missing(entries):
    """Numbers of the register without an entry, and entries without a number."""
    wanted = {f"E-{letter}{i + 1}" for letter, n in REGISTERED.items() for i in range(n)}
    return wanted ^ {erratum.id for erratum in entries if erratum.id.startswith("E-")}


def test_every_number_of_the_register_has_an_entry():
    assert missing(errata()) == set()


def test_a_missing_and_an_invented_number_are_found():
    entries = [erratum for erratum in errata() if erratum.id != "E-N2"]
    assert missing(entries) == {"E-N2"}
    invented = entries[0].model_copy(update={"id": "E-S5"})
    assert missing([*errata(), invented]) == {"E-S5"}


def test_claims_and_kinds_of_evidence_exist():
    claims = {claim.id: claim for claim in ledger.load()}
    for erratum in errata():
        assert set(erratum.claims) <= set(claims), erratum.id
        checks = [check for name in erratum.claims for check in claims[name].checks]
        exact = [is_exact(check.protocol) for check in checks]
        if erratum.evidence in ("proof", "counter-example"):
            assert any(exact), f"{erratum.id}: no claim of it has an exact check"
        if erratum.evidence == "measurement":
            assert not all(exact), f"{erratum.id}: no claim of it measures anything"


def sections(page):
    """Targets on a page: its labels, and its headings as Sphinx names them."""
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    slugs = [
        re.sub(r"[^a-z0-9]+", "-", h.lower()).strip("-") for h in re.findall(r"(?m)^#+ (.+)$", text)
    ]
    return {*re.findall(r"(?m)^\(([\w-]+)\)=$", text), *slugs}


def test_pages_and_sections_exist():
    pages = chapters(BOOK / "_toc.yml")
    for erratum in errata():
        page, _, section = erratum.shown.partition("#")
        assert page in pages, erratum.id
        assert not section or section in sections(page), f"{erratum.id}: {erratum.shown}"
    assert "no-such-section" not in sections("noise/saddles")


ENTRY = """
- id: F-H9
  kind: result
  where: $Q$ & elsewhere
  printed: one < two
  holds: two
  evidence: proof
  claims: [hajek-regime, hajek-amazon]
  shown: onesided/limits#which-rank
"""


@pytest.fixture
def one(tmp_path):
    (tmp_path / "errata.yml").write_text(ENTRY)
    return errata(tmp_path / "errata.yml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("F-H9", "F-X9"), "entry F-X9: id: String should match pattern"),
        (("kind: result", "kind: wrong"), "entry F-H9: kind: Input should be"),
        (("  holds: two\n", ""), "entry F-H9: holds: Field required"),
        (("holds", "hold"), "entry F-H9: .*unknown key 'hold'; did you mean 'holds'"),
    ],
)
def test_an_entry_that_breaks_the_schema_is_named(tmp_path, change, message):
    path = tmp_path / "errata.yml"
    assert change[0] in ENTRY
    path.write_text(ENTRY.replace(*change))
    with pytest.raises(LedgerError, match=message):
        errata(path)


def test_an_id_stands_once(tmp_path):
    path = tmp_path / "errata.yml"
    path.write_text(ENTRY + ENTRY)
    with pytest.raises(LedgerError, match="entry F-H9 is given twice"):
        errata(path)


def test_an_entry_shows_the_computed_verdicts(decide, one):
    frame = decide(entry(TWO), entry(READINGS, name="hajek-amazon"))
    html = errata_list(frame, "hajek", one)
    page = Cells(html)
    assert ("section", {"class": "erratum", "id": "F-H9"}) in page.tags
    assert "hajek-regime ✓ reproduced" in page.text
    assert "hajek-amazon ? under-specified" in page.text
    assert "b: discrepant" in page.text  # what became of a reading
    assert "one &lt; two" in html
    assert r"\(Q\) &amp; elsewhere" in html
    targets = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert targets == [
        "onesided/limits.html#which-rank", "claims.html#claim-hajek-regime",
        "claims.html#claim-hajek-amazon"]  # fmt: skip
    assert "section" not in errata_list(frame, "noise", one)
    table = errata_table(frame, one)
    assert list(table["verdicts"]) == ["hajek-regime: reproduced; hajek-amazon: under-specified"]


def test_the_verdict_changes_with_the_numbers(decide, one):
    wrong = TWO.replace("2.0, d", "2.1, d")
    frame = decide(entry(wrong), entry(PROOF, name="hajek-amazon"))
    assert "hajek-regime ✗ discrepant" in Cells(errata_list(frame, "hajek", one)).text


def test_a_reduced_profile_tells_the_verdict_of_the_reference(decide, one, tmp_path):
    from mcrepro.ledger import reference

    claims = entry(TWO), entry(PROOF, name="hajek-amazon")
    stored = reference.load_reference(
        reference.save_reference(decide(*claims), tmp_path / "claims.csv")
    )
    frame = decide(*claims, profile="quick", stored=stored)
    text = Cells(errata_list(frame, "hajek", one)).text
    assert "hajek-regime ○ not run (quick), reference run: ✓ reproduced" in text


def test_summary_counts_every_entry_once():
    page = Cells(errata_summary())
    assert page.text.rstrip().endswith(str(len(errata())))
    assert all(name in page.text for name in (*KINDS.values(), *LETTERS.values()))
