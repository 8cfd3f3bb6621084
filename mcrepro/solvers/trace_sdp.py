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
    rank, solver, max_iter, tol, gtol
        As for "nuclear_norm", of whose singular values the eigenvalues take the place.
    regularization : float, optional
        lam of the lasso, positive; by default the entries are matched exactly.

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
    return run(task, loop, solver=solver, max_iter=max_iter, tol=tol, gtol=gtol, rank=rank)
