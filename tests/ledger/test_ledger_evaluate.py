"""From entries to verdicts, through planted protocols."""

import math

import pandas as pd
import pytest

import mcrepro as mc
from mcrepro.errors import ParameterError
from mcrepro.ledger import evaluate, reference
from mcrepro.ledger.entries import LedgerError

from .plants import CURVE, PROOF, READINGS, TWO, entry


def only(frame):
    (row,) = frame.to_dict("records")
    return row


@pytest.mark.parametrize(
    ("keys", "verdict", "reason"),
    [
        (TWO, "reproduced", "agrees with"),
        (TWO.replace("2.0, d", "2.1, d"), "discrepant", "lies outside"),
        (TWO.replace("2.0, decimals: 1", "2.0, decimals: 3"), "not run", "inconclusive"),
        (PROOF, "reproduced", "holds"),
        (PROOF.replace("statistic: holds", "statistic: fails"), "discrepant", "does not hold"),
        ("blocked: the ratings are not public", "blocked", "the ratings are not public"),
        (TWO.replace("sweep", "fetch").replace("two", "ratio"), "not run", "set MCREPRO_DATA"),
    ],
)
def test_each_verdict_of_the_paper_profile(decide, keys, verdict, reason):
    row = only(decide(entry(keys)))
    assert row["verdict"] == verdict
    assert reason in row["reason"]


def test_row_carries_the_estimate_and_where_it_comes_from(decide):
    row = only(decide(entry(TWO)))
    assert (row["value"], row["low"], row["high"], row["n"]) == (2.0, 1.99, 2.01, 60)
    assert row["interval"] == "mean"
    assert row["printed"] == "2.0"
    assert row["parameters"] == {"x": [1, 2, 3]}
    assert (row["trials"], row["seed"], row["profile"]) == (20, 7, "paper")
    assert row["seconds"] >= 0
    assert row["commit"]
    assert row["details"][0]["accepted"] == "[1.95, 2.05]"


def test_whole_numbers_stay_whole_beside_missing_ones(decide):
    frame = decide(
        entry(TWO), entry(PROOF, name="hajek-exp2"), entry("blocked: x", name="hajek-oq1")
    )
    rows = frame.set_index("id")[["n", "trials", "seed"]].to_dict("index")
    assert rows["hajek-regime"] == {"n": 60, "trials": 20, "seed": 7}
    assert isinstance(rows["hajek-regime"]["seed"], int)
    assert rows["hajek-exp2"] == {"n": 1, "trials": 1, "seed": None}
    assert rows["hajek-oq1"] == {"n": None, "trials": None, "seed": None}


def test_numpy_truth_is_a_truth(decide):
    assert only(decide(entry(PROOF.replace(": holds", ": numpy_holds"))))["verdict"] == "reproduced"


def test_reduced_profile_gives_a_value_and_no_verdict(decide):
    row = only(decide(entry(TWO), profile="quick"))
    assert row["verdict"] == "not run (quick)"
    assert (row["value"], row["n"], row["consistent"]) == (2.0, 10, None)


@pytest.mark.parametrize("profile", ["smoke", "quick", "paper"])
def test_exact_protocols_decide_in_every_profile(decide, profile):
    row = only(decide(entry(PROOF), profile=profile))
    assert row["verdict"] == "reproduced"
    assert row["interval"] == "statement"


def test_unchecked_claims_are_counted(decide):
    frame = decide(entry(TWO), merged={"hajek-exp2": "hajek-scale-n"})
    row = frame[frame["id"] == "hajek-exp2"].iloc[0]
    assert row["verdict"] == "not checked"
    assert math.isnan(row["value"])


def test_merged_id_takes_the_verdict_of_its_target(decide):
    frame = decide(entry(TWO), merged={"hajek-exp2": "hajek-regime"})
    row = frame[frame["id"] == "hajek-exp2"].iloc[0]
    assert row["verdict"] == "reproduced"
    assert row["reason"].startswith("checked as hajek-regime: ")


def test_under_specified_claims_list_the_outcome_of_every_reading(decide):
    row = only(decide(entry(READINGS)))
    assert row["verdict"] == "under-specified"
    assert "a: reproduced; b: discrepant; c: reproduced" in row["reason"]
    assert [d["verdict"] for d in row["details"]] == ["reproduced", "discrepant", "reproduced"]
    assert row["protocol"] == "planted-sweep; planted-proof"
    assert math.isnan(row["value"])


def test_under_specified_in_a_reduced_profile_withholds_the_outcomes(decide):
    row = only(decide(entry(READINGS), profile="quick"))
    assert row["verdict"] == "under-specified"
    assert "a: not run (quick); b: not run (quick); c: reproduced" in row["reason"]


