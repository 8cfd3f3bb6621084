"""What an experiment is: one trial as a plain function, and the grids it is swept over.

A protocol is one module ``mcrepro/experiments/<paper>/<name>.py``. Its function ``trial`` computes
one trial from a seed and keyword-only parameters; its object ``PROTOCOL`` says which values the
parameters take in each profile::

    def trial(seed, *, n: int, p: float, method: str):
        problem = mc.instances.bernoulli(n, p, seed=np.random.default_rng(seed))
        result = mc.complete(problem, method, rank=1)
        return {"error": result.relative_error(problem.truth), "iterations": result.n_iter}

    PROTOCOL = Protocol(trial=trial, seed=2601, shared=("method",), profiles={
        "smoke": Sweep({"n": 10, "p": 0.5, "method": ["bm", "mean"]}, trials=2),
        "quick": Sweep({"n": [10, 30], "p": 0.5, "method": ["bm", "mean"]}, trials=20),
        "paper": Sweep({"n": [10, 30, 100], "p": 0.5, "method": ["bm", "mean"]}, trials=100),
    })
"""

import inspect
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mcrepro._near import near_miss
from mcrepro.errors import ParameterError
from mcrepro.experiments.profiles import PROFILES

# Arguments of `run` and columns of its table: a parameter of the same name could not be told apart.
RESERVED = ("name", "profile", "jobs", "backend", "progress", "cache", "trials", "trial", "seed")

_TYPES = {"int": int, "float": float, "str": str, "bool": bool, "None": type(None)}


@dataclass(frozen=True)
class Sweep:
    """The parameter values of one profile.

    Parameters
    ----------
    grid : mapping of str to value or list of values
        Every combination is run, the last name varying fastest. A value is a number, a string, a
        bool, None, or a list of such; a list value stands inside the list of values
        (``{"layers": [[10, 10], [20]]}``) and reaches the trial as a tuple.
    trials : int, default 1
        Trials for each combination.
    cells : sequence of mappings, default one empty mapping
        Combinations given one by one, for parameters that vary together; each is crossed with
        `grid`, and varies slower than it.

    Raises
    ------
    ParameterError
        If a value is of another type or stands there twice, if `trials` is not a positive integer,
        or if `grid` and `cells` name the same parameter.
    """

    grid: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 1
    cells: Sequence[Mapping[str, Any]] = ({},)

    def __post_init__(self) -> None:
        grid = {name: _values(name, given) for name, given in self.grid.items()}
        cells = tuple({k: plain_value(k, v) for k, v in cell.items()} for cell in self.cells)
        if not cells:
            raise ParameterError("cells must hold at least one combination; got none")
        for cell in cells:
            if cell.keys() != cells[0].keys():
                raise ParameterError(
                    f"every cell must name the same parameters; got {list(cells[0])} and {list(cell)}"
                )
            if both := sorted(cell.keys() & grid.keys()):
                raise ParameterError(f"{both[0]!r} is named by the grid and by the cells")
        if isinstance(self.trials, bool) or not isinstance(self.trials, int | np.integer):
            raise ParameterError(f"trials must be an integer; got {self.trials!r}")
        if self.trials < 1:
            raise ParameterError(f"trials must be at least 1; got {self.trials}")
        object.__setattr__(self, "grid", grid)
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "trials", int(self.trials))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters this sweep gives."""
        return (*self.cells[0], *self.grid)

    def combinations(self) -> list[dict[str, Any]]:
        """Every combination of parameter values, in the order of the table's rows."""
        products = [
            dict(zip(self.grid, values, strict=True))
            for values in itertools.product(*self.grid.values())
        ]
        return [{**cell, **product} for cell in self.cells for product in products]

    def values(self, name: str) -> list[Any]:
        """Distinct values of one parameter, from the grid or the cells, in their order."""
        check_known("parameter", name, self.names)
        return list({canonical(c[name]): c[name] for c in self.combinations()}.values())

    def override(self, changes: Mapping[str, Any]) -> "Sweep":
        """A sweep with other values for some parameters, or another number of `trials`."""
        changes = dict(changes)
        trials = changes.pop("trials", self.trials)
        rest = [{k: v for k, v in cell.items() if k not in changes} for cell in self.cells]
        cells = tuple({canonical(cell): cell for cell in rest}.values())
        return Sweep(grid={**self.grid, **changes}, trials=trials, cells=cells)


