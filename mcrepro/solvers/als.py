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
    Y. Koren, R. Bell, C. Volinsky, "Matrix factorization techniques for recommender systems",
    Computer 42, 2009.
"""

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import integer, one_of, real
from mcrepro._factors import entries
from mcrepro.problem import Problem
from mcrepro.solvers import _start
from mcrepro.solvers._factored import FactoredLoss
from mcrepro.solvers._loop import Iterate, Loop
from mcrepro.solvers._registry import method
from mcrepro.solvers._rows import sweep
from mcrepro.solvers._weights import entry_weights, into_ball, inward, row_radius

# The working ridge: share of the level above which the solution is zero, times relative residual;
# it falls at least by this factor a sweep, so that noise does not keep it up.
_SHARE, _LITTLE, _FALL = 0.03, 0.99, 0.8
_MEMORY = 5
# Cross-validation: held-out share, ridges a halving apart, and failures that end the path.
_HELD_OUT, _PATH, _WORSE, _SWEEPS, _PATH_GTOL = 0.1, 20, 2, 8, 3e-3


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
    ridge : float or "cv", default 0.0
        "cv" chooses it on a tenth of the entries held out: along a path of halvings with warm
        starts, then by a parabola around the best. All entries are fitted from there; the
        certificate then has the "path". "ridge" in it is the one that was used.
    scaled : {"none", "entries"}
        "entries" multiplies the ridge of each row and column by its number of observed entries
        (the "weighted-lambda" of Zhou et al., who use 0.03 to 0.065 on ratings from 1 to 5).
    center : {"none", "rows+columns"}
        Biases of rows and columns. The factors returned have two columns more: for them and ones.
    weights : None, "rows+columns" or array_like, shape (m,)
        s, in the order of ``problem.values``, such as 1/p_ij for entries observed with
        probability p_ij; or estimated as the inverse of the product of row and column counts.
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
        On ``||grad f|| / (sqrt(2 f) ||(U, V)||)``; for ratings 1e-3 is plenty.
    """
    cv = isinstance(ridge, str)
    if cv:
        one_of("ridge", ridge, ("cv",))
    else:
        ridge = real("ridge", ridge, 0)
    one_of("scaled", scaled, ("none", "entries"))
    biased = one_of("center", center, ("none", "rows+columns")) == "rows+columns"
    if biased and max_abs is not None:
        raise ValueError("max_abs bounds the factors alone: it needs center='none'")
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    blocks = _Blocks(problem, weights, scaled, biased, row_radius(max_abs))
    path = None
    if cv:
        if start is not None:
            raise ValueError("start must be left out with ridge='cv', which begins its own path")
        ridge, factors, path = _cross_validated(blocks, rank, rng, init, init_scale)
        top = 0.0
    elif start is None:
        factors = blocks.start(rank, rng, init, init_scale)
        top = blocks.zero_level(rng)
    else:
        factors = blocks.given(start, rank)
        top = 0.0
    iterates = _iterates(blocks, *factors, ridge, top)
    outcome = loop(iterates, max_iter=max_iter, rtol=rtol, gtol=gtol)
    outcome.certificate["ridge"] = ridge
    if path is not None:
        outcome.certificate["path"] = path
    return outcome


def _iterates(blocks, U, V, ridge, top):
    """Points (U, V), U the best for V; the first is the start as it is."""
    yield blocks.measured_start(U, V, ridge)
    extrapolate, working = _Anderson(), max(ridge, _SHARE * top)
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


