"""What a user would pick instead: one function a package, at the best setting that we found for it.

Each takes a problem and returns factors ``(left, right)`` of its completion. What a user would pay
for is inside: converting the data, choosing a start, choosing parameters. The imports are not, nor
is compilation; both are paid in the warm-up. Values are scaled to root mean square one where a
stopping rule or a ridge has a unit (pymanopt, cmfrec, tensorly): it helps all three. The numbers of
iterations are the smallest that reach what more iterations reach, found with the truth in hand,
which a user would not have.
"""

from __future__ import annotations

import time

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds


def pymanopt(problem, rank, seed, *, seconds=20.0, rtol=1e-9):
    """Riemannian conjugate gradients on the fixed-rank manifold, gradient written by hand.

    With automatic differentiation the whole matrix would be formed. Started from the leading
    singular triples of the zero-filled data over the observed share.
    """
    import pymanopt as pm
    from pymanopt.manifolds import FixedRankEmbedded
    from pymanopt.manifolds.fixed_rank import _FixedRankPoint
    from pymanopt.optimizers import ConjugateGradient
    from pymanopt.optimizers.line_search import BackTrackingLineSearcher

    rows, cols = problem.rows, problem.cols
    b, scale = _unit(problem)
    manifold = FixedRankEmbedded(*problem.shape, rank)
    R = sp.csr_array((b, (rows, cols)), shape=problem.shape)

    def residual(u, s, vt):
        return np.einsum("ij,ij->i", (u * s)[rows], vt.T[cols]) - b

    @pm.function.numpy(manifold)
    def cost(u, s, vt):
        e = residual(u, s, vt)
        return 0.5 * (e @ e)

    end, last = time.process_time() + seconds, [None]

    @pm.function.numpy(manifold)
    def gradient(u, s, vt):
        # Called once at each iterate. The optimizer's own limit is one of wall time.
        last[0] = u, s, vt
        if time.process_time() > end:
            raise _OutOfTime
        R.data = residual(u, s, vt)
        return manifold.projection((u, s, vt), R)

    u, s, vt = svds(R, rank, v0=np.random.default_rng(seed).standard_normal(min(problem.shape)))
    start = _FixedRankPoint(u[:, ::-1], s[::-1] / problem.density, vt[::-1])
    optimizer = ConjugateGradient(
        max_time=np.inf,
        max_iterations=100_000,
        min_gradient_norm=rtol * np.linalg.norm(b),
        min_step_size=0,
        beta_rule="PolakRibiere",
        line_searcher=BackTrackingLineSearcher(),
        verbosity=0,
    )
    task = pm.Problem(manifold, cost, riemannian_gradient=gradient)
    try:
        u, s, vt = optimizer.run(task, initial_point=start).point
    except _OutOfTime:
        u, s, vt = last[0]
    return u * (s * scale), vt.T


def cmfrec(problem, rank, seed, *, threads=1, **options):
    """cmfrec without biases, in double precision."""
    import cmfrec as package

    values, scale = _unit(problem)
    model = package.CMF(
        k=rank,
        user_bias=False,
        item_bias=False,
        center=False,
        use_float=False,
        precompute_for_predictions=False,
        nthreads=threads,
        random_state=seed + 1,
        verbose=False,
        **options,
    )
    model.fit(sp.coo_matrix((values, (problem.rows, problem.cols)), shape=problem.shape))
    return model.A_ * scale, model.B_


def tensorly(problem, rank, seed, *, seconds=20.0, iterations=2000):
    """Masked CP decomposition of a matrix; works on the whole array."""
    from tensorly.decomposition import parafac

    values, scale = _unit(problem)
    X, mask = np.zeros(problem.shape), np.zeros(problem.shape)
    X[problem.rows, problem.cols] = values
    mask[problem.rows, problem.cols] = 1
    end = time.process_time() + seconds
    weights, (left, right) = parafac(
        X,
        rank,
        n_iter_max=iterations,
        init="random",
        svd_mask_repeats=0,
        mask=mask,
        tol=1e-12,
        random_state=seed,
        callback=lambda *_: time.process_time() > end,
    )
    return left * (weights * scale), right


