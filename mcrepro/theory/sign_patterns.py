r"""What the observed entries of a rank-one matrix ``M = z z^T`` say about the signs of z.

Let G have the indices with ``z_i != 0`` as vertices and an edge wherever ``M_ij``, i != j, is
observed, in either place. Let c be constant on the components of G, with values 1 and -1, and
``S = diag(c)``. Then ``S M S`` agrees with M on every observed entry: on an edge ``c_i c_j = 1``,
where z vanishes both are 0, and the diagonal does not change. With k components these are
``2^{k-1}`` matrices, all positive semidefinite, of rank one and of one trace.

*Ceiling.* A method is sign-equivariant if its output for the data of S M S is distributed as
``S M^ S``, M^ its output for those of M. This holds for every method that computes with the
observed entries and treats the signs of the coordinates alike, with a start that does so, too. As
the two data are equal, M^ and ``S M^ S`` then have one law. The matrices S M S are `separation`
apart; for a tolerance below half of that, the events "M^ is near S M S" exclude each other and are
equally likely. Hence P(M^ is near M) <= 2^{1-k}: `ceiling`. For a deterministic method ``M^ = S M^ S`` for all S, so that M^ is 0 between components, and it
never succeeds when k > 1.

On the instance (20) of the ε-MC paper with zeros at even indices, no edge is observed, and k is
``m = ceil(n/2)``.

Source: none; these are answers to Section 5, Appendices B and E of the ε-MC paper ("noise").
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mcrepro._checks import integer, real
from mcrepro.problem import Problem


def components(problem, z):
    """Component of G that each index lies in.

    Parameters
    ----------
    problem : Problem
        Shape (n, n). Its places are used, not its values.
    z : array_like, shape (n,)

    Returns
    -------
    count : int
        k.
    labels : ndarray of int, shape (n,)
        0 to k - 1, and -1 where z is 0.
    """
    z = _vector(problem, z)
    support = z != 0
    edge = support[problem.rows] & support[problem.cols]
    rows, cols = problem.rows[edge], problem.cols[edge]
    graph = coo_array((np.ones(len(rows)), (rows, cols)), shape=problem.shape)
    _, found = connected_components(graph, directed=False)
    labels = np.full(len(z), -1)
    values, labels[support] = np.unique(found[support], return_inverse=True)
    return len(values), labels


def ceiling(problem, z):
    """``2^{1-k}``: no sign-equivariant method recovers ``z z^T`` with a higher probability.

    Parameters
    ----------
    problem : Problem
        Shape (n, n).
    z : array_like, shape (n,)
        Not zero.
    """
    count, _ = components(problem, z)
    if count == 0:
        raise ValueError("z must not be zero: its sign has no meaning then")
    return 2.0 ** (1 - count)


def separation(problem, z):
    """Smallest Frobenius distance of two of the matrices S M S; infinite if there is only one.

    Flipping a set of components with squared norm t of z, out of T in all, changes M by
    ``2 sqrt(2 t (T - t))``, which is least for the component with the smallest t.
    """
    z = _vector(problem, z)
    count, labels = components(problem, z)
    if count < 2:
        return np.inf
    t = np.bincount(labels[labels >= 0], weights=z[labels >= 0] ** 2)
    # t (T - t) is concave on [0, T] and equal at its ends, so the extreme subsets are least.
    return float(2 * np.sqrt(2 * np.min(t * (t.sum() - t))))


def small_start_rate(problem, z):
    """Probability that gradient descent on ``X X^T`` from a tiny start recovers ``z z^T``.

    By components of G. Gradient flow keeps the difference of the squared norms of the two sides of
    a bipartite component, which a tiny start makes zero; so the sides of its fit have equal norms,
    and it is right only if those of z have. A component with an odd cycle, an observed diagonal
    entry being one, is determined up to its sign. Coordinates without an edge and without a
    diagonal entry stay near 0, which is right where z is 0. The components' signs are those
    of the start, equally likely.

    It is a prediction: that descent reaches the minimum it is drawn to is supposed, not proved.

    Returns
    -------
    float
        2^{1-k}, or 0 where a component is left undetermined or unbalanced.
    """
    z = _vector(problem, z)
    count, labels = components(problem, z)
    if count == 0:
        raise ValueError("z must not be zero: its sign has no meaning then")
    edge = (labels[problem.rows] >= 0) & (labels[problem.cols] >= 0)
    rows, cols = problem.rows[edge], problem.cols[edge]
    n = len(z)
    # The double cover of a connected graph splits into two exactly if the graph is bipartite.
    ones = np.ones(2 * len(rows))
    double = coo_array(
        (ones, (np.concatenate([rows, rows + n]), np.concatenate([cols + n, cols]))),
        shape=(2 * n, 2 * n),
    )
    _, side = connected_components(double, directed=False)
    for k in range(count):
        members = np.flatnonzero(labels == k)
        if side[members[0]] != side[members[0] + n]:
            here = side[members] == side[members[0]]
            squares = z[members] ** 2
            if not np.isclose(squares[here].sum(), squares[~here].sum(), rtol=1e-9):
                return 0.0
    return 2.0 ** (1 - count)


def unobserved_levels(m):
    """Mean squared error off Ω of every sign pattern of instance (20), as exact fractions.

    With 1 at the m odd indices and 0 at the even ones, flipping f of m signs changes ``2 f (m - f)``
    of the ``m (m - 1)`` unobserved entries by 2.

    Parameters
    ----------
    m : int
        ``ceil(n/2)``, at least 2.

    Returns
    -------
    dict of Fraction to Fraction
        Level ``8 f (m - f) / (m (m - 1))`` to its probability under fair independent signs.
    """
    m = integer("m", m, 2)
    law: dict[Fraction, Fraction] = {}
    ways = 1
    for f in range(m + 1):
        level = Fraction(8 * f * (m - f), m * (m - 1))
        law[level] = law.get(level, Fraction(0)) + Fraction(ways, 2**m)
        ways = ways * (m - f) // (f + 1)
    return law


def epsilon_bias(m, epsilon):
    """Distance of the best minimiser of ε-MC from M on instance (20), zeros at even indices.

    Among the multiples of M the objective ``m (u - 1)^2 + ε^2 m (m - 1) u^2`` is least at
    ``u = 1/(1 + ε^2 (m - 1))``, and so is that of every lifting (12) at ``w = (sqrt(u) z)^{⊗l}``:
    ``(m + ε^2 m (m - 1))^l u^{2l} - 2 m^l u^l + m^l`` has its least value at the same u. Hence

        ||u M - M||_F = m (1 - u) = m (m - 1) ε^2 / (1 + ε^2 (m - 1)).

    Parameters
    ----------
    m : int
        ``ceil(n/2)``.
    epsilon : float or Fraction
        In [0, 1]. The result is a Fraction if it is one.
    """
    m = integer("m", m, 1)
    if not isinstance(epsilon, Fraction):
        epsilon = real("epsilon", epsilon, 0, 1)
    square = epsilon * epsilon
    return m * (m - 1) * square / (1 + square * (m - 1))


def leading_growth(n, even_value):
    """The largest eigenvalue of P_Ω(z z^T) on instance (20), all others being at most 1.

    Near 0 gradient descent multiplies the component along its eigenvector, whose signs are those
    of z, fastest. Until ``||x||`` has grown from ξ to 1, it gains ``ξ^{-(1 - 1/σ)}`` on the others.

    P_Ω(z z^T) is ``[[I, δ 1 1^T], [δ 1 1^T, δ^2 1 1^T]]`` on m odd and q = floor(n/2) even indices;
    on constant vectors it is the 2 x 2 matrix ``[[1, δ sqrt(mq)], [δ sqrt(mq), δ^2 q]]``.
    """
    n, delta = integer("n", n, 1), real("even_value", even_value)
    m, q = (n + 1) // 2, n // 2
    half = (1 - delta**2 * q) / 2
    return float((1 + delta**2 * q) / 2 + np.sqrt(half**2 + delta**2 * m * q))


def _vector(problem, z):
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a mcrepro.Problem, got {type(problem).__name__}")
    z = np.asarray(z, dtype=np.float64)
    if problem.shape != (len(z), len(z)) or z.ndim != 1:
        raise ValueError(
            f"z must have shape (n,) for a problem of shape (n, n); got {z.shape} and {problem.shape}"
        )
    return z