@dataclass(frozen=True)
class Protocol:
    """One experiment: the function of a trial, its seed and its profiles.

    Parameters
    ----------
    trial : callable
        ``trial(seed, *, ...)`` with a `numpy.random.SeedSequence` and keyword-only parameters,
        returning one row (a mapping of scalars) or a list of rows. Annotations `int`, `float`,
        `str`, `bool` and unions of them are checked, and an int becomes a float where a float is
        asked for. A parameter with a default may be left out of the sweeps.
    profiles : mapping of str to Sweep
        One sweep each for "smoke", "quick" and "paper".
    seed : int, default 0
        Enters the seed of every trial.
    exact : bool, default False
        The trial uses no randomness: it gets None for its seed, and runs once a combination.
    shared : sequence of str, default none
        Parameters that stay out of the trial's seed, so that all their values meet the same random
        instance.
    data : sequence of str, default none
        Names of the data sets (`mcrepro.data`) the trial reads; ``"{dataset}"`` stands for the
        value of the parameter of that name.

    Raises
    ------
    ParameterError
        If a sweep names a parameter the trial does not take or leaves one out, if a profile is
        missing or unknown, or if a value does not fit the trial's annotation.
    """

    trial: Callable[..., Any]
    profiles: Mapping[str, Sweep]
    seed: int = 0
    exact: bool = False
    shared: Sequence[str] = ()
    data: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("shared", "data"):
            if isinstance(getattr(self, name), str):
                raise ParameterError(f"{name} must be a sequence of names; got one string")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ParameterError(f"seed must be an integer; got {self.seed!r}")
        for name in self.parameters:
            if name in RESERVED:
                raise ParameterError(f"a trial cannot have a parameter called {name!r}")
        for name in self.shared:
            check_known("shared parameter", name, self.parameters)
        for name in re.findall(r"{(.*?)}", " ".join(self.data)):
            check_known("parameter named by data", name, self.parameters)
        for name in self.profiles:
            check_known("profile", name, PROFILES)
        for name in PROFILES:
            if name not in self.profiles:
                raise ParameterError(f"profile {name!r} is missing; need {', '.join(PROFILES)}")
            object.__setattr__(
                self, "profiles", {**self.profiles, name: self._fit(self.profiles[name])}
            )

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The trial's keyword-only parameters by name, in the order of its signature."""
        positional, *rest = inspect.signature(self.trial).parameters.values() or (None,)
        kinds = {parameter.kind for parameter in rest}
        if positional is None or positional.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise ParameterError("a trial needs one positional argument, its seed")
        if kinds - {inspect.Parameter.KEYWORD_ONLY}:
            raise ParameterError("a trial's parameters must be keyword-only: trial(seed, *, ...)")
        return {parameter.name: parameter for parameter in rest}

    def datasets(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the data sets that a trial with these parameters reads."""
        return tuple(name.format_map(parameters) for name in self.data)

    def sweep(self, profile: str, overrides: Mapping[str, Any] | None = None) -> Sweep:
        """The sweep of a profile, with some values replaced.

        Parameters
        ----------
        profile : {"smoke", "quick", "paper"}
        overrides : mapping, default none
            A value or a list of values for a parameter, or a number for "trials".

        Raises
        ------
        ParameterError
            If the profile or a name is unknown (the near miss is suggested), or a value unfit.
        """
        check_known("profile", profile, self.profiles)
        for name in overrides or ():
            check_known("parameter", name, (*self.parameters, "trials"))
        return self._fit(self.profiles[profile].override(overrides or {}))

    def _fit(self, sweep: Sweep) -> Sweep:
        """The sweep with the trial's defaults filled in and every value of the annotated type."""
        parameters = self.parameters
        for name in sweep.names:
            check_known("parameter", name, parameters)
        defaults = {}
        for name, parameter in parameters.items():
            if name not in sweep.names:
                if parameter.default is inspect.Parameter.empty:
                    raise ParameterError(f"no value for the trial's parameter {name!r}")
                defaults[name] = [parameter.default]
        if self.exact and sweep.trials != 1:
            raise ParameterError(f"an exact protocol runs one trial; got trials={sweep.trials}")
        grid = {
            name: [conform(parameters[name], value) for value in values]
            for name, values in {**sweep.grid, **defaults}.items()
        }
        cells = [{k: conform(parameters[k], v) for k, v in cell.items()} for cell in sweep.cells]
        if len({canonical(cell) for cell in cells}) < len(cells):
            raise ParameterError("the same cell is given twice")
        return replace(sweep, grid=grid, cells=cells)


def check_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise ParameterError, with the near miss, unless `name` is among the `known`."""
    known = list(known)
    if name not in known:
        raise ParameterError(f"unknown {kind} {name!r}{near_miss(name, known)}")


def canonical(value: Any) -> str:
    """The one JSON text of a value, from which keys and seeds are made."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def plain_value(name: str, value: Any) -> Any:
    """A parameter value as plain Python: NumPy scalars unpacked, lists as tuples."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return tuple(plain_value(name, item) for item in value)
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ParameterError(
            f"{name} must be a number, a string, a bool, None or a list of these; "
            f"got {type(value).__name__}"
        )
    if isinstance(value, float) and math.isnan(value):
        raise ParameterError(
            f"{name} must not be nan: it equals no value, so no trial is found by it"
        )
    return value


def conform(parameter: inspect.Parameter, value: Any) -> Any:
    """The value in the annotated type, or ParameterError.

    Only unions of plain types are judged; any other annotation takes every value.
    """
    if parameter.annotation is inspect.Parameter.empty:
        return value
    annotation = parameter.annotation
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    wanted = [part.strip() for part in text.split("|")]
    if not set(wanted) <= _TYPES.keys() or type(value) in [_TYPES[part] for part in wanted]:
        return value
    if "float" in wanted and type(value) is int:
        return float(value)  # 1 and 1.0 would otherwise be two cells with two seeds
    raise ParameterError(f"{parameter.name} must be {' or '.join(wanted)}; got {value!r}")


def _values(name: str, given: Any) -> tuple[Any, ...]:
    values = given if isinstance(given, list | tuple | range | np.ndarray) else [given]
    values = tuple(plain_value(name, value) for value in values)
    if not values:
        raise ParameterError(f"{name} has no values")
    if len({canonical(value) for value in values}) < len(values):
        raise ParameterError(f"{name} has the same value twice: {list(values)}")
    return values
