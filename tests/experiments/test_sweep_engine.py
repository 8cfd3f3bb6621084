import json
import math

import numba
import numpy as np
import pytest
import threadpoolctl

import mcrepro as mc
from mcrepro.errors import DataError, ParameterError
from mcrepro.experiments import ExperimentError, engine

from .sweeps import begun, recorded

run = mc.experiments.run


def test_table_is_tidy_and_in_grid_order():
    table = run("toy-walk")
    assert list(table.columns) == ["n", "p", "score", "trial", "first", "value", "steps"]
    assert list(table.n) == [5] * 8 + [50] * 8
    assert list(table.score) == (["mean"] * 4 + ["norm"] * 4) * 2
    assert list(table.trial) == [0, 1, 2, 3] * 4


def test_the_number_of_workers_changes_no_bit(tmp_path, same_bits):
    one = run("toy-walk", jobs=1, cache=tmp_path / "one")
    two = run("toy-walk", jobs=2, cache=tmp_path / "two")
    assert np.isinf(one.value).any()
    same_bits(one, two)


def test_a_cached_table_is_the_computed_one(log, same_bits):
    first = run("toy-logged", log=str(log), pause=0.0)
    assert len(begun(log)) == len(first) == 40
    same_bits(first, run("toy-logged", log=str(log), pause=0.0))
    assert len(begun(log)) == 40


def test_profiles_and_overrides_share_trials(log):
    options = {"log": str(log), "pause": 0.0}
    few = run("toy-logged", profile="smoke", trials=2, n=[30, 10], **options)
    many = run("toy-logged", profile="paper", trials=3, **options)
    assert len(begun(log)) == len(set(begun(log))) == 4 * 3
    both = few.merge(many, on=["n", "trial"])
    assert len(both) == len(few) == 4
    assert (both.tag_x == both.tag_y).all()
    assert (both["mean_x"] == both["mean_y"]).all()


def test_shared_parameters_meet_the_same_instance_and_others_do_not():
    first = run("toy-walk").pivot(index=["n", "trial"], columns="score", values="first")
    assert (first["mean"] == first["norm"]).all()
    assert first["mean"].nunique() == len(first)


def test_seed_knows_parameters_and_trial_but_not_the_grid(tmp_path):
    alone = run("toy-walk", n=50, score="norm", trials=1, cache=tmp_path / "one")
    among = run("toy-walk", profile="paper", cache=tmp_path / "two")
    found = among[(among.n == 50) & (among.score == "norm") & (among.trial == 0)]
    assert alone["first"].item() == found["first"].item()


def test_exact_protocol_gets_no_seed_and_one_trial():
    table = run("toy-proof")
    assert (table.total == table.formula).all()
    assert table.attrs["provenance"]["seed"] is None
    with pytest.raises(ParameterError, match="exact protocol runs one trial"):
        run("toy-proof", trials=2)


def test_several_rows_and_every_scalar_survive_the_store():
    table = run("toy-odd", returns=["rows", "mixed"], layers=[[1, 2], None])
    assert list(table.part[:2]) == ["a", "b"]
    assert list(table.trial) == [0] * 6
    assert table.layers[0] == (1, 2)
    row = table.iloc[-1]
    assert row["layers"] is None
    assert row["bool"] is True
    assert math.isnan(row["nan"])
    assert row["text"] == 'é\n"'
    assert row["tiny"] == 5e-324
    assert math.copysign(1, row["minus_zero"]) == -1
    assert row["big"] == 2**60


def test_provenance_is_plain_and_complete():
    table = run("toy-walk", n=[5, 7], trials=np.int64(2))
    provenance = table.attrs["provenance"]
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance["protocol"] == "toy-walk"
    assert provenance["profile"] == "quick"
    assert provenance["overrides"] == {"n": [5, 7], "trials": 2}
    assert provenance["parameters"] == {"n": [5, 7], "p": [0.5], "score": ["mean", "norm"]}
    assert provenance["trials"] == 2
    assert provenance["version"] == mc.__version__
    assert provenance["seconds"] > 0
    # The seconds are those of the computation, not of the reading.
    again = run("toy-walk", n=[5, 7], trials=2).attrs["provenance"]
    assert again == provenance


