"""The least trace among positive semidefinite completions, by a general cone solver.

Problem
    exact   ``min tr X  subject to  X positive semidefinite, X_ij = M_ij on Omega``
    lasso   ``min 1/2 sum over Omega of (X_ij - M_ij)^2 + lam tr X  over X positive semidefinite``

    The trace of a positive semidefinite matrix is its nuclear norm.
Optimality
    With y on Omega and A*(y) the symmetric matrix with ``<A*(y), X> = sum of y_ij X_ij``, any y with
    ``S = I - A*(y)`` positive semidefinite (lam I for the lasso) bounds the minimum from below, see
    ``_cone``; at a solution ``S X = 0``. The measure is that of ``nuclear_norm``.
References
    E. J. Candès, B. Recht, "Exact matrix completion via convex optimization", FoCM 9, 2009.
    L. Vandenberghe, S. Boyd, "Semidefinite programming", SIAM Review 38, 1996.
"""

from mcrepro._checks import integer, real
from mcrepro.solvers._cone import program, run
from mcrepro.solvers._registry import method


@method(
    "trace_sdp",
    setting="symmetric positive semidefinite (X X^T); convex, rank found, small sizes",
    cost="a semidefinite program of size n, dense",
    source="noise, the SDP baseline; textbook, convex relaxation",
    citation="L. Vandenberghe and S. Boyd, Semidefinite programming, SIAM Rev. 38 (1996) 49-95",
    dense=True,
)
def trace_sdp(
    problem,
    rank=None,
    rng=None,
    loop=None,
    *,
    solver="scs",
    regularization=None,
    max_iter=None,
    tol=1e-8,
    gtol=1e-5,
):
    """Complete by the least trace.

    Parameters
    ----------
    problem : Problem
        Symmetric, shape (n, n).
    rank : int, optional
        The program does not know a rank. If its solution has a larger one ("solution_rank" in the
        certificate), the leading `rank` eigenpairs are returned, and everything is measured at
        them: unless what was cut off is negligible, that is not a solution and says so.
    solver : {"scs", "clarabel"}
        First order and fast to moderate accuracy, or interior point: accurate, slower.
    regularization : float, optional
        lam of the lasso, positive; by default the entries are matched exactly.
    max_iter : int, optional
        Of the solver; by default 5000 for SCS, and Clarabel's own.
    tol : float, default 1e-8
        Passed to the solver. Eigenvalues below ``10 tol`` of the largest are dropped.
    gtol : float, default 1e-5
        On the measure of optimality. Only this decides about "gradient", whatever the solver calls
        its result; that is "status" in the certificate. A problem without a solution ends as
        "diverged", with factors that are not a number.

    Raises
    ------
    ValueError
        A problem that is not symmetric.
    """
    del rng  # nothing here is random
    if not problem.symmetric:
        raise ValueError(
            "trace_sdp needs a symmetric problem (symmetric=True); for a rectangular one take "
            "'nuclear_norm'"
        )
    task = program(problem, noise=None, regularization=regularization, weights=None, psd=True)
    return run(
        task,
        loop,
        solver=solver,
        tol=real("tol", tol, 0, open_low=True),
        gtol=real("gtol", gtol, 0),
        max_iter=max_iter if max_iter is None else integer("max_iter", max_iter, 1),
        rank=rank,
    )
