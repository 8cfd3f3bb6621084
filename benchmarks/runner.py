"""Measure cases, and keep what was measured: every row is written as soon as it is known.

A row that is already in the table is not measured again while nothing that decides it has changed:
the contender's code and setting, its version, the case, and for this package's methods every file
of the folder that the case names. A table made on another machine, or with another number of
threads, is begun anew.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import statistics
import time
from datetime import date
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

import mcrepro
from benchmarks.cases import Case
from benchmarks.contenders import Contender
from mcrepro.experiments.provenance import commit

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "book" / "reference" / "speed.csv"
QUICK = ROOT / "_build" / "benchmarks" / "quick.csv"
ENOUGH = 2.0  # seconds after which a contender is not timed once more
KEY = ["case", "contender", "seed"]
PACKAGES = ["numpy", "scipy", "numba", "cvxpy", "scs", "pymanopt", "cmfrec", "tensorly"]
PACKAGES += ["scikit-surprise"]


class Table:
    """Rows measured so far, in a CSV file, with a JSON file beside it that says where.

    Parameters
    ----------
    path : Path
        Of the CSV file.
    environment : dict
        From `environment`; rows measured in another one are dropped.
    """

    def __init__(self, path: Path, environment: dict):
        self.path, self.environment = path, environment
        self.rows: dict[tuple, dict] = {}
        if path.is_file() and self.described().get("machine") == environment["machine"]:
            for row in pd.read_csv(path).to_dict("records"):
                self.rows[tuple(row[k] for k in KEY)] = row

    def described(self) -> dict:
        """What the file beside the table says."""
        path = self.path.with_suffix(".json")
        return json.loads(path.read_text()) if path.is_file() else {}

    def has(self, key: tuple, source: str) -> bool:
        """Whether this was measured, and still counts."""
        return key in self.rows and self.rows[key]["source"] == source

    def add(self, row: dict) -> None:
        """Add or replace a row, and write the file whole."""
        self.rows[tuple(row[k] for k in KEY)] = row
        self.write()

    def frame(self) -> pd.DataFrame:
        """All rows."""
        return pd.DataFrame(self.rows.values())

    def write(self) -> None:
        """Replace both files."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        texts = {
            self.path: self.frame().to_csv(index=False, float_format="%.4g"),
            self.path.with_suffix(".json"): json.dumps(self.environment, indent=2) + "\n",
        }
        for path, text in texts.items():
            temporary = path.with_name(f".{path.name}.part")
            temporary.write_text(text)
            os.replace(temporary, path)


def environment(threads: int) -> dict:
    """Machine, threads and versions."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    machine = {"processor": _processor(), "cores": os.cpu_count(), "threads": threads}
    return {"machine": machine, "versions": versions}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def run(case: Case, table: Table, *, seeds: int, rounds: int, say=print) -> None:
    """Measure what the table lacks of a case.

    Parameters
    ----------
    case : Case
    table : Table
    seeds, rounds : int
        At most so many; the case may want fewer.
    say : callable
        Gets one line for each row.
    """
    contenders = [c for c in case.contenders if c.available]
    for seed in range(min(seeds, case.seeds)):
        missing = [
            c
            for c in contenders
            if (c.seeds is None or seed < c.seeds)
            and not table.has((case.name, c.name, seed), source(case, c))
        ]
        if not missing:
            continue
        task = case.task(seed)
        for row in measure(case, task, missing, min(rounds, case.rounds)):
            table.add(row)
            say(
                f"{case.name:14s} seed {seed}  {row['contender']:18s} {row['cpu']:9.3f} s "
                f"(wall {row['seconds']:.3f})  {case.metric} {row['error']:.2g}"
            )


def measure(case: Case, task, contenders, rounds: int):
    """Rows of one task; rounds go through all contenders in turn, so that they share the weather."""
    for contender in contenders:
        warm_up(case, contender)
    times: dict[str, list] = {c.name: [] for c in contenders}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    for number in range(rounds):
        for c in contenders:
            spent = times[c.name]
            if sum(cpu for _, cpu in spent) <= ENOUGH:
                cpu, wall = _processor_time(), time.perf_counter()
                answer = c.solve(task)
                spent.append((time.perf_counter() - wall, _processor_time() - cpu))
                error = task.score(answer)
                del answer
                if number + 1 < rounds and sum(cpu for _, cpu in spent) <= ENOUGH:
                    continue
                yield _row(case, task, c, spent, error, load)


def _row(case, task, c, spent, error, load):
    wall, cpu = (statistics.median(column) for column in zip(*spent, strict=True))
    return {
        "group": case.group,
        "case": case.name,
        "title": case.title,
        "x": case.x,
        "contender": c.name,
        "role": c.role,
        "setting": c.setting,
        "seed": task.seed,
        "metric": case.metric,
        "error": error,
        "reference": task.reference,
        "success": bool(error <= task.goal),
        "seconds": wall,
        "cpu": cpu,
        "rounds": len(spent),
        "load": load,
        "version": mcrepro.__version__,
        "commit": commit(),
        "date": date.today().isoformat(),
        "source": source(case, c),
    }


def _processor_time() -> float:
    """Seconds of this process and of its finished children."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


_warm: set[tuple[str, str]] = set()


def warm_up(case: Case, contender: Contender) -> None:
    """Pay once, unmeasured, for imports and compilation."""
    key = (case.group, contender.name)
    if key not in _warm:
        contender.solve(case.task(0, tiny=True))
        _warm.add(key)


def source(case: Case, contender: Contender) -> str:
    """A short hash of everything that decides a row."""
    task, keywords = case.task, {}
    while isinstance(task, partial):
        keywords, task = task.keywords | keywords, task.func
    parts = [contender.source, inspect.getsource(task), str(sorted(keywords.items()))]
    if contender.role != "peer":
        folder = Path(mcrepro.__file__).parent / case.code
        parts += [p.read_text() for p in sorted(folder.glob("*.py"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each case and contender: medians over seeds, and the ratio to the fastest of ours.

    Returns
    -------
    DataFrame
        With "cpu", "seconds" and "error" (medians), "recovered" (successes of seeds), and "ratio":
        the median over seeds of its time over that of the fastest of this package's methods which
        succeeded on every seed; NaN where none did.
    """
    rows = []
    for _, part in table.groupby("case", sort=False):
        ours = part[part["role"] == "ours"]
        sure = ours.groupby("contender").filter(lambda g: g["success"].all())
        best = sure.groupby("contender")["cpu"].median().idxmin() if len(sure) else None
        base = sure[sure["contender"] == best].set_index("seed")["cpu"] if best else None
        for contender, g in part.groupby("contender", sort=False):
            seen = g.set_index("seed")["cpu"]
            ratio = float((seen / base).median()) if best else np.nan
            rows.append(
                {
                    **g.iloc[0][["group", "case", "title", "x", "role", "setting"]].to_dict(),
                    "contender": contender,
                    "cpu": g["cpu"].median(),
                    "seconds": g["seconds"].median(),
                    "error": g["error"].median(),
                    "reference": g["reference"].median(),
                    "recovered": int(g["success"].sum()),
                    "seeds": len(g),
                    "ratio": ratio,
                    "fastest": contender == best,
                }
            )
    return pd.DataFrame(rows)
