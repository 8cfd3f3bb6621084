"""What changed between two reference runs."""

import shutil
import subprocess
import sys

import pytest

from mcrepro import ledger
from mcrepro.companion import cli
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


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A checkout whose reference is this one's, with a planted change in its last commit."""
    path = tmp_path / "book" / "reference" / "claims.csv"
    path.parent.mkdir(parents=True)
    shutil.copy(reference.PATH, path)
    monkeypatch.setattr(reference, "PATH", path)
    monkeypatch.setattr(sys.modules["mcrepro.ledger.changes"], "PATH", path)

    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "before")
    table = reference.load_reference(path)
    table.loc[table["id"] == "hajek-regime", ["value", "low", "high"]] = 0.0
    table.to_csv(path, index=False, lineterminator="\n")
    git("commit", "-am", "after")


@pytest.mark.usefixtures("repository")
def test_diff_lists_a_planted_change_since_the_last_commit(capsys):
    assert cli.main(["diff", "HEAD"]) == 0
    told = "No number and no verdict of the reference changed since HEAD\n"
    assert capsys.readouterr().out == told
    assert cli.main(["diff", "HEAD~1"]) == 0
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["id", "reading"]
    assert row.split() == ["hajek-regime", "1.0", "0.0", "reproduced", "discrepant"]
    assert last == "1 numbers changed, 0 new, 0 gone; 1 claims have another verdict"


@pytest.mark.usefixtures("repository")
def test_diff_counts_what_came_apart_from_what_changed(capsys, monkeypatch):
    now = reference.load_reference(reference.PATH)
    before = now[now["id"] != "hajek-regime"]
    monkeypatch.setattr(ledger, "reference_at", lambda _revision: before)
    assert cli.main(["diff", "HEAD"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "0 numbers changed, 1 new, 0 gone; 1 claims have another verdict"