class _Blocks:
    """The observed entries by row and by column, and f over them."""

    def __init__(self, problem, weights, scaled, biased, radius):
        self.problem, self.biased, self.radius = problem, biased, radius
        self.options = (scaled, biased, radius)
        n1, n2 = problem.shape
        self.weights = entry_weights(weights, problem)
        values = problem.values.astype(np.float64)
        self.scale = np.linalg.norm(values) or 1.0
        self.mean = np.average(values, weights=self.weights) if biased else 0.0
        self.values = values - self.mean
        pattern = sp.csr_array(
            (
                np.arange(1, problem.n_observed + 1),
                problem.cols,
                np.searchsorted(problem.rows, np.arange(n1 + 1)),
            ),
            shape=problem.shape,
        )
        turned = pattern.tocsc()
        order = turned.data - 1
        s = np.empty(0) if self.weights is None else self.weights
        self._rows = (pattern.indptr, pattern.indices, self.values, s)
        self._cols = (turned.indptr, turned.indices, self.values[order], s[order] if s.size else s)
        counts = np.diff(pattern.indptr), np.diff(turned.indptr)
        self.observed = tuple(count > 0 for count in counts)
        if scaled == "entries":
            self.row_scale, self.col_scale = (count.astype(np.float64) for count in counts)
        else:
            self.row_scale, self.col_scale = np.ones(n1), np.ones(n2)

    def fit_rows(self, U, V, ridge):
        return _totals(
            sweep(*self._rows, U, V, ridge * self.row_scale, self.biased, self.radius)
        )

    def fit_cols(self, V, U, ridge):
        return _totals(
            sweep(*self._cols, V, U, ridge * self.col_scale, self.biased, self.radius)
        )

    def penalty(self, U, V, ridge):
        by_row, by_col = np.einsum("ij,ij->i", U, U), np.einsum("ij,ij->i", V, V)
        return 0.5 * ridge * (self.row_scale @ by_row + self.col_scale @ by_col)

    def measured_start(self, U, V, ridge):
        _, over_U, _, _ = self.fit_rows(U, V, ridge)
        _, over_V, fit, square = self.fit_cols(V, U, ridge)
        over_U, over_V = inward(U, over_U, self.radius), inward(V, over_V, self.radius)
        return self._iterate(U, V, fit, square, over_U, over_V, ridge, ridge)

    def iterate(self, U, V, fit, square, gradient, working, ridge):
        """A point where U is the best for V under the working ridge, and `gradient` is over V."""
        extra = working - ridge
        over_U = -extra * self.row_scale[:, None] * U
        over_V = inward(V, gradient - extra * self.col_scale[:, None] * V, self.radius)
        return self._iterate(U, V, fit, square, over_U, over_V, working, ridge)

    def _iterate(self, U, V, fit, square, over_U, over_V, working, ridge):
        objective = fit + self.penalty(U, V, ridge)
        size = np.hypot(np.linalg.norm(over_U), np.linalg.norm(over_V))
        norm = np.hypot(np.linalg.norm(U), np.linalg.norm(V))
        return Iterate(
            *self.factors(U, V),
            objective,
            residual=np.sqrt(square) / self.scale,
            gradient_norm=size / (np.sqrt(2 * objective) * norm) if size else 0.0,
            working_ridge=working,
        )

    def factors(self, U, V):
        """(left, right) with ``left right^T`` the whole model."""
        if not self.biased:
            return U, V
        one, two = np.ones(len(U)), np.ones(len(V))
        return (
            np.column_stack([U[:, :-1], self.mean + U[:, -1], one]),
            np.column_stack([V[:, :-1], two, V[:, -1]]),
        )

    def given(self, start, rank):
        left, right = _start.given(start, self.problem.shape, rank + 2 * self.biased)
        if not self.biased:
            return into_ball(left, self.radius), into_ball(right, self.radius)
        if not (left[:, -1] == 1).all() or not (right[:, -2] == 1).all():
            raise ValueError(
                "start: with center='rows+columns' the last column of left and the last but one "
                "of right must be ones, as in the factors that als returns"
            )
        left[:, -2] -= self.mean
        return np.ascontiguousarray(left[:, :-1]), np.delete(right, -2, axis=1)

    def part(self, keep):
        """The same task on some of the entries, and the mean squared error on the others."""
        p, weights = self.problem, self.weights
        train = Problem(p.rows[keep], p.cols[keep], p.values[keep], p.shape, symmetric=p.symmetric)
        blocks = _Blocks(train, None if weights is None else weights[keep], *self.options)
        rows, cols, values = p.rows[~keep], p.cols[~keep], p.values[~keep]
        s = None if weights is None else weights[~keep]

        def error(point):
            difference = entries(point.left, point.right, rows, cols) - values
            return float(np.average(difference**2, weights=s))

        return blocks, error

    def start(self, rank, rng, init, init_scale):
        loss = FactoredLoss(self.problem, stacked=True)
        loss.values = self.values
        W = _start.initial(loss, rank, rng, init, init_scale)
        n1 = self.problem.shape[0]
        factors = []
        # Rows and columns without entries have zero as their solution of least norm.
        for part, observed in zip((W[:n1], W[n1:]), self.observed, strict=True):
            part = into_ball(np.where(observed[:, None], part, 0.0), self.radius)
            factors.append(np.hstack([part, np.zeros((len(part), 1))]) if self.biased else part)
        return tuple(factors)

    def zero_level(self, rng, sweeps=30):
        """The smallest ridge (unscaled rows) for which the solution is zero, from below.

        The largest singular value of the weighted data, each row and column divided by the root of
        its scale.
        """
        values = self.values if self.weights is None else self.weights * self.values
        a = np.where(self.observed[0], self.row_scale, 1.0)
        b = np.where(self.observed[1], self.col_scale, 1.0)
        scaled = values / np.sqrt(a[self.problem.rows] * b[self.problem.cols])
        S = sp.csr_array((scaled, self._rows[1], self._rows[0]), shape=self.problem.shape)
        x = rng.standard_normal(S.shape[1])
        for _ in range(sweeps):
            x = S.T @ (S @ (x / (np.linalg.norm(x) or 1.0)))
        return float(np.sqrt(np.linalg.norm(x)))