def test_curve_has_a_detail_for_every_point(decide):
    row = only(decide(entry(CURVE)))
    assert row["verdict"] == "reproduced"
    assert [(d["point"], d["value"]) for d in row["details"]] == [("1", 2), ("2", 4), ("3", 6)]


def test_reduced_grid_may_leave_out_points_but_the_paper_profile_may_not(decide):
    row = only(decide(entry(CURVE), profile="quick"))
    assert [d["point"] for d in row["details"]] == ["1", "2"]
    with pytest.raises(LedgerError, match=r"hajek-regime: a curve needs an Estimate for \[4.0\]"):
        decide(entry(CURVE.replace("[3, 6]", "[4, 8]")))


@pytest.mark.parametrize("profile", ["quick", "paper"])
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (TWO.replace("two", "tow"), "no statistic 'tow'; did you mean 'two'"),
        (TWO.replace("two", "_private"), "no statistic '_private'"),
        (TWO.replace("two", "trial"), "no statistic 'trial'"),
        (TWO.replace("two", "mean"), "no statistic 'mean'"),  # imported, not the protocol's own
        (TWO.replace("two", "number"), "needs an Estimate, got float"),
        (PROOF.replace("proof", "sweep").replace("statistic: holds", "statistic: claim_true"),
         "'holds' needs an exact protocol"),
    ],
)  # fmt: skip
def test_statistics_that_do_not_fit_are_refused_in_every_profile(decide, profile, keys, message):
    with pytest.raises(LedgerError, match=f"hajek-regime: .*{message}"):
        decide(entry(keys), profile=profile)


def test_a_protocol_is_run_once_for_all_its_claims(decide, monkeypatch):
    asked = []
    run = mc.experiments.run
    monkeypatch.setattr(
        mc.experiments, "run", lambda name, **options: asked.append(name) or run(name, **options)
    )
    decide(entry(TWO), entry(CURVE, name="hajek-exp2"), entry(READINGS, name="hajek-amazon"))
    assert asked == ["planted-sweep", "planted-proof"]


# The reference


@pytest.fixture
def stored(decide, tmp_path):
    """The reference of a paper run over `claims`."""

    def save(*claims):
        path = reference.save_reference(decide(*claims), tmp_path / "claims.csv")
        return reference.load_reference(path)

    return save


def test_quick_value_is_compared_with_the_reference(decide, stored):
    table = stored(entry(TWO))
    row = only(decide(entry(TWO), profile="quick", stored=table))
    assert row["consistent"] is True
    assert row["reference_verdict"] == "reproduced"
    assert row["verdict"] == "not run (quick)"


DRIFTING = TWO.replace("two", "drifting")


def test_quick_value_far_from_the_reference_is_inconsistent(decide, stored):
    table = stored(entry(DRIFTING))
    assert only(decide(entry(DRIFTING), profile="quick", stored=table))["consistent"] is False


def test_incomparable_values_are_not_compared(decide, stored):
    claim = entry(DRIFTING + "    incomparable: the quick matrices are smaller\n")
    row = only(decide(claim, profile="quick", stored=stored(claim)))
    assert row["consistent"] is None
    assert row["reference_verdict"] == "reproduced"


def test_exact_values_are_not_compared_for_they_decide_themselves(decide, stored):
    row = only(decide(entry(PROOF), profile="quick", stored=stored(entry(PROOF))))
    assert (row["verdict"], row["consistent"]) == ("reproduced", None)


def test_reference_verdict_follows_the_entry(decide, stored):
    table = stored(entry(TWO))
    changed = entry(TWO.replace("2.0, d", "2.1, d"))
    row = only(decide(changed, profile="quick", stored=table))
    assert row["reference_verdict"] == "discrepant"


def test_reference_that_lacks_a_point_is_outdated(decide, stored):
    table = stored(entry(CURVE))
    row = only(decide(entry(CURVE), profile="quick", stored=table[table["point"] != "3"]))
    assert row["reference_verdict"] == "outdated"


def test_reference_survives_the_file(decide, stored):
    claims = [entry(TWO), entry(CURVE, name="hajek-exp2"), entry(READINGS, name="hajek-amazon"),
              entry(PROOF, name="hajek-C-ge-2")]  # fmt: skip
    table = stored(*claims)
    assert list(table.columns) == reference.COLUMNS
    assert list(table["id"]) == sorted(table["id"])
    row = table[table["id"] == "hajek-regime"].iloc[0]
    assert (row["value"], row["low"], row["high"], row["n"]) == (2.0, 1.99, 2.01, 60)
    assert row["profile"] == "paper"
    assert row["source"]
    frame = decide(*claims, profile="quick", stored=table).set_index("id")
    assert frame.loc["hajek-C-ge-2", "reference_verdict"] == "reproduced"
    assert frame.loc["hajek-amazon", "reference_verdict"] == "under-specified"
    told = (
        "a: not run (quick), reference run reproduced; b: not run (quick), reference run discrepant"
    )
    assert told in frame.loc["hajek-amazon", "reason"]
    assert [d["reference_verdict"] for d in frame.loc["hajek-amazon", "details"]] == [
        "reproduced", "discrepant", "reproduced"]  # fmt: skip


