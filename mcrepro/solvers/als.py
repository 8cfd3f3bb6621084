"""Ridge alternating least squares: fit one factor exactly while the other is held, in turn.

Problem
    ``min f(U, V) = 1/2 sum over Omega of s_ij (<u_i, v_j> - M_ij)^2
    + 1/2 sum_i ridge_i ||u_i||^2 + 1/2 sum_j ridge_j ||v_j||^2``, optionally with biases,
    ``g + a_i + b_j + <u_i, v_j>``, where g is the mean of the data and the ridge acts on a and b too.
    With one ridge for all rows and a rank that is large enough, min f is that of nuclear-norm
    regularisation, since ``1/2 (||U||^2 + ||V||^2) >= ||U V^T||_*`` with equality for some factors.
Optimality
    ``grad f = 0``. At every point but the start the rows of U solve their normal equations.
Deviations
    The textbook method overfits for good where entries are scarce: rows with hardly more
    entries than unknowns send the factors far away. Here the ridge begins larger than asked for and
    falls with the residual (Levenberg's idea); history has it as "working_ridge". Objective,
    gradient and certificate are always those of the ridge that was asked for. Anderson's
    extrapolation, dropped wherever it fails to decrease f, then saves a third to half of the sweeps.
References
    Y. Zhou, D. Wilkinson, R. Schreiber, R. Pan, "Large-scale parallel collaborative filtering for
    the Netflix prize", AAIM 2008.
    Y. J. Lim, Y. W. Teh, "Variational Bayesian approach to movie rating prediction", KDD Cup 2007.
    Y. Koren, R. Bell, C. Volinsky, "Matrix factorization techniques for recommender systems",
    Computer 42, 2009.
"""

import numpy as np

from mcrepro._checks import integer, one_of, real
from mcrepro.solvers._anderson import Anderson
from mcrepro.solvers._blocks import Blocks
from mcrepro.solvers._registry import method
from mcrepro.solvers._ridge_path import cross_validated
from mcrepro.solvers._variational import iterates as variational
from mcrepro.solvers._weights import into_ball, row_radius

# The working ridge: share of the level above which the solution is zero, times relative residual;
# it falls at least by this factor a sweep, so that noise does not keep it up.
_SHARE, _LITTLE, _FALL = 0.03, 0.999, 0.8
_MEMORY = 5


