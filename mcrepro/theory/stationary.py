"""All stationary points of the rank-one objective: by many starts, and by a search that proves it has all.

The certified search is interval analysis. A box of points is given up when a component of the
gradient has no zero on it, or when the Krawczyk operator

    K(X) = m - Y ∇f(m) + (I - Y ∇²f(X)) (X - m),   m the centre of X, Y about the inverse of ∇²f(m),

leaves no room for one; it holds exactly one stationary point when K(X) lies in its interior; else it
is cut in two. Sums are rounded outwards, so that nothing is lost to rounding errors.

References
----------
R. E. Moore, R. B. Kearfott, M. J. Cloud, "Introduction to Interval Analysis", SIAM, 2009, chapter 8.
"""

import numpy as np

from mcrepro.theory.landscape import RankOne, penalty_curvature, penalty_slope


def refined(f: RankOne, starts: np.ndarray, iterations: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Lead every start to a stationary point of any kind, by Levenberg-Marquardt on ‖∇f‖².

    Parameters
    ----------
    f : RankOne
    starts : (k, d) array
    iterations : int, default 100

    Returns
    -------
    points : (k, d) array
    sizes : (k,) array
        ‖∇f‖ at the points; a start that ended in a minimum of ‖∇f‖ that is no zero keeps a large one.
    """
    x = np.array(starts, dtype=float)
    g = f.gradient(x)
    sizes = np.linalg.norm(g, axis=1)
    damping = np.full(len(x), 1e-2)
    eye = np.eye(x.shape[1])
    for _ in range(iterations):
        active = sizes > 1e-13
        if not active.any():
            break
        H = f.hessian(x[active])
        # (HᵀH + ρ ‖H‖² I)⁻¹ Hᵀ g; ρ falls after a success and grows after a failure.
        scale = damping[active] * np.einsum("kij,kij->k", H, H) / x.shape[1]
        normal = H @ H + (scale + 1e-300)[:, None, None] * eye
        step = np.linalg.solve(normal, np.einsum("kij,kj->ki", H, g[active])[..., None])[..., 0]
        trial = x[active] - step
        gradient = f.gradient(trial)
        size = np.linalg.norm(gradient, axis=1)
        better = size < sizes[active]
        index = np.flatnonzero(active)
        won = index[better]
        x[won], g[won], sizes[won] = trial[better], gradient[better], size[better]
        damping[won] *= 0.1
        damping[index[~better]] *= 10
        damping = np.clip(damping, 1e-13, 1e8)
    return x, sizes


def distinct(points: np.ndarray, tolerance: float = 1e-5) -> np.ndarray:
    """Keep one of each cluster of points."""
    kept: list[np.ndarray] = []
    for x in points:
        if all(np.linalg.norm(x - y) > tolerance for y in kept):
            kept.append(x)
    return np.array(kept).reshape(-1, points.shape[1])


def reach(f: RankOne) -> float:
    """Return a bound on ‖x‖_∞ at every stationary point, for this mask and without probability.

    It is Lemma 3.7's argument: with n_i seen entries in the row of the largest |x_i| > 2α,
    2 n_i ‖z‖_∞² |x_i| >= λ h'(|x_i|) >= (λ/2) |x_i|³.

    Raises
    ------
    ValueError
        If λ = 0, where the argument says nothing.
    """
    if f.weight <= 0:
        raise ValueError(f"weight must be positive, got {f.weight}: without it points may run off")
    most = f.pairs.sum(axis=1).max()
    return float(max(2 * f.alpha, np.sqrt(4 * most * np.max(f.z**2) / f.weight)))


def certified(f: RankOne, radius: float | None = None, most: int = 2_000_000) -> np.ndarray:
    """Return all stationary points with ‖x‖_∞ <= radius; of ℝᵈ, when the radius is left to `reach`.

    Parameters
    ----------
    f : RankOne
        With d up to 3 or 4; the number of boxes grows exponentially with d.
    radius : float, optional
    most : int, default 2 000 000
        Boxes that may be looked at.

    Returns
    -------
    (k, d) array
        One row a point, to about ten digits. There is exactly one stationary point in a small box
        around each, and there are no others.

    Raises
    ------
    ValueError
        If the boxes run out, as where a stationary point is degenerate.
    """
    # The slight asymmetry keeps points such as x = 0 off the corners of boxes.
    bound = 1.001 * (reach(f) if radius is None else radius)
    low, high = np.full((1, len(f.z)), -bound), np.full((1, len(f.z)), 1.0137 * bound)
    found, looked = [], 0
    while len(low):
        looked += len(low)
        if looked > most:
            raise ValueError(f"{len(low)} boxes are open after {most}: is a point degenerate?")
        g_low, g_high = _gradient(f, low, high)
        keep = ((g_low <= 0) & (g_high >= 0)).all(axis=1)
        low, high = low[keep], high[keep]
        k_low, k_high = _krawczyk(f, low, high)
        one = ((k_low > low) & (k_high < high)).all(axis=1)
        found.append(0.5 * (k_low + k_high)[one])
        none = ((k_low > high) | (k_high < low)).any(axis=1)
        low, high = np.maximum(low, k_low)[~one & ~none], np.minimum(high, k_high)[~one & ~none]
        low, high = _halves(low, high)
    points = np.concatenate(found)
    return refined(f, points, 20)[0] if len(points) else points


def _halves(low, high):
    """Cut every box across its longest side, off the middle."""
    rows, side = np.arange(len(low)), np.argmax(high - low, axis=1)
    cut = low[rows, side] + 0.487 * (high - low)[rows, side]
    left, right = high.copy(), low.copy()
    left[rows, side] = right[rows, side] = cut
    return np.concatenate([low, right]), np.concatenate([left, high])


def _out(low, high):
    """Widen by more than the rounding errors of the few dozen operations behind an end."""
    slack = 1e-14 * (np.abs(low) + np.abs(high)) + 1e-300
    return low - slack, high + slack


def _square(low, high):
    inside = (low <= 0) & (high >= 0)
    ends = np.stack([low**2, high**2])
    return np.where(inside, 0.0, ends.min(axis=0)), ends.max(axis=0)


def _times(a_low, a_high, b_low, b_high):
    products = np.stack([a_low * b_low, a_low * b_high, a_high * b_low, a_high * b_high])
    return products.min(axis=0), products.max(axis=0)


def _matmul(A, low, high):
    """Bounds of A x over a box, for matrices A of shape (d, d) or one for each box."""
    plus, minus = np.maximum(A, 0), np.minimum(A, 0)

    def apply(B, v):
        return np.einsum("...ij,kj->ki" if B.ndim == 2 else "kij,kj->ki", B, v)

    return apply(plus, low) + apply(minus, high), apply(plus, high) + apply(minus, low)


def _gradient(f, low, high):
    """Bounds of ∇f, component by component: 2 x_i Σ_{j≠i} x_j² + 2 x_i³ [i seen] - 2 (P_Ω M x)_i + λ h'."""
    square_low, square_high = _square(low, high)
    off, own = f.pairs - np.diag(np.diag(f.pairs)), np.diag(f.pairs)
    rest = _times(low, high, square_low @ off, square_high @ off)
    linear = _matmul(-2 * f.seen, low, high)
    ends = []
    for side, x in enumerate((low, high)):  # x³ and h' grow with x
        cube = own * x**3
        ends.append(2 * rest[side] + 2 * cube + linear[side] + f.weight * penalty_slope(x, f.alpha))
    size = np.maximum(np.abs(low), np.abs(high))
    terms = (
        2 * size * (size**2 @ f.pairs)
        + 2 * size @ np.abs(f.seen)
        + f.weight * np.abs(penalty_slope(size, f.alpha))
    )
    slack = 1e-14 * terms + 1e-300
    return ends[0] - slack, ends[1] + slack


def _hessian(f, low, high):
    """Bounds of ∇²f, two arrays of shape (k, d, d)."""
    square_low, square_high = _square(low, high)
    outer_low, outer_high = _times(
        low[:, :, None], high[:, :, None], low[:, None, :], high[:, None, :]
    )
    H_low = 4 * f.pairs * outer_low - 2 * f.seen
    H_high = 4 * f.pairs * outer_high - 2 * f.seen
    off, own = f.pairs - np.diag(np.diag(f.pairs)), np.diag(f.pairs)
    index = np.arange(low.shape[1])
    size_high = np.maximum(np.abs(low), np.abs(high))
    size_low = np.sqrt(square_low)
    for H, square, size in ((H_low, square_low, size_low), (H_high, square_high, size_high)):
        bend = f.weight * penalty_curvature(size, f.alpha)
        H[:, index, index] = 2 * square @ off + 6 * own * square - 2 * np.diag(f.seen) + bend
    terms = 4 * size_high[:, :, None] * size_high[:, None, :] + 2 * np.abs(f.seen)
    terms[:, index, index] += np.abs(H_high[:, index, index])
    return H_low - 1e-14 * terms, H_high + 1e-14 * terms


def _krawczyk(f, low, high):
    """The Krawczyk operator of every box; the whole space where its centre has a singular Hessian."""
    centre = 0.5 * (low + high)
    Y = np.linalg.pinv(f.hessian(centre)) if len(centre) else np.zeros((0, *f.seen.shape))
    g_low, g_high = _gradient(f, centre, centre)
    newton = _out(*_matmul(-Y, g_low, g_high))
    H_low, H_high = _hessian(f, low, high)
    plus, minus = np.maximum(Y, 0), np.minimum(Y, 0)
    eye = np.eye(low.shape[1])
    slope_low = eye - (plus @ H_high + minus @ H_low)
    slope_high = eye - (plus @ H_low + minus @ H_high)
    spread = np.maximum(np.abs(slope_low), np.abs(slope_high)) + 1e-13 * np.abs(Y) @ np.maximum(
        np.abs(H_low), np.abs(H_high)
    )
    # X - m is symmetric about 0, so that only the largest absolute slopes matter.
    half = np.maximum(high - centre, centre - low)
    reachable = np.einsum("kij,kj->ki", spread, half)
    return _out(centre + newton[0] - reachable, centre + newton[1] + reachable)
