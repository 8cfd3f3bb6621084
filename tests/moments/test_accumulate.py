"""The same digits here, in pieces, on a cluster that loses a worker, and after a kill."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp

from mcrepro import SecondMoment, instances
from mcrepro.data import Checkpoint
from mcrepro.errors import DataError
from mcrepro.moments import MixtureStream, accumulate

D = 60
STREAM = MixtureStream(n=5000, d=D, C=4.0, rank=3, seed=1, chunk=300)  # 17 chunks


@pytest.fixture(scope="module")
def expected():
    return accumulate(STREAM, D)


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="needs mcrepro[distributed]")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as running:
        yield running


def rounding(one, other):
    """Sums as different as another order of addition makes them, counts equal."""
    np.testing.assert_array_equal(one.counts.toarray(), other.counts.toarray())
    np.testing.assert_allclose(one.sums.toarray(), other.sums.toarray(), rtol=1e-12, atol=1e-13)
    assert (one.n_rows, one.n_entries) == (other.n_rows, other.n_entries)


# -- the stream -----------------------------------------------------------------------------------


def test_stream_is_the_sampled_mixture():
    rows = sp.vstack(list(STREAM), format="csr")
    assert rows.shape == (5000, D)
    assert rows.has_sorted_indices
    n_entries = rows.nnz
    assert abs(n_entries - 5000 * 4.0) < 5 * np.sqrt(5000 * 4.0)
    factors, values = STREAM.factors, rows.toarray()
    np.testing.assert_allclose(factors @ factors.T, np.eye(3), atol=1e-12)
    fits = [np.all((values == 0) | (values == u), axis=1) for u in factors]
    assert np.all(np.any(fits, axis=0))


def test_frequencies_make_the_truth():
    whole = MixtureStream(n=500, d=7, C=7.0, rank=3, chunk=60)  # p = 1
    M = sp.vstack(list(whole)).toarray()
    T = (whole.factors.T * whole.frequencies()) @ whole.factors
    np.testing.assert_allclose(T, M.T @ M / 500, atol=1e-14)


def test_stream_chunks_do_not_depend_on_how_they_are_asked_for():
    again = MixtureStream(n=5000, d=D, C=4.0, rank=3, seed=1, chunk=300)
    assert (again[5] != STREAM[5]).nnz == 0
    assert (STREAM[4] != STREAM[5]).nnz > 0
    assert [chunk.shape[0] for chunk in STREAM] == [300] * 16 + [200]
    assert MixtureStream(n=50, d=4, C=4.0, rank=2)[0].nnz == 200  # p = 1
    with pytest.raises(IndexError, match="between 0 and 16, got 17"):
        STREAM[17]


def test_positions_are_bernoulli():
    stream = MixtureStream(n=20_000, d=10, C=1.0, rank=1)
    counts = np.diff(stream[0].indptr)
    law = [0.9**10, 10 * 0.1 * 0.9**9, 45 * 0.01 * 0.9**8]
    seen = [np.mean(counts == k) for k in range(3)]
    np.testing.assert_allclose(seen, law, atol=5 * np.sqrt(0.25 / 20_000))
    columns = np.bincount(stream[0].indices, minlength=10) / 20_000
    np.testing.assert_allclose(columns, 0.1, atol=5 * np.sqrt(0.09 / 20_000))


# -- one result, however it is computed -----------------------------------------------------------


def test_parts_add_up(expected):
    whole = SecondMoment(D).update(sp.vstack(list(STREAM), format="csr"))
    rounding(expected, whole)
    for per_part in (1, 5, 100):
        rounding(accumulate(STREAM, D, per_part=per_part), whole)
    # In one part the order of addition is that of the rows.
    assert accumulate(STREAM, D, per_part=100) == whole


def test_any_source_any_threads_any_storage(expected):
    assert accumulate(list(STREAM), D) == expected
    assert accumulate(iter(STREAM), D) == expected
    assert accumulate(STREAM, D, threads=3, progress=True) == expected
    rounding(accumulate(STREAM, D, storage="sparse"), expected)


def test_nothing_comes():
    assert accumulate([], D) == SecondMoment(D)


def test_refusals(cluster):
    with pytest.raises(TypeError, match="chunks must be an iterable of sparse arrays, got csr_arr"):
        accumulate(STREAM[0], D)
    with pytest.raises(ValueError, match=r"rows must have shape \(n, 61\), got \(300, 60\)"):
        accumulate(STREAM, D + 1)
    with pytest.raises(ValueError, match=r"rows must have shape \(n, 61\), got \(300, 60\)"):
        accumulate(STREAM, D + 1, scheduler=cluster.scheduler_address)
    with pytest.raises(ConnectionError, match="no Dask scheduler answers at nonsense://x"):
        accumulate(STREAM, D, scheduler="nonsense://x")


# -- Dask -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [STREAM, list(STREAM)], ids=["stream", "list"])
def test_cluster_gives_every_digit(cluster, expected, source):
    assert accumulate(source, D, scheduler=cluster.scheduler_address) == expected


def test_dask_collections(cluster, expected):
    bag = pytest.importorskip("dask.bag")
    import dask
    import dask.array as da

    address = cluster.scheduler_address
    blocks = [dask.delayed(STREAM[k]) for k in range(len(STREAM))]
    assert accumulate(blocks, D) == expected
    assert accumulate(blocks, D, scheduler=address) == expected

    in_bag = bag.from_sequence(range(len(STREAM)), npartitions=17).map(STREAM.__getitem__)
    assert accumulate(in_bag, D, scheduler=address) == expected
    assert accumulate(in_bag, D) == expected

    M = instances.mixture_rows(40, D, 2, seed=0)
    array = da.from_array(M, chunks=(10, D)).map_blocks(sp.csr_array, dtype=float)
    assert accumulate(array, D) == SecondMoment(D).update(sp.csr_array(M))
    with pytest.raises(ValueError, match="blocks of whole rows, got 2 blocks side by side"):
        accumulate(da.from_array(M, chunks=(10, 30)).map_blocks(sp.csr_array, dtype=float), D)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_lost_worker_changes_nothing(cluster, tmp_path, expected):
    dask = pytest.importorskip("dask")
    log = tmp_path / "begun.log"
    stream = STREAM

    def slow(k):
        with open(log, "a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.1)
        return stream[k]

    def kill():
        while not log.exists() or len(log.read_text().split()) < 6:
            time.sleep(0.01)
        killed.append(int(log.read_text().split()[-1]))
        os.kill(killed[0], signal.SIGKILL)

    killed = []
    killer = threading.Thread(target=kill)
    killer.start()
    chunks = [dask.delayed(slow)(k) for k in range(len(stream))]
    moments = accumulate(chunks, D, scheduler=cluster.scheduler_address)
    killer.join()
    assert killed
    assert killed[0] != os.getpid()
    begun = [int(pid) for pid in log.read_text().split()]
    assert len(begun) > len(stream), "the kill came too late to cost anything"
    assert moments == expected


# -- checkpoints ----------------------------------------------------------------------------------


class Counted:
    """Chunks that are counted as they are taken; the source fails at one of them."""

    def __init__(self, fail_at=None):
        self.taken, self.fail_at = 0, fail_at

    def __iter__(self):
        for k, chunk in enumerate(STREAM):
            if k == self.fail_at:
                raise OSError("the disk is gone")
            self.taken += 1
            yield chunk


def test_resumes_after_a_failure(tmp_path, expected):
    checkpoint = Checkpoint(tmp_path / "moments")
    with pytest.raises(OSError, match="the disk is gone"):
        accumulate(Counted(fail_at=10), D, checkpoint=checkpoint)
    held = checkpoint.load()
    assert int(held["chunks"]) == 8
    assert SecondMoment.from_state(held) == accumulate(list(STREAM)[:8], D)
    assert accumulate(STREAM, D, checkpoint=checkpoint) == expected
    # Nothing is left to be done.
    assert accumulate(STREAM, D, checkpoint=checkpoint) == expected
    checkpoint.remove()
    assert checkpoint.load() is None


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / "moments")
    accumulate(STREAM, D, checkpoint=checkpoint)
    other = MixtureStream(n=5000, d=D, C=4.0, rank=3, seed=2, chunk=300)
    with pytest.raises(ValueError, match="the checkpoint is of other data"):
        accumulate(other, D, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="is of 60 columns, not of 61"):
        accumulate(STREAM, D + 1, checkpoint=checkpoint)
    for fewer in (list(STREAM)[:5], iter(list(STREAM)[:5])):
        with pytest.raises(ValueError, match="the checkpoint has 17 chunks, but there are 5"):
            accumulate(fewer, D, checkpoint=checkpoint)
    content = checkpoint.path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"text"):
        checkpoint.path.write_bytes(damaged)
        with pytest.raises(DataError, match="cannot be read"):
            accumulate(STREAM, D, checkpoint=checkpoint)
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 1
    checkpoint.path.write_bytes(bytes(flipped))
    with pytest.raises(DataError, match="cannot be read"):
        accumulate(STREAM, D, checkpoint=checkpoint)
    with pytest.raises(DataError, match="there is no folder"):
        Checkpoint(tmp_path / "nowhere" / "moments")


PROGRAM = """
import sys, time
from mcrepro.data import Checkpoint
from mcrepro.moments import MixtureStream, accumulate

class Slow(MixtureStream):
    def __getitem__(self, k):
        time.sleep(0.05)
        with open(sys.argv[1], "a") as file:
            file.write(f"{k}\\n")
        return super().__getitem__(k)

stream = Slow(n=5000, d=60, C=4.0, rank=3, seed=1, chunk=300)
accumulate(stream, 60, checkpoint=Checkpoint(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_killed_half_way(tmp_path, expected):
    log, path = tmp_path / "made.log", tmp_path / "moments"
    command = [sys.executable, "-c", PROGRAM, log, path]
    process = subprocess.Popen(command)
    while not log.exists() or len(log.read_text().split()) < 12:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    held = int(Checkpoint(path).load()["chunks"])
    assert 0 < held < 17
    before = len(log.read_text().split())
    assert subprocess.run(command, check=True).returncode == 0
    made = [int(k) for k in log.read_text().split()[before:]]
    # The first chunk is looked at, to see that it is the same data.
    assert made == [0, *range(held, 17)]
    assert SecondMoment.from_state(Checkpoint(path).load()) == expected
