"""Nuclear norm minimisation, the convex relaxation, by a general cone solver.

Problem
    exact   ``min ||X||_*  subject to  X_ij = M_ij on Omega``
    lasso   ``min 1/2 sum over Omega of w_ij (X_ij - M_ij)^2 + lam ||X||_*``
    ball    ``min ||X||_*  subject to  sqrt(sum over Omega of w_ij (X_ij - M_ij)^2) <= noise``

    each, if asked for, with ``|X_ij| <= max_abs`` for all entries.
Optimality
    A matrix Y on Omega with ``||Y||_2 <= 1`` (lam for the lasso) bounds the minimum from below, see
    ``_cone``. The measure is the larger of two numbers, both at the returned factors: the
    distance of the objective from that bound over the objective, and the violation of the
    constraints over the norm of the data.
Deviations
    The solver works on all n1 n2 entries: for sizes up to a few hundred. ``soft_impute`` solves the
    lasso for large ones.
References
    M. Fazel, "Matrix rank minimization with applications", PhD thesis, Stanford, 2002.
    E. J. Candès, B. Recht, "Exact matrix completion via convex optimization", FoCM 9, 2009.
    E. J. Candès, Y. Plan, "Matrix completion with noise", Proc. IEEE 98, 2010 (the ball).
"""

from mcrepro.solvers._cone import program, run
from mcrepro.solvers._registry import method


@method(
    "nuclear_norm",
    setting="rectangular or symmetric; convex, rank found, small sizes",
    cost="a semidefinite program of size n1 + n2, dense",
    source="textbook, convex relaxation",
    citation="E. J. Candès and B. Recht, Exact matrix completion via convex optimization, "
    "Found. Comput. Math. 9 (2009) 717-772",
    dense=True,
)
def nuclear_norm(
    problem,
    rank=None,
    rng=None,
    loop=None,
    *,
    solver="scs",
    regularization=None,
    noise=None,
    weights=None,
    max_abs=None,
    max_iter=None,
    tol=1e-8,
    gtol=1e-5,
):
    """Complete by the least nuclear norm.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2). For a symmetric one X is symmetric too.
    rank : int, optional
        The program does not know a rank. If its solution has a larger one ("solution_rank" in the
        certificate), the leading `rank` singular triples are returned, and everything is measured
        at them: unless what was cut off is negligible, that is not a solution and says so.
    solver : {"scs", "clarabel"}
        First order and fast to moderate accuracy, or interior point: accurate, and slow beyond a
        size of about 40.
    regularization : float, optional
        lam of the lasso, positive.
    noise : float, optional
        Radius of the ball, positive. Without both the entries are matched exactly.
    weights : None, "rows+columns" or array_like, shape (m,) or (n1, n2)
        w of the noisy forms, positive; ``1 / p_ij`` makes up for entries observed with unequal
        probabilities. In the order of ``problem.rows`` or for the whole matrix; or as for "bm"
        from the counts.
    max_abs : float, optional
        Bound on the absolute value of every entry of X, observed or not.
    max_iter : int, optional
        Of the solver; by default 5000 for SCS, and Clarabel's own.
    tol : float, default 1e-8
        Passed to the solver. Singular values below ``10 tol`` of the largest are dropped.
    gtol : float, default 1e-5
        On the measure of optimality above. Only this decides about "gradient", whatever the solver
        calls its result; that is "status" in the certificate. A problem without a solution ends
        as "diverged", with factors that are not a number.

    Raises
    ------
    ValueError
        Both `noise` and `regularization`; weights with neither; a `max_abs` below an observed value
        that is to be matched.
    """
    del rng  # nothing here is random
    task = program(
        problem, noise=noise, regularization=regularization, weights=weights, max_abs=max_abs
    )
    return run(task, loop, solver=solver, max_iter=max_iter, tol=tol, gtol=gtol, rank=rank)
