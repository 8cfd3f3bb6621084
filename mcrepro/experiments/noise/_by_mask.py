"""Reductions of tables with one mask a trial: the mask is the unit of inference."""

from collections.abc import Sequence

import pandas as pd

from mcrepro.experiments.statistics import Estimate, mean


def by_mask(table: pd.DataFrame, column: str = "successes") -> pd.DataFrame:
    """Share of runs by mask (rows: n, p, trial) and method; "ceiling" and "small_start" beside.

    Runs on one mask share its luck: the mask is the unit of inference.
    """
    shares = table.assign(share=table[column] / table["runs"])
    keys = ["n", "p", "trial"]
    wide = shares.pivot_table(index=keys, columns="method", values="share")
    return wide.join(table.groupby(keys)[["ceiling", "small_start"]].first())


def rates(table: pd.DataFrame, column: str = "successes") -> pd.DataFrame:
    """Mean over masks with its interval, one row for each n, p and method."""
    wide = by_mask(table, column)
    rows = []
    for (n, p), part in wide.groupby(["n", "p"]):
        for name in part:
            values = part[name].dropna()
            if values.empty:  # a method that was not run here
                continue
            found = mean(values)
            interval = {"value": found.value, "low": found.low, "high": found.high}
            rows.append({"n": n, "p": p, "method": name, **interval, "masks": found.n})
    return pd.DataFrame(rows)


def lead(
    table: pd.DataFrame, method: str, other: str, n: Sequence[int], p: Sequence[float]
) -> Estimate:
    """Mean over masks of the difference of two methods' success rates, at the given n and p.

    Masks of all cells count alike, equally many in each; those that met one method only are left out.
    """
    wide = by_mask(table).reset_index()
    here = wide[wide["n"].isin(n) & wide["p"].isin(p)]
    differences = (here[method] - here[other]).dropna()
    if differences.empty:
        raise ValueError(f"no masks with n in {list(n)}, p in {list(p)} that met both methods")
    return mean(differences, bound=1)
