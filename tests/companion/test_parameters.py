"""The typed schema: what it accepts, what it refuses, and what it says."""

from types import SimpleNamespace

import pytest

from mcrepro import experiments
from mcrepro.companion.parameters import Schema
from mcrepro.errors import BuildError, ParameterError

DECLARED = {
    "n": {"type": "int", "ge": 1, "le": 500, "unit": "rows", "smoke": 3, "paper": 100},
    "p": {"type": "float", "gt": 0, "le": 1},
    "method": {"type": "str", "choices": ["bm", "als"]},
    "exact": {"type": "bool"},
    "sizes": {"type": "list[int]", "ge": 1, "smoke": [1]},
}
CELL = {"profile": "quick", "n": 20, "p": 0.5, "method": "bm", "exact": False, "sizes": [1, 2]}


@pytest.fixture
def schema():
    return Schema("page", DECLARED, CELL)


def test_the_default_profile_injects_nothing(schema):
    assert schema.injected("quick") == {}
    assert schema.resolve("quick") == CELL


def test_another_profile_injects_what_differs(schema):
    assert schema.injected("smoke") == {"profile": "smoke", "n": 3, "sizes": [1]}
    assert schema.injected("paper") == {"profile": "paper", "n": 100}


def test_own_values_win_over_the_profile(schema):
    assert schema.resolve("paper", {"n": 7})["n"] == 7
    assert schema.own("paper", {"n": 7, "p": 0.5}) == {"n": 7}


def test_an_integer_is_a_number(schema):
    value = schema.resolve("quick", {"p": 1})["p"]
    assert value == 1.0
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ({"n": "12", "p": "1e-3"}, {"n": 12, "p": 1e-3}),
        ({"method": "als", "exact": "True"}, {"method": "als", "exact": True}),
        ({"sizes": "4,5"}, {"sizes": [4, 5]}),
        ({"sizes": "[6]"}, {"sizes": [6]}),
    ],
)
def test_words_of_the_command_line(schema, words, values):
    resolved = schema.resolve("quick", schema.parse(words))
    assert {name: resolved[name] for name in values} == values


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"n": "abc"}, r"page: n = 'abc' will not do; it needs an integer from 1 to 500 \(rows\)"),
        ({"n": "501"}, r"n = 501 .* an integer from 1 to 500 \(rows\)"),
        ({"n": "2.5"}, r"n = 2.5 .* an integer"),
        ({"n": "True"}, r"n = True .* an integer"),
        ({"n": "'7'"}, r"n = '7' .* an integer"),
        ({"p": "0"}, r"p = 0 .* a number above 0 and at most 1"),
        ({"p": "nan"}, r"p = 'nan' .* a number"),
        ({"p": "1e999"}, r"p = inf .* a number"),
        ({"method": "lbfgs"}, r"method = 'lbfgs' .* one of 'bm', 'als'"),
        ({"exact": "1"}, r"exact = '1' .* true or false"),
        ({"sizes": "4,0"}, r"sizes = \[4, 0\] .* a list of integers, each at least 1"),
        ({"methd": "bm"}, r"page has no parameter 'methd'; did you mean 'method'\?"),
        ({"zzz": "1"}, r"known: 'exact', 'method', 'n', 'p', 'sizes'"),
        ({"profile": "smoke"}, r"--profile"),
    ],
)
def test_what_is_refused(schema, words, message):
    with pytest.raises(ParameterError, match=message):
        schema.resolve("quick", schema.parse(words))


@pytest.mark.parametrize(
    ("declared", "cell", "message"),
    [
        ({}, {"n": 1}, "n is in the cell but not in the front matter"),
        ({"n": {"type": "int"}}, {}, "n is in the front matter but not in the cell"),
        ({"n": {"type": "integer"}}, {"n": 1}, "parameter n: type"),
        ({"n": {"type": "int", "min": 1}}, {"n": 1}, "parameter n: min: Extra inputs"),
        ({"n": {"type": "int", "ge": "one"}}, {"n": 1}, "parameter n: ge"),
        ({"n": {"type": "str", "ge": 1}}, {"n": "a"}, "it has no bounds"),
        ({"n": {"type": "int", "ge": 5}}, {"n": 1}, "n = 1 will not do"),
        ({"n": {"type": "int", "ge": 5, "smoke": 2}}, {"n": 5}, "n = 2 will not do"),
        ({}, {"profile": "paper"}, "it holds the values of 'quick'"),
        ({"profile": {"type": "str"}}, {"profile": "quick"}, "profile is implicit"),
        ({"n": {"type": "int", "from": "x", "smoke": 1}}, {"n": 1}, "either a protocol or here"),
    ],
)
def test_faults_of_the_page_itself(declared, cell, message):
    with pytest.raises(BuildError, match=message):
        Schema("page", declared, cell)


@pytest.fixture
def protocol(monkeypatch):
    def sweep(trials, **grid):
        return SimpleNamespace(trials=trials, grid=grid)

    profiles = {
        "smoke": sweep(2, n=[5], p=[0.5]),
        "quick": sweep(10, n=[20], p=[0.1, 0.5]),
        "paper": sweep(100, n=[200], p=[0.1, 0.5]),
    }
    found = SimpleNamespace(profiles=profiles)
    monkeypatch.setattr(experiments, "get", {"toy-bias": found}.__getitem__, raising=False)


@pytest.mark.usefixtures("protocol")
def test_values_come_from_a_protocol():
    source = {"from": "toy-bias"}
    declared = {
        "n": {"type": "int", **source},
        "trials": {"type": "int", **source},
        "p": {"type": "list[float]", **source},
    }
    schema = Schema("page", declared, {"n": 20, "trials": 10, "p": [0.1, 0.5]})
    assert schema.resolve("paper") == {"n": 200, "trials": 100, "p": [0.1, 0.5]}
    assert schema.resolve("smoke") == {"n": 5, "trials": 2, "p": [0.5]}


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize(
    ("name", "type_", "value", "message"),
    [
        ("n", "int", 30, r"n = 30 in the parameters cell, but 20 in profile quick of .* toy-bias"),
        ("m", "int", 1, r"has no parameter 'm'; did you mean 'n'|has no parameter 'm'; known"),
        ("p", "float", 0.1, r"sweeps p over \[0.1, 0.5\]; declare it as list\[float\]"),
    ],
)
def test_disagreement_with_a_protocol(name, type_, value, message):
    with pytest.raises(BuildError, match=message):
        Schema("page", {name: {"type": type_, "from": "toy-bias"}}, {name: value})
