"""``python -m benchmarks [NAME ...]``: measure, and show medians and ratios.

Threads must be limited before NumPy is loaded, hence the late imports.
"""

import argparse
import fnmatch
import os
import sys

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(arguments=None) -> int:
    """Parse, measure, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", help="cases, or patterns such as '300-*'; all by default"
    )
    parser.add_argument("--list", action="store_true", help="show the cases and stop")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one seed and one round, into _build/benchmarks/quick.csv; "
        "otherwise book/reference/speed.csv",
    )
    parser.add_argument("--again", action="store_true", help="measure what is known too")
    parser.add_argument("--seeds", type=int, default=1000, help="at most so many of each case")
    parser.add_argument("--threads", type=int, default=1, help="for everybody (default 1)")
    options = parser.parse_args(arguments)
    for name in VARIABLES:
        os.environ[name] = str(options.threads)

    import pandas as pd

    from benchmarks import runner
    from benchmarks.cases import cases
    from mcrepro.errors import DataError

    known = cases()
    chosen = [
        name
        for name in known
        if not options.names or any(fnmatch.fnmatch(name, pattern) for pattern in options.names)
    ]
    for pattern in options.names:
        if not fnmatch.filter(known, pattern):
            print(f"error: no case matches {pattern!r}; --list shows them", file=sys.stderr)
            return 2
    if options.list:
        for name in chosen:
            print(f"{name:16s} {known[name].title}")
        return 0

    table = runner.Table(
        runner.QUICK if options.quick else runner.TABLE, runner.environment(options.threads)
    )
    for name in chosen:
        known_rows = table.rows
        if options.again:
            table.rows = {key: row for key, row in known_rows.items() if key[0] != name}
        try:
            runner.run(
                known[name],
                table,
                seeds=1 if options.quick else options.seeds,
                rounds=1 if options.quick else 1000,
                say=lambda line: print(line, flush=True),
            )
        except DataError as error:
            table.rows = known_rows
            print(f"{name}: left out: {error}", file=sys.stderr)
    frame = table.frame()
    if len(frame):
        seen = runner.summary(frame[frame["case"].isin(chosen)])
        columns = ["case", "contender", "cpu", "seconds", "error", "recovered", "seeds", "ratio"]
        with pd.option_context("display.width", 120, "display.max_rows", None):
            print(seen[columns].to_string(index=False, float_format="%.3g"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
