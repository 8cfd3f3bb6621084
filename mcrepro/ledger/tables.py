"""The tables behind the reference: one small CSV a protocol, and what they were computed with.

``book/reference/tables/<protocol>.csv`` holds the paper profile's table itself where that is at most
`LIMIT` bytes, and else the mean, standard deviation and count of every numeric column in each group
of equal parameters; from those, means and rates with their intervals can still be computed.
``book/reference/environment.json`` says which, and names commit, date, machine, versions and
computing time.
"""

import datetime
import json
import os
import platform
from collections.abc import Iterable
from importlib import metadata
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mcrepro
from mcrepro import experiments
from mcrepro.errors import DataError
from mcrepro.experiments import provenance
from mcrepro.experiments.source import COMPUTING

from .entries import LedgerError
from .reference import PATH

FOLDER = PATH.parent
LIMIT = 40_000
"""Bytes that a table may have as it is."""

FULL, MEANS = "full", "means"


def settled_commit() -> str:
    """Return the commit of the package's code as it is now.

    Raises
    ------
    LedgerError
        If the code is of no commit: outside a checkout, or where the package differs from it.
    """
    provenance.commit.cache_clear()  # commits may have come since this process asked
    commit = provenance.commit()
    if commit == "unknown" or commit.endswith("+dirty"):
        raise LedgerError(
            f"a reference names the commit that made it, and the code is of commit {commit!r}; "
            "commit the changes in mcrepro/ first"
        )
    return commit


def compact(table: pd.DataFrame, parameters: Iterable[str]) -> tuple[str, pd.DataFrame]:
    """Return a table as it is kept: whole if it is small, else its groups' means.

    Parameters
    ----------
    table : DataFrame
        What `mcrepro.experiments.run` returned.
    parameters : iterable of str
        Names of the columns that are parameters. Columns of text, and the place of a row in its
        trial, part the groups too, as far as that is small enough.

    Returns
    -------
    kind : {"full", "means"}
    kept : DataFrame
        For "means": the columns of the groups, then ``<column>_mean``, ``_std`` and ``_count`` of
        each other column; missing values are not counted.
    """
    if len(to_text(table)) <= LIMIT:
        return FULL, table
    parameters = list(parameters)
    texts = [name for name in text_columns(table) if name not in parameters]
    # Lists and missing values make no groups: their texts do, and stand in the CSV all the same.
    keys = table[parameters + texts].map(_cell)
    place = table.groupby([*(keys[name] for name in parameters), "trial"], dropna=False).cumcount()
    if place.any():
        keys["row"] = place
    values = table.drop(columns=[*parameters, *texts, "trial"]).astype(float)
    for groups in (list(keys), parameters + texts, parameters):
        means = values.groupby([keys[name] for name in groups], dropna=False, sort=False)
        kept = means.agg(["mean", "std", "count"])
        kept.columns = ["_".join(pair) for pair in kept.columns.to_flat_index()]
        kept = kept.reset_index()
        if len(to_text(kept)) <= LIMIT:
            break
    return MEANS, kept


def text_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold anything but numbers, truths and missing values."""
    return [
        str(name)
        for name in table.columns
        if not all(isinstance(value, Number | np.bool_) for value in table[name].dropna())
    ]


def to_text(table: pd.DataFrame) -> str:
    """Return a table as CSV, lists in it as JSON; every number comes back as it was."""
    return table.map(_cell).to_csv(index=False, lineterminator="\n")


def load_table(protocol: str, folder: Path | None = None) -> pd.DataFrame:
    """Return the kept table of a protocol, as far as it was kept.

    Raises
    ------
    LedgerError
        If there is none.
    """
    path = (FOLDER if folder is None else folder) / "tables" / f"{protocol}.csv"
    if not path.is_file():
        raise LedgerError(f"no reference table of {protocol}: {path.name} is missing")
    records = {n: r for run in load_environment(folder) for n, r in run["protocols"].items()}
    texts = records[protocol]["text"]
    table = pd.read_csv(
        path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(texts, object)
    )
    for name in table.columns:
        if name in texts:
            table[name] = [_listed(cell) for cell in table[name]]
        elif table[name].dtype == object:  # truths, some of them missing
            table[name] = table[name].replace({"True": True, "False": False})
    return table


def load_environment(folder: Path | None = None) -> list[dict[str, Any]]:
    """Return the runs that made the reference; an empty list where there is none yet."""
    path = (FOLDER if folder is None else folder) / "environment.json"
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.is_file() else []


def save_tables(
    protocols: Iterable[str], commit: str, folder: Path | None = None, jobs: int | None = None
) -> Path:
    """Run protocols in the paper profile and keep their tables.

    Finished trials are read from the cache. The source is hashed again on the way, so a change of
    the code since they were computed shows. A protocol whose data are not to be had is left out.

    Parameters
    ----------
    protocols : iterable of str
    commit : str
        The commit of this code; see `settled_commit`.
    folder : Path, optional
        Where to write; ``book/reference`` by default. Protocols not named keep what they have.
    jobs : int, optional
        Worker processes for trials that are missing.

    Returns
    -------
    Path
        ``environment.json``, which names every table.
    """
    folder = FOLDER if folder is None else folder
    done = {}
    for name in protocols:
        try:
            table = experiments.run(name, profile="paper", jobs=jobs)
        except DataError:
            continue
        record = table.attrs["provenance"]
        kind, kept = compact(table, experiments.get(name).parameters)
        _write(folder / "tables" / f"{name}.csv", to_text(kept))
        done[name] = {
            "table": kind,
            "text": text_columns(kept),
            "rows": len(table),
            **{key: record[key] for key in ("trials", "seed", "source", "data")},
            "seconds": round(record["seconds"], 3),
        }
    path = folder / "environment.json"
    runs = _merged(load_environment(folder), done, commit)
    _write(path, json.dumps({"runs": runs}, indent=1) + "\n")
    return path


def _merged(runs: list[dict], done: dict[str, dict], commit: str) -> list[dict]:
    """Return the runs with one more; protocols that it repeats leave the earlier ones."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    new = {"commit": commit, "date": today, "machine": _machine(), "versions": _versions()}
    merged = []
    for run in runs:
        if all(run[key] == new[key] for key in new):
            done = run["protocols"] | done
            continue
        rest = {name: record for name, record in run["protocols"].items() if name not in done}
        if rest:
            merged.append(run | {"papers": _papers(rest), "protocols": rest})
    done = dict(sorted(done.items()))
    return [*merged, new | {"papers": _papers(done), "protocols": done}]


def _papers(records: dict[str, dict]) -> dict[str, float]:
    """Return the computing time of each paper's protocols."""
    seconds: dict[str, float] = {}
    for name, record in records.items():
        paper = name.partition("-")[0]
        seconds[paper] = round(seconds.get(paper, 0.0) + record["seconds"], 3)
    return seconds


def _machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system()}


def _versions() -> dict[str, str]:
    versions = {"mcrepro": mcrepro.__version__, "python": platform.python_version()}
    for package in (*COMPUTING, "pandas", "sympy"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return versions


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def _cell(value: Any) -> Any:
    """Return a cell as CSV has it: a list as JSON."""
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _listed(cell: Any) -> Any:
    """Return a cell of text, a list if it is one."""
    return tuple(json.loads(cell)) if isinstance(cell, str) and cell.startswith("[") else cell
