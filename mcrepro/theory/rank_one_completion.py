"""Symmetric completion at rank one without noise: when it is determined, and why it is easy.

The observed entries ``M_ij = z_i z_j`` that are not zero are the edges of a graph on 1..n; an observed
diagonal entry is a loop. In the double cover, with two nodes i+ and i- for each i and edges i+ j-
and i- j+, a walk from i+ ends at + after an even and at - after an odd number of edges.

*Determined.* Along a walk the x_i with ``x_i x_j = M_ij`` follow from the first: proportional to it
at +, to its inverse at -. If the double cover is connected, both hold for the first itself, and fix
its square: ``zz^T`` is the only completion of rank one. If not, a part of the double cover can be
scaled by itself.

*Positive stationary points.* If it is connected, zz^T is also the only stationary point
of ``sum (x_i x_j - M_ij)^2`` with all ``x_i z_i > 0``. In ``ρ_i = x_i / z_i`` the gradient is zero where
``sum over j of w_ij ρ_j (ρ_i ρ_j - 1) = 0`` with positive weights ``w_ij = z_i^2 z_j^2`` on the edges. Let
ρ_a be the largest and ρ_b the smallest. At a some neighbour has ``ρ_j <= 1/ρ_a``, so that
``ρ_b <= 1/ρ_a``; at b some neighbour has ``ρ_j >= 1/ρ_b``, so that ``ρ_a >= 1/ρ_b``. Hence ``ρ_a ρ_b = 1``,
no term at a is negative, and every neighbour of a has ρ_b; likewise every neighbour of b has ρ_a. So ρ
takes the value ρ_a on one side of the double cover and ρ_b on the other, and as a+ and a- are connected
the two are equal: ρ = 1.

*Descent.* For every K >= 1 gradient flow does not leave the box ``1/K <= ρ_i <= K``: where ``ρ_i = K``, all
``ρ_i ρ_j >= 1`` and ρ_i falls, where ``ρ_i = 1/K``, all ``ρ_i ρ_j <= 1`` and ρ_i rises. A start with the signs of z
lies in such a box, whose only stationary point is z: gradient flow from it ends at z.

*The start.* With all ``z_i`` of one sign the matrix of observed entries is nonnegative and irreducible,
and its leading eigenvector positive (Perron, Frobenius); a change of signs carries this over to any
z. The leading eigenvector has the signs of z.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order, connected_components


def is_determined(problem):
    """Whether data of rank one without noise have one completion ``x x^T``.

    Parameters
    ----------
    problem : Problem
        Symmetric.

    Returns
    -------
    bool
        False also where a row has no nonzero entry: a zero there would fit the data, but so may
        other values.
    """
    return connected_components(_double_cover(problem))[0] == 1


def propagate(problem):
    """x with ``x_i x_j = M_ij`` at the observed entries, in one pass over them.

    Errors of the data are not averaged but multiplied along walks: without noise this is the
    answer, with noise no estimate.

    Parameters
    ----------
    problem : Problem
        Symmetric, rank one without noise.

    Returns
    -------
    ndarray, shape (n,)
        Up to its sign.

    Raises
    ------
    ValueError
        If the completion is not determined, or the walks say that the square of x_1 is negative.
        Other data that are not those of an ``x x^T`` are not noticed.
    """
    graph, n = _double_cover(problem), problem.shape[0]
    order, before = breadth_first_order(graph, 0)
    if len(order) < 2 * n:
        raise ValueError(
            f"the observed entries do not determine a completion of rank one: walks from the first "
            f"row reach {len(order)} of the {2 * n} nodes of the double cover"
        )
    # Node k is k+ and node n + k is k-: x_k is c p_k from the one and p_{n+k} / c from the other.
    p = np.ones(2 * n)
    for node in order[1:]:
        p[node] = graph[before[node], node] / p[before[node]]
    if p[n] <= 0:
        raise ValueError("no x x^T has these entries: the square of its first entry is negative")
    return p[:n] * np.sqrt(p[n])


def _double_cover(problem):
    if not problem.symmetric:
        raise ValueError(f"the problem must be symmetric; got {problem!r}")
    n = problem.shape[0]
    seen = problem.values != 0
    i, j, M = problem.rows[seen], problem.cols[seen], problem.values[seen]
    a, b, M = np.concatenate([i, j]), np.concatenate([j, i]), np.concatenate([M, M])
    # An entry that is seen both ways is one edge.
    _, once = np.unique(a * n + b, return_index=True)
    half = sp.csr_array((M[once], (a[once], b[once])), shape=(n, n))
    return sp.block_array([[None, half], [half, None]], format="csr")
