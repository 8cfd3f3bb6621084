"""Convex programs through cvxpy, and what holds at the matrices that come back.

Every form is written with the misfit E on Omega as a variable,

    min lam g(X) + penalty(E)   subject to   X_ij + E_ij = M_ij on Omega,   |X_ij| <= bound,

g the nuclear norm or, for X positive semidefinite, the trace. Y on Omega is the dual of the
equations and Z, on all entries, that of the bound. If g*(Y - Z) <= lam, with g* the largest
singular value or the largest eigenvalue, then ``<M, Y> - penalty*(Y) - bound ||Z||_1`` bounds the
minimum from below:

    form     penalty(E)                        penalty*(Y)
    exact    0 at E = 0, else infinite         0
    lasso    1/2 sum of w E^2                  1/2 sum of Y^2 / w
    ball     0 if sqrt(sum of w E^2) <= noise  noise sqrt(sum of Y^2 / w)

A solver's Y and Z are scaled down to satisfy this, so that the bound holds whatever the solver did.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from mcrepro._checks import integer, one_of, real
from mcrepro.solvers._convex import Entries
from mcrepro.solvers._loop import Iterate

# A solver's own name for its tolerances.
_TOLERANCES = {
    "clarabel": ("tol_gap_abs", "tol_gap_rel", "tol_feas"),
    "scs": ("eps_abs", "eps_rel"),
}
_LIMITS = {"clarabel": "max_iter", "scs": "max_iters"}
# Data with rounding errors in the eighth digit keep SCS busy with them for ever.
_SCS_ITERATIONS = 5000


@dataclass
class Program:
    """One convex program over matrices.

    Attributes
    ----------
    data : Entries
    form : {"exact", "lasso", "ball"}
    lam : float
        Weight of g; 1 except for the lasso.
    noise : float
        Radius of the ball.
    bound : float
        On the absolute values of all entries; infinite where there is none.
    psd : bool
        X is positive semidefinite and g the trace.
    """

    data: Entries
    form: str
    lam: float = 1.0
    noise: float = 0.0
    bound: float = np.inf
    psd: bool = False

    def solve(self, solver, max_iter, tol):
        """Return (status, X, Y, Z); the matrices are None where the solver gave none."""
        import cvxpy as cp

        data, (n1, n2) = self.data, self.data.shape
        M = data.values
        # Solvers are at their best with numbers near one.
        unit = float(np.abs(M).max()) or 1.0
        X = cp.Variable((n1, n2), PSD=True) if self.psd else cp.Variable((n1, n2))
        fitted, cost, constraints = X[data.rows, data.cols], 0.0, []
        root = np.sqrt(data.weights)
        if self.form != "exact":
            E = cp.Variable(len(M))
            fitted = fitted + E
            misfit = cp.multiply(root, E)
            if self.form == "lasso":
                cost = cp.sum_squares(misfit) * (unit / (2 * self.lam))
            else:
                constraints.append(cp.norm(misfit) <= self.noise / unit)
        size = cp.trace(X) if self.psd else cp.normNuc(X)
        equations = fitted == M / unit
        box = []
        if np.isfinite(self.bound):
            box = [X - self.bound / unit <= 0, -X - self.bound / unit <= 0]
        program = cp.Problem(cp.Minimize(size + cost), [equations, *constraints, *box])
        options = dict.fromkeys(_TOLERANCES[solver], tol)
        if max_iter is None and solver == "scs":
            max_iter = _SCS_ITERATIONS
        if max_iter is not None:
            options[_LIMITS[solver]] = max_iter
        with warnings.catch_warnings():
            # cvxpy warns of what the status says as well.
            warnings.simplefilter("ignore")
            try:
                program.solve(solver=solver.upper(), **options)
            except cp.SolverError:
                return "solver_error", None, None, None
        if X.value is None or equations.dual_value is None:
            return program.status, None, None, None
        # cvxpy adds <dual, left - right> to the minimised cost: Y is minus that dual.
        Y = -self.lam * np.asarray(equations.dual_value)
        Z = np.zeros((n1, n2))
        if box:
            Z = self.lam * (np.asarray(box[0].dual_value) - np.asarray(box[1].dual_value))
        value = np.asarray(X.value) * unit
        if data.symmetric:
            value, Z = (value + value.T) / 2, (Z + Z.T) / 2
        return program.status, value, Y, Z

    def point(self, status, X, Y, Z, tol, rank):
        """The iterate for a solution: factors, and the certificate measured at them."""
        data = self.data
        if X is None:
            left, right = (np.full((n, 1), np.nan) for n in data.shape)
            return Iterate(left, right, np.nan, residual=np.nan, status=status)
        s, left, right = self._factors(X, tol)
        kept, found = slice(None, rank), len(s)
        s, left, right = s[kept], left[:, kept], right[:, kept]
        M, w = data.values, data.weights
        difference = M - data.at(left, right)
        square = float(np.vdot(w * difference, difference))
        primal = self.lam * float(s.sum()) + (square / 2 if self.form == "lasso" else 0.0)
        lower, dual_norm = self._lower_bound(M, w, Y, Z)
        # How far the point is from satisfying the constraints, beside the size of the data.
        misfit = np.sqrt(square)
        outside = {"exact": misfit, "lasso": 0.0, "ball": max(misfit - self.noise, 0.0)}[self.form]
        if np.isfinite(self.bound):
            excess = np.abs(left @ right.T) - self.bound
            outside = np.hypot(outside, np.linalg.norm(np.maximum(excess, 0.0)))
        infeasibility = float(outside / data.norm)
        gap = primal - lower
        relative = abs(gap) / primal if primal else abs(gap)
        return Iterate(
            left,
            right,
            primal,
            residual=misfit / data.norm,
            gradient_norm=max(relative, infeasibility),
            duality_gap=gap,
            infeasibility=infeasibility,
            dual_norm=dual_norm,
            solution_rank=found,
            status=status,
        )

    def _factors(self, X, tol):
        """Singular values (eigenvalues) of X above the solver's accuracy, and balanced factors."""
        if self.psd:
            s, Q = np.linalg.eigh(X)
            s, left, right = s[::-1], Q[:, ::-1], Q[:, ::-1]
        else:
            left, s, right = np.linalg.svd(X, full_matrices=False)
            right = right.T
        keep = s > 10 * tol * max(s[0], 0.0)
        root = np.sqrt(s[keep])
        return s[keep], left[:, keep] * root, right[:, keep] * root

    def _lower_bound(self, M, w, Y, Z):
        """A lower bound of the minimum from (Y, Z) scaled down, and g*(Y - Z) / lam before that."""
        D = self.data.matrix(Y).toarray() - Z
        if self.psd:
            size = float(np.linalg.eigvalsh((D + D.T) / 2)[-1])
        else:
            size = float(np.linalg.norm(D, 2))
        t = 1 / max(1.0, size / self.lam)
        lower = t * float(np.vdot(M, Y))
        if np.isfinite(self.bound):
            lower -= t * self.bound * float(np.abs(Z).sum())
        if self.form == "lasso":
            lower -= t**2 / 2 * float(np.sum(Y**2 / w))
        elif self.form == "ball":
            lower -= t * self.noise * float(np.sqrt(np.sum(Y**2 / w)))
        return lower, size / self.lam


