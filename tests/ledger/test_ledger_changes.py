"""What changed between two reference runs."""

import pytest

from mcrepro.ledger import LedgerError, changes, reference, reference_at

from .plants import CURVE, TWO, entry


@pytest.fixture
def table(decide, tmp_path):
    def make(*claims):
        return reference.load_reference(
            reference.save_reference(decide(*claims), tmp_path / "claims.csv")
        )

    return make


def test_nothing_changed(table):
    same = table(entry(TWO), entry(CURVE, name="hajek-exp2"))
    assert changes(same, same, []).empty


def test_numbers_and_verdicts_that_changed_are_listed(table):
    claims = [entry(TWO), entry(CURVE, name="hajek-exp2")]
    before = table(*claims)
    after = before.copy()
    after.loc[after["id"] == "hajek-regime", ["value", "low", "high"]] = [5.0, 4.9, 5.1]
    after = after[after["point"] != "3"]
    found = changes(before, after, claims).set_index(["id", "point"])
    moved = found.loc[("hajek-regime", "")]
    assert (moved["before"], moved["after"]) == (2.0, 5.0)
    assert (moved["verdict before"], moved["verdict after"]) == ("reproduced", "discrepant")
    gone = found.loc[("hajek-exp2", "3")]
    assert gone["after"] != gone["after"]  # no value any more
    assert gone["verdict after"] == "outdated"


def test_last_digits_are_no_change(table):
    before = table(entry(TWO))
    after = before.assign(value=before["value"] * (1 + 1e-12))
    assert changes(before, after, [entry(TWO)]).empty


def test_unknown_revision_is_said():
    with pytest.raises(LedgerError, match="no reference at 'no-such-revision'"):
        reference_at("no-such-revision")
