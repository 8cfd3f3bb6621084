"""A method is one file: put it into the folder, and everything else finds it."""

import sys

import pytest

import mcrepro as mc
import mcrepro.solvers
from mcrepro.solvers import _registry

SOURCE = '''
"""Every unobserved entry is a constant."""

import numpy as np

from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._registry import method


@method("one_file", setting="any", cost="O(m)", source="here", citation="nobody")
def one_file(problem, rank=None, rng=None, loop=None, *, value=0.0):
    return loop(_points(problem, value), max_iter=0, rtol=1e-9)


def _points(problem, value):
    left, right = np.full((problem.shape[0], 1), value), np.ones((problem.shape[1], 1))
    misfit = np.linalg.norm(problem.values - value)
    yield Iterate(left, right, misfit**2, residual=misfit / np.linalg.norm(problem.values))
'''


@pytest.fixture
def _one_more_file(tmp_path, monkeypatch):
    (tmp_path / "one_file.py").write_text(SOURCE)
    monkeypatch.setattr(mcrepro.solvers, "__path__", [*mcrepro.solvers.__path__, str(tmp_path)])
    yield
    _registry._METHODS.pop("one_file", None)
    sys.modules.pop("mcrepro.solvers.one_file", None)
    vars(mcrepro.solvers).pop("one_file", None)


@pytest.mark.usefixtures("_one_more_file")
def test_a_new_file_is_a_new_method():
    row = mc.methods().set_index("name").loc["one_file"]
    assert row["options"] == {"value": 0.0}
    assert row["cost"] == "O(m)"

    problem = mc.Problem([0, 1], [1, 0], [2.0, 2.0], (2, 3))
    result = mc.complete(problem, "one_file", value=2.0)
    assert result.matrix().tolist() == [[2.0] * 3] * 2
    assert result.certificate["residual"] == 0
    assert result.citation == "nobody"
    with pytest.raises(TypeError, match="did you mean 'value'"):
        mc.complete(problem, "one_file", valeu=2.0)


def test_without_the_file_there_is_no_method():
    assert "one_file" not in set(mc.methods()["name"])
    with pytest.raises(ValueError, match="there is no method 'one_file'"):
        mc.complete(mc.Problem([0], [0], [1.0], (1, 1)), "one_file")
