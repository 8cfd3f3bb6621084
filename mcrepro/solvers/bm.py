"""Burer-Monteiro: minimise the squared error on the observed entries over the factors themselves.

Problem
    ``min f(W) = 1/2 sum over Omega of s_ij ((U V^T)_ij - M_ij)^2 + penalty``, over U and V, or
    ``U = V = X`` for a symmetric problem (then ``X X^T`` is positive semidefinite, whatever the
    data are). There is no 1/p and no 1/m in front, as in eqs. (1.1) and (1.2) of the landscape
    paper; `weight` is measured against that. The weights s are 1 unless given.
Optimality
    ``grad f = 0`` (with `max_abs`, up to what the bound holds back); at a minimiser also ``hess f``
    positive semidefinite, which ``hessian=True`` puts into the certificate. ``U V^T`` fixes the
    factors up to an invertible matrix (an orthogonal one for ``X X^T``), so a minimiser's Hessian
    has zero eigenvalues.
Deviations
    The default optimizer is L-BFGS with an exact line search, not gradient descent: along a line f
    is a quartic whose coefficients cost about two gradients, so that every step is the best on its
    line and none increases f.

    With a larger rank than the truth's the superfluous columns fit whatever is left open, and all
    optimizers slow down, as the Hessian is singular beyond the gauge; a small start does not help.
    ``regularizer="ridge"`` does: with weight w times the largest singular value of the data it
    is nuclear-norm regularisation, and the relative error about w (1e-2 to 1e-4 are quick).

    No term ``||U^T U - V^T V||^2`` is added: along gradient flow that difference does not change,
    and both starts make it small.
References
    S. Burer, R. D. C. Monteiro, "A nonlinear programming algorithm for solving semidefinite
    programs via low-rank factorization", Mathematical Programming 95, 2003.
    R. Ge, J. D. Lee, T. Ma, "Matrix completion has no spurious local minimum", NeurIPS 2016.
"""

import numpy as np

from mcrepro._checks import flag, integer, one_of, real
from mcrepro.solvers import _start
from mcrepro.solvers._factored import FactoredLoss
from mcrepro.solvers._given import pair
from mcrepro.solvers._optimizers import JUDGES, OPTIMIZERS, with_options
from mcrepro.solvers._penalties import chosen
from mcrepro.solvers._registry import method
from mcrepro.solvers._spectrum import lowest
from mcrepro.solvers._weights import entry_weights, row_radius


