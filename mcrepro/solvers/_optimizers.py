"""Optimizers of a `FactoredLoss`, each a generator of measured points.

An optimizer is called as ``optimizer(loss, W, rng, gtol, **options)``; its options are its
keyword-only parameters. It yields ``(W, value, gradient, residual)``, all at W, and steps when it is
resumed. One that ends has no step left to take. Those in ``JUDGES`` decide for themselves whether
a small gradient is the end: they look for a way down first. ``OPTIMIZERS`` and ``JUDGES`` are all
that a method needs to know of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mcrepro._checks import integer, one_of, real
from mcrepro._near import near_miss
from mcrepro.solvers._line import change, descend
from mcrepro.solvers._spectrum import lowest
from mcrepro.solvers._weights import into_ball, inward

# Exact minimisation along the gradient makes steepest descent zigzag between two directions. Stopping
# a little short breaks that (M. Raydan, B. F. Svaiter, "Relaxed steepest descent and
# Cauchy-Barzilai-Borwein method", Computational Optimization and Applications 21, 2002).
_RELAXATION = 0.9


def gd(loss, W, rng, gtol, *, step="safe"):
    """Gradient descent ``W <- W - t grad f(W)``.

    step : "safe" or float
        "safe": nine tenths of the way to the first local minimiser of f along the ray, shortened
        where that does not decrease f enough: no step increases f. A number: that t at every
        step, whatever becomes of f.
    """
    del rng, gtol
    if isinstance(step, str):
        one_of("step", step, ("safe",))
    else:
        step = real("step", step, 0, open_low=True)
    point: tuple | None = (W, *loss.measure(W))
    while point is not None:
        yield point
        W, _, gradient, _ = point
        if step != "safe":
            W = W - step * gradient
            point = (W, *loss.measure(W))
        elif gradient.any():
            point = descend(loss, point, -gradient, relaxation=_RELAXATION)
        else:
            point = None


def perturbed_gd(loss, W, rng, gtol, *, radius=1e-3, escape_steps=50):
    """Safe gradient descent that leaves saddles by chance (Jin et al., ICML 2017).

    radius : float
        Where the gradient is small, W moves to a uniform point of the ball with this radius times
        ``||W||`` (times the root of the size of the data at W = 0).
    escape_steps : int
        Steps in which the objective must then have fallen below that at the small gradient; if it
        has not, descent returns to that point and ends.
    """
    radius = real("radius", radius, 0, open_low=True)
    escape_steps = integer("escape_steps", escape_steps, 1)
    point = (W, *loss.measure(W))
    small, left = None, 0
    while True:
        yield point
        W, value, gradient, _ = point
        if small is not None:
            left -= 1
            if value < small[1] * (1 - 1e-9):
                small = None
            elif left <= 0:
                yield small
                return
        if small is None and loss.optimality(value, gradient, W) <= gtol:
            small, left = point, escape_steps
            size = np.linalg.norm(W) or np.sqrt(loss.scale)
            direction = rng.standard_normal(W.shape)
            length = radius * size * rng.random() ** (1 / W.size)
            W = W + length / np.linalg.norm(direction) * direction
            point = (W, *loss.measure(W))
            continue
        following = descend(loss, point, -gradient, relaxation=_RELAXATION)
        if following is None:
            if small is not None:
                yield small
            return
        point = following


def lbfgs(loss, W, rng, gtol, *, memory=5):
    """Limited-memory BFGS with an exact line search (Nocedal, Math. Comp. 35, 1980).

    memory : int
        Pairs of steps and changes of the gradient that model the curvature. Exact line searches
        need few: five recover no less often than ten, at a lower cost.
    """
    del rng, gtol
    memory = integer("memory", memory, 1)
    point = (W, *loss.measure(W))
    pairs: list[tuple] = []
    while True:
        yield point
        W, _, gradient, _ = point
        D = -_two_loop(gradient, pairs)
        following = descend(loss, point, D) if np.vdot(D, gradient) < 0 else None
        if following is None and pairs:
            pairs = []  # the model misleads: forget it
            following = descend(loss, point, -gradient)
        if following is None:
            return
        s, y = following[0] - W, following[2] - gradient
        if np.vdot(s, y) > 1e-14 * np.linalg.norm(s) * np.linalg.norm(y):
            pairs = [*pairs, (s, y, 1 / np.vdot(s, y))][-memory:]
        point = following


def _two_loop(gradient, pairs):
    q, alphas = gradient.copy(), []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * np.vdot(s, q))
        q -= alphas[-1] * y
    if pairs:
        _, y, rho = pairs[-1]
        q /= rho * np.vdot(y, y)
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        q += (alpha - rho * np.vdot(y, q)) * s
    return q


def trust_region(loss, W, rng, gtol, *, inner=200):
    """Newton's method in a trust region, by conjugate gradients (Steihaug, SIAM J. Numer. Anal. 20,
    1983). Where the gradient is small it follows the lowest eigenvector of the Hessian, if its
    eigenvalue is negative; it ends at points where it is not.

    inner : int
        Most Hessian products in one step.
    """
    inner = integer("inner", inner, 1)
    point = (W, *loss.measure(W))
    radius = 0.1 * (np.linalg.norm(W) or np.sqrt(loss.scale))
    while True:
        yield point
        W, value, gradient, r = point
        if loss.optimality(value, gradient, W) <= gtol:
            eigenvalue, D, top = lowest(loss, W, r, rng)
            if eigenvalue >= -1e-8 * top:
                return
            D = -D if np.vdot(D, gradient) > 0 else D
            following = descend(loss, point, D)
            if following is None:
                return
            point = following
            continue
        while True:
            D, predicted = _steihaug(loss, W, gradient, r, radius, inner)
            size = np.linalg.norm(D)
            won = -change(loss, W, D, loss.along(W, D, r), 1.0)
            ratio = won / predicted if predicted > 0 else -1.0
            if ratio < 0.25:
                radius = 0.25 * size
            elif ratio > 0.75 and size > 0.99 * radius:
                radius *= 2
            if ratio > 1e-4:
                break
            if not radius > 1e-15 * np.linalg.norm(W):  # NaN too
                return
        W = W + D
        point = (W, *loss.measure(W))


def _steihaug(loss, W, gradient, r, radius, inner):
    """An approximate minimiser of the quadratic model in the ball, and the decrease it predicts."""
    D, HD = np.zeros_like(W), np.zeros_like(W)
    rest, search = gradient.copy(), -gradient
    size = np.vdot(rest, rest)
    # Superlinear convergence: the smaller the gradient, the more accurate the step.
    norm = np.sqrt(size)
    enough = norm * min(0.1, np.sqrt(norm / (1e-300 + np.linalg.norm(r) * np.linalg.norm(W))))
    for _ in range(inner):
        H = loss.hessian_product(W, search, r)
        bend = np.vdot(search, H)
        step = size / bend if bend > 0 else np.inf
        if bend <= 0 or np.linalg.norm(D + step * search) >= radius:
            a, b, c = np.vdot(search, search), np.vdot(D, search), np.vdot(D, D) - radius**2
            tau = (-b + np.sqrt(max(b * b - a * c, 0.0))) / a
            D, HD = D + tau * search, HD + tau * H
            break
        D, HD, rest = D + step * search, HD + step * H, rest + step * H
        following = np.vdot(rest, rest)
        if np.sqrt(following) <= enough:
            break
        search = -rest + following / size * search
        size = following
    return D, -(np.vdot(gradient, D) + 0.5 * np.vdot(D, HD))


def adam(loss, W, rng, gtol, *, lr=0.02, betas=(0.9, 0.999), eps=1e-8):
    """Adam (Kingma and Ba, ICLR 2015). The published code of the noise paper has lr 0.01 or 0.02.

    lr : float
    betas : (float, float)
        Decay of the means of the gradient and of its square, in [0, 1).
    eps : float
    """
    del rng, gtol
    lr, eps = real("lr", lr, 0, open_low=True), real("eps", eps, 0)
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers in [0, 1), got {betas!r}")
    beta1, beta2 = (real("betas", beta, 0, np.nextafter(1, 0)) for beta in betas)
    first, second, step = np.zeros_like(W), np.zeros_like(W), 0
    while True:
        value, gradient, r = loss.measure(W)
        yield W, value, gradient, r
        step += 1
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        root = np.sqrt(second / (1 - beta2**step))
        W = W - lr * first / (1 - beta1**step) / np.where(root > 0, root + eps, 1.0)


def projected_gd(loss, W, rng, gtol, *, radius):
    """Spectral projected gradient: rows stay in a ball (Birgin, Martínez, Raydan, SIAM J. Optim. 10,
    2000), with an exact line search in place of their nonmonotone one.
    """
    del rng, gtol
    W = into_ball(W, radius)
    point = (W, *loss.measure(W))
    size = np.linalg.norm(point[2])
    length = 0.1 * (np.linalg.norm(W) or 1.0) / size if size else 1.0
    while True:
        yield point
        W, _, gradient, _ = point
        if not inward(W, gradient, radius).any():
            return
        # The ball is convex: no point on the way to a projected one leaves it.
        longest = np.inf if radius == np.inf else 1.0
        D = into_ball(W - length * gradient, radius) - W
        following = descend(loss, point, D, longest=longest) if np.vdot(D, gradient) < 0 else None
        if following is None:
            return
        s, y = following[0] - W, following[2] - gradient
        bend = np.vdot(s, y)
        length = np.vdot(s, s) / bend if bend > 0 else 2 * length
        point = following


OPTIMIZERS: dict[str, Callable[..., Iterator[tuple[Any, ...]]]] = {
    "lbfgs": lbfgs,
    "trust_region": trust_region,
    "gd": gd,
    "perturbed_gd": perturbed_gd,
    "adam": adam,
    "projected_gd": projected_gd,
}
JUDGES = ("perturbed_gd", "trust_region")


def with_options(optimizer, options):
    """`options` if they are options of the optimizer of this name, apart from its radius in W."""
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise TypeError(f"optimizer_options must be a dict, got {type(options).__name__}")
    known = dict(getattr(OPTIMIZERS[optimizer], "__kwdefaults__", None) or {})
    for name in options:
        if name not in known:
            raise TypeError(
                f"optimizer {optimizer!r} has no option {name!r}{near_miss(name, known)}"
            )
    return options
