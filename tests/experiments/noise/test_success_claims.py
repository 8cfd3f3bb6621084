"""The ledger entries of three chapters can be decided, and the exact ones are, in every profile."""

import pytest

import mcrepro as mc

EXACT = {
    "noise-eq20": "reproduced",
    "noise-fig2-sdp": "reproduced",
    "noise-success-def": "reproduced",
    "noise-fig3-e1": "discrepant",
    "noise-gap8": "reproduced",
    "noise-many-minima": "discrepant",
}
CHAPTERS = {"noise/success": 12, "noise/ablations": 7, "noise/errors": 6}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCREPRO_CACHE", str(tmp_path_factory.mktemp("trials")))
        return {c: mc.ledger.verdicts(profile="smoke", chapter=c) for c in CHAPTERS}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_claim_of_the_chapter_has_its_entry(verdicts, chapter):
    assert len(verdicts[chapter]) == CHAPTERS[chapter]
    assert not set(verdicts[chapter]["verdict"]) & {"not checked", "blocked"}


@pytest.mark.parametrize(("claim", "verdict"), EXACT.items())
def test_exact_claims_are_decided_in_every_profile(verdicts, claim, verdict):
    found = {
        row["id"]: row["verdict"] for frame in verdicts.values() for _, row in frame.iterrows()
    }
    assert found[claim] == verdict
