"""Lin-RFM: kernel ridge regression row by row, with a kernel learnt from the rows themselves.

Problem
    A rank-r matrix W with the observed entries. With ``C = W^T W / sqrt(n1 n2)`` (the average
    gradient outer product) and the kernel ``G = C^(2 power)``, each row i observed at the columns S
    is predicted from its own entries y:

        a = (G_SS + ridge I)^-1 y,    W_i = a^T G_S off S,    W_i = y on S.

    At power 1/2 the kernel is C itself, and no decomposition of a matrix is needed.
Equivalence
    Row i of that step is the minimiser of ``w^T (G + ridge I)^-1 w`` among the rows that
    interpolate y: prediction by ridge regression *with* the observed entries put back is
    interpolation under the kernel ``G + ridge I``. A step is therefore one of iteratively
    reweighted least squares: with s the eigenvalues of C it minimises a quadratic majoriser of

        f(W) = sum over s of phi(s),    phi'(s) = 1 / (s^(2 power) + ridge),

    which is log det(C + ridge I) at power 1/2. As the ridge goes to 0, ``phi(s) ~ s^(p/2)``: the
    Schatten-p function with ``p = 2 - 4 power``. So power 0 is p = 2 (no learning), 1/4 the nuclear
    norm, 1/2 the log determinant (p = 0) and 1 has p = -2. The ridge is the smoothing of IRLS, and
    lowering it to zero is what makes the limit of low rank.
Optimality
    ``P_unobserved(W (G + ridge I)^-1) = 0``: then a, put at the observed entries, is a dual
    solution. What the certificate states is stronger for data that a matrix of low rank fits: the
    relative residual of the *returned factors*, W projected on its leading right singular vectors.
    W itself interpolates, so that its own residual, zero at every step, would say nothing; "tail"
    is the share of ||W||_F^2 that the projection drops.
Deviations
    The published code lowers the ridge, keeps the best iterate and stops by the error on
    *unobserved* entries. Here nothing but the observed entries is read: the ridge falls by a fixed
    factor, or no lower than the singular values that a matrix of the given rank would not have.
    The published kernel is always that of the columns. f depends on the singular values alone, so
    steps on W and on W^T lower the same function, and taking turns, with an extrapolation between,
    converges linearly where the one-sided iteration crawls. The paper's iteration is
    ``sides="right", momentum=0, schedule="constant"``, with power 1/2 or 1.
References
    A. Radhakrishnan, M. Belkin, D. Drusvyatskiy, "Linear recursive feature machines provably
    recover low-rank matrices", PNAS 122, 2025.
    K. Mohan, M. Fazel, "Iterative reweighted algorithms for matrix rank minimization", JMLR 13,
    2012 (IRLS-p, and its smoothing).
"""

from mcrepro._checks import integer, one_of, real
from mcrepro.solvers._given import pair
from mcrepro.solvers._kernel import KernelModel
from mcrepro.solvers._registry import method

# W, its predecessor, two square matrices of each side and the factors; in bytes.
_MEMORY = 4 * 2**30