def program(problem, *, noise, regularization, weights, max_abs=None, psd=False):
    """The program that these options of a method ask for, checked."""
    if noise is not None and regularization is not None:
        raise ValueError("give noise (a ball) or regularization (the lasso), not both")
    if weights is not None and noise is None and regularization is None:
        raise ValueError("weights need noise or regularization: equations have no weights")
    data = Entries(problem, weights)
    bound = np.inf if max_abs is None else real("max_abs", max_abs, 0, open_low=True)
    if regularization is not None:
        lam = real("regularization", regularization, 0, open_low=True)
        return Program(data, "lasso", lam=lam, bound=bound, psd=psd)
    largest = float(np.abs(data.values).max())
    if noise is not None:
        return Program(
            data, "ball", noise=real("noise", noise, 0, open_low=True), bound=bound, psd=psd
        )
    if bound < largest:
        raise ValueError(
            f"max_abs={max_abs} is below the largest observed value, {largest:.6g}: no matrix "
            "agrees with the observed entries; give noise or regularization"
        )
    return Program(data, "exact", bound=bound, psd=psd)


def run(task, loop, *, solver, max_iter, tol, gtol, rank):
    """Solve a program; "gradient" only if the certificate holds at the point that is returned."""
    one_of("solver", solver, _LIMITS)
    tol, gtol = real("tol", tol, 0, open_low=True), real("gtol", gtol, 0)
    if max_iter is not None:
        max_iter = integer("max_iter", max_iter, 1)
    solution = task.solve(solver, max_iter, tol)
    status = solution[0]
    # SCS calls what it has at its limit inaccurate; Clarabel says so when it can go no further.
    unfinished = status == "user_limit" or (status, solver) == ("optimal_inaccurate", "scs")
    return loop(
        (point for point in [task.point(*solution, tol, rank)]),
        max_iter=0 if unfinished else 1,
        rtol=-1.0,
        gtol=gtol if status in ("optimal", "optimal_inaccurate") else -1.0,
    )