@method(
    "bm",
    setting="rectangular (U V^T), or symmetric positive semidefinite (X X^T)",
    cost="O(m r)",
    source="landscape, eqs. (1.1) and (1.2)",
    citation="S. Burer and R. D. C. Monteiro, A nonlinear programming algorithm for solving "
    "semidefinite programs via low-rank factorization, Math. Program. 95 (2003) 329-357",
)
def bm(
    problem,
    rank,
    rng,
    loop,
    *,
    optimizer="lbfgs",
    optimizer_options=None,
    regularizer="none",
    weight=None,
    alpha=None,
    weights=None,
    max_abs=None,
    init="spectral",
    init_scale=None,
    start=None,
    hessian=False,
    max_iter=5000,
    rtol=1e-9,
    gtol=1e-8,
):
    """Complete by descent on the factors.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2).
    rank : int
        Columns of the factors; more than the rank of the truth is allowed.
    optimizer : {"lbfgs", "trust_region", "gd", "perturbed_gd", "adam", "projected_gd"}
        "gd", "lbfgs" and "projected_gd" never increase the objective (unless "gd" is given a step).
        "perturbed_gd" and "trust_region" leave saddles: they end only where no way down was found.
    optimizer_options : dict, optional
        "lbfgs": memory=5. "trust_region": inner=200, most Hessian products a step. "gd":
        step="safe", or a positive number that is used as it is at every step and ends in
        "diverged" where it is too long. "perturbed_gd": radius=1e-3, of the perturbation relative
        to ||W||, and escape_steps=50. "adam": lr=0.02, betas=(0.9, 0.999), eps=1e-8.
    regularizer : {"none", "ridge", "row_norm"}
        ``weight/2 (||U||_F^2 + ||V||_F^2)``, or ``weight * sum of (||row|| - alpha)_+^4`` over the
        rows of both factors. Over X alone for a symmetric problem.
    weight, alpha : float, or "paper"
        Positive; required by the regularizers that have them, refused by the others. "paper", for
        the row norms of a symmetric problem, takes Theorem 4.3 of the landscape paper,
        ``alpha = 4 mu kappa r / sqrt(d)`` for ``||Z||_F^2 = r`` and ``weight = mu^2 r p / alpha^2``,
        with incoherence mu, condition kappa and size of Z, which it supposes known, read off the
        spectral start. The certificate has the numbers.
    weights : None, "rows+columns" or array_like, shape (m,) or (n1, n2)
        s, in the order of ``problem.values`` or for the whole matrix, such as 1/p_ij for entries
        observed with probability p_ij; or estimated from the counts of rows and columns.
    max_abs : float, optional
        Bounds the norms of all rows by ``sqrt(max_abs)`` and so every entry by `max_abs`; needs
        optimizer="projected_gd".
    init : {"spectral", "random"}
        Leading eigenpairs of the zero-filled data, rescaled by the observed share, with directions
        that the data do not show filled as by "random" at a hundredth of its scale; or independent
        normal entries.
    init_scale : float, optional
        Standard deviation of the random entries; by default such that the entries of the starting
        matrix have the root mean square of the observed ones.
    start : (array_like, array_like), optional
        Factors of shapes (n1, rank) and (n2, rank) to start from, in place of `init`. For a
        symmetric problem the two are equal.
    hessian : bool, default False
        Add "hessian_min" and "hessian_max", the extreme eigenvalues of the Hessian at the returned
        factors, to the certificate. By Lanczos; meant for small problems.
    max_iter : int, default 5000
    rtol : float, default 1e-9
        On ``||residual|| / ||data||``.
    gtol : float, default 1e-8
        On ``||grad f|| / (sqrt(2 f) ||W||_F)``, W both factors on top of each other.
    """
    one_of("optimizer", optimizer, OPTIMIZERS)
    options = with_options(optimizer, optimizer_options)
    flag("hessian", hessian)
    max_iter = integer("max_iter", max_iter, 0)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    radius = row_radius(max_abs)
    if max_abs is not None and optimizer != "projected_gd":
        raise ValueError(f"max_abs needs optimizer='projected_gd', got {optimizer!r}")
    if optimizer == "projected_gd":
        if radius < np.inf and regularizer == "row_norm":
            raise ValueError(
                "max_abs already bounds the rows: use it without regularizer='row_norm'"
            )
        options = {**options, "radius": radius}

    loss = FactoredLoss(problem, weights=entry_weights(weights, problem))
    loss.penalty, numbers = chosen(regularizer, weight, alpha, loss, rank, rng)
    if start is None:
        W = _start.initial(loss, rank, rng, init, init_scale)
    else:
        W = _given(start, problem, rank)

    points = OPTIMIZERS[optimizer](loss, W, rng, gtol, **options)
    judges = optimizer in JUDGES
    outcome = loop(
        (loss.iterate(point, radius) for point in points),
        max_iter=max_iter,
        rtol=rtol,
        gtol=-1.0 if judges else gtol,
        # An escape may go by without progress, and is no stall.
        patience=50 + integer("escape_steps", options.get("escape_steps", 50), 1),
    )
    certificate = outcome.certificate
    if judges and outcome.stop_reason == "stalled" and certificate["gradient_norm"] <= gtol:
        outcome.stop_reason = "gradient"
    if "paper" in (weight, alpha):
        certificate |= numbers
    if hessian or (optimizer == "trust_region" and outcome.stop_reason == "gradient"):
        left, right = outcome.iterate.left, outcome.iterate.right
        W = left if problem.symmetric else np.vstack([left, right])
        low, _, high = lowest(loss, W, loss.residual(W), rng)
        certificate |= {"hessian_min": low, "hessian_max": high}
    return outcome


def _given(start, problem, rank):
    left, right = pair(start, problem.shape, rank)
    if not problem.symmetric:
        return np.vstack([left, right])
    if not np.array_equal(left, right):
        raise ValueError("start: left and right must be equal for a symmetric problem")
    return left
