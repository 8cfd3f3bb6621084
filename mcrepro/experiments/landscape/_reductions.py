"""Reductions that several protocols of the folder share."""

import numpy as np
import pandas as pd

from mcrepro.experiments.statistics import Estimate, mean, rate


def growth(table: pd.DataFrame, column: str, by: str = "d") -> Estimate:
    """Exponent with which a ratio to a bound O(·) grows: its log-log slope against `by`.

    A constant that serves all sizes exists only if the exponent is 0 or less. One slope is
    fitted to the k-th trials of all sizes, for each k; the estimate is their mean.
    """
    grid = table.pivot_table(index="trial", columns=by, values=column)
    size = np.log(grid.columns.to_numpy(dtype=float))
    if len(size) < 2:
        raise ValueError(f"a slope needs two values of {by}; the table has {len(size)}")
    size = size - size.mean()
    return mean(np.log(grid.to_numpy()) @ size / (size @ size))


def share(outcomes: pd.Series) -> Estimate:
    """Share of true outcomes."""
    return rate(int(outcomes.sum()), len(outcomes))
