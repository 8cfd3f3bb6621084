"""softImpute-ALS: the matrix lasso by alternating ridge regressions on a matrix filled in.

Problem
    ``min f(X) = 1/2 sum over Omega of w_ij (X_ij - M_ij)^2 + lam ||X||_*``, written over factors as

        min F(A, B) = 1/2 sum over Omega of w_ij ((A B^T)_ij - M_ij)^2 + lam/2 (||A||^2 + ||B||^2),

    which has the same minimum if the factors have enough columns. With R = w (M - X) on Omega, the
    filled matrix is ``X + R``: sparse plus low rank, never formed. A sweep is

        B <- B + (R^T A - lam B) (A^T A + lam)^-1,   then A likewise with the new B and R.

Optimality
    ``||R||_2 <= lam`` and ``<X, R> = lam ||X||_*``. The measure is the duality gap over f(X), at
    the dual point c R (see ``_convex``), and bounds how far f(X) lies above the minimum. Where a
    limit on the rank binds, or with lam = 0, the problem is not convex and the measure is that of a
    stationary point of F. For ``lam >= lam_max = ||w M||_2`` the solution is zero.
Deviations
    The paper orthogonalises the factors in each half sweep and stops when X changes little. The
    sweep above maps X alike but moves the factors smoothly, which lets Anderson's method
    extrapolate from a few sweeps; a point that does not lower F is discarded. More than R is filled
    in where little was observed, which keeps F from rising too (``relaxed`` in ``_lasso``). Every
    ten sweeps, one step of the paper's last kind (the filled matrix, decomposed on the column space
    at hand and the leading directions outside, soft-thresholded) drops columns that are zero at the
    solution and adds those that are missing.

    Where r is small beside what is left to fill in and lam > 0, each row is regressed on its
    observed entries instead (the paper's "ALS"), at r times the cost. It minimises F itself and not
    a majorant that is the looser the more there is to fill in, and needs far fewer sweeps.
References
    T. Hastie, R. Mazumder, J. D. Lee, R. Zadeh, "Matrix completion and low-rank SVD via fast
    alternating least squares", JMLR 16, 2015 (algorithm 3.1 and section 5).
    R. Mazumder, T. Hastie, R. Tibshirani, "Spectral regularization algorithms for learning large
    incomplete matrices", JMLR 11, 2010 (the path, and lam_max).
    H. F. Walker, P. Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal.
    49, 2011.
"""

from itertools import count

import numpy as np

from mcrepro._checks import flag, integer, one_of, real
from mcrepro.solvers._anderson import Anderson
from mcrepro.solvers._convex import Entries
from mcrepro.solvers._lasso import Lasso, given, two_way
from mcrepro.solvers._path import cross_validated
from mcrepro.solvers._registry import method
from mcrepro.solvers._regressions import Filled, Rows, filled_is_better
from mcrepro.solvers._subspaces import balanced, leading, roughly_leading

_EARLY, _EVERY = (2, 5), 10  # sweeps before a revision of the columns
_FLAT = 1e-8  # relative decrease between two revisions that is none
_DUE = 10  # relative decrease in a sweep before the first certificate, over gtol^2
_MEMORY = 8  # sweeps that Anderson's method looks back on


