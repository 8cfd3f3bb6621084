"""Checks of arguments that several modules share; each names the argument, what came and what is needed."""

from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np

from mcrepro._near import did_you_mean


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the strings `allowed`."""
    allowed = list(allowed)
    if not isinstance(value, str) or value not in allowed:
        expected = ", ".join(map(repr, allowed))
        raise ValueError(
            f"{name} must be one of {expected}, got {value!r}{did_you_mean(value, allowed)}"
        )
    return value


def flag(name: str, value: object) -> bool:
    """Return `value` if it is a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as an int with ``low <= value <= high``."""
    bound = f"at least {low}" if high is None else f"between {low} and {high}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer {bound}, got {value!r}")
    number = int(value)
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name} must be {bound}, got {value}")
    return number


def real(
    name: str, value: object, low: float = -np.inf, high: float = np.inf, *, open_low: bool = False
) -> float:
    """Return `value` as a finite float in ``[low, high]`` (``(low, high]`` with `open_low`)."""
    bound = f"in {'(' if open_low or low == -np.inf else '['}{low:g}, {high:g}"
    bound += ")" if high == np.inf else "]"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number {bound}, got {value!r}")
    number = float(value)
    if not np.isfinite(number) or not low <= number <= high or (open_low and number == low):
        raise ValueError(f"{name} must be {bound}, got {value}")
    return number


def reals(name: str, given: object) -> np.ndarray:
    """Return an array of real numbers; float32 and float64 as they are, all else as float64."""
    array = np.asarray(given)
    if array.dtype in (np.float32, np.float64):
        return array
    if array.dtype == bool or not np.issubdtype(array.dtype, np.number):
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if np.issubdtype(array.dtype, np.complexfloating):
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array.astype(np.float64)


def generator(seed: object) -> np.random.Generator:
    """A NumPy generator from an integer seed, a ``SeedSequence`` or a ``Generator`` (used as it is)."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, np.random.SeedSequence):
        return np.random.default_rng(seed)
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, Integral):
        raise TypeError(
            "seed must be a non-negative integer, a numpy.random.SeedSequence or a "
            f"numpy.random.Generator, got {seed!r}"
        )
    return np.random.default_rng(integer("seed", seed, 0))
