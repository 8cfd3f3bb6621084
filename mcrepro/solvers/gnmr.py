"""Gauss-Newton matrix recovery: replace U V^T by its linearization, solve, repeat.

Step
    ``min over U~, V~ of ||P_Omega(U V~^T + U~ V^T) - P_Omega(M + alpha U V^T)||``, the solution of
    least norm; then ``U <- (1 - alpha)/2 U + U~``, and V alike. "setting" is alpha = 1, "averaging"
    0, "updating" -1. With ``A = U~ - (1 + alpha)/2 U`` the right side becomes the residual
    ``P_Omega(M - U V^T)``, so the three differ only in which of the solutions
    ``(A + U G, B - V G^T)`` they take.
Output
    The best rank-r approximation of the rank-2r matrix ``U V+^T + U+ V^T - U V^T`` (the linearized
    point) with the smallest residual.
Deviations
    "damped", the default, is ours. Its start is the outcome of Gaussian belief propagation, which
    near the information limit comes close to the truth where spectral starts, and least squares at
    increasing ranks, lead to spurious minima. Belief propagation sees the core only: rows and
    columns with no more than `rank` entries are peeled off first, and fitted once the core is, which
    for data without noise means by the steps that follow, on the core alone. Then steps
    minimise ``||P_Omega(U B^T + A V^T) - e||^2 + mu ||(A, B)||^2``, e the residual, for balanced
    factors, ``U^T U = V^T V``, with mu adapted as by Marquardt. Should they stall, belief
    propagation is run again from random factors, at another temperature and damping; the smallest
    residual on the observed entries wins. The published variants start from the leading singular
    triples of the zero-filled data; with ``least_squares="lsqr"`` they solve as the published code
    does, without elimination.
References
    P. Zilber, B. Nadler, "GNMR: a provable one-line algorithm for low rank matrix recovery",
    SIAM Journal on Mathematics of Data Science 4, 2022.
    D. W. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", 1963.
    Of belief propagation: see `_belief_propagation`.
"""

import numpy as np

from mcrepro._checks import flag, integer, one_of, real
from mcrepro.problem import Problem
from mcrepro.solvers._belief_propagation import sweeps
from mcrepro.solvers._gauss_newton import Run, best_last, given, marquardt, truncate
from mcrepro.solvers._least_squares import TangentLeastSquares
from mcrepro.solvers._peeling import Core
from mcrepro.solvers._registry import method

_ALPHA = {"setting": 1, "averaging": 0, "updating": -1}
# (temperature, damping, final residual) of belief propagation, for one attempt after the other.
_ATTEMPTS = ((0.7, 0.3, 1e-3), (0.8, 0.5, 1e-5), (0.6, 0.5, 1e-5), (0.75, 0.6, 1e-5))


@method(
    "gnmr",
    setting="rectangular (U V^T)",
    cost="O(m r) for each inner iteration; O(sum k_j^2 r^2 + n^3 r^3) direct, n = min(n1, n2)",
    source="Zilber and Nadler 2022, Algorithm 3 (matrix completion)",
    citation="P. Zilber and B. Nadler, GNMR: a provable one-line algorithm for low rank matrix "
    "recovery, SIAM J. Math. Data Sci. 4 (2022) 909-934",
)
def gnmr(
    problem,
    rank,
    rng,
    loop,
    *,
    variant="damped",
    least_squares="auto",
    inner_iter=2000,
    start=None,
    restarts=3,
    identifiability=False,
    max_iter=1000,
    rtol=1e-13,
    gtol=1e-9,
):
    """Complete by Gauss-Newton steps.

    The certificate holds "undetermined": how many coefficients of rows and columns the entries
    leave open by their places alone. Unless it is 0, a perfect fit is one of many.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    rank : int
    variant : {"damped", "setting", "averaging", "updating"}
        The last three are the paper's.
    least_squares : {"auto", "direct", "cg", "lsqr"}
        Eliminate the longer factor and factorize or iterate, or LSQR on the whole. The published
        runs have variant="setting", least_squares="lsqr", inner_iter=2000, max_iter=100.
    inner_iter : int, default 2000
        Most inner iterations a step.
    start : (array_like, array_like), optional
        Factors of shapes (n1, k) and (n2, k). The paper's variants need k = rank; for "damped" k
        may be less, and what is missing is taken from the residual.
    restarts : int, default 3
        Further attempts of "damped" after one that stalled, at most 3.
    identifiability : bool, default False
        Add "sigma_min" to the certificate: the smallest singular value of ``xi -> P_Omega(xi) /
        sqrt(density)`` over tangent directions at the answer, up to a factor of order one. At 0 the
        data leave the completion open even where they fit exactly. Dense: min(n1, n2) r unknowns.
    max_iter : int, default 1000
        Steps and sweeps that lowered the residual, over all attempts.
    rtol : float, default 1e-13
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-9
        On ``||grad|| / (||residual|| ||(U, V)||_F)``; not measured in belief propagation.
    """
    one_of("variant", variant, ("damped", *_ALPHA))
    one_of("least_squares", least_squares, ("auto", "direct", "cg", "lsqr"))
    inner_iter, max_iter = integer("inner_iter", inner_iter, 1), integer("max_iter", max_iter, 0)
    flag("identifiability", identifiability)
    restarts = integer("restarts", restarts, 0, len(_ATTEMPTS) - 1)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    run = Run(problem, rank, rng, TangentLeastSquares(problem, least_squares, inner_iter), rtol)
    if start is not None:
        start = given(start, problem, rank, exact=variant != "damped")
    if variant == "damped":
        points = _damped(run, start, restarts)
    else:
        points = _published(run, start, _ALPHA[variant])
    outcome = loop(
        best_last(points, max_iter),
        max_iter=max_iter,
        rtol=rtol,
        gtol=gtol,
        patience=max_iter + 1,
    )
    outcome.certificate["undetermined"] = Core(problem, rank).undetermined
    if identifiability:
        point = outcome.iterate
        sigma = run.system.smallest_singular_value(point.left, point.right)
        outcome.certificate["sigma_min"] = sigma
    return outcome


