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
    The paper orthogonalises the factors by a singular value decomposition in each half sweep and
    stops when X changes little. The sweep above maps X alike but moves the factors smoothly, which
    lets Anderson's method extrapolate from a few sweeps; a point that does not lower F is
    discarded. Every ten sweeps, one step of the paper's last kind (soft-thresholded decomposition
    of the filled matrix, on the column space at hand and the leading directions outside) drops
    columns that are zero at the solution and adds those that are missing.
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

from mcrepro._checks import integer, one_of, real
from mcrepro.problem import Problem
from mcrepro.solvers._convex import Entries, balanced, lasso_gap, leading
from mcrepro.solvers._loop import Iterate, Loop
from mcrepro.solvers._path import Anderson, cross_validated
from mcrepro.solvers._registry import method
from mcrepro.solvers.mean import mean

_EVERY = 10  # sweeps between two certificates, and two revisions of the columns
_STEADY = 1e-2  # relative decrease between them beyond which there is nothing to certify
_MEMORY = 8  # sweeps that Anderson's method looks back on
_FIRST = 10  # columns to begin with; then they double


@method(
    "soft_impute",
    setting="rectangular (U V^T); symmetric with mirrored entries; convex, rank found",
    cost="O(m r + (n1 + n2) r^2)",
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
    gtol=1e-6,
):
    """Complete by the matrix lasso.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2). For a symmetric one both (i, j) and (j, i) are fitted, each with half the
        weight if only one was observed; the answer is symmetric to the accuracy asked for.
    rank : int, optional
        Largest rank of the answer, the two columns of `center` included. By default columns are
        added until the convex problem is solved.
    regularization : float, optional
        lam, in the unit of the values times the square root of a count. 0 is the paper's
        hardImpute, which needs `rank`. By default chosen by cross-validation: a tenth of the
        entries is held out, lam goes down geometrically from lam_max with warm starts, and the
        answer is fitted to all entries. The certificate holds "regularization" and "path".
    rule : {"min", "1se"}
        Of cross-validation: the lam of least error on the entries held out, or the largest whose
        error is within one standard error of that.
    weights : array_like, shape (m,) or (n1, n2), optional
        w, positive; ``1 / p_ij`` corrects for unequal probabilities of observation. In the order of
        ``problem.rows``, or one for each entry of the matrix.
    center : {"none", "rows+columns"}
        Take off the two-way fit of method "mean" first; it is part of the returned factors, and not
        penalised. Rectangular problems only.
    accelerate : bool, default True
        Extrapolate. The plain sweeps of the paper have the same solutions.
    start : (array_like, array_like), optional
        Factors of shapes (n1, k) and (n2, k) to start the last fit from; as returned, so that with
        `center` the first two columns are computed anew.
    max_iter : int, default 2000
        Largest number of sweeps, for each lam of the path.
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``; for ``regularization=0`` only.
    gtol : float, default 1e-6
        On the measure of optimality above.
    """
    one_of("rule", rule, ("min", "1se"))
    one_of("center", center, ("none", "rows+columns"))
    if not isinstance(accelerate, bool):
        raise TypeError(f"accelerate must be True or False, got {accelerate!r}")
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    limit = min(problem.shape) if rank is None else rank
    if center != "none":
        if problem.symmetric:
            raise ValueError(f"center={center!r} needs a rectangular problem; this is symmetric")
        if limit < 3:
            raise ValueError(
                f"rank={limit} is too small: center={center!r} takes two of at least 3"
            )
        limit -= 2
    data = Entries(problem, weights)
    chosen = {}

    bases = {}

    def lasso(data, lam):
        if center != "none" and data not in bases:
            bases[data] = two_way(data)
        return Lasso(data, lam, limit, rng, gtol, base=bases.get(data), plain=not accelerate)

    if regularization is None:
        lam, warm, chosen["path"] = cross_validated(data, lasso, rng, rule, max_iter)
    else:
        lam, warm = real("regularization", regularization, 0), None
    if start is not None:
        warm = _given(start, data, limit, skip=2 if center != "none" else 0)
    if lam == 0 and rank is None:
        raise ValueError("regularization=0 needs rank, the rank of the answer")
    task = lasso(data, lam)
    # Only an interpolating fit may stop on its residual; with lam > 0 that says nothing.
    outcome = loop(task.sweeps(warm), max_iter=max_iter, rtol=rtol if lam == 0 else -1.0, gtol=gtol)
    if not outcome.certificate.keys() & {"duality_gap", "gradient_norm"}:
        outcome.certificate |= task.certificate(*task.factors(outcome.iterate))
    outcome.certificate |= {"regularization": lam, **chosen}
    return outcome