@method(
    "als",
    setting="rectangular",
    cost="O(m r^2 + (n1 + n2) r^3)",
    source="Zhou et al. 2008, Section 3",
    citation="Y. Zhou, D. Wilkinson, R. Schreiber and R. Pan, Large-scale parallel collaborative "
    "filtering for the Netflix prize, AAIM 2008, 337-348",
)
def als(
    problem,
    rank,
    rng,
    loop,
    *,
    ridge=0.0,
    scaled="none",
    center="none",
    weights=None,
    max_abs=None,
    init="spectral",
    init_scale=None,
    start=None,
    max_iter=1000,
    rtol=1e-9,
    gtol=1e-6,
):
    """Complete by alternating least squares.

    Parameters
    ----------
    problem : Problem
        A symmetric one is solved like any other; the answer need not be symmetric.
    rank : int
        Columns of the factors, biases not counted.
    ridge : float, "cv" or "learned", default 0.0
        "cv" chooses it on a tenth of the entries held out: along a path of halvings with warm
        starts, then by a parabola around the best. All entries are fitted from there; the
        certificate then has the "path". "ridge" in it is the one that was used.
        "learned" fits normal distributions of the rows and returns their means; a ridge for each
        column and the noise are those that explain all the data best (variational Bayes). History
        and certificate have them as "ridge" and "noise", its standard deviation. The most accurate
        and the quickest for ratings. Not with `scaled` or `max_abs`.
    scaled : {"none", "entries"}
        "entries" multiplies the ridge of each row and column by its number of observed entries
        (the "weighted-lambda" of Zhou et al., who use 0.03 to 0.065 on ratings from 1 to 5).
    center : {"none", "rows+columns"}
        Biases of rows and columns. The factors returned have two columns more: for them and ones.
    weights : None, "rows+columns" or array_like, shape (m,) or (n1, n2)
        s, in the order of ``problem.values`` or for the whole matrix, such as 1/p_ij for entries
        observed with probability p_ij; or estimated as the inverse of the product of row and
        column counts.
    max_abs : float, optional
        Bounds the norms of all rows by ``sqrt(max_abs)`` and so every entry by `max_abs`.
    init : {"spectral", "random"}
        As for "bm"; with biases, of the data less their mean.
    init_scale : float, optional
        As for "bm".
    start : (array_like, array_like), optional
        Factors as returned, to start from; the ridge is then the one asked for at once.
    max_iter : int, default 1000
        Sweeps over both factors.
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-6
        On ``||grad f|| / (sqrt(2 f) ||(U, V)||)``; for ratings 1e-3 is plenty. With "learned", where
        the objective is the free energy F, on ``sqrt(2 d / m)``, where d is what fitting all but U
        once more takes from F; for ratings 0.02 is plenty.
    """
    chosen = ridge if isinstance(ridge, str) else None
    if chosen:
        one_of("ridge", chosen, ("cv", "learned"))
    else:
        ridge = real("ridge", ridge, 0)
    one_of("scaled", scaled, ("none", "entries"))
    biased = one_of("center", center, ("none", "rows+columns")) == "rows+columns"
    if biased and max_abs is not None:
        raise ValueError("max_abs bounds the factors alone: it needs center='none'")
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    if chosen and start is not None:
        raise ValueError(f"start must be left out with ridge={chosen!r}, which has its own")
    if chosen == "learned" and (scaled != "none" or max_abs is not None):
        raise ValueError("ridge='learned' needs scaled='none' and no max_abs")
    blocks = Blocks(problem, weights, scaled, biased, row_radius(max_abs))
    if chosen == "learned":
        _, V = blocks.start(rank, rng, init, init_scale)
        return loop(variational(blocks, V), max_iter=max_iter, rtol=rtol, gtol=gtol)
    path, top = None, 0.0
    if chosen == "cv":
        ridge, factors, path = cross_validated(blocks, _iterates, rank, rng, init, init_scale)
    elif start is None:
        factors = blocks.start(rank, rng, init, init_scale)
        top = blocks.zero_level(rng)
    else:
        factors = blocks.given(start, rank)
    iterates = _iterates(blocks, factors, ridge, top)
    outcome = loop(iterates, max_iter=max_iter, rtol=rtol, gtol=gtol)
    outcome.certificate["ridge"] = ridge
    if path is not None:
        outcome.certificate["path"] = path
    return outcome


def _iterates(blocks, factors, ridge, top):
    """Points (U, V), U the best for V; the first is the start as it is."""
    U, V = factors
    yield blocks.measured_start(U, V, ridge)
    extrapolate, working = Anderson(_MEMORY), max(ridge, _SHARE * top)
    best, fallback, residual = np.inf, None, np.inf
    while True:
        U = blocks.fit_rows(U, V, working)[0]
        TV, gradient, fit, square = blocks.fit_cols(V, U, working)
        point = blocks.iterate(U, V, fit, square, gradient, working, ridge)
        yield point
        value = fit + blocks.penalty(U, V, working)
        # Rounding of the objective must not pass for an increase.
        if value > best * (1 + 1e-14) + 1e-300 and fallback is not None:
            V, fallback, best = fallback, None, np.inf
            extrapolate.forget()
            continue
        held = point.residual > _LITTLE * residual
        residual = point.residual
        lower = max(ridge, min(_SHARE * top * residual, _FALL * working if held else working))
        # Values for different ridges cannot be compared.
        best = value if lower == working else np.inf
        working = ridge if lower < 1e-14 * top else lower
        ahead = extrapolate(V, TV)
        fallback = None if ahead is None else TV
        V = TV if ahead is None else into_ball(ahead, blocks.radius)
