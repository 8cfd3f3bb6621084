"""The protocols hajek-heldout and hajek-full on the data that the book does not contain.

``python -m benchmarks.ratings`` writes ``book/reference/ratings.csv``, the scores of every split;
``--only NAME`` replaces those of one set. ``--known`` writes ``book/reference/known.csv`` instead, the
errors on the matrices that are known in full. The data are downloaded, or looked for in the folder
that ``MCREPRO_DATA`` names.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

import mcrepro as mc

TABLE = Path(__file__).resolve().parents[1] / "book" / "reference" / "ratings.csv"
KNOWN = TABLE.with_name("known.csv")

#: Columns kept, splits, and the rank of the completed rows, which are left out where they are slow.
SETS = {
    "ml-100k": (200, 8, 5),
    "ml-1m": (200, 8, 5),
    "amazon23-video-games-500": (500, 8, 5),
    "amazon-toys": (1000, 8, 0),
    "epinions": (1000, 8, 0),
}


def scores(dataset: str) -> pd.DataFrame:
    """Scores at two entries a row, a row for each split, estimate and part of the pairs."""
    columns, trials, completion = SETS[dataset]
    table = mc.experiments.run(
        "hajek-heldout",
        profile="paper",
        trials=trials,
        dataset=dataset,
        columns=columns,
        C=2.0,
        ranks=[[1]],
        completion=completion,
    )
    kept = ["columns", "C", "trial", "estimate", "part", "pairs", "squared", "shown"]
    return table[kept].assign(dataset=dataset)


def known_in_full() -> pd.DataFrame:
    """Errors at eight entries a row, a row for each matrix, trial and estimate."""
    table = mc.experiments.run(
        "hajek-full", profile="paper", dataset=["1000g", "los-loop"], C=[8.0]
    )
    return table[["dataset", "C", "trial", "estimate", "seen_error", "error", "angle"]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratings", description=__doc__)
    parser.add_argument("--only", choices=SETS, help="measure this set, keep the others")
    parser.add_argument("--known", action="store_true", help="the matrices known in full instead")
    given = parser.parse_args(arguments)
    if given.known:
        known_in_full().to_csv(KNOWN, index=False, float_format="%.6g")
        return
    chosen = given.only
    old = pd.read_csv(TABLE) if TABLE.is_file() else pd.DataFrame(columns=["dataset"])
    for dataset in [chosen] if chosen else SETS:
        old = pd.concat([old[old["dataset"] != dataset], scores(dataset)], ignore_index=True)
    order = {name: k for k, name in enumerate(SETS)}
    old = old.sort_values("dataset", key=lambda names: names.map(order), kind="stable")
    old.to_csv(TABLE, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
