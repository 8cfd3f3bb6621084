"""The one iteration loop.

A method is a generator. It yields an `Iterate`, everything measured at the very point it holds, and
takes its next step when it is resumed. The loop therefore tests before it steps, and what it
returns is a point together with the numbers that were measured there, never with its neighbour's.

A method does not change arrays that it has yielded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

# A residual this many times the data (or the start's own residual, if that is larger) is lost.
_GROWTH = 1e4
# Smallest relative decrease that counts as one. Near a minimum the objective is flat to rounding
# long before the gradient is small, so progress of either will do.
_PROGRESS = {"objective": 1e-12, "gradient_norm": 1e-2}


class Iterate:
    """One point of a method's path.

    Parameters
    ----------
    left : ndarray, shape (n1, k)
    right : ndarray, shape (n2, k)
    objective : float
        What the method minimises, at this point.
    residual : float
        ``||P_Omega(left right^T - M)||_F / ||P_Omega(M)||_F`` at this point.
    gradient_norm : float, optional
        The method's measure of first-order optimality, free of scale, at this point.
    **extra
        Further numbers for the history.
    """

    __slots__ = ("extra", "gradient_norm", "left", "objective", "residual", "right")

    def __init__(self, left, right, objective, *, residual, gradient_norm=None, **extra):
        self.left = left
        self.right = right
        self.objective = float(objective)
        self.residual = float(residual)
        self.gradient_norm = None if gradient_norm is None else float(gradient_norm)
        self.extra = extra

    def measures(self) -> dict[str, Any]:
        """The numbers measured at this point."""
        numbers: dict[str, Any] = {"objective": self.objective, "residual": self.residual}
        if self.gradient_norm is not None:
            numbers["gradient_norm"] = self.gradient_norm
        return numbers | self.extra


@dataclass
class Outcome:
    """The point a method stopped at, why, and the way there."""

    iterate: Iterate
    stop_reason: str
    n_iter: int
    history: tuple[dict[str, Any], ...]
    certificate: dict[str, Any]


class Loop:
    """Drives a generator of iterates until it has a reason to stop.

    Parameters
    ----------
    callback : callable, optional
        Called as ``callback(record, iterate)`` at every point, the first and the last included;
        a true return value stops the method.
    progress : bool, default False
        Show a progress bar on standard error.
    label : str
        Text beside the bar.
    """

    def __init__(
        self,
        callback: Callable[[dict[str, Any], Iterate], object] | None = None,
        progress: bool = False,
        label: str = "",
    ):
        self.callback = callback
        self.progress = progress
        self.label = label

    def __call__(
        self,
        iterates: Generator[Iterate, None, None],
        *,
        max_iter: int,
        rtol: float,
        gtol: float = 0.0,
        patience: int = 50,
    ) -> Outcome:
        """Consume `iterates` and say why it ended.

        Parameters
        ----------
        iterates : generator of Iterate
            One that ends by itself had no further step to take: "stalled".
        max_iter : int
            Largest number of steps; 0 measures the start.
        rtol : float
            "residual" when the residual is at most this.
        gtol : float, default 0.0
            "gradient" when the gradient norm is at most this.
        patience : int, default 50
            "stalled" when this many steps brought no further decrease, neither of the objective
            nor of the gradient norm.
        """
        history: list[dict[str, Any]] = []
        reason, progress_at = None, 0
        best: dict[str, float] = {}
        begin = time.perf_counter()
        with self._bar(max_iter) as bar, np.errstate(over="ignore", invalid="ignore"):
            for n, iterate in enumerate(iterates):
                seconds = time.perf_counter() - begin
                history.append({"iteration": n, **iterate.measures(), "seconds": seconds})
                if _progressed(history[-1], best):
                    progress_at = n
                asked = self.callback is not None and self.callback(dict(history[-1]), iterate)
                reason = _verdict(iterate, history[0]["residual"], rtol, gtol)
                if reason is None and n - progress_at >= patience:
                    reason = "stalled"
                if reason is None and asked:
                    reason = "callback"
                if reason is None and n >= max_iter:
                    reason = "max_iter"
                if reason is not None:
                    break
                if bar is not None:
                    bar.set_postfix(residual=f"{iterate.residual:.2e}", refresh=False)
                    bar.update()
            iterates.close()
        if not history:
            raise RuntimeError("the method yielded no point; it must yield its start")
        return Outcome(
            iterate=iterate,
            stop_reason=reason or "stalled",
            n_iter=len(history) - 1,
            history=tuple(history),
            certificate=iterate.measures(),
        )

    def _bar(self, max_iter: int):
        if not self.progress:
            return nullcontext()
        from tqdm import tqdm

        return tqdm(total=max_iter, desc=self.label, leave=False)


def _progressed(record: dict[str, Any], best: dict[str, float]) -> bool:
    """Whether a measure is below the lowest so far; updates `best`."""
    progressed = False
    for name, share in _PROGRESS.items():
        value, low = record.get(name), best.get(name)
        if value is not None and (low is None or value < low - share * abs(low)):
            best[name] = value
            progressed = True
    return progressed


def _verdict(iterate: Iterate, start_residual: float, rtol: float, gtol: float) -> str | None:
    """The reason to stop that a point bears in itself, if there is one."""
    measured = (iterate.objective, iterate.residual, iterate.gradient_norm or 0.0)
    if not all(map(math.isfinite, measured)):
        return "diverged"
    if iterate.residual > _GROWTH * max(1.0, start_residual):
        return "diverged"
    if iterate.residual <= rtol:
        return "residual"
    if iterate.gradient_norm is not None and iterate.gradient_norm <= gtol:
        return "gradient"
    return None
