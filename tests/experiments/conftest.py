"""Toy protocols for the engine's tests, found as a user's own are."""

from pathlib import Path

import numpy as np
import pytest

PROTOCOLS = Path(__file__).parent / "protocols"


@pytest.fixture(scope="session", autouse=True)
def _toy_protocols():
    """Worker processes inherit the variable, so it is set before the first of them starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCREPRO_PROTOCOLS", str(PROTOCOLS))
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A store of its own for each test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MCREPRO_CACHE", str(folder))
    return folder


@pytest.fixture
def log(tmp_path):
    """File in which the trials of toy-logged note that they were begun."""
    path = tmp_path / "begun.log"
    path.touch()
    return path


@pytest.fixture
def same_bits():
    """Assertion that two tables agree in columns, types and every bit of every number."""

    def check(one, other):
        assert list(one.columns) == list(other.columns)
        assert list(one.dtypes) == list(other.dtypes)
        assert len(one) == len(other)
        for name in one.columns:
            if one[name].dtype == np.float64:
                left, right = one[name].to_numpy().copy(), other[name].to_numpy().copy()
                np.testing.assert_array_equal(left.view(np.int64), right.view(np.int64), name)
            else:
                assert one[name].tolist() == other[name].tolist()

    return check


@pytest.fixture(scope="session")
def cluster(_toy_protocols):
    """Address of a Dask scheduler with two worker processes."""
    distributed = pytest.importorskip("distributed", reason="needs mcrepro[distributed]")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as running:
        yield running.scheduler_address
