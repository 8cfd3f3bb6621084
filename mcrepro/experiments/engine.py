"""Running a protocol: every trial computed once, stored, and read back as one tidy table."""

import json
import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import mcrepro
from mcrepro.errors import ParameterError
from mcrepro.experiments import backends, registry, source
from mcrepro.experiments import trial as trials_
from mcrepro.experiments.protocol import Protocol
from mcrepro.experiments.provenance import commit
from mcrepro.experiments.store import Record, Store, cache_dir
from mcrepro.experiments.trial import Trial

PROGRESS = "MCREPRO_PROGRESS"
JOBS = "MCREPRO_JOBS"


def run(
    name: str,
    /,
    profile: str = "quick",
    jobs: int | None = None,
    backend: str = "local",
    progress: bool | None = None,
    cache: str | os.PathLike | None = None,
    **overrides: Any,
) -> pd.DataFrame:
    """Run a protocol's trials and return them as a table.

    A trial that was computed before, by any profile or an interrupted run, is read from the store.
    The table does not depend on `jobs` or `backend`, to the last bit.

    Parameters
    ----------
    name : str
        Name of the protocol, one of `names()`.
    profile : {"quick", "smoke", "paper"}
    jobs : int, optional
        Worker processes on this machine; 1 computes in this process. By default the environment
        variable ``MCREPRO_JOBS``, which a build of the book sets to a chapter's share, or else 1.
    backend : str, default "local"
        "local", or the address of a Dask scheduler, as "tcp://127.0.0.1:8786".
    progress : bool, default None
        Show a progress bar. None shows it where standard error is a terminal, or the environment
        variable ``MCREPRO_PROGRESS`` is 1.
    cache : path, default `cache_dir()`
        Folder of the stores.
    **overrides
        A value or a list of values for a parameter of the protocol, in place of the profile's, or
        ``trials``, their number.

    Returns
    -------
    pandas.DataFrame
        One row for each row of each trial, in the order of the grid. Columns: the parameters, in
        the order of the trial's signature; ``trial``; the fields that the trial returns. In
        ``attrs["provenance"]``, all plain JSON values: protocol, profile, overrides, parameters
        (every value of each), trials (of a combination), exact, seed, version, commit, source
        (short hash), environment, data (fingerprints) and seconds (sum over the trials, measured
        where each was computed).

    Raises
    ------
    ParameterError
        For an unknown protocol, profile or parameter, and for a value that does not fit.
    ExperimentError
        If a trial or a worker fails. Finished trials are kept.
    CacheError
        If the store is damaged or cannot be written.
    DataError
        If a data set of the protocol cannot be had.
    """
    if jobs is None:
        text = os.environ.get(JOBS, "1")
        if not text.isdecimal():
            raise ParameterError(f"{JOBS} must be a positive integer; got {text!r}")
        jobs = int(text)
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise ParameterError(f"jobs must be a positive integer; got {jobs!r}")
    if backend != "local" and "://" not in backend:
        raise ParameterError(f"backend must be 'local' or a scheduler's address; got {backend!r}")
    source.source_hash(name)  # before the import, which may then be no older than the hash
    protocol = registry.get(name)
    sweep = protocol.sweep(profile, overrides)
    combinations = [_ordered(protocol, parameters) for parameters in sweep.combinations()]
    common = source.identity(
        name,
        sorted({each for parameters in combinations for each in protocol.datasets(parameters)}),
    )
    trials = [
        trials_.make(name, protocol, common, parameters, number)
        for parameters in combinations
        for number in range(sweep.trials)
    ]
    path = (Path(cache) if cache is not None else cache_dir()) / f"{name}.sqlite"

    with Store(path) as store:
        records = {trial.key: store.get(trial.key) for trial in trials}
        missing = [trial for trial in trials if records[trial.key] is None]
        if missing:
            _mix(missing)
            if backend == "local":
                finished = backends.local(missing, path, common, jobs)
            else:
                finished = backends.dask(missing, path, common, backend)
            for trial in _shown(finished, name, len(trials), len(missing), progress):
                records[trial.key] = store.get(trial.key)

    table = _table(trials, records)
    table.attrs["provenance"] = {
        "protocol": name,
        "profile": profile,
        "overrides": {
            key: sweep.trials if key == "trials" else _plain(sweep.values(key)) for key in overrides
        },
        "parameters": {key: _plain(sweep.values(key)) for key in protocol.parameters},
        "trials": sweep.trials,
        "exact": protocol.exact,
        "seed": None if protocol.exact else protocol.seed,
        "version": mcrepro.__version__,
        "commit": commit(),
        "source": common["source"][:12],
        "environment": dict(common["environment"]),
        "data": dict(common["data"]),
        "seconds": sum(record.seconds for record in records.values() if record is not None),
    }
    return table


def describe(name: str) -> pd.DataFrame:
    """The profiles of a protocol: one row each, with its number of trials and parameter values.

    Returns
    -------
    pandas.DataFrame
        Index ``profile``; columns ``combinations``, ``trials`` (of each combination), and one for
        each parameter, holding the list of its values.
    """
    protocol = registry.get(name)
    rows = {}
    for profile, sweep in protocol.profiles.items():
        values = {key: sweep.values(key) for key in protocol.parameters}
        rows[profile] = {
            "combinations": len(sweep.combinations()),
            "trials": sweep.trials,
            **values,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("profile")


def _mix(trials: list[Trial]) -> None:
    """Put trials in a random order, in which they are computed; the table keeps the grid's.

    The time left is then estimated from a fair sample of small and large, and two runs of one sweep
    at once share the work instead of walking in step.
    """
    random.Random().shuffle(trials)


def _ordered(protocol: Protocol, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parameters[name] for name in protocol.parameters}


def _plain(value: Any) -> Any:
    """The value as JSON gives it back: tuples become lists."""
    return json.loads(json.dumps(value))


def _table(trials: Sequence[Trial], records: Mapping[str, Record | None]) -> pd.DataFrame:
    # Always from the stored text, so that a computed and a cached table cannot differ.
    rows = []
    for trial in trials:
        record = records[trial.key]
        assert record is not None, f"{trial} was reported finished but is not in the store"
        rows += [
            {**trial.parameters, "trial": trial.number, **row} for row in json.loads(record.rows)
        ]
    return pd.DataFrame(rows)


def _shown(
    finished: Iterator[Trial], name: str, total: int, missing: int, progress: bool | None
) -> Iterator[Trial]:
    """The finished trials, with a progress bar that does not count the cached ones as speed."""
    if progress is None:
        progress = os.environ.get(PROGRESS) == "1" or sys.stderr.isatty()
    from tqdm import tqdm

    bar = tqdm(
        finished,
        name,
        total,
        initial=total - missing,
        disable=not progress,
        unit="trial",
        postfix=f"cached {total - missing} of {total}",
        dynamic_ncols=True,
    )
    with bar:
        yield from bar
