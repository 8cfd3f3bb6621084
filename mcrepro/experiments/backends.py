"""Who computes the trials: this process, local worker processes, or a Dask cluster.

Each backend is a generator over the trials as they are finished *and stored*. Local workers store a
trial themselves the moment they have it, so that killing this process loses nothing; a cluster's
workers may see no common disk, so there this process stores what comes back.
"""

import concurrent.futures
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mcrepro.errors import McreproError
from mcrepro.experiments.protocol import canonical
from mcrepro.experiments.source import identity, source_hash
from mcrepro.experiments.store import Store
from mcrepro.experiments.trial import ExperimentError, Trial, compute

CONNECT_SECONDS = 10

# Workers wait this long for the next run; after a killed parent they end on their own.
IDLE_SECONDS = 30


class WorkerTraceback(Exception):
    """Traceback of another process, as text; the cause of an error that is raised here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def local(
    trials: Sequence[Trial], path: Path, common: dict[str, Any], jobs: int
) -> Iterator[Trial]:
    """Compute on this machine, in this process if `jobs` is 1.

    After a trial has failed no further one is begun, those under way are finished and stored, and
    then the error is raised.
    """
    if jobs == 1:
        for trial in trials:
            compute_and_store(trial, path)
            yield trial
        return

    import joblib

    failures: list[tuple[McreproError, str]] = []

    def calls() -> Iterator[Any]:
        for trial in trials:
            if failures:
                return
            yield joblib.delayed(_guarded_local)(trial, path, common)

    with joblib.parallel_config(
        "loky", n_jobs=jobs, inner_max_num_threads=1, idle_worker_timeout=IDLE_SECONDS
    ):
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        try:
            for trial, failure in parallel(calls()):
                if failure:
                    failures.append(failure)
                else:
                    yield trial
        except concurrent.futures.BrokenExecutor as error:
            raise ExperimentError(
                "a worker process was killed, or ran out of memory; the finished trials are kept: "
                "run again, perhaps with fewer jobs"
            ) from error
    if failures:
        _raise(failures)


def dask(
    trials: Sequence[Trial], path: Path, common: dict[str, Any], address: str
) -> Iterator[Trial]:
    """Compute on the Dask cluster whose scheduler has this address.

    Workers need this package with the same source, environment and data; they refuse otherwise.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ExperimentError(
            "a Dask backend needs the extra packages of mcrepro[distributed]"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ExperimentError(f"no Dask scheduler answers at {address}: {error}") from error

    with client, Store(path) as store:
        futures = {
            client.submit(_guarded_remote, trial, common, pure=False): trial for trial in trials
        }
        try:
            for future in as_completed(list(futures), loop=client.loop):
                trial = futures.pop(future)
                try:
                    done, failure = future.result()
                except Exception as error:  # the cluster's own: a lost worker, a message too large
                    raise ExperimentError(f"{trial} was lost by the cluster: {error}") from error
                if failure:
                    _raise([failure])
                store.put(trial, *done)
                yield trial
        finally:
            client.cancel(list(futures))


def compute_and_store(trial: Trial, path: Path) -> None:
    """Compute a trial and keep it, unless another run has kept it in the meantime."""
    with Store(path) as store:
        if store.get(trial.key) is None:
            store.put(trial, *_computed(trial))


def _computed(trial: Trial) -> tuple[str, float]:
    """The rows and seconds of a trial, if the source is still that of its key.

    A module that a trial is the first to need is imported hours after the key was made.
    """
    done = compute(trial)
    source_hash(trial.protocol)
    return done


def check_same(name: str, common: dict[str, Any]) -> None:
    """Refuse to compute where source, environment or data are not those of the asking process.

    A worker outlives a run, so it may have imported an older source than the one on its disk.
    """
    asked = canonical(common)
    if (name, asked) in _checked:
        return
    source_hash(name)
    here = identity(name, common["data"])
    different = [part for part in common if here[part] != common[part]]
    if different:
        raise ExperimentError(
            f"a worker's {' and '.join(different)} for {name} differs from that of the process "
            "that asks: use the same version on both sides, and restart the workers"
        )
    _checked.add((name, asked))


_checked: set[tuple[str, str]] = set()


def _guarded_local(trial: Trial, path: Path, common: dict[str, Any]) -> Any:
    try:
        check_same(trial.protocol, common)
        compute_and_store(trial, path)
    except McreproError as error:
        return trial, (error, traceback.format_exc())
    return trial, None


def _guarded_remote(trial: Trial, common: dict[str, Any]) -> Any:
    try:
        check_same(trial.protocol, common)
        return _computed(trial), None
    except McreproError as error:
        return None, (error, traceback.format_exc())


def _raise(failures: list[tuple[McreproError, str]]) -> None:
    error, text = failures[0]
    raise error from WorkerTraceback(text)
