"""The near miss in an error message: one wording, one idea of what is near, for the whole package."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """``"; did you mean 'x'?"`` for the known name closest to `name`, empty if none is close.

    Upper and lower case, and hyphens and underscores, count as equal.
    """
    folded = {_fold(candidate): str(candidate) for candidate in known}
    close = get_close_matches(_fold(name), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def near_miss(name: object, known: Iterable[object]) -> str:
    """As `did_you_mean`; where nothing is close, the known names in their order."""
    known = list(known)
    return did_you_mean(name, known) or "; known: " + (", ".join(map(repr, known)) or "none")


def _fold(name: object) -> str:
    return str(name).lower().replace("-", "_")
