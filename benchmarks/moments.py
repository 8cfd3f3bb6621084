"""Co-occurrence counts and sums of ultra-sparse rows, beside what a user would write.

``python -m benchmarks.moments`` measures, each in a process of its own so that memory can be told
apart, and writes ``book/reference/moments.csv``. All get the same rows in memory, and all must
return the same counts. ``--stream`` runs ten million rows instead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "book" / "reference" / "moments.csv"
STREAM = TABLE.with_name("ten_million.csv")
QUICK = ROOT / "_build" / "benchmarks" / "moments.csv"


@dataclass(frozen=True)
class Contender:
    """One way to get counts and sums.

    Attributes
    ----------
    title : str
    role : {"ours", "reference", "peer"}
    package : str
        Module that must be installed.
    prepare : callable
        Rows to what `work` gets; not measured.
    work : callable
        To be measured.
    check : callable
        The result to (number of pairs i <= j, sum of their counts, sum of their sums).
    """

    title: str
    role: str
    package: str
    prepare: Callable[[Any, int], Any]
    work: Callable[[Any], Any]
    check: Callable[[Any], tuple]


# -- ours -----------------------------------------------------------------------------------------


def second_moment(rows_threads):
    """`mcrepro.SecondMoment`, whatever it keeps the pairs in."""
    import mcrepro as mc

    rows, threads = rows_threads
    return mc.SecondMoment(rows.shape[1], threads=threads).update(rows)


def check_second_moment(moments):
    """By its own list of pairs."""
    _, _, counts, sums = moments.pairs()
    return len(counts), int(counts.sum()), float(sums.sum())


# -- a plain kernel -------------------------------------------------------------------------------


def scatter(rows):
    """Two loops over each row, adding into the triangle as the pairs come."""
    import numpy as np

    n_cells = rows.shape[1] * (rows.shape[1] + 1) // 2
    counts, sums = np.zeros(n_cells, np.int32), np.zeros(n_cells)
    _scatter()(rows.indptr, rows.indices, rows.data, rows.shape[1], counts, sums)
    return counts, sums


def _scatter():
    import numba
    import numpy as np

    global _compiled
    if _compiled is None:

        @numba.njit
        def add(indptr, indices, values, d, counts, sums):
            for k in range(len(indptr) - 1):
                for a in range(indptr[k], indptr[k + 1]):
                    i = np.int64(indices[a])
                    start = i * d - (i * (i - 1)) // 2 - i
                    for b in range(a, indptr[k + 1]):
                        cell = np.uint64(start + indices[b])
                        counts[cell] += 1
                        sums[cell] += values[a] * values[b]

        _compiled = add
    return _compiled


_compiled: Any = None


def check_scatter(result):
    """By the cells that are not zero."""
    import numpy as np

    counts, sums = result
    return int(np.count_nonzero(counts)), int(counts.sum(dtype=np.int64)), float(sums.sum())


# -- products of sparse matrices ------------------------------------------------------------------


def indicator_and_rows(rows, _threads):
    """The mask as numbers, and the rows."""
    import numpy as np
    import scipy.sparse as sp

    ones = np.ones(rows.nnz)
    return sp.csr_array((ones, rows.indices, rows.indptr), shape=rows.shape), rows


def scipy_products(both):
    """I^T I and A^T A."""
    shown, rows = both
    return shown.T @ shown, rows.T @ rows


def mkl_grams(both):
    """The same by MKL, the upper triangle only."""
    import scipy.sparse as sp
    from sparse_dot_mkl import gram_matrix_mkl

    # It takes matrices, not arrays; this copies nothing.
    return tuple(gram_matrix_mkl(sp.csr_matrix(array)) for array in both)


def check_products(result):
    """By the upper triangles."""
    import numpy as np
    import scipy.sparse as sp

    counts, sums = (sp.triu(array, format="csr") for array in result)
    return counts.nnz, int(np.rint(counts.data.sum())), float(sums.data.sum())


# -- a join ---------------------------------------------------------------------------------------


def table(rows, threads):
    """A DuckDB table of the triples."""
    import duckdb
    import numpy as np
    import pandas as pd

    database = duckdb.connect(config={"threads": threads})
    user = np.repeat(np.arange(rows.shape[0], dtype=np.int32), np.diff(rows.indptr))
    database.register("triples", pd.DataFrame({"u": user, "i": rows.indices, "x": rows.data}))
    database.execute("create table r as select * from triples")
    return database


def self_join(database):
    """Pairs of entries of one row, grouped by their columns."""
    database.execute(
        "create or replace table pairs as select a.i i, b.i j, count(*) n, sum(a.x * b.x) s "
        "from r a join r b on a.u = b.u and a.i <= b.i group by a.i, b.i"
    )
    return database


def check_join(database):
    """By the table of pairs."""
    row = database.execute("select count(*), sum(n), sum(s) from pairs").fetchone()
    return int(row[0]), int(row[1]), float(row[2])


def _with_threads(rows, threads):
    return rows, threads


def _as_they_are(rows, _threads):
    return rows


CONTENDERS = {
    "ours": Contender(
        "SecondMoment", "ours", "numba", _with_threads, second_moment, check_second_moment
    ),
    "scatter": Contender(
        "plain one-pass loop (numba, one thread)",
        "reference",
        "numba",
        _as_they_are,
        scatter,
        check_scatter,
    ),
    "mkl": Contender(
        "two MKL Gram matrices",
        "peer",
        "sparse_dot_mkl",
        indicator_and_rows,
        mkl_grams,
        check_products,
    ),
    "duckdb": Contender("DuckDB self-join", "peer", "duckdb", table, self_join, check_join),
    "scipy": Contender(
        "two SciPy products (one thread)",
        "peer",
        "scipy",
        indicator_and_rows,
        scipy_products,
        check_products,
    ),
}


def measure(name: str, n: int, d: int, C: float, threads: int) -> dict:
    """Time and memory of one contender in this process; compiled and imported before."""
    from mcrepro.moments import MixtureStream

    contender = CONTENDERS[name]
    (tiny,) = MixtureStream(1000, 50, 3.0, rank=5, chunk=1000)
    contender.check(contender.work(contender.prepare(tiny, threads)))
    (rows,) = MixtureStream(n, d, C, rank=5, chunk=n)
    given = contender.prepare(rows, threads)
    before = _resident(reset=True)
    cpu, wall = time.process_time(), time.perf_counter()
    result = contender.work(given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = _resident() - before
    pairs, count, total = contender.check(result)
    return {
        "contender": name,
        "title": contender.title,
        "role": contender.role,
        "n": n,
        "d": d,
        "C": C,
        "entries": rows.nnz,
        "threads": threads,
        "seconds": wall,
        "cpu": cpu,
        "gigabytes": memory / 1e9,
        "pairs": pairs,
        "additions": count,
        "sum": total,
    }


def _resident(reset: bool = False) -> int:
    """Bytes now (`reset`: and the peak begins anew), or at the peak since then; Linux only."""
    status = Path("/proc/self/status").read_text()
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    field = "VmRSS:" if reset else "VmHWM:"
    return 1024 * int(status.split(field)[1].split()[0])


def main(arguments=None) -> int:
    """Measure in turn, round by round, so that all share the weather; print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CONTENDERS)}; all by default")
    parser.add_argument("-n", type=int, default=1_000_000, help="rows (default 10⁶)")
    parser.add_argument("-d", type=int, default=10_000, help="columns (default 10⁴)")
    parser.add_argument("-C", type=float, default=10.0, help="entries a row (default 10)")
    parser.add_argument("--threads", type=int, default=2, help="for everybody (default 2)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="do not replace the table of the book")
    parser.add_argument(
        "--stream",
        action="store_true",
        help="instead: 10⁷ rows of 10⁴ columns as a stream, here and on two Dask workers, "
        "into book/reference/ten_million.csv",
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    size = options.n, options.d, options.C, options.threads
    if options.one:
        print(json.dumps(measure(options.one, *size)))
        return 0
    if options.stream:
        return stream()
    for name in options.names:
        if name not in CONTENDERS:
            parser.error(f"no contender {name!r}; there are {', '.join(CONTENDERS)}")

    import pandas as pd

    rows = []
    for number in range(options.rounds):
        for name in options.names or CONTENDERS:
            if util.find_spec(CONTENDERS[name].package) is None:
                continue
            row = _in_a_process(name, options)
            rows.append({**row, "round": number, "load": os.getloadavg()[0]})
            print(f"{name:8s} {row['seconds']:8.2f} s  {row['gigabytes']:.2f} GB", flush=True)
    frame = pd.DataFrame(rows)
    agree(frame)
    print(summary(frame).to_string(index=False, float_format="%.3g"))
    write(frame, QUICK if options.quick or options.names else TABLE, options.threads)
    return 0


def stream() -> int:
    """The run of ten million rows."""
    import mcrepro as mc

    size = {"n": 10**7, "d": 10**4, "threads": 2}
    frame = mc.experiments.run("hajek-ten-million", "paper", workers=[0, 2], **size)
    print(frame.T.to_string())
    write(frame, STREAM, threads=2)
    return 0


def write(frame, path: Path, threads: int) -> None:
    """The table, and beside it where it was measured."""
    from benchmarks import runner

    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, float_format="%.6g")
    where = runner.environment(threads)
    path.with_suffix(".json").write_text(json.dumps(where, indent=2) + "\n")


def _in_a_process(name, options) -> dict:
    threads = str(options.threads)
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    size = ["-n", options.n, "-d", options.d, "-C", options.C, "--threads", options.threads]
    command = [sys.executable, "-m", "benchmarks.moments", "--one", name, *map(str, size)]
    environment = {**os.environ, **dict.fromkeys(variables, threads), **_where_mkl_is()}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _where_mkl_is() -> dict[str, str]:
    """The library of the package mkl lies where no loader looks."""
    try:
        files = metadata.files("mkl") or []
    except metadata.PackageNotFoundError:
        return {}
    found = [file for file in files if file.name.startswith("libmkl_rt.")]
    return {"MKL_RT": str(found[0].locate().resolve())} if found else {}


def agree(frame) -> None:
    """Raise unless all counted the same, and summed the same up to rounding."""
    for column in ("pairs", "additions"):
        if frame[column].nunique() != 1:
            raise RuntimeError(f"they disagree:\n{frame[['contender', column]].to_string()}")
    if frame["sum"].max() - frame["sum"].min() > 1e-9 * frame["additions"].max():
        raise RuntimeError(f"they disagree:\n{frame[['contender', 'sum']].to_string()}")


def summary(frame):
    """Medians over rounds, and how many times as long and as large as ours."""
    columns = ["seconds", "cpu", "gigabytes"]
    shown = frame.groupby(["contender", "title"], sort=False)[columns].median().reset_index()
    base = shown[shown["contender"] == "ours"]
    if len(base):
        shown["times as long"] = shown["seconds"] / base["seconds"].item()
        shown["times the memory"] = shown["gigabytes"] / base["gigabytes"].item()
    return shown


if __name__ == "__main__":
    sys.exit(main())
