"""The lifted objective on tensors of few rank-one terms, without the tensor.

Problem
    h of eq. (12), in the notation of ``mcrepro.lifting.objective``, at

        w = sum over k of vec(X_k)^{⊗l},  X_k of shape (n, r).

    Weights of the terms are not needed: the order l is odd, and ``c x^{⊗l} = (c^{1/l} x)^{⊗l}``.
Structure
    ``W W^T = sum over a, b of (X_a X_b^T)^{⊗l}``, the weights D^{⊗l} are a Kronecker power too, and
    the inner product of two l-th powers is the l-th power of the inner product. With

        S_abcd = <D ∘ X_a X_b^T, D ∘ X_c X_d^T>,   s_ab = <B, D ∘ X_a X_b^T>

    and everything scaled to ``||B|| = 1``, so that no power overflows at any order,

        h(w) / h(0) = sum over a, b, c, d of S_abcd^l  -  2 sum over a, b of s_ab^l  +  1.

    The sums run over ordered pairs (a, b), which is all the symmetry there is: an unsymmetric mask
    needs nothing else. Observed entries give inner products of vectors of length |Omega|; the
    others add ``ε^2 sum((X_a^T X_c) ∘ (X_b^T X_d))``, from r x r matrices.
Cost
    O(k^4 |Omega| + k^2 r (|Omega| + n r)) time and O(k^2 |Omega| + k n r) memory, at any order.
References
    ε-MC paper ("noise"), eq. (12); Section 5 asks for a way around the tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mcrepro._checks import integer, real
from mcrepro._factors import entries
from mcrepro.problem import Problem

# The places of S with index 1, for U, twice and index 0, for X, twice: those of a, c and d.
_TWO_OF_FOUR = [index for index in np.ndindex(2, 2, 2, 2) if sum(index) == 2]


@dataclass(slots=True)
class _Products:
    """What S and s were computed from, kept for the gradient."""

    S: np.ndarray  # (k, k, k, k)
    s: np.ndarray  # (k, k)
    E: np.ndarray  # (k, k, |Omega|), X_a X_b^T at the observed entries
    C: np.ndarray  # (k, k, r, r), X_a^T X_c


class FewTerms:
    """h(w) / h(0) for sums of few symmetric rank-one tensors.

    Parameters
    ----------
    problem : Problem
        Symmetric, shape (n, n), with data that are not all zero. The mask may be unsymmetric, as in
        ``LiftedObjective``.
    order : int, default 3
        l, odd and positive; no cost depends on it.
    epsilon : float, default 5e-5
        Weight of the unobserved entries, in [0, 1].

    Raises
    ------
    ValueError
        A problem that is not symmetric or has zero data, an even order, ε outside [0, 1].

    Examples
    --------
    >>> import mcrepro as mc
    >>> problem = mc.instances.structured(1000, even_value=0.02)
    >>> terms = mc.lifting.FewTerms(problem, order=7)
    >>> X = np.ones((2, 1000, 1))
    >>> terms.gradient(X).shape
    (2, 1000, 1)
    """

    def __init__(self, problem, order=3, epsilon=5e-5):
        if not isinstance(problem, Problem):
            raise TypeError(f"problem must be a mcrepro.Problem, got {type(problem).__name__}")
        if not problem.symmetric:
            raise ValueError(
                f"the lifted objective needs a symmetric problem (symmetric=True); got {problem!r}"
            )
        self.problem = problem
        self.order = integer("order", order, 1)
        if self.order % 2 == 0:
            raise ValueError(f"order must be odd, got {order}; an even power loses the sign of X")
        self.epsilon = real("epsilon", epsilon, 0, 1)
        self.n = problem.shape[0]
        size = np.linalg.norm(problem.values)
        if size == 0:
            raise ValueError("all observed values are zero: there is nothing to scale by")
        self._unit = np.sqrt(size)
        self._data = problem.values / size
        # Entries come sorted by row, as a CSR array wants them.
        self._starts = np.searchsorted(problem.rows, np.arange(self.n + 1))

    def value(self, X):
        """h(w) / h(0), a number.

        Parameters
        ----------
        X : array_like, shape (k, n, r)
            The terms, in the units of the data: ``X X^T`` is compared with them.
        """
        return self._value(self._products(self._terms(X)))

    def gradient(self, X):
        """The gradient of `value`, shape (k, n, r)."""
        return self.value_and_gradient(X)[1]

    def value_and_gradient(self, X):
        """Both, for the price of the gradient."""
        Y = self._terms(X)
        products = self._products(Y)
        l = self.order
        gradient = self._pull(
            Y, products, l * products.S ** (l - 1), -2 * l * products.s ** (l - 1)
        )
        return self._value(products), gradient / self._unit

    def line(self, X, U):
        """h(w + t u) / h(0) for ``u = sum of vec(U_j)^{⊗l}``, a quartic in t.

        Parameters
        ----------
        X, U : array_like, shapes (k, n, r) and (j, n, r)

        Returns
        -------
        ndarray, shape (5,)
            Coefficients, lowest power first.
        """
        X, U = self._terms(X), self._terms(U)
        products = self._products(np.concatenate([X, U]))
        # The power of t is the number of indices that belong to U.
        new = np.repeat([0, 1], [len(X), len(U)])
        four = np.add.outer(np.add.outer(new, new), np.add.outer(new, new)).ravel()
        two = np.add.outer(new, new).ravel()
        out = np.bincount(four, (products.S**self.order).ravel(), minlength=5)
        out -= 2 * np.bincount(two, (products.s**self.order).ravel(), minlength=5)
        out[0] += 1
        return out

    def escape_ratio(self, X, U):
        """ρ, below 1 where ``vec(U)^{⊗l}`` leads down from ``vec(X)^{⊗l}``, and its gradient.

        At a stationary point X of ε-MC (order 1) the line from ``vec(X)^{⊗l}`` along
        ``vec(U)^{⊗l}`` has slope 0 and second derivative ``4 (a^l + d^l + c^l - b^l) h(0)`` with

            a = <XX^T, UU^T>,  d = <XU^T, UX^T>,  c = <XU^T, XU^T>,  b = <B, UU^T>

        in the inner product of D. So it leads down if and only if ``b > 0`` and

            ρ = (a^l + d^l + c^l)^{1/l} / b < 1.

        ρ does not change when U is scaled. That X is a second-order point of ε-MC is ``ρ >= 1`` at
        order 1 for all U with b > 0. For a, c, d >= 0 the numerator is the l-norm of three numbers,
        which falls with l to their maximum: what is no saddle for an order may be one for a higher.

        Parameters
        ----------
        X, U : array_like, shape (n, r)

        Returns
        -------
        ratio : float
            Infinite where b <= 0.
        gradient : ndarray, shape (n, r)
            With respect to U.
        """
        Y = self._terms(np.stack([X, U]))
        products = self._products(Y)
        S, b, l = products.S, products.s[1, 1], self.order
        if b <= 0:
            return np.inf, np.zeros(Y.shape[1:])
        where = tuple(np.transpose(_TWO_OF_FOUR))
        total = (S[where] ** l).sum() / 2
        ratio = np.sign(total) * np.abs(total) ** (1 / l) / b
        dS, ds = np.zeros_like(S), np.zeros_like(products.s)
        dS[where] = ratio / total * S[where] ** (l - 1) / 2 if total else 0.0
        ds[1, 1] = -ratio / b
        return float(ratio), self._pull(Y, products, dS, ds)[1] / self._unit

    def extract(self, X):
        """The matrix of r columns that w stands for, by the partial trace.

        ``W W^T`` stands for M^{⊗l}, whose trace over all pairs of modes but one is
        ``M tr(M)^{l-1}``; the leading r eigenpairs of that M are kept. The same as
        ``LiftedObjective.extract`` with ``method="partial_trace"``: exact for one term, and free of
        the gauge of W.

        Parameters
        ----------
        X : array_like, shape (k, n, r)

        Returns
        -------
        ndarray, shape (n, r)
        """
        Y = self._terms(X)
        k, n, r = Y.shape
        # The partial trace is the sum over a, b of <X_a, X_b>^{l-1} X_a X_b^T.
        overlaps = np.einsum("ani,bni->ab", Y, Y) ** (self.order - 1)
        Q, R = np.linalg.qr(Y.transpose(1, 0, 2).reshape(n, k * r))
        eigenvalues, vectors = np.linalg.eigh(R @ np.kron(overlaps, np.eye(r)) @ R.T)
        trace = max(eigenvalues.sum(), np.finfo(float).tiny)
        lengths = np.sqrt(np.maximum(eigenvalues[-r:], 0.0) / trace ** (1 - 1 / self.order))
        return self._unit * (Q @ vectors[:, -r:] * lengths)[:, ::-1]

    def _terms(self, X):
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 3 or X.shape[1] != self.n:
            raise ValueError(
                f"terms must have shape (k, {self.n}, r): k matrices of {self.n} rows; got {X.shape}"
            )
        return X / self._unit

    def _products(self, Y):
        problem, k = self.problem, len(Y)
        E = np.empty((k, k, problem.n_observed))
        for a, b in np.ndindex(k, k):
            E[a, b] = entries(Y[a], Y[b], problem.rows, problem.cols)
        flat = E.reshape(k * k, -1)
        C = np.einsum("ani,cnj->acij", Y, Y)
        S = (1 - self.epsilon**2) * (flat @ flat.T).reshape(k, k, k, k)
        S += self.epsilon**2 * np.einsum("acij,bdij->abcd", C, C)
        return _Products(S, E @ self._data, E, C)

    def _value(self, products):
        l = self.order
        return float((products.S**l).sum() - 2 * (products.s**l).sum() + 1)

    def _pull(self, Y, products, dS, ds):
        """The gradient with respect to Y of a function with derivatives dS and ds."""
        k, E, C = len(Y), products.E, products.C
        out = np.zeros_like(Y)
        both = dS + dS.transpose(2, 3, 0, 1)
        N = (1 - self.epsilon**2) * (both.reshape(k * k, -1) @ E.reshape(k * k, -1))
        N += ds.reshape(-1, 1) * self._data
        for (a, b), row in zip(np.ndindex(k, k), N, strict=True):
            A = sp.csr_array((row, self.problem.cols, self._starts), shape=(self.n, self.n))
            out[a] += A @ Y[b]
            out[b] += A.T @ Y[a]
        dC = self.epsilon**2 * np.einsum("abcd,bdij->acij", dS + dS.transpose(1, 0, 3, 2), C)
        out += np.einsum("cni,acji->anj", Y, dC) + np.einsum("cni,caij->anj", Y, dC)
        return out
