"""Global optima of the ε-MC problem (7) on small instances, many at a time.

In the symmetric problem the entries (i, j) and (j, i) see the same product, so that with
``S_ij`` the share of the two that is observed (0, 1/2 or 1)

    f(X) = sum_ij S_ij (x_i^T x_j - M_ij)^2 + eps^2 (1 - S_ij) (x_i^T x_j)^2.

Newton's method with the absolute values of the Hessian's eigenvalues does not see how badly eps
conditions f, and leaves saddles. From many starts, M* among them, the best end point is taken.
`lower_bounds` certifies it.
"""

from itertools import combinations_with_replacement, product

import numpy as np

_SETTLED = 1e-12  # decrease that Newton's method predicts, over the value at X = 0, when it stops


def value(X, share, truth, eps):
    """Return f(X), for X of shape (..., n, r) and share, truth that broadcast to (..., n, n)."""
    product = X @ np.swapaxes(X, -1, -2)
    return np.sum(share * (product - truth) ** 2 + eps**2 * (1 - share) * product**2, axis=(-2, -1))


def optima(masks, truth, eps, rank, rng, starts=32):
    """Minimise f for a batch of masks.

    Parameters
    ----------
    masks : ndarray of shape (k, n, n)
        True where an entry is observed; or the shares themselves.
    truth : ndarray of shape (n, n) or (k, n, n)
    eps : float
    rank : int
        Columns of X.
    rng : numpy.random.Generator
    starts : int, default 32
        Random starts for each mask, beside the leading factor of `truth`.

    Returns
    -------
    values : ndarray of shape (k, starts + 1)
        f at the end points, sorted.
    products : ndarray of shape (k, starts + 1, n, n)
        The end points X X^T, in the same order.
    """
    k, n, _ = masks.shape
    truth = np.broadcast_to(np.asarray(truth, dtype=float), (k, n, n))
    share = np.asarray(masks, dtype=float)  # of booleans, the sum below would be an "or"
    share = (share + np.swapaxes(share, 1, 2)) / 2
    eigenvalues, vectors = np.linalg.eigh(truth)
    leading = vectors[..., -rank:] * np.sqrt(np.maximum(eigenvalues[..., -rank:], 0))[:, None, :]
    scale = np.sqrt(np.trace(truth, axis1=1, axis2=2) / n)[:, None, None, None]
    X = scale * rng.standard_normal((k, starts, n, rank))
    X = np.concatenate([leading[:, None], X], axis=1).reshape(-1, n, rank)
    repeat = {"share": np.repeat(share, starts + 1, 0), "truth": np.repeat(truth, starts + 1, 0)}
    X = _newton(X, **repeat, eps=eps)
    values = value(X, **repeat, eps=eps).reshape(k, -1)
    products = (X @ np.swapaxes(X, 1, 2)).reshape(k, -1, n, n)
    order = np.argsort(values, axis=1, kind="stable")
    return (
        np.take_along_axis(values, order, 1),
        np.take_along_axis(products, order[..., None, None], 1),
    )


def _newton(X, share, truth, eps, steps=200):
    """Run Newton's method with |eigenvalues| and backtracking on every X of the batch."""
    at_zero = value(np.zeros_like(X), share, truth, eps)
    X = np.where((at_zero > 0)[:, None, None], X, 0.0)  # where nothing is observed 0 is best
    floor = _SETTLED * at_zero
    active = np.flatnonzero(at_zero > 0)
    for _ in range(steps):
        if not len(active):
            break
        x, s, m = X[active], share[active], truth[active]
        gradient, hessian = _derivatives(x, s, m, eps)
        g = gradient.reshape(len(x), -1)
        eigenvalues, vectors = np.linalg.eigh(hessian)
        size = np.abs(eigenvalues)
        size = np.maximum(size, 1e-8 * size[:, -1:] + 1e-300)
        along = np.einsum("kij,ki->kj", vectors, g)
        step = -np.einsum("kij,kj->ki", vectors, along / size).reshape(x.shape)
        expected = np.sum(along**2 / size, axis=1)
        before = value(x, s, m, eps)
        length = np.ones(len(x))
        for _ in range(30):
            worse = value(x + length[:, None, None] * step, s, m, eps) > (
                before - 1e-4 * length * expected
            )
            if not worse.any():
                break
            length[worse] /= 2
        length[worse] = 0.0  # rounding stands in the way
        X[active] = x + length[:, None, None] * step
        active = active[(expected > floor[active]) & (length > 0)]
    return X


