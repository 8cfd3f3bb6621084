"""The number of entries a column that unique recovery needs: where 29 comes from.

Every form in which the condition of Pimentel-Alarcón, Boston and Nowak is quoted, evaluated for a
50 x 50 matrix, with either logarithm and either reading of "probability .8".
"""

import math

import pandas as pd
from scipy import stats

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import recovery_conditions


def trial(_: None, *, form: str, base: str, failure: float, d: int, p: float) -> dict:
    """Evaluate one form.

    Parameters
    ----------
    base : {"e", "10"}
        Of the logarithm.
    failure : float
        .2 for success .8; .8 if the .8 itself was put in.

    Returns
    -------
    dict
        ``entries``: rounded up; ``one_column``: P(Bin(d, p) ≥ entries); ``log10_all``: the decimal
        logarithm of that to the power d, for all columns at once.
    """
    number = math.e if base == "e" else float(base)
    entries = math.ceil(recovery_conditions.column_entries(form, d, failure, number))
    log_tail = float(stats.binom.logsf(entries - 1, d, p)) if entries <= d else -math.inf
    return {
        "entries": entries,
        "one_column": math.exp(log_tail),
        "log10_all": d * log_tail / math.log(10) if entries <= d else None,
    }


def _entries(table: pd.DataFrame, form: str, base: str, failure: float) -> Estimate:
    part = table[(table["form"] == form) & (table["base"] == base) & (table["failure"] == failure)]
    return exact(part["entries"].iloc[0])


def twelve_decimal(table: pd.DataFrame) -> Estimate:
    """12 log10(50/.2)."""
    return _entries(table, "12 log(d/q)", "10", 0.2)


def nine_decimal(table: pd.DataFrame) -> Estimate:
    """9 log10(50/.8) + 12."""
    return _entries(table, "9 log(d/q) + 12", "10", 0.8)


def nine_natural(table: pd.DataFrame) -> Estimate:
    """9 ln(50/.2) + 12."""
    return _entries(table, "9 log(d/q) + 12", "e", 0.2)


def twelve_natural(table: pd.DataFrame) -> Estimate:
    """12 (ln(50/.2) + 1)."""
    return _entries(table, "12 (log(d/q) + 1)", "e", 0.2)


def twenty_nine_in_one_column(table: pd.DataFrame) -> Estimate:
    """P(Bin(50, .3) ≥ 29)."""
    return exact(table.loc[table["entries"] == 29, "one_column"].iloc[0])


_ALL = Sweep(
    {
        "form": list(recovery_conditions.COLUMN_FORMULAS),
        "base": ["e", "10"],
        "failure": [0.2, 0.8],
        "d": 50,
        "p": 0.3,
    }
)

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
