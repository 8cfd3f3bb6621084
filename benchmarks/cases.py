"""The cases: which problems, who runs on them, and what counts as an answer.

A case makes the task of one seed; every contender meets the same one. Rows of different cases are
never compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import lsmr

import mcrepro as mc
from benchmarks.contenders import (
    Answer,
    Contender,
    cmfrec_als,
    cmfrec_lbfgs,
    cmfrec_ratings,
    cvxpy_lasso,
    importing,
    lifted_gradient,
    ours,
    published,
    pymanopt,
    surprise_bias,
    surprise_svd,
    tensorly,
)
from mcrepro.lifting import DenseObjective, LiftedObjective

#: Relative error on the unobserved entries at which a matrix counts as recovered.
RECOVERED = 1e-5


@dataclass(frozen=True)
class Task:
    """What a contender gets, and how its answer is scored.

    Attributes
    ----------
    problem : mcrepro.Problem or Lifted
    rank : int
    seed : int
    score : callable
        Takes an `Answer` and returns its error.
    goal : float
        An error at or below it is a success.
    reference : float
        An error to compare with, such as that of an oracle; NaN where there is none.
    """

    problem: mc.Problem | Lifted
    rank: int | None
    seed: int
    score: Callable[[Answer], float]
    goal: float = np.inf
    reference: float = np.nan


@dataclass(frozen=True)
class Case:
    """A problem and its contenders.

    Attributes
    ----------
    name : str
    group : str
        Table of the page that shows it.
    title : str
        The problem in words.
    metric : str
        What `Task.score` returns.
    contenders : tuple of Contender
    task : callable
        Takes a seed (and ``tiny=True`` for a small one of the same kind) and returns a `Task`.
    seeds : int
        How many seeds; a quick run takes the first.
    rounds : int
        Timings of each seed, of which the median counts.
    x : float
        Position on the horizontal axis, for cases that belong to one curve.
    code : str
        Folder of the package whose change makes the rows of ours out of date.
    """

    name: str
    group: str
    title: str
    metric: str
    contenders: tuple[Contender, ...]
    task: Callable[..., Task]
    seeds: int = 3
    rounds: int = 3
    x: float = np.nan
    code: str = "solvers"


# -- recovery -------------------------------------------------------------------------------------


def recovery(seed, *, n1, n2, rank, condition, ratio, tiny=False):
    """Exact data at a given oversampling."""
    if tiny:
        n1, n2, rank, ratio = 40, 35, 2, 4.0
    problem = mc.instances.oversampled(n1, n2, rank, ratio, condition, seed)
    return Task(problem, rank, seed, partial(unobserved_error, problem), RECOVERED)


def unobserved_error(problem, answer):
    """Relative Frobenius error over the entries that were not observed."""
    error = size = 0.0
    step = max(1, 2_000_000 // problem.shape[1])
    for low in range(0, problem.shape[0], step):
        truth = problem.truth[low : low + step]
        first, last = np.searchsorted(problem.rows, [low, low + step])
        rows, cols = problem.rows[first:last] - low, problem.cols[first:last]
        hidden = np.ones(truth.shape, dtype=bool)
        hidden[rows, cols] = False
        difference = answer.left[low : low + step] @ answer.right.T - truth
        error += float(np.sum(difference[hidden] ** 2))
        size += float(np.sum(truth[hidden] ** 2))
    return float(np.sqrt(error / size))


def _recovery(name, n1, n2, rank, condition, ratio, contenders, **options):
    task = partial(recovery, n1=n1, n2=n2, rank=rank, condition=condition, ratio=ratio)
    title = f"{n1} × {n2}, r = {rank}, κ = {condition:g}, ρ = {ratio:g}"
    metric = "relative error, unobserved"
    return Case(name, "recovery", title, metric, tuple(contenders), task, **options)


def _few(ratio):
    """Where entries are scarce: only the share of successes is of interest."""
    contenders = [ours("gnmr"), ours("als")]
    case = _recovery(f"scarce-{ratio}", 300, 350, 5, 10, ratio, contenders, seeds=20, rounds=1)
    return replace(case, group="scarce")


# -- noise ----------------------------------------------------------------------------------------


def noisy(seed, *, n1, n2, rank, condition, tiny=False):
    """Normal noise, 20 dB below the observed entries, at oversampling 5."""
    if tiny:
        n1, n2, rank = 60, 50, 2
    clean = mc.instances.oversampled(n1, n2, rank, 5.0, condition, seed)
    rng = np.random.default_rng([seed, 20])
    noise = 0.1 * np.sqrt(np.mean(clean.values**2)) * rng.standard_normal(clean.n_observed)
    problem = mc.Problem(
        clean.rows, clean.cols, clean.values + noise, clean.shape, truth=clean.truth
    )
    oracle = unobserved_error(problem, oracle_completion(clean, noise, rank))
    return Task(problem, rank, seed, partial(unobserved_error, problem), 1.02 * oracle, oracle)


def oracle_completion(clean, noise, rank):
    """Least squares over ``U B^T + A V^T`` with the true row and column spaces U, V known."""
    left, s, right = _leading(clean.truth, rank)
    n1, n2 = clean.shape
    entry = np.arange(clean.n_observed).repeat(rank)
    k = np.tile(np.arange(rank), clean.n_observed)
    in_a = sp.csr_array(
        (right[clean.cols].ravel(), (entry, clean.rows.repeat(rank) * rank + k)),
        shape=(clean.n_observed, n1 * rank),
    )
    in_b = sp.csr_array(
        (left[clean.rows].ravel(), (entry, clean.cols.repeat(rank) * rank + k)),
        shape=(clean.n_observed, n2 * rank),
    )
    x = lsmr(sp.hstack([in_a, in_b], format="csr"), noise, atol=1e-10, btol=1e-10)[0]
    A, B = x[: n1 * rank].reshape(n1, rank), x[n1 * rank :].reshape(n2, rank)
    return Answer(np.hstack([left * s + A, left]), np.hstack([right, B]))


def _leading(M, rank):
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(M @ (M.T @ rng.standard_normal((len(M), rank))))[0]  # M has this rank
    u, s, vt = np.linalg.svd(Q.T @ M, full_matrices=False)
    return Q @ u, s, vt.T


def _noisy(name, n1, n2, rank, condition, contenders, **options):
    task = partial(noisy, n1=n1, n2=n2, rank=rank, condition=condition)
    title = f"{n1} × {n2}, r = {rank}, κ = {condition:g}, ρ = 5, noise at 20 dB"
    metric = "relative error, unobserved"
    return Case(name, "noise", title, metric, tuple(contenders), task, **options)


# -- ratings --------------------------------------------------------------------------------------


def ratings(seed, *, data, rank, tiny=False):
    """Nine tenths of the ratings to fit, one to predict."""
    whole = mc.data.load("ml-small-2016" if tiny else data).to_problem()
    if tiny:
        keep = (whole.rows < 80) & (whole.cols < 400)
        whole = mc.Problem(whole.rows[keep], whole.cols[keep], whole.values[keep], (80, 400))
    training, held_out = whole.split(0.9, seed)
    return Task(training, 2 if tiny else rank, seed, partial(rmse, held_out))


def rmse(held_out, answer):
    """Root mean square error on held-out ratings."""
    predicted = np.einsum("ij,ij->i", answer.left[held_out.rows], answer.right[held_out.cols])
    return float(np.sqrt(np.mean((predicted - held_out.values) ** 2)))


#: Parameters that the peers choose from: the best few that we found for each data set.
SURPRISE = {
    "ml-100k": [(50, 40, 0.1), (50, 60, 0.1), (100, 60, 0.1), (100, 40, 0.08)],
    "ml-1m": [(50, 40, 0.065), (100, 40, 0.05), (100, 40, 0.065), (100, 40, 0.08)],
}
CMFREC = {
    "ml-100k": [(10, 10.0, False), (10, 15.0, False), (40, 0.1, True), (40, 0.13, True)],
    "ml-1m": [(10, 7.0, False), (10, 10.0, False), (10, 14.0, False), (40, 0.07, True)],
}


def _ratings(data, rank, title):
    biased = {"center": "rows+columns"}
    svd = [
        {"n_factors": k, "n_epochs": epochs, "lr_all": 0.01, "reg_all": ridge}
        for k, epochs, ridge in SURPRISE[data]
    ]
    als = [{"k": k, "lambda_": ridge, "scale_lam": s} for k, ridge, s in CMFREC[data]]
    contenders = (
        ours("als", ridge="learned", gtol=0.02, **biased),
        ours("soft_impute", ranked=False, gtol=1e-3, **biased),
        ours("mean", ranked=False),
        surprise_svd(svd),
        cmfrec_ratings(als),
        surprise_bias(),
    )
    task = partial(ratings, data=data, rank=rank)
    return Case(data, "ratings", title, "RMSE, held out", contenders, task, seeds=5, rounds=1)


# -- convex ---------------------------------------------------------------------------------------


def convex(seed, *, regularization, tiny=False):
    """The matrix lasso on noisy data; scored by its objective above the smallest one known."""
    n = 20 if tiny else 100
    clean = mc.instances.oversampled(n, n, 3, 3.0 if tiny else 4.0, 3.0, seed)
    noise = np.random.default_rng([seed, 1]).standard_normal(clean.n_observed)
    values = clean.values + 0.1 * np.std(clean.values) * noise
    problem = mc.Problem(clean.rows, clean.cols, values, clean.shape)
    accurate = mc.complete(
        problem, "soft_impute", regularization=regularization, gtol=1e-10, seed=1
    )
    objective = partial(lasso_objective, problem, regularization)
    best = objective(Answer(accurate.left, accurate.right))
    score = partial(excess, objective, best)
    return Task(problem, None, seed, score, 1e-5)


def lasso_objective(problem, regularization, answer):
    """``1/2 ||P_Omega(X - M)||^2 + lambda ||X||_*``."""
    X = answer.left @ answer.right.T
    misfit = X[problem.rows, problem.cols] - problem.values
    return float(0.5 * misfit @ misfit + regularization * np.linalg.norm(X, "nuc"))


def excess(objective, best, answer):
    """Relative distance of the objective from the smallest one known."""
    return abs(objective(answer) / best - 1)


def _convex(regularization):
    contenders = (
        ours("soft_impute", ranked=False, regularization=regularization),
        # As far from the minimum as cvxpy ends, about 1e-6.
        ours(
            "soft_impute",
            "soft_impute, 1e-3",
            ranked=False,
            regularization=regularization,
            gtol=1e-3,
        ),
        cvxpy_lasso(regularization),
    )
    title = f"matrix lasso, 100 × 100, λ = {regularization:g}"
    metric = "relative excess of the objective"
    task = partial(convex, regularization=regularization)
    return Case(f"convex-{regularization:g}", "convex", title, metric, contenders, task)


# -- lifted ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lifted:
    """The lifted objective in two forms, and where to take its gradient."""

    structured: LiftedObjective
    dense: DenseObjective
    point: np.ndarray


def lifted(seed, *, n, order, tiny=False):
    """The structured problem of the noise part; scored by the distance from the definition."""
    objective = LiftedObjective(mc.instances.structured(4 if tiny else n, 0.2), order)
    forms = Lifted(objective, DenseObjective(objective), objective.initial(1.0, seed))
    return Task(forms, None, seed, partial(from_definition, forms), 1e-12)


def from_definition(forms, answer):
    """Relative distance of a gradient from that of the dense form."""
    exact = forms.dense.gradient(forms.point)
    return float(np.linalg.norm(answer.left - exact) / np.linalg.norm(exact))


def _lifted(n, order):
    contenders = (lifted_gradient("structured", "ours"), lifted_gradient("dense", "reference"))
    title = f"lifted objective, n = {n}, l = {order}"
    metric = "relative distance from the dense gradient"
    task = partial(lifted, n=n, order=order)
    return Case(f"lifted-{n}", "lifted", title, metric, contenders, task, code="lifting")


# -- cost -----------------------------------------------------------------------------------------


def cost(seed, *, n, m, rank, tiny=False):
    """A square problem of given size and number of entries; random factors, uniform entries."""
    if tiny:
        n, m, rank = 60, 1500, 2
    rng = np.random.default_rng([seed, n, m, rank])
    U, V = rng.standard_normal((n, rank)), rng.standard_normal((n, rank))
    # Distinct positions, without an array of all of them.
    flat = np.unique(rng.integers(n * n, size=m + m // 3))
    flat = rng.permutation(flat)[:m]
    rows, cols = np.divmod(flat, n)
    values = np.einsum("ij,ij->i", U[rows], V[cols])
    return Task(mc.Problem(rows, cols, values, (n, n)), rank, seed, iterations)


def iterations(answer):
    """How many iterations the time is for."""
    return float(answer.iterations)


def _cost():
    """One curve for each of m, r and n, through a common point."""
    steps = {"rtol": 0.0, "gtol": 0.0, "max_iter": 10}
    contenders = (
        ours("bm", optimizer="gd", **steps),
        ours("als", **steps),
        ours("soft_impute", regularization=1.0, accelerate=False, **steps),
        ours("gnmr", variant="setting", least_squares="lsqr", inner_iter=10, **steps),
    )
    centre = {"n": 4000, "m": 800_000, "rank": 8}
    curves = {
        "m": [200_000, 400_000, 800_000, 1_600_000, 3_200_000],
        "rank": [4, 8, 16, 32],
        "n": [2000, 4000, 8000, 16000, 32000],
    }
    for axis, points in curves.items():
        for point in points:
            where = centre | {axis: point}
            title = f"n1 = n2 = {where['n']}, |Ω| = {where['m']}, r = {where['rank']}"
            yield Case(
                f"cost-{axis}-{point}",
                f"cost-{axis}",
                title,
                "iterations",
                contenders,
                partial(cost, **where),
                seeds=1,
                x=point,
            )


# -- import -------------------------------------------------------------------------------------


def nothing(seed, *, tiny=False):
    """No problem: what is measured is the start of Python."""
    del tiny
    return Task(mc.Problem([0], [0], [1.0], (1, 1)), None, seed, iterations)


def _imports():
    modules = {"cmfrec": "cmfrec", "pymanopt": "pymanopt", "tensorly": "tensorly"}
    modules |= {"scikit-surprise": "surprise", "cvxpy": "cvxpy"}
    contenders = [importing("mcrepro", "mcrepro", "ours")]
    contenders += [importing("mcrepro.api", "mcrepro", "ours")]
    contenders += [importing(module, package, "peer") for package, module in modules.items()]
    title = "import, in a new process"
    return Case("import", "import", title, "none", tuple(contenders), nothing, seeds=1, rounds=5)


# -- all ------------------------------------------------------------------------------------------


def _all():
    fast = [ours("als"), ours("gnmr"), ours("bm")]
    small = [pymanopt(), cmfrec_als(60), cmfrec_lbfgs()]
    for ratio in (1.5, 2, 3, 5):
        reference = [published()] if ratio <= 2 else []
        contenders = [*fast, *reference, *small, tensorly()]
        yield _recovery(f"300-{ratio}", 300, 350, 5, 10, ratio, contenders)
    for ratio in (1.05, 1.1, 1.2, 1.5, 2):
        yield _few(ratio)
    for ratio in (2, 3):
        contenders = [*fast, *small, tensorly(seeds=1)]
        yield _recovery(f"1000-{ratio}", 1000, 1000, 10, 10, ratio, contenders)
    for ratio in (3, 5):
        contenders = [
            *fast,
            *(cmfrec_als(60 if ratio == 3 else 30), cmfrec_lbfgs()),
            *(pymanopt(80, seeds=1), tensorly(60, seeds=1)),
        ]
        yield _recovery(f"5000-{ratio}", 5000, 5000, 10, 5, ratio, contenders, rounds=1)
    fit = [ours("als"), ours("gnmr"), ours("bm"), cmfrec_als(15), cmfrec_lbfgs()]
    yield _noisy("noise-300", 300, 350, 5, 10, [*fit, pymanopt(rtol=1e-6)])
    yield _noisy("noise-1000", 1000, 1000, 10, 10, [*fit, pymanopt(rtol=1e-6)])
    yield _noisy("noise-5000", 5000, 5000, 10, 5, [*fit, pymanopt(80, 1e-6, seeds=1)], rounds=1)
    yield _ratings("ml-100k", 10, "MovieLens 100K, a tenth held out")
    yield _ratings("ml-1m", 10, "MovieLens 1M, a tenth held out")
    # The smallest lambda at which the answer is zero is about 0.8.
    yield from map(_convex, (0.3, 0.1, 0.03))
    yield from (_lifted(n, 3) for n in (8, 12, 16))
    yield _imports()
    yield from _cost()


def cases() -> dict[str, Case]:
    """Every case by its name."""
    return {case.name: case for case in _all()}