def test_save_reference_refuses_reduced_profiles(decide, tmp_path):
    path = tmp_path / "claims.csv"
    with pytest.raises(
        LedgerError, match="hajek-regime: a reference needs the paper profile, got 'quick'"
    ):
        reference.save_reference(decide(entry(TWO), profile="quick"), path)
    assert not path.exists()
    reference.save_reference(decide(entry(PROOF), profile="quick"), path)
    assert len(reference.load_reference(path)) == 1


def test_save_reference_keeps_the_claims_that_were_not_run(decide, stored, tmp_path):
    stored(entry(TWO), entry(CURVE, name="hajek-exp2"))
    again = entry(TWO.replace("statistic: two", "statistic: hits"))
    path = reference.save_reference(decide(again), tmp_path / "claims.csv")
    table = reference.load_reference(path)
    assert list(table["id"]) == ["hajek-exp2"] * 3 + ["hajek-regime"]
    assert table["value"].iloc[-1] == 1.0


def test_save_reference_keeps_the_other_readings(stored, tmp_path):
    stored(entry(TWO))
    path = tmp_path / "claims.csv"
    table = reference.load_reference(path)
    table.assign(reading="other").pipe(lambda rows: pd.concat([table, rows])).to_csv(
        path, index=False
    )
    assert list(stored(entry(TWO))["reading"]) == ["other", ""]


def test_reference_with_other_columns_is_refused(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text("id,value\nhajek-regime,1\n")
    with pytest.raises(LedgerError, match=r"claims.csv: needs the columns"):
        reference.load_reference(path)


# The whole


def test_summary_counts_every_claim_once(decide):
    frame = decide(
        entry(TWO),
        entry(TWO.replace("2.0, d", "2.1, d"), name="hajek-exp2"),
        entry(READINGS, name="hajek-amazon"),
        entry("blocked: data", name="hajek-C-ge-2"),
        entry(TWO.replace("2.0, decimals: 1", "2.0, decimals: 3"), name="hajek-oq1"),
        merged={"hajek-thm": "hajek-oq4-rank"},
    )
    counts = evaluate.summary(frame).loc["all"].to_dict()
    assert counts == {
        "reproduced": 1, "discrepant": 1, "under-specified": 1, "blocked": 1, "not run": 1,
        "not checked": 1, "registered": 6,
    }  # fmt: skip


def test_summary_counts_reduced_profiles_as_not_run(decide):
    counts = evaluate.summary(decide(entry(TWO), profile="quick"))
    assert counts.loc["hajek", "not run"] == 1


@pytest.fixture
def ledger_of_two(planted, monkeypatch):  # noqa: ARG001 -- for what it sets up
    claims = [entry(TWO), entry("blocked: data", name="noise-fig1", paper="noise")]
    monkeypatch.setattr(evaluate, "load", lambda: claims)


@pytest.mark.usefixtures("ledger_of_two")
def test_verdicts_has_a_row_for_every_registered_claim():
    frame = mc.ledger.verdicts(profile="smoke")
    assert list(frame["id"]) == list(mc.ledger.register()["id"])
    assert (frame["verdict"] == "not checked").sum() == 320
    assert list(frame.columns) == evaluate.COLUMNS
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.usefixtures("ledger_of_two")
def test_verdicts_of_one_paper_or_chapter():
    frame = mc.ledger.verdicts(profile="smoke", paper="noise")
    assert len(frame) == 104
    assert set(frame["verdict"]) == {"blocked", "not checked"}
    frame = mc.ledger.verdicts(profile="smoke", chapter="onesided/page")
    assert set(frame["id"]) == {"noise-fig1", "hajek-regime"}


@pytest.mark.usefixtures("ledger_of_two")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "quik"}, "unknown profile 'quik'; did you mean 'quick'"),
        ({"paper": "hayek"}, "unknown paper 'hayek'; did you mean 'hajek'"),
        ({"chapter": "onesided/pag"}, "did you mean 'onesided/page'"),
    ],
)
def test_verdicts_names_the_near_miss(options, message):
    with pytest.raises(ParameterError, match=message):
        mc.ledger.verdicts(**options)