def cvxpy_lasso(problem, regularization, *, eps=1e-6):
    """The matrix lasso as one writes it down, solved by SCS."""
    import cvxpy as cp

    X = cp.Variable(problem.shape)
    fit = cp.sum_squares(X[problem.rows, problem.cols] - problem.values) / 2
    task = cp.Problem(cp.Minimize(fit + regularization * cp.normNuc(X)))
    task.solve(solver=cp.SCS, eps=eps, max_iters=20_000)
    return X.value, np.eye(problem.shape[1])


def surprise_svd(problem, seed, *, grid):
    """scikit-surprise SVD, its parameters chosen on a tenth of the ratings held out.

    Parameters
    ----------
    grid : list of dict
        Parameters to choose from.
    """
    from surprise import SVD

    def fit(part, options):
        trainset = _trainset(part)
        model = SVD(random_state=seed, **options).fit(trainset)
        mean = trainset.global_mean
        left = np.column_stack([model.pu, mean + model.bu, np.ones(len(model.bu))])
        right = np.column_stack([model.qi, np.ones(len(model.bi)), model.bi])
        return left, right

    return _tuned(problem, seed, fit, grid)


def surprise_bias(problem):
    """scikit-surprise BaselineOnly: ridge means of users and items."""
    from surprise import BaselineOnly

    trainset = _trainset(problem)
    model = BaselineOnly(verbose=False).fit(trainset)
    left = np.column_stack([trainset.global_mean + model.bu, np.ones(len(model.bu))])
    return left, np.column_stack([np.ones(len(model.bi)), model.bi])


def cmfrec_ratings(problem, seed, *, grid, threads=1):
    """cmfrec with biases, its parameters chosen on a tenth of the ratings held out."""
    import cmfrec as package

    def fit(part, options):
        model = package.CMF(
            precompute_for_predictions=False,
            nthreads=threads,
            random_state=seed + 1,
            verbose=False,
            **options,
        )
        model.fit(sp.coo_matrix((part.values, (part.rows, part.cols)), shape=part.shape))
        mean = model.glob_mean_
        left = np.column_stack([model.A_, mean + model.user_bias_, np.ones(part.shape[0])])
        right = np.column_stack([model.B_, np.ones(part.shape[1]), model.item_bias_])
        return left, right

    return _tuned(problem, seed, fit, grid)


class _OutOfTime(Exception):
    """The processor time allowed is used up."""


def _tuned(problem, seed, fit, grid):
    """Fit with the parameters that predict a held-out tenth best."""
    if len(grid) > 1:
        training, held_out = problem.split(0.9, seed)
        errors = []
        for options in grid:
            left, right = fit(training, options)
            predicted = np.einsum("ij,ij->i", left[held_out.rows], right[held_out.cols])
            errors.append(np.mean((predicted - held_out.values) ** 2))
        grid = [grid[int(np.argmin(errors))]]
    return fit(problem, grid[0])


def _trainset(problem):
    """Ratings in surprise's form; inner ids are ours, and every user and item exists."""
    from surprise import Trainset

    users, items = problem.shape
    of_user = {u: [] for u in range(users)}
    of_item = {i: [] for i in range(items)}
    triples = zip(
        problem.rows.tolist(), problem.cols.tolist(), problem.values.tolist(), strict=True
    )
    for u, i, value in triples:
        of_user[u].append((i, value))
        of_item[i].append((u, value))
    return Trainset(
        of_user,
        of_item,
        users,
        items,
        problem.n_observed,
        (1, 5),
        {u: u for u in range(users)},
        {i: i for i in range(items)},
    )


def _unit(problem):
    """Values over their root mean square, and that."""
    scale = float(np.sqrt(np.mean(problem.values**2)))
    return problem.values / scale, scale