@method(
    "soft_impute",
    setting="rectangular (U V^T); symmetric with mirrored entries; convex, rank found",
    cost="O(m r^2 + (n1 + n2) r^3), on dense patterns O(m r + (n1 + n2) r^2)",
    source="Hastie, Mazumder, Lee, Zadeh, section 5",
    citation="T. Hastie, R. Mazumder, J. D. Lee and R. Zadeh, Matrix completion and low-rank SVD "
    "via fast alternating least squares, J. Mach. Learn. Res. 16 (2015) 3367-3402",
)
def soft_impute(
    problem,
    rank=None,
    rng=None,
    loop=None,
    *,
    regularization=None,
    rule="min",
    weights=None,
    center="none",
    accelerate=True,
    start=None,
    max_iter=2000,
    rtol=1e-9,
    gtol=1e-5,
):
    """Complete by the matrix lasso.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2). For a symmetric one both (i, j) and (j, i) are fitted, each with half the
        weight if only one was observed; the answer is symmetric to the accuracy asked for.
    rank : int, optional
        Largest rank of the answer, the two columns of `center` included. By default columns are
        added until the convex problem is solved; but see `regularization`.
    regularization : float, optional
        lam, in the unit of the values times the square root of a count. 0 is the paper's
        hardImpute, which needs `rank`. By default chosen by cross-validation: a tenth of the
        entries is held out, lam goes down geometrically from lam_max with warm starts, and the
        answer is fitted to all entries. Without `rank` the path ends before a fit of rank r
        above 50 with more parameters, ``r (n1 + n2 - r)``, than entries. The certificate holds "regularization",
        "path", and "path_end": "error" (it rose twice), "rank" (that end), or "length" (lam is a
        thousandth of lam_max).
    rule : {"min", "1se"}
        Of cross-validation: the lam of least error on the entries held out, or the largest whose
        error is within one standard error of that.
    weights : None, "rows+columns" or array_like, shape (m,) or (n1, n2)
        w, positive; ``1 / p_ij`` corrects for unequal probabilities of observation. In the order of
        ``problem.rows`` or for the whole matrix; or as for "bm" from the counts.
    center : {"none", "rows+columns"}
        Take off the two-way fit of method "mean" first; it is part of the returned factors, and not
        penalised. Rectangular problems only.
    accelerate : bool, default True
        Extrapolate, and regress rows. The plain sweeps of the paper have the same solutions.
    start : (array_like, array_like), optional
        Factors of shapes (n1, k) and (n2, k) to start the last fit from; as returned, so that with
        `center` the first two columns are computed anew.
    max_iter : int, default 2000
        Largest number of sweeps, for each lam of the path.
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``; for ``regularization=0`` only.
    gtol : float, default 1e-5
        On the measure of optimality above.
    """
    one_of("rule", rule, ("min", "1se"))
    one_of("center", center, ("none", "rows+columns"))
    flag("accelerate", accelerate)
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    limit = min(problem.shape) if rank is None else rank
    if center != "none":
        if problem.symmetric:
            raise ValueError(f"center={center!r} needs a rectangular problem; this is symmetric")
        if rank is not None:
            if rank < 3:
                raise ValueError(
                    f"rank={rank} is too small: center={center!r} takes two of 3 or more"
                )
            limit -= 2
    data, bases, chosen = Entries(problem, weights), {}, {}

    def lasso(data, lam, limit=limit, gtol=gtol):
        if center != "none" and data not in bases:
            bases[data] = two_way(data)
        return Lasso(data, lam, limit, rng, gtol, base=bases.get(data))

    if regularization is None:
        most = None if rank is None else limit
        lam, warm, chosen = cross_validated(data, lasso, sweeps, rng, rule, max_iter, most)
    else:
        lam, warm = real("regularization", regularization, 0), None
    if start is not None:
        warm = given(start, data, limit, skip=2 if center != "none" else 0)
    if lam == 0 and rank is None:
        raise ValueError("regularization=0 needs rank, the rank of the answer")
    task = lasso(data, lam)
    # Only an interpolating fit may stop on its residual; with lam > 0 that says nothing.
    outcome = loop(
        sweeps(task, warm, max_iter, plain=not accelerate),
        max_iter=max_iter,
        rtol=rtol if lam == 0 else -1.0,
        gtol=gtol,
    )
    if not outcome.certificate.keys() & {"duality_gap", "gradient_norm"}:
        outcome.certificate |= task.certificate(*task.factors(outcome.iterate))
    outcome.certificate |= {"regularization": lam, **chosen}
    return outcome


def sweeps(lasso, start, max_iter, plain=False):
    """Iterates from factors (A, B), or from none."""
    A, B = start or (np.zeros((n, 0)) for n in lasso.data.shape)
    bound = lasso.bound if plain else lasso.relaxed
    kinds, extrapolate = (Rows(lasso), Filled(lasso, bound)), Anderson(_MEMORY)

    def kind(k):
        return kinds[plain or lasso.lam == 0 or filled_is_better(lasso.data, k)]

    regress, more = kind(A.shape[1]), A.shape[1] == 0
    best, before, fallback, due = np.inf, np.inf, None, _DUE * lasso.gtol**2
    for n in count():
        B1, square = regress.right(A, B)
        value = lasso.value(A, B, square)
        if fallback is not None and value > best:
            (A, B), fallback = fallback, None  # the extrapolation raised F
            B1, square = regress.right(A, B)
            value = lasso.value(A, B, square)
            extrapolate.forget()
        lost, best = best - value, value
        revise = n in _EARLY or n % _EVERY == 0
        flat = revise and before - best <= _FLAT * best
        point, measures = (A, B), {}
        asked = n == max_iter or flat or (n == 0 and start is not None)
        if asked or lost <= due * best:
            point = balanced(A, B)[1:]  # there F is f
            measures = lasso.certificate(*point, exact=asked)
            # The gap is of the order of the root of what F still has to lose.
            excess = measures.get("gradient_norm", 0.0) / max(lasso.gtol, 1e-15)
            if excess > 1:
                due = min(due, 2 * lost / (best * excess**2))
                if not asked:
                    measures = {}
        yield lasso.iterate(*point, square, measures)

        if revise:
            done = before - best <= max(lasso.gtol, _FLAT) * best
            before = best
            search = leading if done and n > 0 else roughly_leading if more else None
            revised, more = lasso.revised(A, B, search, bound)
            if revised is not None:
                (A, B), fallback = revised, None
                regress = kind(A.shape[1])
                B1, _ = regress.right(A, B)
                extrapolate.forget()
        A1 = regress.left(A, B1)
        ahead = None if plain else extrapolate(np.concatenate([A, B]), np.concatenate([A1, B1]))
        if ahead is None:
            A, B = A1, B1
        else:
            A, B, fallback = ahead[: len(A)], ahead[len(A) :], (A1, B1)
