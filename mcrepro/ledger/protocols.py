"""What the ledger asks of a protocol: its statistics, and whether it is exact."""

import inspect
from collections.abc import Callable

import pandas as pd

from mcrepro import experiments
from mcrepro._near import did_you_mean

from .verdict import Computed


def statistic(protocol: str, name: str) -> Callable[[pd.DataFrame], Computed]:
    """Return the function `name` of the protocol's module.

    Raises
    ------
    ParameterError
        If there is no such protocol.
    ValueError
        If the module defines no public function of this name; the near miss is suggested.
    """
    module = experiments.module(protocol)
    functions = {
        key: value
        for key, value in inspect.getmembers(module, inspect.isfunction)
        if value.__module__ == module.__name__ and not key.startswith("_") and key != "trial"
    }
    if name not in functions:
        raise ValueError(
            f"protocol {protocol} has no statistic {name!r}{did_you_mean(name, functions)}"
        )
    return functions[name]


def is_exact(protocol: str) -> bool:
    """Tell whether the protocol is a proof or enumeration, without random trials."""
    return experiments.get(protocol).exact
