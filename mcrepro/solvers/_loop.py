"""The one iteration loop.

A method is a generator. It yields an `Iterate`, everything measured at the very point it holds, and
takes its next step when it is resumed. The loop therefore tests before it steps, and what it
returns is a point together with the numbers that were measured there, never with its neighbour's.

A method does not change arrays that it has yielded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

# A residual this many times the data (or the start's own residual, if that is larger) is lost.
_GROWTH = 1e4
# Relative decrease of the objective, over `patience` steps, below which a method stands still.
_STANDSTILL = 1e-12


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
            "stalled" when this many steps brought no further decrease of the objective.
        """
        history: list[dict[str, Any]] = []
        begin = time.perf_counter()
        reason, last = None, None
        with self._bar(max_iter) as bar, np.errstate(over="ignore", invalid="ignore"):
            for n, iterate in enumerate(iterates):
                record = {"iteration": n, **iterate.measures()}
                record["seconds"] = time.perf_counter() - begin
                history.append(record)
                last = iterate
                asked = self.callback is not None and self.callback(dict(record), iterate)
                reason = _verdict(history, rtol, gtol, patience)
                if reason is None and asked:
                    reason = "callback"
                if reason is None and n >= max_iter:
                    reason = "max_iter"
                if reason is not None:
                    break
                if bar is not None:
                    bar.update()
                    bar.set_postfix(residual=f"{iterate.residual:.2e}", refresh=False)
            iterates.close()
        if last is None:
            raise RuntimeError("the method yielded no point; it must yield its start")
        return Outcome(
            iterate=last,
            stop_reason=reason or "stalled",
            n_iter=len(history) - 1,
            history=tuple(history),
            certificate=last.measures(),
        )

    def _bar(self, max_iter: int):
        if not self.progress:
            from contextlib import nullcontext

            return nullcontext()
        from tqdm import tqdm

        return tqdm(total=max_iter, desc=self.label, leave=False)


def _verdict(history: list[dict[str, Any]], rtol: float, gtol: float, patience: int) -> str | None:
    """The reason to stop at the last record, if there is one."""
    now, start = history[-1], history[0]
    gradient = now.get("gradient_norm")
    measured = (now["objective"], now["residual"], gradient if gradient is not None else 0.0)
    if not np.all(np.isfinite(measured)):
        return "diverged"
    if now["residual"] > _GROWTH * max(1.0, start["residual"]):
        return "diverged"
    if now["residual"] <= rtol:
        return "residual"
    if gradient is not None and gradient <= gtol:
        return "gradient"
    if len(history) > patience:
        # The best before the window against the best within it: methods need not be monotone.
        before = history[-patience - 1]["objective"]
        within = min(record["objective"] for record in history[-patience:])
        if within >= before - _STANDSTILL * abs(before):
            return "stalled"
    return None
