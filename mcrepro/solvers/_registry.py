"""Which methods there are: the public modules of this package, and whatever was registered.

A method is one function in the file that bears its name::

    @method("als", setting=..., cost=..., source=..., citation=...)
    def als(problem, rank, rng, loop, *, ridge=0.0, max_iter=500, rtol=1e-9): ...

Its options and their defaults are its keyword-only parameters; a `rank` with a default is optional.
It returns the `Outcome` of the loop. Nothing else has to be changed for it to be found.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcrepro._near import near_miss

_METHODS: dict[str, Method] = {}


@dataclass(frozen=True)
class Method:
    """A method and what a reader wants to know of it before choosing it."""

    name: str
    solve: Callable[..., Any]
    setting: str
    cost: str
    source: str
    citation: str
    dense: bool = False

    @cached_property
    def options(self) -> dict[str, Any]:
        """Options with their defaults."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.solve).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }

    @cached_property
    def needs_rank(self) -> bool:
        """Whether the method cannot do without a rank."""
        parameter = inspect.signature(self.solve).parameters["rank"]
        return parameter.default is parameter.empty


def method(name: str, *, setting: str, cost: str, source: str, citation: str, dense: bool = False):
    """Register a method.

    Parameters
    ----------
    name : str
        The name users call it by; inside the package also the name of its file.
    setting : str
        What matrices it is for.
    cost : str
        Cost of one iteration in m (observed entries), n1, n2 and r.
    source : str
        Section or equation it implements.
    citation : str
        The work it comes from.
    dense : bool, default False
        Whether it stores matrices with all n1 n2 entries.
    """

    def register(solve):
        known = _METHODS.get(name)
        if known is not None and known.solve.__module__ != solve.__module__:
            raise ValueError(
                f"method {name!r} is already registered by {known.solve.__module__}; "
                "choose another name"
            )
        _METHODS[name] = Method(name, solve, setting, cost, source, citation, dense)
        return solve

    return register


def names() -> list[str]:
    """Every method's name, without importing any of them."""
    import mcrepro.solvers as package

    files = {m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")}
    return sorted(files | set(_METHODS))


def get(name: str) -> Method:
    """The method of this name, imported if it was not yet."""
    if not isinstance(name, str):
        raise TypeError(f"method must be the name of a method, got {name!r}")
    if name not in _METHODS:
        known = names()
        if name not in known:
            raise ValueError(f"there is no method {name!r}{near_miss(name, known)}")
        importlib.import_module(f"mcrepro.solvers.{name}")
    return _METHODS[name]
