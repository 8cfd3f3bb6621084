import pytest

import mcrepro as mc
from mcrepro.experiments import ExperimentError, backends

from .sweeps import begun, recorded

run = mc.experiments.run


def test_a_cluster_gives_the_same_bits(cluster, tmp_path, same_bits):
    one = run("toy-walk", jobs=1, cache=tmp_path / "one")
    same_bits(one, run("toy-walk", backend=cluster, cache=tmp_path / "cluster"))


def test_what_a_cluster_computed_is_kept(cluster, log):
    run("toy-logged", backend=cluster, log=str(log), pause=0.0)
    assert len(begun(log)) == 40
    run("toy-logged", log=str(log), pause=0.0)
    assert len(begun(log)) == 40


def test_a_failing_trial_is_named(cluster, cache):
    with pytest.raises(ExperimentError, match=r"rank=2.*ZeroDivisionError: rank is two") as caught:
        run("toy-odd", returns="fail", rank=[1, 2], backend=cluster)
    assert "odd.py" in str(caught.value.__cause__)
    assert len(run("toy-odd", returns="fail", rank=1)) == recorded(cache, "toy-odd") == 1


def test_workers_with_another_source_refuse(cluster, monkeypatch):
    real = backends.dask

    def changed(missing, path, common, address):
        return real(missing, path, {**common, "source": "0" * 64}, address)

    monkeypatch.setattr(backends, "dask", changed)
    with pytest.raises(ExperimentError, match="a worker's source for toy-walk differs"):
        run("toy-walk", backend=cluster)


def test_no_scheduler_at_the_address(monkeypatch):
    pytest.importorskip("distributed", reason="needs mcrepro[distributed]")
    monkeypatch.setattr(backends, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ExperimentError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run("toy-walk", backend="tcp://127.0.0.1:9")
    with pytest.raises(ExperimentError, match=r"no Dask scheduler answers at nonsense://x"):
        run("toy-walk", backend="nonsense://x")
