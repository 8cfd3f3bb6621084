"""The exact claims of the chapters on saddles and paths are decided in every profile."""

import pytest

import mcrepro as mc


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCREPRO_CACHE", str(tmp_path_factory.mktemp("trials")))
        found = [
            mc.ledger.verdicts(profile="smoke", chapter=chapter)
            for chapter in ("noise/saddles", "noise/rank_one_paths")
        ]
        return {row.id: row.verdict for table in found for row in table.itertuples()}


EXPECTED = {
    "reproduced": """lift12 lift-size far soc lemC8 thm31-l thm31-zero eq44-46 trM""",
    "discrepant": """thm31-eq eq43 gamma hess-wlog thm41-vacuous thm41-e1 vareig rank1-def
        C9-structured eq49""",
    "under-specified": """lift-rank1-identity soc-4x thm31 thm31-hypothesis thm41 thm41-prob thm32
        C9-time C9-kappa C9-agnostic thmC10 lr""",
    "not run (smoke)": "thm31-rank1 eq41 C2 thm41-no-lift eps-balance",
}


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [(f"noise-{name}", verdict) for verdict, names in EXPECTED.items() for name in names.split()],
)
def test_verdict(verdicts, claim, verdict):
    assert verdicts[claim] == verdict


def test_no_other_claim_belongs_to_the_chapters(verdicts):
    assert len(verdicts) == sum(len(names.split()) for names in EXPECTED.values()) == 36
