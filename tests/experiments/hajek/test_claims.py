"""The chapter's ledger entries can be decided, and the exact ones are, in every profile."""

import pytest

import mcrepro as mc

CHAPTER = "onesided/estimators"


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCREPRO_CACHE", str(tmp_path_factory.mktemp("trials")))
        return mc.ledger.verdicts(profile="smoke", chapter=CHAPTER).set_index("id")["verdict"]


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("hajek-T-rowspan", "reproduced"),
        ("hajek-regime", "reproduced"),
        ("hajek-count-law", "reproduced"),
        ("hajek-cond-uniform", "reproduced"),
        ("hajek-unbiased", "reproduced"),
        ("hajek-ht-unbiased", "reproduced"),
        ("hajek-break-mnar", "reproduced"),
        ("hajek-quick1", "reproduced"),
        ("hajek-zero-denominator", "under-specified"),
        ("hajek-np2-logd", "under-specified"),
        ("hajek-99pct", "under-specified"),
        ("hajek-exp1-instance", "under-specified"),
        ("hajek-var-neg-term", "under-specified"),
        ("hajek-break-p05", "under-specified"),
        ("hajek-exp3-movielens", "blocked"),
        ("hajek-99pct-bias", "not run (smoke)"),
        ("hajek-var-diag", "not run (smoke)"),
        ("hajek-var-offdiag", "not run (smoke)"),
        ("hajek-var-offdiag-formula", "not run (smoke)"),
    ],
)
def test_verdict(verdicts, claim, verdict):
    assert verdicts[claim] == verdict


def test_no_other_claim_belongs_to_the_chapter(verdicts):
    assert len(verdicts) == 19


RECOVERY = {
    "onesided/synthetic": 7,
    "onesided/complexity": 11,
    "onesided/minima": 12,
}


@pytest.mark.parametrize("chapter", RECOVERY)
def test_the_claims_of_a_chapter_on_recovery_can_be_decided(chapter, tmp_path, monkeypatch):
    """Every statistic finds its rows in the smallest profile, and no reading is left out."""
    monkeypatch.setenv("MCREPRO_CACHE", str(tmp_path))
    rows = mc.ledger.verdicts(profile="smoke", chapter=chapter)
    assert len(rows) == RECOVERY[chapter]
    assert set(rows["verdict"]) <= {"under-specified", "not run (smoke)"}
    assert all(len(details) > 0 for details in rows["details"])