class Lasso:
    """F for one lam, and the sweeps that minimise it.

    A point is (A, B, ``M - A B^T`` on Omega, F). With weights up to `bound` the matrix is filled in
    with ``R / bound``, which keeps a sweep from raising F.
    """

    def __init__(self, data, lam, limit, rng, gtol, *, base=None, plain=False):
        self.norm = data.norm
        self.base = base or tuple(np.empty((n, 0)) for n in data.shape)
        if base is not None:
            data = data.minus(*base)
        self.data, self.lam, self.limit, self.rng = data, lam, limit, rng
        self.gtol, self.plain = gtol, plain
        self.bound = float(data.weights.max())
        # Building a sparse matrix takes longer than a product with a small one.
        self.R = data.matrix(np.zeros_like(data.values))
        self.Rt = self.R.T  # shares its values

    def zero_level(self):
        """lam_max: the least lam whose solution is zero."""
        return float(leading(self.residual(self.data.values), 1, self.rng)[0][0])

    def sweeps(self, start=None):
        """Iterates from factors (A, B), or from zero."""
        A, B = start or (np.zeros((n, 0)) for n in self.data.shape)
        point, mix = self.measured(A, B), Anderson(_MEMORY)
        before = np.inf
        for n in count():
            due = n % _EVERY == 0
            # The gap is of the order of the root of what F still has to lose.
            steady = n == 0 or before - point[-1] <= _STEADY * point[-1]
            yield self.iterate(point, due and steady)
            fresh = self.refreshed(point) if due else None
            before = point[-1] if due else before
            if fresh is not None:
                point, mix = fresh, Anderson(_MEMORY)
            else:
                point = self.sweep(point, mix)

    def measured(self, A, B):
        """The point of factors A and B."""
        difference = self.data.values - self.data.at(A, B)
        ridge = _square(A) + _square(B)
        return A, B, difference, (_square(difference, self.data.weights) + self.lam * ridge) / 2

    def residual(self, difference):
        """R, sparse; the same object each time, good until the next call."""
        np.multiply(self.data.weights, difference, out=self.R.data)
        return self.R

    def sweep(self, point, mix):
        """One sweep from a point, extrapolated where that lowers F."""
        A, B, difference, F = point
        self.residual(difference)
        B1 = self.half(self.Rt, A, B)
        self.residual(self.data.values - self.data.at(A, B1))
        A1 = self.half(self.R, B1, A)
        W = None if self.plain else mix(np.vstack([A, B]), np.vstack([A1, B1]))
        if W is not None:
            trial = self.measured(W[: len(A)], W[len(A) :])
            if trial[-1] < F:
                return trial
            mix.forget()
        return self.measured(A1, B1)

    def half(self, R, A, B):
        """The ridge regression of the matrix filled in at (A, B) on A; R has shape (n2, n1)."""
        values, Q = np.linalg.eigh(self.bound * (A.T @ A))
        values += self.lam
        floor = values.max(initial=0) * len(values) * np.finfo(A.dtype).eps
        inverse = np.where(values > floor, 1 / np.maximum(values, floor or 1), 0)
        return B + ((R @ A - self.lam * B) @ Q) * inverse @ Q.T

    def refreshed(self, point):
        """A point with columns dropped that are zero and added that are missing; None if none are.

        Soft-thresholding of the filled matrix, on the row space of B and leading directions
        outside: it minimises the same majorant as a sweep, over more.
        """
        A, B, difference, _ = point
        R, lam, k = self.residual(difference), self.lam, A.shape[1]
        V = np.linalg.qr(B)[0]
        room = min(self.limit - k, max(_FIRST, k))
        if room > 0:
            s, new = leading(R, room, self.rng, np.linalg.qr(A)[0], V, tol=1e-3)
            V = np.linalg.qr(np.hstack([V, new[:, s > lam * (1 + self.gtol / 10)]]))[0]
        Q, T = np.linalg.qr(A @ (B.T @ V) + (R @ V) / self.bound)
        P, s, Zt = np.linalg.svd(T, full_matrices=False)
        s = np.maximum(s - lam / self.bound, 0)[: self.limit]
        s = s[s > 0]
        if len(s) == k:
            return None
        root = np.sqrt(s)
        return self.measured(Q @ (P[:, : len(s)] * root), V @ (Zt[: len(s)].T * root))

    def iterate(self, point, certify):
        """What the loop sees: balanced factors, at which F is f."""
        A, B, difference, _ = point
        s, left, right = balanced(A, B)
        square = _square(difference, self.data.weights)
        return Iterate(
            np.hstack([self.base[0], left]),
            np.hstack([self.base[1], right]),
            objective=square / 2 + self.lam * float(s.sum()),
            residual=np.sqrt(square) / self.norm,
            **(self.certificate(left, right) if certify else {}),
        )

    def factors(self, iterate):
        """A and B of an iterate."""
        width = self.base[0].shape[1]
        return iterate.left[:, width:], iterate.right[:, width:]

    def certificate(self, left, right):
        """The measure of optimality at balanced factors, and the duality gap."""
        difference, lam = self.data.values - self.data.at(left, right), self.lam
        R, size = self.residual(difference), _square(left)
        optimal, measures = [], {}
        if lam > 0:
            sigma = float(leading(R, 1, self.rng, tol=self.gtol / 10)[0][0])
            primal, gap = lasso_gap(self.data, difference, size, lam, sigma)
            optimal.append(gap / primal if primal else 0.0)
            measures = {"duality_gap": gap, "dual_norm": sigma / lam}
        if left.shape[1] >= self.limit:
            gradient = np.hypot(
                np.linalg.norm(R @ right - lam * left), np.linalg.norm(R.T @ left - lam * right)
            )
            twice = _square(difference, self.data.weights) + 2 * lam * size
            optimal.append(gradient / np.sqrt(2 * twice * size) if gradient else 0.0)
        if optimal:
            measures["gradient_norm"] = float(min(optimal))
        return measures


def _square(x, weights=1.0):
    """Sum of ``weights x^2``."""
    return float(np.sum(weights * np.square(x)))


def two_way(data):
    """Factors of the two-way fit of the entries."""
    training = Problem(data.rows, data.cols, data.values, data.shape)
    fit = mean(training, loop=Loop(), kind="rows+columns").iterate
    return fit.left, fit.right


def _given(start, data, limit, skip):
    """Checked factors, without the first `skip` columns."""
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise TypeError(
            f"start must be a pair (left, right) of factors, got {type(start).__name__}"
        )
    A, B = (np.asarray(factor, dtype=np.float64) for factor in start)
    n1, n2 = data.shape
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[1] or (len(A), len(B)) != (n1, n2):
        raise ValueError(
            f"start: left and right must have shapes ({n1}, k) and ({n2}, k), "
            f"got {A.shape} and {B.shape}"
        )
    if not (np.isfinite(A).all() and np.isfinite(B).all()):
        raise ValueError("start: left and right must be finite")
    if A.shape[1] - skip > limit:
        raise ValueError(f"start has {A.shape[1]} columns, more than the rank allows")
    return A[:, skip:], B[:, skip:]