@method(
    "lin_rfm",
    setting="rectangular, or symmetric (mirrored entries are observed too)",
    cost="O(n1 n2 (n1 + n2)), memory O(n1 n2 + n1^2 + n2^2): dense",
    source="Radhakrishnan, Belkin, Drusvyatskiy, algorithm 1 and its SVD-free form",
    citation="A. Radhakrishnan, M. Belkin and D. Drusvyatskiy, Linear recursive feature machines "
    "provably recover low-rank matrices, PNAS 122 (2025) e2411325122",
    dense=True,
)
def lin_rfm(
    problem,
    rank=None,
    rng=None,
    loop=None,
    *,
    power=0.5,
    schedule="geometric",
    ridge=1.0,
    decay=0.85,
    sides="both",
    momentum=0.7,
    start=None,
    max_iter=500,
    rtol=1e-9,
):
    """Complete by linear recursive feature machines.

    Parameters
    ----------
    problem : Problem
        Shape (n1, n2), both in the thousands at most: all matrices are dense.
    rank : int, optional
        Columns of the factors. Without it, as many as G has eigenvalues above the ridge, found by
        an eigendecomposition in every step.
    power : float, default 0.5
        In (0, 1]. Schatten-p with ``p = 2 - 4 power``; 0.5 with a given rank is SVD-free.
    schedule : {"geometric", "tail", "constant"}
        How the ridge falls: by `decay` a step; likewise, but not below what G has as an
        eigenvalue, in the mean, beyond `rank`, which it needs; or not at all. Never below rounding.
    ridge : float, default 1.0
        Ridge of the first step, for data scaled to a root mean square of 1; positive. Published:
        0.05, with `schedule` "constant" until the unobserved error has become small.
    decay : float, default 0.85
        In (0, 1]. Where there is much more data than degrees of freedom 0.6, with a momentum of 0.5,
        takes half the steps; where there is little, it stalls.
    sides : {"both", "right"}
        Kernels of the columns and of the rows by turns, or of the columns alone as published.
    momentum : float, default 0.7
        In [0, 1): each step starts from ``W + momentum (W - W_before)``. Published: 0. With 0 and a
        constant ridge the objective never increases.
    start : (array_like, array_like), optional
        Factors of shapes (n1, k) and (n2, k) to start from, in place of the data with zeros
        elsewhere (the outcome of the published first step, whose kernel is the identity). A `ridge`
        to match is up to you: a large one forgets the start.
    max_iter : int, default 500
    rtol : float, default 1e-9
        On ``||residual|| / ||data||`` of the factors. Not used for a constant ridge without `rank`.

    Raises
    ------
    ValueError
        Matrices that would need more than 4 GiB, beside options out of range.
    """
    one_of("schedule", schedule, ("geometric", "tail", "constant"))
    one_of("sides", sides, ("both", "right"))
    power, ridge = real("power", power, 0, 1, open_low=True), real("ridge", ridge, 0, open_low=True)
    decay = real("decay", decay, 0, 1, open_low=True)
    momentum = real("momentum", momentum, 0, 1)
    if momentum == 1:
        raise ValueError("momentum must be below 1, got 1")
    if schedule == "tail" and rank is None:
        raise ValueError("schedule='tail' needs rank, since it looks at what lies beyond it")
    max_iter, rtol = integer("max_iter", max_iter, 0), real("rtol", rtol, 0)
    _check_memory(problem.shape)
    model = KernelModel(problem, rank, power, rng)
    if start is not None:
        start = pair(start, problem.shape, rank)

    def lower(current, tail):
        if schedule == "constant":
            return current
        return max(decay * current, min(current, tail) if schedule == "tail" else 0.0)

    iterates = _iterates(model, start, ridge, lower, sides, momentum)
    if rank is None and schedule == "constant":
        rtol = -1.0  # with columns at will the data with zeros elsewhere fit, which says nothing
    return loop(iterates, max_iter=max_iter, rtol=rtol)


def _iterates(model, start, ridge, lower, sides, momentum):
    W = before = model.filled(start)
    rows_turn = False
    while True:
        point, tail, rounding = model.measure(W, ridge, start)
        yield point
        ridge, start = max(lower(ridge, tail), rounding), None
        ahead = W + momentum * (W - before)
        before = W
        if rows_turn:
            W = model.by_col.step(model.kernel(ahead.T), ridge).T
        else:
            W = model.by_row.step(model.kernel(ahead), ridge)
        rows_turn = sides == "both" and not rows_turn


def _check_memory(shape):
    n1, n2 = shape
    needed = 8 * (5 * n1 * n2 + 3 * max(n1, n2) ** 2)
    if needed > _MEMORY:
        raise ValueError(
            f"lin_rfm computes with dense matrices: shape {shape} would need "
            f"{needed / 2**30:.3g} GiB, more than the {_MEMORY // 2**30} GiB allowed; "
            "'gnmr' and 'soft_impute' are sparse"
        )
