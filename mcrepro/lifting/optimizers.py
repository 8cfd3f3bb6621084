"""First-order optimizers of the lifted objective, for many trials at once.

An optimizer has ``start(algebra, W)`` and ``advance(algebra, state)``; both return a state,
which holds a measured point and what the optimizer remembers, every array with an axis of trials in
front. Trials do not see each other: together they take the steps that they would take alone.
``OPTIMIZERS`` maps names to classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mcrepro._checks import integer, one_of, real
from mcrepro.lifting._algebra import Point, dot, norm

# A pair of steps whose curvature is below this share of its size says more about rounding than h.
_CURVED = 1e-12


@dataclass(slots=True)
class State:
    """Where an optimizer is.

    Attributes
    ----------
    point : Point
    stuck : ndarray of bool, shape (trials,)
        No step is left that decreases h.
    memory : dict
        The optimizer's own arrays, or lists of them, all with an axis of trials in front.
    """

    point: Point
    stuck: np.ndarray
    memory: dict[str, Any] = field(default_factory=dict)

    def take(self, index) -> State:
        """The trials `index`."""
        memory = {
            name: [kept[index] for kept in value] if isinstance(value, list) else value[index]
            for name, value in self.memory.items()
        }
        return State(self.point.take(index), self.stuck[index], memory)


class GradientDescent:
    """``W <- W - t grad h(W)``, the method of Theorem 3.2.

    Parameters
    ----------
    step : "safe" or float, default "safe"
        A number is used as it is at every step, whatever becomes of h: it must stay below two
        divided by the largest curvature met. The paper prints .02, for ``factor=1``; its structured
        instance with zeros at even indices has curvature ``4 ceil(n/2)^l`` at solutions, which
        makes that step unstable from n = 5 on. "safe" starts with one divided by the curvature of h at 0, and halves the
        step, once and for all, whenever ``h`` would not decrease by ``t/2 ||grad h||^2``, which
        any step below one divided by the curvature achieves. It is never lengthened: along a path
        it becomes a constant.
    """

    def __init__(self, step="safe"):
        if isinstance(step, str):
            one_of("step", step, ("safe",))
        else:
            step = real("step", step, 0, open_low=True)
        self.step = step

    def start(self, algebra, W) -> State:
        trials = len(W)
        if self.step == "safe":
            bend = algebra.curvature_at_zero
            step = np.full(trials, 1 / bend if bend > 0 else 1.0)
        else:
            step = np.full(trials, self.step)
        return State(algebra.measure(W), np.zeros(trials, dtype=bool), {"step": step})

    def advance(self, algebra, state) -> State:
        point, step = state.point, state.memory["step"]
        if self.step != "safe":
            W = point.W - self.step * point.gradient
            return State(algebra.measure(W), state.stuck, state.memory)
        line = algebra.line(point, -point.gradient)
        c = line.coefficients
        slope = -c[:, 1]
        t = step.copy()
        for _ in range(60):
            change = t * _horner(c[:, 1:], t)
            short = (slope > 0) & ~(change <= -0.5 * t * slope)
            if not short.any():
                break
            t[short] /= 2
        return State(line.at(t), slope <= 0, {"step": t})


class Adam:
    """Adam (D. P. Kingma, J. Ba, ICLR 2015), which an earlier program of the authors ran.

    It ran `step` .02 for at most 1000 steps until h was below 1e-5. Adam divides by the size of
    past gradients, so that the first step has length `step` in every entry however small the start
    is, and neither a small start nor the factor of h matters to it as to gradient descent.

    Parameters
    ----------
    step : float, default 0.02
    """

    decay = (0.9, 0.999)
    floor = 1e-8

    def __init__(self, step=0.02):
        self.step = real("step", step, 0, open_low=True)

    def start(self, algebra, W) -> State:
        memory = {"mean": np.zeros_like(W), "square": np.zeros_like(W), "count": np.zeros(len(W))}
        return State(algebra.measure(W), np.zeros(len(W), dtype=bool), memory)

    def advance(self, algebra, state) -> State:
        g, (first, second) = state.point.gradient, self.decay
        mean = first * state.memory["mean"] + (1 - first) * g
        square = second * state.memory["square"] + (1 - second) * g**2
        count = state.memory["count"] + 1
        large = (1 - first**count)[:, None, None]
        wide = (1 - second**count)[:, None, None]
        W = state.point.W - self.step * (mean / large) / (np.sqrt(square / wide) + self.floor)
        memory = {"mean": mean, "square": square, "count": count}
        return State(algebra.measure(W), state.stuck, memory)


class LBFGS:
    """Limited-memory BFGS, minimising the quartic along each direction exactly.

    The minimiser of (12) lies in a valley of curvature ε^2 wherever the data do not decide, which
    gradient descent cannot walk down in a reasonable time. Products along the line are reused at
    its end, so that a step costs one and a half gradients.

    Parameters
    ----------
    memory : int, default 10
        Pairs of steps kept; 2 * memory tensors.
    growth : float, default 0.5
        No step is longer than this share of ||w||. From a small start the first steps are then
        short ones along the gradient, as those of gradient descent are, and not one leap.
    """

    def __init__(self, memory=10, growth=0.5):
        self.memory = integer("memory", memory, 1)
        self.growth = real("growth", growth, 0, open_low=True)

    def start(self, algebra, W) -> State:
        memory = {"s": [], "y": [], "rho": [], "scale": np.ones(len(W))}
        return State(algebra.measure(W), np.zeros(len(W), dtype=bool), memory)

    def advance(self, algebra, state) -> State:
        point, memory = state.point, state.memory
        D = _direction(point.gradient, memory)
        line = algebra.line(point, D)
        length, size = norm(D), norm(point.W)
        longest = self.growth * size / np.where(length > 0, length, 1.0)
        t = np.minimum(first_minimiser(line.coefficients), longest)
        new = line.at(t)
        s, y = t[:, None, None] * D, new.gradient - point.gradient
        curvature, square = dot(s, y), dot(y, y)
        least = np.maximum(_CURVED * t * length * np.sqrt(square), np.finfo(float).tiny * 1e16)
        curved = curvature > least
        # A pair without curvature has rho = 0 and changes nothing.
        rho = np.where(curved, 1 / np.where(curved, curvature, 1.0), 0.0)
        scale = np.where(curved, curvature / np.where(curved, square, 1.0), memory["scale"])
        kept = {"s": s, "y": y, "rho": rho}
        lists = {name: [*memory[name], new][-self.memory :] for name, new in kept.items()}
        return State(new, t <= 0, {**lists, "scale": scale})


def _direction(g, memory):
    """Minus the inverse Hessian estimate times g; minus g where that does not descend."""
    D, shares, work = -g, [], np.empty_like(g)
    pairs = list(zip(memory["s"], memory["y"], memory["rho"], strict=True))
    for s, y, rho in reversed(pairs):
        shares.append(rho * dot(s, D))
        D -= np.multiply(shares[-1][:, None, None], y, out=work)
    D *= memory["scale"][:, None, None]
    for s, y, rho in pairs:
        D += np.multiply((shares.pop() - rho * dot(y, D))[:, None, None], s, out=work)
    ascends = dot(D, g) >= 0
    D[ascends] = -g[ascends]
    return D


OPTIMIZERS = {"lbfgs": LBFGS, "gd": GradientDescent, "adam": Adam}


def first_minimiser(c):
    """The first t > 0 at which quartics that decrease at 0 stop to decrease.

    Parameters
    ----------
    c : ndarray, shape (trials, 5)
        Coefficients, lowest power first.

    Returns
    -------
    ndarray, shape (trials,)
        0 where the quartic does not decrease at 0, or never stops to.
    """
    usable = (c[:, 1] < 0) & np.isfinite(c).all(axis=1)
    c = np.where(usable[:, None], c, [0.0, -1.0, 0.5, 0.0, 0.0])
    # In u = 1/t the derivative is u^3 + a u^2 + b u + d up to its factor c_1, which is not 0, and
    # the first root is the largest one, the one that eigenvalues give accurately.
    a, b, d = 2 * c[:, 2] / c[:, 1], 3 * c[:, 3] / c[:, 1], 4 * c[:, 4] / c[:, 1]
    unit = np.maximum(np.maximum(np.abs(a), np.sqrt(np.abs(b))), np.cbrt(np.abs(d)))
    unit = np.where(unit > 0, unit, 1.0)
    companion = np.zeros((len(c), 3, 3))
    companion[:, 0] = -np.stack([a / unit, b / unit**2, d / unit**3], axis=1)
    companion[:, 1, 0] = companion[:, 2, 1] = 1.0
    roots = np.linalg.eigvals(companion)
    real_ones = (np.abs(roots.imag) <= 1e-7 * np.abs(roots)) & (roots.real > 0)
    u = np.where(real_ones, roots.real, 0.0).max(axis=1) * unit
    found = usable & (u > 0)
    t = np.where(found, 1 / np.where(found, u, 1.0), 0.0)
    # One step of Newton's method for what the eigenvalues lost.
    slope, bend = _horner(c[:, 1:] * [1, 2, 3, 4], t), _horner(c[:, 2:] * [2, 6, 12], t)
    better = t - slope / np.where(bend > 0, bend, 1.0)
    return np.where((bend > 0) & (np.abs(better - t) <= 0.1 * t), better, t)


def _horner(c, t):
    """``sum_k c_k t^k`` for each row."""
    out = np.zeros(len(t))
    for k in range(c.shape[1] - 1, -1, -1):
        out = out * t + c[:, k]
    return out
