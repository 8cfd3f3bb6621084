"""Computing one trial: its seed, its key, its rows."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcrepro.errors import DataError, McreproError
from mcrepro.experiments import registry
from mcrepro.experiments.protocol import Protocol, canonical
from mcrepro.experiments.threads import one_thread


class ExperimentError(McreproError):
    """A trial failed, or the workers that should compute it did."""


@dataclass(frozen=True)
class Trial:
    """One trial to compute.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    parameters : dict
        Values of all its parameters.
    number : int
        Counts the trials of one combination from 0.
    key : str
        Sha256 of all that decides the trial's rows.
    """

    protocol: str
    parameters: dict[str, Any]
    number: int
    key: str

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"{self.protocol}, trial {self.number} of {given}"


def make(
    name: str, protocol: Protocol, identity: Mapping, parameters: dict[str, Any], number: int
) -> Trial:
    """The trial of one combination and number, with its key."""
    data = {each: identity["data"][each] for each in protocol.datasets(parameters)}
    decides = {
        "protocol": name,
        "seed": None if protocol.exact else protocol.seed,
        "parameters": parameters,
        "trial": number,
        **identity,
        "data": data,
    }
    key = hashlib.sha256(canonical(decides).encode()).hexdigest()
    return Trial(name, parameters, number, key)


def seed_sequence(
    name: str, protocol: Protocol, parameters: Mapping[str, Any], number: int
) -> np.random.SeedSequence | None:
    """The seed of a trial: of its protocol, its parameters that are not shared, and its number.

    It knows nothing of the profile, the other values in the grid or the worker, so that "paper"
    meets the instances that "quick" has computed. None for an exact protocol.
    """
    if protocol.exact:
        return None
    own = {key: value for key, value in parameters.items() if key not in protocol.shared}
    text = canonical([protocol.seed, name, own, number])
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest()))


def compute(trial: Trial) -> tuple[str, float]:
    """Run a trial on one thread.

    Returns
    -------
    rows : str
        Its rows, a list of objects, in JSON: floats are exact, NaN and infinities allowed.
    seconds : float

    Raises
    ------
    ExperimentError
        If the trial raises or returns something else than rows; it names the trial.
    DataError
        As the trial raises it: its message says what to do.
    """
    protocol = registry.get(trial.protocol)
    seed = seed_sequence(trial.protocol, protocol, trial.parameters, trial.number)
    try:
        with one_thread():
            start = time.perf_counter()
            returned = protocol.trial(seed, **trial.parameters)
            seconds = time.perf_counter() - start
        rows = plain_rows(returned, taken=(*trial.parameters, "trial"))
    except DataError:
        raise
    except Exception as error:
        raise ExperimentError(f"{trial} failed: {type(error).__name__}: {error}") from error
    return json.dumps(rows), seconds


def plain_rows(returned: Any, taken: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What a trial returned as a list of rows of plain Python scalars.

    Raises
    ------
    TypeError
        If it is not a mapping or a list of mappings, or a field is not a scalar.
    ValueError
        If there is no row, or a field has the name of a column that is `taken`.
    """
    rows = [returned] if isinstance(returned, Mapping) else returned
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(
            f"a trial returns a mapping or a list of them; got {type(returned).__name__}"
        )
    if not rows:
        raise ValueError("a trial returns at least one row; got an empty list")
    return [{_field(name, taken): _scalar(name, row[name]) for name in row} for row in rows]


def _field(name: Any, taken: tuple[str, ...]) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a field's name must be a string; got {name!r}")
    if name in taken:
        raise ValueError(f"field {name!r} has the name of a parameter's column; call it otherwise")
    return name


def _scalar(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    kind = type(value).__name__
    if hasattr(value, "shape"):
        kind = f"an array of shape {value.shape}; reduce it, or return a row for each entry"
    raise TypeError(f"field {name!r} must be a number, a string, a bool or None; got {kind}")
