"""The whole second moment of a stream of rows, made as it is read, here or on a Dask cluster.

The sizes of the profiles are steps on the way: 10⁷ rows of 10⁴ columns, 10⁸ entries, are
``mc.experiments.run("hajek-ten-million", n=10**7, d=10**4)``.
"""

import time
import zlib

import numpy as np

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.hajek._memory import forget_peak, peak_gigabytes
from mcrepro.moments import MixtureStream, accumulate


def trial(
    seed: np.random.SeedSequence, *, n: int, d: int, C: float, rank: int, workers: int, threads: int
) -> dict:
    """Add up all rows.

    Parameters
    ----------
    workers : int
        Processes of a local Dask cluster; 0 for none.
    threads : int
        Threads of this process, or of each worker.

    Returns
    -------
    dict
        ``entries``; ``pairs``: seen, i <= j; ``seconds``: by the clock, rows made included;
        ``cpu``: processor time of this process; ``gigabytes``: its peak memory;
        ``error``: ``||(T-bar - T)_Omega||_F / ||T_Omega||_F`` off the diagonal; ``expected_error``:
        the same from the law of the counts; ``digits``: checksum of all counts and sums.
    """
    stream = MixtureStream(n, d, C, rank, seed=int(seed.generate_state(1)[0]))
    accumulate([stream[len(stream) - 1][:10]], d)  # compile before the clock starts
    options = {"threads": threads, "progress": n >= 10**6}
    forget_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    if workers:
        moments, wall = _on_cluster(stream, d, workers, options)
    else:
        moments = accumulate(stream, d, **options)
    seconds, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gigabytes = peak_gigabytes()
    return {
        "entries": moments.n_entries,
        "pairs": moments.n_pairs,
        "seconds": seconds,
        "cpu": cpu,
        "gigabytes": gigabytes,
        **_errors(moments, stream),
    }


def _on_cluster(stream, d, workers, options):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        begin = time.perf_counter()
        return accumulate(stream, d, scheduler=cluster.scheduler_address, **options), begin


def _errors(moments, stream) -> dict:
    """Error of T-bar on Omega off the diagonal, and a checksum."""
    i, j, counts, sums = moments.pairs()
    u, share = stream.factors, stream.frequencies()
    misfit = size = noise = 0.0
    for begin in range(0, len(i), 1 << 20):
        part = slice(begin, begin + (1 << 20))
        products = u[:, i[part]] * u[:, j[part]]
        T, square = share @ products, share @ products**2
        off = i[part] != j[part]
        N = counts[part][off]
        misfit += np.sum((sums[part][off] / N - T[off]) ** 2)
        size += np.sum(T[off] ** 2)
        # A mean of N of n products, drawn without replacement.
        noise += np.sum((square - T**2)[off] / N * (stream.n - N) / (stream.n - 1))
    return {
        "error": float(np.sqrt(misfit / size)),
        "expected_error": float(np.sqrt(noise / size)),
        "digits": f"{zlib.crc32(sums.data, zlib.crc32(counts.data)):08x}",
    }


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    shared=("workers", "threads"),
    profiles={
        "smoke": Sweep({"n": 20_000, "d": 200, "C": 10.0, "rank": 5, "workers": 0, "threads": 1}),
        "quick": Sweep(
            {"n": 500_000, "d": 2000, "C": 10.0, "rank": 5, "workers": 0, "threads": [1, 2]}
        ),
        "paper": Sweep(
            {"n": 1_000_000, "d": 10_000, "C": 10.0, "rank": 5, "workers": 0, "threads": [1, 2]}
        ),
    },
)