def _totals(swept):
    new, gradient, fit, square = swept
    return new, gradient, fit.sum(), square.sum()


def _cross_validated(blocks, rank, rng, init, init_scale):
    """(ridge, factors, path): the ridge of least held-out error and the factors fitted with it."""
    if blocks.problem.n_observed < 2:
        raise ValueError("ridge='cv' needs at least two observed entries; give a number")
    keep = rng.permutation(blocks.problem.n_observed) >= round(
        max(1, _HELD_OUT * blocks.problem.n_observed)
    )
    train, test = blocks.part(keep)
    top = train.zero_level(rng) or 1.0
    start = train.start(rank, rng, init, init_scale)
    path, kept = [], []
    best = 0
    for step in range(1, _PATH + 1):
        ridge = top / 2**step
        point = Loop()(
            _iterates(train, *start, ridge, 0.0), max_iter=_SWEEPS, rtol=0.0, gtol=_PATH_GTOL
        ).iterate
        start = train.given((point.left, point.right), rank)
        path.append({"ridge": ridge, "error": test(point)})
        kept.append(start)
        if path[-1]["error"] < path[best]["error"]:
            best = step - 1
        if step - 1 - best >= _WORSE:
            break
    return _vertex(path, best), kept[best], tuple(path)


def _vertex(path, best):
    """The ridge where the parabola through the best error and its neighbours is lowest."""
    if not 0 < best < len(path) - 1:
        return path[best]["ridge"]
    before, error, after = (record["error"] for record in path[best - 1 : best + 2])
    bend = before - 2 * error + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0  # in halvings, at most 1/2
    return path[best]["ridge"] / 2**shift


class _Anderson:
    """Anderson's extrapolation: the combination of values whose steps ``g(x) - x`` nearly cancel."""

    def __init__(self):
        self.forget()

    def forget(self):
        self.steps, self.values = [], []

    def __call__(self, x, gx):
        self.steps = [*self.steps, (gx - x).ravel()][-_MEMORY - 1 :]
        self.values = [*self.values, gx.ravel()][-_MEMORY - 1 :]
        if len(self.steps) < 2:
            return None
        steps, values = np.array(self.steps), np.array(self.values)
        changes = steps[:-1] - steps[-1]
        G = changes @ changes.T
        weights = np.linalg.lstsq(G, changes @ steps[-1], rcond=1e-12)[0]
        return (values[-1] - weights @ (values[:-1] - values[-1])).reshape(x.shape)
