"""Many starts at once: an optimizer run until every trial has a reason to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from mcrepro._checks import integer, one_of, real
from mcrepro._near import near_miss
from mcrepro.lifting.optimizers import OPTIMIZERS

# A value this many times the larger of h(0) and the start's is lost.
_GROWTH = 1e8
# What counts as progress: a decrease of h by this share, or of the gradient norm by that one.
_PROGRESS = (1e-12, 1e-2)


@dataclass(frozen=True, eq=False)
class Descent:
    """Where the trials ended.

    Attributes
    ----------
    w : ndarray, shape (trials, *shape)
    value, gradient_norm : ndarray, shape (trials,)
        h and ``LiftedObjective.gradient_norm`` at w.
    n_iter : ndarray of int, shape (trials,)
    stop_reason : tuple of str
        For each trial "gradient", "residual", "stalled", "max_iter" or "diverged".
    seconds : float
    """

    w: np.ndarray
    value: np.ndarray
    gradient_norm: np.ndarray
    n_iter: np.ndarray
    stop_reason: tuple[str, ...]
    seconds: float


def minimize(
    lifted,
    w,
    optimizer="lbfgs",
    *,
    max_iter=2000,
    gtol=1e-6,
    vtol=0.0,
    patience=1000,
    callback=None,
    **options,
):
    """Minimise h from given tensors.

    Parameters
    ----------
    lifted : LiftedObjective
    w : array_like, shape ``lifted.shape`` or (trials, *lifted.shape)
        Starts, as from ``lifted.initial``. Each takes the path that it would take alone.
    optimizer : {"lbfgs", "gd", "adam"}
        See ``mcrepro.lifting.optimizers``. ``"gd", step=0.02`` on an objective with ``factor=1`` is
        what the paper prints; ``"adam", max_iter=1000, vtol=1e-5`` what its authors' earlier
        program ran.
    max_iter : int, default 2000
    gtol : float, default 1e-6
        "gradient" when the gradient norm of ``LiftedObjective.gradient_norm`` is at most this.
    vtol : float, default 0.0
        "residual" when h is at most this.
    patience : int, default 1000
        "stalled" when this many steps brought no decrease, neither of h nor of the gradient norm.
        A gradient descent that oscillates ends so.
    callback : callable, optional
        Called as ``callback(n, active, w)`` at every step n, with the numbers of the trials that
        still run and their tensors.
    **options
        Of the optimizer.

    Returns
    -------
    Descent
        With an axis of trials, also for one start.
    """
    one_of("optimizer", optimizer, OPTIMIZERS)
    max_iter = integer("max_iter", max_iter, 0)
    patience = integer("patience", patience, 1)
    gtol, vtol = real("gtol", gtol, 0), real("vtol", vtol, 0)
    algebra = lifted.algebra
    W, _ = lifted.columns(w)
    trials = len(W)
    step_by = make(optimizer, options)
    begin = time.perf_counter()
    end, value = np.empty_like(W), np.empty(trials)
    norm, n_iter = np.empty(trials), np.zeros(trials, dtype=int)
    reasons = np.full(trials, "max_iter", dtype=object)
    active = np.arange(trials)
    with np.errstate(over="ignore", invalid="ignore"):
        state = step_by.start(algebra, W)
        limit = _GROWTH * np.maximum(state.point.value, algebra.value_at_zero)
        best = np.full((2, trials), np.inf)
        progress_at = np.zeros(trials, dtype=int)
        for n in range(max_iter + 1):
            now = np.stack([state.point.value, algebra.optimality(state.point)])
            better = now < best[:, active] - np.array(_PROGRESS)[:, None] * np.abs(best[:, active])
            better |= np.isfinite(now) & np.isinf(best[:, active])
            best[:, active] = np.where(better, now, best[:, active])
            progress_at[active[better.any(axis=0)]] = n
            if callback is not None:
                callback(n, active, lifted.tensor(state.point.W))
            done = np.full(len(active), "", dtype=object)
            done[state.stuck | (n - progress_at[active] >= patience)] = "stalled"
            done[now[1] <= gtol] = "gradient"
            done[now[0] <= vtol] = "residual"
            done[~(np.isfinite(now).all(axis=0) & (now[0] <= limit[active]))] = "diverged"
            stop = (done != "") | (n == max_iter)
            if stop.any():
                here = active[stop]
                end[here], value[here], norm[here] = state.point.W[stop], now[0, stop], now[1, stop]
                n_iter[here] = n
                reasons[here] = np.where(done[stop] == "", "max_iter", done[stop])
                active = active[~stop]
                if not len(active):
                    break
                state = state.take(~stop)
            state = step_by.advance(algebra, state)
    seconds = time.perf_counter() - begin
    return Descent(lifted.tensor(end), value, norm, n_iter, tuple(reasons), seconds)


def make(optimizer, options):
    """The optimizer of this name; says which of its options it does not know."""
    import inspect

    kind = OPTIMIZERS[optimizer]
    known = list(inspect.signature(kind).parameters)
    for name in options:
        if name not in known:
            raise TypeError(
                f"optimizer {optimizer!r} has no option {name!r}{near_miss(name, known)}"
            )
    return kind(**options)
