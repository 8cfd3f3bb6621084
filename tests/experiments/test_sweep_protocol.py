import os

import numpy as np
import pytest

from mcrepro.errors import ParameterError
from mcrepro.experiments import Protocol, Sweep, registry
from mcrepro.experiments.protocol import canonical


def trial(seed, *, n: int, p: float, method: str = "bm", rank: int | None = None):
    raise NotImplementedError


def protocol(quick, **options):
    return Protocol(
        trial=options.pop("trial", trial),
        profiles={"smoke": quick, "quick": quick, "paper": quick},
        **options,
    )


GOOD = Sweep({"n": [1, 2], "p": [0.5, 0.7]}, trials=3)


def test_combinations_are_the_product_in_declared_order_the_last_fastest():
    assert [tuple(c.values()) for c in Sweep({"b": [1, 2], "a": ["x", "y"]}).combinations()] == [
        (1, "x"),
        (1, "y"),
        (2, "x"),
        (2, "y"),
    ]


def test_cells_are_crossed_with_the_grid():
    sweep = Sweep({"m": ["x", "y"]}, cells=[{"n": 1, "d": 10}, {"n": 2, "d": 30}])
    assert [(c["n"], c["d"], c["m"]) for c in sweep.combinations()] == [
        (1, 10, "x"),
        (1, 10, "y"),
        (2, 30, "x"),
        (2, 30, "y"),
    ]


def test_values_of_a_parameter_are_distinct_wherever_it_is_given():
    sweep = Sweep({"m": ["x", "y"]}, cells=[{"n": 2, "d": 1}, {"n": 2, "d": True}])
    assert [sweep.values(name) for name in ("n", "m")] == [[2], ["x", "y"]]
    assert [type(value) for value in sweep.values("d")] == [int, bool]
    with pytest.raises(ParameterError, match="unknown parameter 'q'"):
        sweep.values("q")


def test_override_of_a_cell_parameter_leaves_the_others_paired():
    sweep = Sweep(cells=[{"n": 1, "d": 10}, {"n": 2, "d": 10}]).override({"n": [5, 6]})
    assert [(c["n"], c["d"]) for c in sweep.combinations()] == [(5, 10), (6, 10)]


def test_values_become_plain_and_defaults_are_filled_in():
    quick = protocol(Sweep({"n": np.array([3, 4]), "p": np.float32(0.5)})).profiles["quick"]
    assert quick.combinations()[0] == {"n": 3, "p": 0.5, "method": "bm", "rank": None}
    assert [type(v) for v in quick.combinations()[0].values()] == [int, float, str, type(None)]


def test_an_integer_for_a_float_is_the_same_cell():
    one = protocol(Sweep({"n": 1, "p": 1})).profiles["quick"].combinations()
    other = protocol(Sweep({"n": 1, "p": 1.0})).profiles["quick"].combinations()
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"n": 1}, "no value for the trial's parameter 'p'"),
        ({"n": 1, "p": 0.5, "metod": "als"}, "unknown parameter 'metod'; did you mean 'method'"),
        ({"n": 1, "p": 0.5, "method": [1]}, "method must be str; got 1"),
        ({"n": 1, "p": "0.5"}, "p must be float; got '0.5'"),
        ({"n": True, "p": 0.5}, "n must be int; got True"),
        ({"n": 1.5, "p": 0.5}, "n must be int; got 1.5"),
        ({"n": 1, "p": 0.5, "rank": "two"}, "rank must be int or None; got 'two'"),
    ],
)
def test_a_sweep_that_does_not_fit_the_trial_is_refused(grid, message):
    with pytest.raises(ParameterError, match=message.replace("?", r"\?")):
        protocol(Sweep(grid))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grid": {"n": []}}, "n has no values"),
        ({"grid": {"n": [1, 2, 1]}}, "n has the same value twice"),
        ({"grid": {"n": {1}}}, "n must be a number.*got set"),
        ({"grid": {"n": float("nan")}}, "n must not be nan"),
        ({"trials": 0}, "trials must be at least 1; got 0"),
        ({"trials": 2.5}, "trials must be an integer; got 2.5"),
        ({"cells": []}, "at least one combination"),
        ({"cells": [{"n": 1}, {"d": 1}]}, "every cell must name the same"),
        ({"grid": {"n": 1}, "cells": [{"n": 1}]}, "'n' is named by the grid and by the cells"),
    ],
)
def test_a_malformed_sweep_is_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        Sweep(**arguments)


def test_profiles_are_the_three_known_ones():
    with pytest.raises(ParameterError, match="profile 'paper' is missing"):
        Protocol(trial=trial, profiles={"smoke": GOOD, "quick": GOOD})
    with pytest.raises(ParameterError, match="unknown profile 'papr'; did you mean 'paper'"):
        Protocol(trial=trial, profiles={"smoke": GOOD, "quick": GOOD, "papr": GOOD})


def positional(seed, n):
    raise NotImplementedError


def reserved(seed, *, jobs):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trial": positional}, "keyword-only"),
        ({"trial": lambda: None}, "one positional argument"),
        ({"trial": reserved}, "parameter called 'jobs'"),
        ({"shared": ("metod",)}, "unknown shared parameter 'metod'; did you mean 'method'"),
        ({"shared": "method"}, "shared must be a sequence"),
        ({"seed": 1.5}, "seed must be an integer"),
        ({"exact": True}, "exact protocol runs one trial; got trials=3"),
    ],
)
def test_a_malformed_protocol_is_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        protocol(GOOD, **options)


def test_the_same_cell_twice_is_refused():
    with pytest.raises(ParameterError, match="same cell is given twice"):
        protocol(Sweep(cells=[{"n": 1, "p": 1}, {"n": 1, "p": 1.0}]))


def test_names_come_from_files_and_import_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "broken_one.py").write_text("raise RuntimeError('imported')")
    (folder / "_helper.py").touch()
    monkeypatch.setenv("MCREPRO_PROTOCOLS", str(tmp_path))
    assert "other-broken-one" in registry.names()
    assert "other-helper" not in registry.names()


def test_a_module_without_a_protocol_is_refused(tmp_path, monkeypatch):
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "shell.py").write_text("PROTOCOL = None")
    monkeypatch.setenv("MCREPRO_PROTOCOLS", str(tmp_path))
    with pytest.raises(ParameterError, match=r"shell.py must define PROTOCOL"):
        registry.get("hollow-shell")


def test_a_folder_that_is_not_there_or_not_alone_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MCREPRO_PROTOCOLS", str(tmp_path / "absent"))
    with pytest.raises(ParameterError, match="not a folder"):
        registry.names()
    for root in ("one", "two"):
        (tmp_path / root / "paper").mkdir(parents=True)
    monkeypatch.setenv("MCREPRO_PROTOCOLS", os.pathsep.join(map(str, tmp_path.iterdir())))
    with pytest.raises(ParameterError, match="the name of another paper's"):
        registry.names()


def test_an_unknown_protocol_suggests_the_near_miss():
    with pytest.raises(
        ParameterError, match="unknown protocol 'toy-wlak'; did you mean 'toy-walk'"
    ):
        registry.get("toy-wlak")