def _published(run, start, alpha):
    """The paper's iteration, each point beside its linearized output."""
    U, V = start or run.leading(run.b, run.rank)[::2]
    yield run.iterate(U, V, run.residual(U, V))
    c, f = (1 + alpha) / 2, 1.0
    while True:
        # M + alpha U V^T on Omega; the tolerance follows the residual once that is below 1e-5.
        rhs = run.b + alpha * run.system.entries(U, V)
        tol = min(1e-15, f**2) if f < 1e-5 else 1e-15
        U_, V_ = run.system.least_norm(U, V, rhs, tol)
        U_next, V_next = (1 - c) * U + U_, (1 - c) * V + V_
        # U V+^T + U+ V^T - U V^T as a product of two factors with 2r columns.
        X, Y = truncate(np.hstack([U, U_next]), np.hstack([V_next - V, V]), run.rank)
        e = run.residual(X, Y)
        f = float(np.linalg.norm(e) / run.size)
        yield run.iterate(X, Y, e)
        U, V = U_next, V_next


def _damped(run, start, restarts):
    """Marquardt's steps from `start`; if there is none, or they stall, from beliefs."""
    if start is not None:
        U, V = start
        if U.shape[1] < run.rank:
            u, s, v = run.leading(run.residual(U, V), run.rank - U.shape[1])
            U, V = np.hstack([U, u * np.sqrt(s)]), np.hstack([V, v * np.sqrt(s)])
        yield from marquardt(run, U, V)
    core = Core(run.problem, run.rank)
    for attempt in range(restarts + 1):
        X, Y, noisy = yield from _propagate(run, core, attempt)
        # Peeled rows may hang on the core by hardly independent ones, and then send its errors far.
        if not noisy and len(core.kept) < len(run.b):
            X, Y = yield from _settle(run, core, X, Y)
        U, V = core.embed(X, Y)
        U, V = core.extend(U, V, run.b)
        # Without noise a small gradient elsewhere than at a perfect fit is no answer yet.
        yield from marquardt(run, U, V, final=noisy or attempt == restarts)


def _propagate(run, core, attempt):
    """Belief propagation: its best factors of the core, and whether it found noise in the data."""
    rows, cols, values, shape = core.entries(run.b)
    X, Y = (np.zeros((n, run.rank)) for n in shape)
    yield _embedded(run, core, X, Y)
    temperature, damping, fitted = _ATTEMPTS[attempt]
    best, noisy, spectral = np.inf, False, attempt == 0
    for U, V, f, sure in sweeps(
        rows, cols, values, shape, run.rank, run.rng, temperature, damping, spectral, fitted
    ):
        noisy = sure
        if f < best:
            best, X, Y = f, U, V
            yield _embedded(run, core, X, Y)
    return X, Y, noisy


def _settle(run, core, X, Y):
    """Marquardt's steps on the core alone."""
    problem, solver, done = Problem(*core.entries(run.b)), run.system.solver, run.system.inner
    system = TangentLeastSquares(problem, solver, run.system.inner_iter)
    for point in marquardt(Run(problem, run.rank, run.rng, system, run.rtol), X, Y, final=False):
        X, Y, run.system.inner = point.left, point.right, done + system.inner
        yield _embedded(run, core, X, Y)
        if point.residual <= run.rtol:
            break
    return X, Y


def _embedded(run, core, X, Y):
    """The iterate that has factors of the core only."""
    U, V = core.embed(X, Y)
    return run.iterate(U, V, run.residual(U, V), final=False)
