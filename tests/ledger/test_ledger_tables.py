"""The kept tables of the paper run: small, exact, and of a commit that is theirs."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from mcrepro import experiments
from mcrepro.experiments import provenance
from mcrepro.ledger import LedgerError, load, reference, tables
from mcrepro.ledger.protocols import statistic
from mcrepro.ledger.reference import named_estimates

from .plants import TWO, entry


@pytest.fixture
def folder(planted, tmp_path):  # noqa: ARG001 -- for what it sets up
    tables.save_tables(["planted-sweep", "planted-proof", "planted-fetch"], "abc", tmp_path / "ref")
    return tmp_path / "ref"


def test_a_small_table_is_kept_whole(folder):
    kept = tables.load_table("planted-sweep", folder)
    run = experiments.run("planted-sweep", profile="paper")
    pd.testing.assert_frame_equal(kept, run, check_exact=True)


def test_statistics_come_again_from_what_is_kept(folder):
    table = tables.load_table("planted-sweep", folder)
    assert statistic("planted-sweep", "doubled")(table)[3].value == 6
    assert statistic("planted-sweep", "hits")(table).n == 60


def test_the_environment_names_commit_time_and_every_table(folder):
    (run,) = tables.load_environment(folder)
    assert run["commit"] == "abc"
    assert pd.Timestamp(run["date"])
    assert run["machine"]["cores"] >= 1
    assert run["versions"]["numpy"]
    assert set(run["protocols"]) == {"planted-sweep", "planted-proof"}  # the third has no data
    sweep = run["protocols"]["planted-sweep"]
    assert (sweep["table"], sweep["rows"], sweep["trials"], sweep["seed"]) == ("full", 60, 20, 7)
    total = sum(record["seconds"] for record in run["protocols"].values())
    assert run["papers"]["planted"] == pytest.approx(total)
    assert str(folder) not in json.dumps(run)


def test_another_run_takes_over_what_it_repeats(folder, monkeypatch):
    tables.save_tables(["planted-sweep"], "abc", folder)  # the same code, machine and day
    assert len(tables.load_environment(folder)) == 1
    tables.save_tables(["planted-sweep"], "def", folder)
    old, new = tables.load_environment(folder)
    assert (old["commit"], list(old["protocols"])) == ("abc", ["planted-proof"])
    assert (new["commit"], list(new["protocols"])) == ("def", ["planted-sweep"])
    assert set(old["papers"]) == {"planted"}
    monkeypatch.setattr(tables, "_machine", lambda: {"processor": "another"})
    tables.save_tables(["planted-sweep", "planted-proof"], "def", folder)
    (only,) = tables.load_environment(folder)
    assert only["machine"] == {"processor": "another"}


def long_table():
    """A trial of two rows, with a parameter that is a list, a name, a truth and a gap."""
    rows = [
        {"n": n, "layers": layers, "trial": trial, "what": what, "good": trial % 2 == 0,
         "y": None if n == 2 and trial == 0 else n + 0.1 * trial}
        for n in (1, 2) for layers in ((3, 4), None) for trial in range(900)
        for what in ("a", "b")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_large_table_is_kept_as_means_from_which_intervals_follow():
    table = long_table()
    kind, kept = tables.compact(table, ["n", "layers"])
    assert kind == "means"
    assert len(kept) == 8
    assert list(kept.columns) == [
        "n", "layers", "what", "row", "good_mean", "good_std", "good_count",
        "y_mean", "y_std", "y_count"]  # fmt: skip
    one = kept[(kept["n"] == 2) & (kept["layers"] == "[3, 4]") & (kept["what"] == "a")].iloc[0]
    rows = table[(table["n"] == 2) & (table["layers"] == (3, 4)) & (table["what"] == "a")]
    assert (one["good_mean"], one["good_count"]) == (0.5, 900)
    assert (one["y_mean"], one["y_count"]) == (pytest.approx(rows["y"].mean()), 899)
    assert one["y_std"] == pytest.approx(rows["y"].std())


def test_what_is_still_too_large_is_parted_by_parameters_alone(monkeypatch):
    monkeypatch.setattr(tables, "LIMIT", 400)
    _, kept = tables.compact(long_table(), ["n", "layers"])
    assert list(kept["good_count"]) == [1800] * 4


def test_every_number_and_list_survives_the_file(tmp_path, monkeypatch):
    table = pd.DataFrame(
        {"layers": [(3, 4), None, ()], "x": [0.1 + 0.2, 1e-300, float("inf")],
         "truth": [True, False, None], "name": ["a,b", "c", None], "fraction": ["1", "2", "9/5"]}
    )  # fmt: skip
    table.attrs["provenance"] = dict.fromkeys(("trials", "seed", "source", "data")) | {"seconds": 1}
    monkeypatch.setattr(tables.experiments, "run", lambda *_, **__: table)
    monkeypatch.setattr(tables.experiments, "get", lambda _: SimpleNamespace(parameters=["layers"]))
    tables.save_tables(["planted-x"], "abc", tmp_path)
    back = tables.load_table("planted-x", tmp_path)
    assert list(back["fraction"]) == ["1", "2", "9/5"]
    assert list(back["x"]) == list(table["x"])
    assert list(back["layers"].where(back["layers"].notna(), None)) == [(3, 4), None, ()]
    assert list(back["truth"])[:2] == [True, False]
    assert list(back["name"])[:2] == ["a,b", "c"]
    with pytest.raises(LedgerError, match="no reference table of planted-y"):
        tables.load_table("planted-y", tmp_path)


def test_a_reference_names_no_commit_that_lacks_the_code(monkeypatch):
    class Dirty:
        cache_clear = staticmethod(lambda: None)

        def __call__(self):
            return "abc+dirty"

    monkeypatch.setattr(provenance, "commit", Dirty())
    with pytest.raises(LedgerError, match=r"of commit 'abc\+dirty'"):
        tables.settled_commit()


def test_a_reference_of_other_code_is_refused(decide, tmp_path):
    frame = decide(entry(TWO))
    path = reference.save_reference(frame, tmp_path / "claims.csv", commit="def")
    assert set(reference.load_reference(path)["commit"]) == {"def"}
    frame["details"] = [tuple(detail | {"source": "0" * 12} for detail in frame["details"][0])]
    with pytest.raises(LedgerError, match="no longer what made its estimate"):
        reference.save_reference(frame, tmp_path / "claims.csv", commit="def")


# What is committed


def kept_tables():
    return [
        (name, record["table"])
        for run in tables.load_environment()
        for name, record in run["protocols"].items()
    ]


def test_the_environment_and_the_tables_agree():
    files = {path.stem for path in (tables.FOLDER / "tables").glob("*.csv")}
    assert files == {name for name, _ in kept_tables()}
    sizes = [path.stat().st_size for path in (tables.FOLDER / "tables").glob("*.csv")]
    assert sum(sizes) < 3_000_000


def test_the_estimates_follow_from_the_tables_that_are_kept_whole():
    stored = reference.load_reference()
    for claim in load():
        for check in claim.checks:
            estimates = reference.reference_estimates(stored, claim.id, check.label)
            if (check.protocol, tables.FULL) not in kept_tables() or not estimates:
                continue
            table = tables.load_table(check.protocol)
            again = named_estimates(statistic(check.protocol, check.statistic)(table))
            for point, estimate in estimates.items():
                assert again[point].value == pytest.approx(estimate.value, rel=1e-9, abs=1e-300), (
                    f"{claim.id} {check.label} {point}"
                )
