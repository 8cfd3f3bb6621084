"""The lifted objective of the ε-MC paper, eq. (12), its gradient, and its course along a line.

Notation
    X is n x r, x = vec(X) stacks its columns, l is the (odd) order. The unknown is a tensor w with l
    modes of length nr, as large as x^{⊗l}. P(w) is w seen as an n^l x r^l matrix W: each mode of
    length nr is a pair (row i, column c), the rows I = (i_1..i_l) of W collect the first parts and
    the columns C = (c_1..c_l) the second ones, so that w = vec(X)^{⊗l} is W = X^{⊗l}, eq. (22).
    D has 1 at observed entries and ε elsewhere, eq. (5). B has the data at observed entries and 0
    elsewhere: it is b̃, since what eq. (6) adds to D ∘ M as noise is just -ε M where nothing is seen.
Objective
    h(w) = factor || D^{⊗l} ∘ (W W^T) - B^{⊗l} ||_F^2,  factor = 1/2.

    Equation (12) prints factor 1, eqs. (1), (8), Lemma C.8 and the constants of Lemma 2.1 belong to
    factor 1/2. Here it is 1/2, so that order 1 with ε = 0 is the objective of method "bm";
    ``factor=1`` is (12) as printed, twice as steep and twice as curved.
Structure
    D^{⊗l} is a Kronecker power of an n x n matrix, and so are K = (D ∘ D)^{⊗l} and G = (D ∘ B)^{⊗l}.
    With Q and H their symmetric parts (they are what they are for a symmetric mask) and products of
    columns p_{CC'} = W_C ∘ W_{C'},

        h       = factor (sum over C, C' of <p_CC', Q p_CC'> - 2 <W, H W> + ||B||_F^{2l}),
        grad h  = 4 factor (sum over C' of W_{C'} ∘ Q p_CC'  -  H W_C)   in column C.

    K and G act through l products with n x n matrices, so that a gradient takes O(l n^{l+1}) time
    and O(n^l) memory for r = 1, times r^l (r^l + 1) / 2 pairs of columns in general. Nothing of the
    size n^{2l} is ever formed; ``DenseObjective`` does, for comparison.
Deviations
    The sensing matrices are the E_ij of eq. (5). The symmetric (E_ij + E_ji) / 2, which an earlier
    program of the authors used, agree with them on X X^T but not on W W^T away from rank one.
References
    ε-MC paper ("noise"), eqs. (5), (6), (12), Section C.2.
    Z. Ma, J. Lavaei, S. Sojoudi, "Algorithmic regularization in tensor optimization: towards a lifted
    approach in matrix sensing", NeurIPS 2023.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from mcrepro._checks import generator, integer, one_of, real
from mcrepro.lifting import rank_one
from mcrepro.lifting._algebra import Algebra
from mcrepro.lifting._kronecker import power
from mcrepro.problem import Problem

# A larger tensor than this is refused: an optimizer holds about thirty of them.
_LARGEST = 2**31


class LiftedObjective:
    """h of eq. (12) for one problem.

    Parameters
    ----------
    problem : Problem
        Symmetric, shape (n, n). The mask may be unsymmetric: a pair that was seen one way only has
        weight 1 there and ε, with datum 0, the other way, as in eq. (7).
    order : int, default 3
        l, odd and positive. Order 1 is the ε-MC problem itself, with ε = 0 that of method "bm".
    epsilon : float, default 5e-5
        Weight of the unobserved entries, in [0, 1].
    rank : int, default 1
        r, the search rank.
    factor : float, default 0.5
        In front of the squared norm; 1 for (12) as it is printed.

    Attributes
    ----------
    n, order, rank, epsilon, factor
    shape : tuple of int
        ``(n * rank,) * order``, the shape of a tensor w.
    weights, data : ndarray, shape (n, n)
        D and B.

    Raises
    ------
    ValueError
        A problem that is not symmetric, an even order, ε outside [0, 1], or a single tensor of more
        than 2 GiB.

    Examples
    --------
    >>> import mcrepro as mc
    >>> lifted = mc.lifting.LiftedObjective(mc.instances.structured(4, even_value=0.2))
    >>> lifted.gradient(lifted.initial(scale=1e-4, seed=0)).shape
    (4, 4, 4)
    """

    def __init__(self, problem, order=3, epsilon=5e-5, rank=1, *, factor=0.5):
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
        self.rank = integer("rank", rank, 1)
        self.factor = real("factor", factor, 0, open_low=True)
        self.n = problem.shape[0]
        self.shape = (self.n * self.rank,) * self.order
        size = 8 * (self.n * self.rank) ** self.order
        if size > _LARGEST:
            raise ValueError(
                f"a tensor of order {order} for n={self.n} and rank={rank} takes "
                f"{size / 2**30:.3g} GiB, more than the {_LARGEST / 2**30:.3g} GiB allowed; "
                "take a smaller order or rank"
            )
        self.weights = np.full(problem.shape, self.epsilon)
        self.weights[problem.rows, problem.cols] = 1.0
        self.data = np.zeros(problem.shape)
        self.data[problem.rows, problem.cols] = problem.values
        self.algebra = Algebra(self.weights, self.data, self.order, self.rank, self.factor)

    # What users call

    def value(self, w):
        """h(w).

        Parameters
        ----------
        w : array_like, shape ``shape``, or (trials, *shape)

        Returns
        -------
        float, or ndarray of shape (trials,)
        """
        W, single = self.columns(w)
        value = self.algebra.measure(W).value
        return float(value[0]) if single else value

    def gradient(self, w):
        """grad h(w), of the shape of w, which is as for `value`."""
        W, single = self.columns(w)
        gradient = self.tensor(self.algebra.measure(W).gradient)
        return gradient[0] if single else gradient

    def gradient_norm(self, w):
        """``||grad h|| / (2 factor sqrt(h / factor) ||w||)``, a number or shape (trials,).

        The measure of method "bm" with X replaced by w: free of scale, 0 at a stationary point, and
        the cosine between the residual and the directions in which it can move, up to ||w||.
        """
        W, single = self.columns(w)
        size = self.algebra.optimality(self.algebra.measure(W))
        return float(size[0]) if single else size

    def hessian_product(self, w, d):
        """The second derivative of h at w, applied to d; both of one shape, as for `value`."""
        W, single = self.columns(w)
        D, _ = self.columns(d)
        if W.shape != D.shape:
            raise ValueError(f"d must have the shape {np.shape(w)} of w, got {np.shape(d)}")
        product = self.tensor(self.algebra.curve(self.algebra.measure(W), D))
        return product[0] if single else product

    def curvature(self, w, seed=0):
        """The largest eigenvalue of the second derivative of h at w, by Lanczos.

        Gradient descent with a fixed step is unstable at w where the step times this exceeds 2.

        Parameters
        ----------
        w : array_like, shape ``shape``
        seed : int, SeedSequence or Generator, default 0
            Of the Lanczos start.

        Returns
        -------
        float
            NaN where w is not finite.
        """
        W, single = self.columns(w)
        if not single:
            raise ValueError(f"w must have shape {self.shape}, got {np.shape(w)}")
        if not np.isfinite(W).all():
            return np.nan
        point = self.algebra.measure(W)

        def product(d):
            return self.algebra.curve(point, d.reshape(W.shape)).ravel()

        if W.size <= 64:
            return float(np.linalg.eigvalsh([product(e) for e in np.eye(W.size)])[-1])
        operator = LinearOperator((W.size, W.size), matvec=product, dtype=np.float64)
        v0 = generator(seed).standard_normal(W.size)
        return float(eigsh(operator, 1, which="LA", v0=v0, tol=1e-6, return_eigenvectors=False)[0])

    def lift(self, X):
        """``vec(X)^{⊗l}`` of X, shape (n, r) or (trials, n, r)."""
        X = np.asarray(X, dtype=np.float64)
        if X.ndim not in (2, 3) or X.shape[-2:] != (self.n, self.rank):
            raise ValueError(
                f"X must have shape {(self.n, self.rank)}, with an axis of trials in front if "
                f"there are several, got {X.shape}"
            )
        x = X.swapaxes(-1, -2).reshape(*X.shape[:-2], -1)
        return power(x, self.order).reshape(*X.shape[:-2], *self.shape)

    def initial(self, scale=1e-4, seed=0, *, direction="random", trials=None):
        """A start ``scale * x_0^{⊗l}`` with ``||x_0|| = 1``.

        Parameters
        ----------
        scale : float, default 1e-4
            ξ of Theorem 3.2, any number but 0, where h is stationary.
        seed : int, SeedSequence or Generator, default 0
            Used for a random direction only.
        direction : {"random", "ones", "spectral"} or array_like, shape (n, r)
            x_0 uniform on the sphere; constant; the leading eigenvectors of the symmetric part of
            B as columns; or vec of the given matrix. All are brought to norm 1.
        trials : int, optional
            With an axis of this many trials in front. Only random directions differ among them.

        Returns
        -------
        ndarray, shape ``shape`` or (trials, *shape)
        """
        scale = real("scale", scale)
        if scale == 0:
            raise ValueError("scale must not be 0: w = 0 is stationary")
        count = 1 if trials is None else integer("trials", trials, 1)
        X = self._directions(direction, count, seed)
        X = X / np.linalg.norm(X, axis=(1, 2), keepdims=True)
        w = scale * self.lift(X)
        return w[0] if trials is None else w

    def extract(self, w, restarts=8, seed=0, *, method=None, symmetric=False):
        """X with ``X X^T`` near what w stands for.

        Parameters
        ----------
        w : array_like, shape ``shape``, or (trials, *shape)
        restarts, seed, symmetric
            Of the tensor PCA, see ``rank_one.leading_component``.
        method : {"tensor_pca", "partial_trace"}, optional
            "tensor_pca", the paper's and the default for r = 1: ``vec(X)^{⊗l}`` is the best
            rank-one approximation of w found. "partial_trace", the default for r > 1: W W^T
            stands for M^{⊗l}, whose trace over all pairs of modes but one is ``M tr(M)^{l-1}``; X
            holds the leading r eigenpairs of that M. h depends on W W^T alone, which leaves W
            open up to an orthogonal r^l x r^l matrix: for r > 1 minimisers of h are not near
            rank one, and tensor PCA misses X.

        Returns
        -------
        ndarray, shape (n, r), or (trials, n, r)
            NaN where w is not finite.
        """
        if method is None:
            method = "tensor_pca" if self.rank == 1 else "partial_trace"
        one_of("method", method, ("tensor_pca", "partial_trace"))
        W, single = self.columns(w)
        if method == "partial_trace":
            X = self._partial_trace(W)
        else:
            size, v = rank_one.leading_component(
                self.tensor(W), self.order, restarts=restarts, seed=seed, symmetric=symmetric
            )
            X = self.root(size, v)
        return X[0] if single else X

    def rank_one_ratio(self, w):
        """σ_2 / σ_1 of the first unfolding of w; see ``rank_one.unfolding_ratio``."""
        W, single = self.columns(w)
        ratio = rank_one.unfolding_ratio(self.tensor(W), self.order)
        return float(ratio[0]) if single else ratio

    def rank_ratio(self, w):
        """σ_{r+1} / σ_1 of W unfolded along its first row index, n x n^{l-1} r^l.

        0 where ``W W^T = (X X^T)^{⊗l}`` for some X with r columns, whatever orthogonal matrix W
        has been multiplied with. For r = 1 it is `rank_one_ratio`.
        """
        W, single = self.columns(w)
        ratio = rank_one.singular_ratio(self._unfold(W), self.rank)
        return float(ratio[0]) if single else ratio

    # What optimizers call: arrays as in Point

    def columns(self, w):
        """w in the arrangement of `Point`, and whether it came without an axis of trials."""
        w = np.asarray(w, dtype=np.float64)
        single = w.shape == self.shape
        if not single and w.shape[1:] != self.shape:
            raise ValueError(
                f"w must have shape {self.shape}, with an axis of trials in front if there are "
                f"several, got {w.shape}"
            )
        trials = 1 if single else len(w)
        if self.rank > 1:
            w = w.reshape(trials, *(self.rank, self.n) * self.order)
            w = w.transpose(0, *range(1, 2 * self.order, 2), *range(2, 2 * self.order + 1, 2))
        return w.reshape(trials, self.rank**self.order, -1), single

    def tensor(self, W):
        """Inverse of `columns`, shape (trials, *shape)."""
        trials, l = len(W), self.order
        if self.rank > 1:
            W = W.reshape(trials, *(self.rank,) * l, *(self.n,) * l)
            W = W.transpose(0, *(axis for k in range(1, l + 1) for axis in (k, k + l)))
        return W.reshape(trials, *self.shape)

    def root(self, size, v):
        """X, shape (trials, n, r), with ``vec(X)^{⊗l} = size * v^{⊗l}``."""
        x = (np.sign(size) * np.abs(size) ** (1 / self.order))[:, None] * v
        return x.reshape(-1, self.rank, self.n).swapaxes(1, 2)

    def _unfold(self, W):
        """W along its first row index, shape (trials, n, n^{l-1} r^l)."""
        first = W.reshape(len(W), W.shape[1], self.n, -1)
        return first.swapaxes(1, 2).reshape(len(W), self.n, -1)

    def _partial_trace(self, W):
        finite = np.isfinite(W).all(axis=(1, 2))
        W = np.where(finite[:, None, None], W, 0.0)
        # Brought to largest entry 1, no product overflows.
        scale = np.abs(W).max(axis=(1, 2))
        scale[scale == 0] = 1.0
        A = self._unfold(W / scale[:, None, None])
        eigenvalues, vectors = np.linalg.eigh(A @ A.swapaxes(1, 2))
        # A A^T = M tr(M)^{l-1}, with trace tr(M)^l.
        trace = eigenvalues.sum(axis=1)
        divisor = np.where(trace > 0, trace, 1.0) ** (1 - 1 / self.order)
        lengths = np.sqrt(np.maximum(eigenvalues / divisor[:, None], 0.0))
        lengths *= scale[:, None] ** (1 / self.order)
        X = (vectors * lengths[:, None])[:, :, ::-1][:, :, : self.rank]
        return np.where(finite[:, None, None], X, np.nan)

    def _directions(self, direction, count, seed):
        shape = (count, self.n, self.rank)
        if isinstance(direction, str):
            one_of("direction", direction, ("random", "ones", "spectral"))
            if direction == "random":
                return generator(seed).standard_normal(shape)
            if direction == "ones":
                return np.ones(shape)
            _, vectors = np.linalg.eigh((self.data + self.data.T) / 2)
            given = vectors[:, ::-1][:, : self.rank]
        else:
            given = np.asarray(direction, dtype=np.float64)
        if given.shape != shape[1:]:
            raise ValueError(f"direction must have shape {shape[1:]}, got {given.shape}")
        if not np.isfinite(given).all() or not given.any():
            raise ValueError("direction must be finite and not zero")
        return np.repeat(given[None], count, axis=0)