def _derivatives(X, share, truth, eps):
    """Return the gradient, shape of X, and the Hessian in the coordinates of ``X.ravel()``."""
    k, n, r = X.shape
    weight = share + eps**2 * (1 - share)
    residual = weight * (X @ np.swapaxes(X, 1, 2)) - share * truth
    gradient = 4 * residual @ X
    # d residual_ij = weight_ij (dx_i·x_j + x_i·dx_j)
    hessian = np.einsum("kij,kjb,kia->kiajb", weight, X, X)
    hessian = np.swapaxes(
        hessian, 2, 4
    )  # dx_j meets x_i: coefficient of (i, a), (j, b) is x_ib x_ja
    diagonal = np.einsum("kij,kja,kjb->kiab", weight, X, X)
    for i in range(n):
        hessian[:, i, :, i, :] += diagonal[:, i]
    hessian += np.einsum("kij,ab->kiajb", residual, np.eye(r))
    return gradient, 4 * hessian.reshape(k, n * r, n * r)


def lower_bounds(shares, truth, eps):
    """Return a lower bound on f over all X with one column, by sums of squares.

    The largest g for which f - g is a sum of squares of quadratics in x_1, ..., x_n, as a
    semidefinite program over their Gram matrix: the first level of Lasserre's hierarchy.

    Parameters
    ----------
    shares : ndarray of shape (k, n, n)
    truth : ndarray of shape (n, n)
    eps : float

    Returns
    -------
    ndarray of shape (k,)
    """
    import cvxpy as cp

    n = shares.shape[1]
    monomials = [e for degree in range(3) for e in _exponents(n, degree)]
    products = [tuple(np.add(a, b)) for a in monomials for b in monomials]
    index = {key: k for k, key in enumerate(dict.fromkeys(products))}
    collect = np.zeros((len(index), len(products)))
    collect[[index[key] for key in products], np.arange(len(products))] = 1
    constant = np.zeros(len(index))
    constant[index[(0,) * n]] = 1
    gram = cp.Variable((len(monomials), len(monomials)), PSD=True)
    bound, wanted = cp.Variable(), cp.Parameter(len(index))
    problem = cp.Problem(
        cp.Maximize(bound), [collect @ cp.vec(gram, order="C") == wanted - bound * constant]
    )
    found = []
    for share in shares:
        coefficients = _coefficients(share, truth, eps)
        wanted.value = np.array([coefficients.get(key, 0.0) for key in index])
        found.append(problem.solve(solver=cp.CLARABEL))
    return np.array(found)


def _exponents(n, degree):
    """Return the exponents of all monomials of this degree in n variables."""
    return [
        tuple(chosen.count(i) for i in range(n))
        for chosen in combinations_with_replacement(range(n), degree)
    ]


def _coefficients(share, truth, eps):
    """Return the polynomial f in x_1, ..., x_n: exponents -> coefficient."""
    n = len(share)
    found: dict[tuple, float] = {}
    for i, j in product(range(n), repeat=2):
        pair = np.eye(n, dtype=int)[i] + np.eye(n, dtype=int)[j]
        weight = share[i, j] + eps**2 * (1 - share[i, j])
        for key, coefficient in (
            (tuple(2 * pair), weight),
            (tuple(pair), -2 * share[i, j] * truth[i, j]),
            ((0,) * n, share[i, j] * truth[i, j] ** 2),
        ):
            found[key] = found.get(key, 0.0) + coefficient
    return found
