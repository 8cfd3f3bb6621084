"""Sparse methods stay sparse, and every answer travels."""

import subprocess
import sys

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers import _registry

SPARSE = [name for name in _registry.names() if not _registry.get(name).dense]

#: A 20,000 x 20,000 matrix in doubles takes 3.2 GB; a method that is sparse needs a small part of it.
PROGRAM = """
import resource, sys
import numpy as np
import mcrepro as mc
from mcrepro.solvers import _registry

n, m = 20_000, 2_000_000
rng = np.random.default_rng(0)
cells = np.unique(rng.integers(0, n * n, int(1.01 * m)))[:m]
rows, cols = np.divmod(cells, n)
left, right = rng.random((n, 3)), rng.random((n, 3))
problem = mc.Problem(rows, cols, np.einsum("ij,ij->i", left[rows], right[cols]), (n, n))
options = _registry.get(sys.argv[1]).options
given = {"max_iter": 2} if "max_iter" in options else {}
if "regularization" in options:
    given["regularization"] = 10.0
if "restarts" in options:
    given["restarts"] = 1
result = mc.complete(problem, sys.argv[1], rank=3, **given)
assert result.left.shape == (n, result.rank)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
@pytest.mark.parametrize("method", SPARSE)
def test_two_million_entries_of_a_huge_matrix_fit_in_little_memory(method):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, method], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_500_000, "kilobytes"


@pytest.mark.slow
def test_a_dask_worker_gives_the_same_answer_as_this_process():
    distributed = pytest.importorskip("distributed", reason="needs mcrepro[distributed]")
    rng = np.random.default_rng(0)
    truth = rng.random((12, 2)) @ rng.random((2, 10))
    problem = mc.Problem.from_dense(truth, rng.random(truth.shape) < 0.8)
    general = ("rectangular", "nonnegative")
    methods = [m for m in _registry.names() if any(g in _registry.get(m).setting for g in general)]
    assert {"bm", "gnmr", "lin_rfm", "nmf", "nuclear_norm", "soft_impute"} <= set(methods)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        there = client.gather([client.submit(mc.complete, problem, m, rank=2) for m in methods])
    for method, result in zip(methods, there, strict=True):
        here = mc.complete(problem, method, rank=2)
        np.testing.assert_allclose(result.matrix(), here.matrix(), atol=1e-9, err_msg=method)
        assert result.stop_reason == here.stop_reason
