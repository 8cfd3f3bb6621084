"""The friendly layer: `complete` checks and dispatches, `methods` lists what it can dispatch to."""

from __future__ import annotations

import time
from typing import Any

from mcrepro._checks import generator, integer
from mcrepro._near import near_miss
from mcrepro.problem import Problem
from mcrepro.result import Result
from mcrepro.solvers import _registry
from mcrepro.solvers._loop import Loop

_SMALLEST, _LARGEST = 1e-45, 1e45


def complete(
    problem: Problem,
    method: str = "bm",
    *,
    rank: int | None = None,
    seed=0,
    callback=None,
    progress: bool = False,
    **options: Any,
) -> Result:
    """Complete a matrix from its observed entries.

    Parameters
    ----------
    problem : Problem
        The observed entries, shape (n1, n2). Methods compute in double precision.
    method : str, default "bm"
        One of the names in `methods`.
    rank : int, optional
        Rank of the completion sought, between 1 and min(n1, n2). Methods that search a given rank
        require it; for the others it is an upper bound.
    seed : int, SeedSequence or Generator, default 0
        The only source of randomness.
    callback : callable, optional
        Called as ``callback(record, iterate)`` at every point visited: the record that goes into
        the history, and the point with its ``left`` and ``right``. A true return value stops the
        method.
    progress : bool, default False
        Show a progress bar on standard error.
    **options
        Options of the method; `methods` lists them with their defaults.

    Returns
    -------
    Result
        Factors, history, stop reason and a certificate measured at the returned factors. Look at
        ``result.converged``: a method that diverges or stalls says so there.

    Raises
    ------
    TypeError
        An argument of the wrong kind, or an unknown option.
    ValueError
        An unknown method, a rank or option out of range; data of a size whose powers are no numbers.

    Examples
    --------
    >>> import mcrepro as mc
    >>> problem = mc.instances.oversampled(60, 50, rank=2, ratio=4.0, condition=3.0, seed=0)
    >>> mc.complete(problem, "bm", rank=2).relative_error(problem.truth) < 1e-6
    True
    """
    if not isinstance(problem, Problem):
        raise TypeError(
            f"problem must be a mcrepro.Problem, got {type(problem).__name__}; "
            "Problem.from_dense and Problem.from_csr make one"
        )
    _check_size(problem)
    chosen = _registry.get(method)
    if rank is not None:
        rank = integer("rank", rank, 1, min(problem.shape))
    elif chosen.needs_rank:
        raise TypeError(
            f"method {method!r} needs rank, an integer between 1 and {min(problem.shape)}"
        )
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {callback!r}")
    if not isinstance(progress, bool):
        raise TypeError(f"progress must be True or False, got {progress!r}")
    for name in options:
        if name not in chosen.options:
            raise TypeError(
                f"method {method!r} has no option {name!r}{near_miss(name, chosen.options)}"
            )
    rng = generator(seed)

    begin = time.perf_counter()
    outcome = chosen.solve(problem, rank, rng, Loop(callback, progress, method), **options)
    seconds = time.perf_counter() - begin
    point = outcome.iterate
    return Result(
        left=point.left,
        right=point.right,
        method=method,
        rank=point.left.shape[1],
        stop_reason=outcome.stop_reason,
        n_iter=outcome.n_iter,
        seconds=seconds,
        history=outcome.history,
        certificate=outcome.certificate,
        options=chosen.options | options,
        citation=chosen.citation,
    )


def _check_size(problem):
    """Refuse data whose sixth powers, which line searches meet, overflow or become zero."""
    largest = float(abs(problem.values).max())
    if largest > 0 and not _SMALLEST <= largest <= _LARGEST:
        raise ValueError(
            f"the largest absolute value of the problem must be 0 or between {_SMALLEST:g} and "
            f"{_LARGEST:g}, got {largest:.3g}; scale the values"
        )


def methods():
    """The methods that `complete` knows.

    Returns
    -------
    pandas.DataFrame
        One row a method, indexed by nothing in particular, with the columns "name", "setting" (the
        matrices it is for), "options" (a dict of defaults), "cost" (of one iteration, in m observed
        entries, n1, n2 and rank r) and "source".
    """
    import pandas as pd

    found = [_registry.get(name) for name in _registry.names()]
    columns = ["name", "setting", "options", "cost", "source"]
    return pd.DataFrame([[getattr(m, c) for c in columns] for m in found], columns=columns)