def test_describe_lists_the_profiles():
    table = mc.experiments.describe("toy-walk")
    assert table.loc["quick", ["combinations", "trials"]].tolist() == [4, 4]
    assert table.loc["paper", "n"] == [500, 50, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "qick"}, "unknown profile 'qick'; did you mean 'quick'"),
        ({"scor": "mean"}, "unknown parameter 'scor'; did you mean 'score'"),
        ({"n": "five"}, "n must be int; got 'five'"),
        ({"n": []}, "n has no values"),
        ({"trials": 0}, "trials must be at least 1; got 0"),
        ({"trials": "many"}, "trials must be an integer; got 'many'"),
        ({"jobs": 0}, "jobs must be a positive integer; got 0"),
        ({"backend": "dask"}, "backend must be 'local' or a scheduler's address; got 'dask'"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_computed(arguments, message, cache):
    with pytest.raises(ParameterError, match=message):
        run("toy-walk", **arguments)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ("array", r"TypeError: field 'value' must be a number.*array of shape \(3,\)"),
        ("complex", "got complex"),
        ("nothing", "returns a mapping or a list of them; got NoneType"),
        ("empty", "at least one row"),
        ("clash", "field 'layers' has the name of a parameter's column"),
    ],
)
def test_a_trial_that_returns_no_rows_of_scalars_is_refused(returns, message):
    with pytest.raises(ExperimentError, match=message):
        run("toy-odd", returns=returns)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_trial_is_named_and_the_finished_ones_are_kept(jobs, cache, monkeypatch):
    monkeypatch.setattr(engine, "_mix", lambda _: None)
    with pytest.raises(ExperimentError) as caught:
        run("toy-odd", returns="fail", rank=[1, 2, *range(3, 40)], jobs=jobs)
    assert "toy-odd, trial 0 of returns='fail', layers=(1,), rank=2" in str(caught.value)
    assert "ZeroDivisionError: rank is two" in str(caught.value)
    cause = caught.value.__cause__
    assert isinstance(cause, ZeroDivisionError) or "odd.py" in str(cause)
    # Begun trials are finished and kept; the many that were not begun are left.
    assert 1 <= recorded(cache, "toy-odd") < 30


def test_a_worker_that_dies_is_reported_and_the_next_run_goes_on():
    with pytest.raises(ExperimentError, match="a worker process was killed, or ran out of memory"):
        run("toy-odd", returns="die", jobs=2)
    assert len(run("toy-odd", returns="row", jobs=2)) == 1


def test_data_that_cannot_be_had_are_reported_before_anything_is_computed(cache, monkeypatch):
    def load(name):
        raise DataError(f"{name} is not here; get it there")

    monkeypatch.setattr("mcrepro.data.registry.find", lambda name: name)
    monkeypatch.setattr("mcrepro.data.sources.locate", lambda _: None)
    monkeypatch.setattr("mcrepro.data.load", load)
    with pytest.raises(DataError, match="toy-ratings is not here; get it there"):
        run("toy-data")
    assert not cache.exists()


def test_data_enter_the_key_and_the_provenance(monkeypatch):
    monkeypatch.setattr("mcrepro.data.registry.find", lambda name: name)
    monkeypatch.setattr("mcrepro.data.sources.locate", lambda name: name)
    monkeypatch.setattr("mcrepro.data.fingerprint", lambda _: "one")
    first = run("toy-data")
    monkeypatch.setattr("mcrepro.data.fingerprint", lambda _: "other")
    second = run("toy-data")
    assert first.attrs["provenance"]["data"] == {"toy-ratings": "one"}
    assert first.process.item() < second.process.item()


def test_the_order_of_computing_is_not_the_order_of_rows(log):
    table = run("toy-logged", log=str(log), pause=0.0)
    assert begun(log) != table.tag.tolist()
    assert sorted(begun(log)) == sorted(table.tag)
    assert table.trial.tolist() == [*range(10)] * 4


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_trial_has_one_thread(jobs):
    table = run("toy-threads", jobs=jobs)
    assert table.libraries.item() >= 1
    assert table.most.item() == 1
    assert table.numba.item() == 1


def test_the_limits_are_lifted_afterwards():
    with threadpoolctl.threadpool_limits(2):
        before = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
        threads = numba.get_num_threads()
        run("toy-walk")
        assert [lib["num_threads"] for lib in threadpoolctl.threadpool_info()] == before
        assert numba.get_num_threads() == threads


def test_progress_counts_what_was_cached(capsys):
    run("toy-walk", n=5)
    run("toy-walk", progress=True)
    shown = capsys.readouterr().err
    assert "cached 8 of 16" in shown
    assert "16/16" in shown
    assert shown.startswith("\rtoy-walk:  50%")


def test_progress_is_silent_unless_asked_for(capsys, monkeypatch):
    run("toy-walk", n=5)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("MCREPRO_PROGRESS", "1")
    run("toy-walk", n=6)
    assert "8/8" in capsys.readouterr().err


def test_jobs_by_default_are_those_of_the_environment(monkeypatch):
    seen = []
    monkeypatch.setattr(engine.backends, "local", lambda *given: seen.append(given[-1]) or iter(()))
    for text in ("3", None):
        monkeypatch.delenv(engine.JOBS, raising=False)
        if text is not None:
            monkeypatch.setenv(engine.JOBS, text)
        with pytest.raises(AssertionError, match="not in the store"):
            mc.experiments.run("toy-walk", profile="smoke")
    assert seen == [3, 1]
    monkeypatch.setenv(engine.JOBS, "many")
    with pytest.raises(ParameterError, match=r"MCREPRO_JOBS.*'many'"):
        mc.experiments.run("toy-walk", profile="smoke")
