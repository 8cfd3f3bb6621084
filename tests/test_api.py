"""Checks before dispatch, the table of methods, and what importing costs."""

import json
import subprocess
import sys

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers import _registry
from mcrepro.solvers._loop import Iterate

PROBLEM = mc.Problem.from_dense(np.outer([1.0, 2, 3], [1.0, 1, 2, 1]), np.ones((3, 4), dtype=bool))


@pytest.fixture
def toy():
    """A method that exists in this file only."""

    @_registry.method("toy", setting="any", cost="O(1)", source="here", citation="nobody")
    def toy(problem, rank, rng, loop, *, shift=0.0, max_iter=3):
        def iterates():
            n1, n2 = problem.shape
            left, right = rng.standard_normal((n1, rank)), np.full((n2, rank), shift)
            while True:
                yield Iterate(left, right, 1.0, residual=1.0)

        return loop(iterates(), max_iter=max_iter, rtol=0.0)

    yield "toy"
    del _registry._METHODS["toy"]


def test_a_decorated_function_is_a_method(toy):
    assert toy in set(mc.methods()["name"])
    result = mc.complete(PROBLEM, toy, rank=2, shift=1.5)
    assert (result.method, result.rank, result.citation) == ("toy", 2, "nobody")
    assert result.options == {"shift": 1.5, "max_iter": 3}
    assert (result.stop_reason, result.n_iter) == ("max_iter", 3)
    assert result.right[0, 0] == 1.5


def test_a_name_cannot_be_taken_twice(toy):
    def other(): ...

    other.__module__ = "elsewhere"
    with pytest.raises(ValueError, match="'toy' is already registered by"):
        _registry.method(toy, setting="", cost="", source="", citation="")(other)


def test_methods_table_matches_the_signatures():
    table = mc.methods().set_index("name")
    assert {"bm", "mean"} <= set(table.index)
    assert list(table.columns) == ["setting", "options", "cost", "source"]
    assert table.loc["bm", "options"]["optimizer"] == "lbfgs"
    assert not table.drop(columns="options").eq("").to_numpy().any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"problem": np.eye(3)}, TypeError, "problem must be a mcrepro.Problem, got ndarray"),
        ({"method": "Bm"}, ValueError, "no method 'Bm'; did you mean 'bm'"),
        ({"method": "quantum"}, ValueError, "no method 'quantum'; known: .*'bm'"),
        ({"method": "_loop"}, ValueError, "no method '_loop'"),
        ({"method": None}, TypeError, "method must be the name of a method, got None"),
        ({"rank": 0}, ValueError, "rank must be between 1 and 3, got 0"),
        ({"rank": 4}, ValueError, "rank must be between 1 and 3, got 4"),
        ({"rank": 2.0}, TypeError, "rank must be an integer between 1 and 3, got 2.0"),
        ({"rank": True}, TypeError, "rank must be an integer"),
        ({"rank": None}, TypeError, "method 'bm' needs rank, an integer between 1 and 3"),
        ({"seed": "0"}, TypeError, "seed must be a non-negative integer"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"callback": 3}, TypeError, "callback must be callable, got 3"),
        ({"progress": 1}, TypeError, "progress must be True or False, got 1"),
        ({"weights": ["a", "b"]}, TypeError, "weights must hold real numbers, got dtype <U1"),
        ({"weights": [1j, 1]}, TypeError, "weights must hold real numbers, got dtype complex128"),
        ({"start": (np.full((3, 1), 1j), 0)}, TypeError, "start: left must hold real numbers"),
        ({"optimiser": "gd"}, TypeError, "no option 'optimiser'; did you mean 'optimizer'"),
    ],
)
def test_refusals(arguments, error, message):
    arguments = {"problem": PROBLEM, "method": "bm", "rank": 1} | arguments
    with pytest.raises(error, match=message):
        mc.complete(**arguments)


@pytest.mark.parametrize(
    "method", ["gnmr", "nmf"]
)  # once "residual" at 1e-160, and a crash at 1e160
@pytest.mark.parametrize("size", [1e-160, 1e-50, 1e50, 1e160])
def test_data_whose_powers_are_no_numbers_are_refused(method, size):
    problem = mc.Problem.from_dense(size * np.ones((3, 3)), ~np.eye(3, dtype=bool), symmetric=True)
    with pytest.raises(ValueError, match="scale the values"):
        mc.complete(problem, method, rank=2)


@pytest.mark.parametrize("method", ["bm", "als", "alternating_gd", "gnmr"])
@pytest.mark.parametrize("size", [1e-44, 1e44])
def test_data_just_within_those_bounds_are_completed(method, size):
    truth = size * np.outer([1.0, 1.1, 1.2, 0.9], [1.3, 0.8, 1.0, 1.2])
    result = mc.complete(mc.Problem.from_dense(truth, ~np.eye(4, dtype=bool)), method, rank=1)
    assert result.converged
    assert result.relative_error(truth) < 1e-5


def test_seeds_of_all_kinds_agree():
    sequence = np.random.SeedSequence(5)
    results = [
        mc.complete(PROBLEM, "bm", rank=1, init="random", seed=seed).left
        for seed in (5, np.int64(5), sequence, np.random.default_rng(5))
    ]
    for left in results[1:]:
        np.testing.assert_array_equal(left, results[0])


def test_progress_goes_to_standard_error(capsys):
    mc.complete(PROBLEM, "bm", rank=1, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "bm" in captured.err


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import mcrepro", ["scipy"]),
        (
            "import mcrepro as mc; mc.Problem, mc.Result, mc.complete, mc.SecondMoment, mc.instances",
            [],
        ),
    ],
)
def test_import_is_light(code, heavy):
    """How long it takes is measured in the benchmarks."""
    code += "; import json, sys; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    heavy = {*heavy, "pandas", "numba", "sklearn", "matplotlib", "cvxpy", "tqdm"}
    assert not heavy & set(json.loads(said))
