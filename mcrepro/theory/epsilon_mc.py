r"""The ε-MC operator: its constants, Lemma D.1, Theorem 2.2, and a bound that does hold.

The source is "Using Noise to Help Reach Global Minima: Turning Matrix Completion into Noisy Matrix
Sensing" (key ``noise``), Sections 1, 2 and Appendix D. With Omega the observed entries and D the
n x n matrix of weights, 1 on Omega and eps off it,

    A(M) = vec(D ∘ M),    b = vec(D ∘ M*) + w,    w = -eps vec(M*) off Omega, 0 on it,    (5), (6)

and M† denotes a global minimiser of ``||A(X X^T) - b||^2`` (7). S is the set of unobserved entries,
``||M||_S`` the Frobenius norm over it, and

    d = (M† - M*)∘(M† - M*) + eps^2 M*∘M*                                                      (11)

Theorem 2.2 applies Hoeffding's inequality to ``sum over S of d_ij`` as if d were fixed before the
mask is drawn. It is not: M† is computed from the mask, and d is large exactly on S.
"""

from __future__ import annotations

import numpy as np

from mcrepro._checks import integer, one_of, real


def weights(mask, eps: float) -> np.ndarray:
    """The weights D of eq. (5): 1 where `mask` is true, eps elsewhere.

    Parameters
    ----------
    mask : array_like of bool, shape (n, n)
    eps : float
        In (0, 1].
    """
    eps = real("eps", eps, 0, 1, open_low=True)
    return np.where(_square("mask", mask, bool), 1.0, eps)


def restricted_constants(mask, eps: float) -> tuple[float, float]:
    """Best (alpha, L) with ``alpha ||M||^2 <= ||A(M)||^2 <= L ||M||^2`` for all M.

    The smallest and the largest squared weight. Lemma 2.1 says eps^2 and 1, and these are attained:
    by ``e_i e_j^T`` with (i, j) unobserved and observed.

    Parameters
    ----------
    mask, eps
        As for `weights`.
    """
    squares = weights(mask, eps) ** 2
    return float(squares.min()), float(squares.max())


def rip_constant(alpha: float, L: float) -> float:
    """``(L - alpha)/(L + alpha)``, the RIP constant of the operator scaled to its best.

    Definition 1.1. If alpha and L hold for differences of rank-r matrices, this is delta_2r of
    ``A / sqrt((L + alpha)/2)``. The operator as it stands has ``max(1 - alpha, L - 1)``.

    Parameters
    ----------
    alpha, L : float
        ``0 <= alpha <= L``, ``L > 0``.
    """
    L = real("L", L, 0, open_low=True)
    alpha = real("alpha", alpha, 0, L)
    return (L - alpha) / (L + alpha)


def surrogate_noise(M, mask, eps: float) -> np.ndarray:
    """The noise w of eq. (6), as an n x n matrix: ``-eps M`` where `mask` is false, else 0.

    Its norm is ``eps ||M||_S``.

    Parameters
    ----------
    M : array_like, shape (n, n)
    mask, eps
        As for `weights`.
    """
    eps = real("eps", eps, 0, 1, open_low=True)
    mask, M = _square("mask", mask, bool), _square("M", M, float)
    if M.shape != mask.shape:
        raise ValueError(f"M and mask must have the same shape, got {M.shape} and {mask.shape}")
    return np.where(mask, 0.0, -eps * M)


def expected_constant(p: float, eps: float) -> float:
    """``E ||A(M)||^2 / ||M||^2 = p + eps^2 (1 - p)`` for each fixed M (Lemma D.1).

    Parameters
    ----------
    p : float
        Probability in [0, 1] of observing an entry.
    eps : float
        In (0, 1].
    """
    p, eps = real("p", p, 0, 1), real("eps", eps, 0, 1, open_low=True)
    return p + eps**2 * (1 - p)


def mean_restricted_constant(n: int, p: float, eps: float) -> float:
    """Expectation of the RSC constant over masks: ``eps^2 + (1 - eps^2) p^(n^2)``.

    The constant is eps^2 unless all n^2 entries are observed. It is a minimum over all M, and the
    mean of a minimum is not the minimum of the means, which is `expected_constant`.

    Parameters
    ----------
    n : int
        Size of the matrix.
    p, eps : float
        As for `expected_constant`.
    """
    n, p = integer("n", n, 1), real("p", p, 0, 1)
    eps = real("eps", eps, 0, 1, open_low=True)
    return eps**2 + (1 - eps**2) * p ** (n * n)


def spikiness(M) -> float:
    """``n max |M_ij| / ||M||_F``, between 1 (all entries of one size) and n (a single entry).

    Parameters
    ----------
    M : array_like, shape (n, n)
        Not zero.
    """
    M = _square("M", M, float)
    if not M.any():
        raise ValueError("M must not be zero")
    return float(len(M) * np.abs(M).max() / np.linalg.norm(M))


def observed_share_bound(
    p: float, n: int, alpha_sp: float, delta: float, form: str = "bernstein"
) -> float:
    """A lower bound on ``||P_Omega M||^2 / ||M||^2`` for one fixed M, wrong with probability delta.

    With ``a = alpha_sp^2 log(1/delta) / n^2`` the forms are

        "printed"     p - (1 + 2 p) a,                 Lemma D.1
        "bernstein"   p - sqrt(2 p a) - p a / 3.

    The printed one adds the deviation 2 Var log(1/delta), a square, where Bernstein's inequality
    has sqrt(2 Var log(1/delta)). It is far too optimistic where a is small, and does not hold.

    Parameters
    ----------
    p : float
        Probability in (0, 1] of observing an entry.
    n : int
        Size of M.
    alpha_sp : float
        Its spikiness, in [1, n].
    delta : float
        In (0, 1].
    form : {"bernstein", "printed"}
    """
    p, n = real("p", p, 0, 1, open_low=True), integer("n", n, 1)
    alpha_sp = real("alpha_sp", alpha_sp, 1, n)
    a = alpha_sp**2 * -np.log(real("delta", delta, 0, 1, open_low=True)) / n**2
    if one_of("form", form, ("bernstein", "printed")) == "printed":
        return float(p - (1 + 2 * p) * a)
    # The lower tail: p M_ij^2 >= (p - S_ij) M_ij^2, so that p max|M|^2 is the largest step.
    return float(p - np.sqrt(2 * p * a) - p * a / 3)


def constant_bound(
    p: float, eps: float, n: int, alpha_sp: float, delta: float, form: str = "bernstein"
) -> float:
    """Lemma D.1 (iii): ``eps^2 + (1 - eps^2) observed_share_bound(...)``, for one fixed M.

    Parameters
    ----------
    eps : float
        In (0, 1].
    p, n, alpha_sp, delta, form
        As for `observed_share_bound`.
    """
    eps = real("eps", eps, 0, 1, open_low=True)
    return eps**2 + (1 - eps**2) * observed_share_bound(p, n, alpha_sp, delta, form)


def deviations(optimum, truth, eps: float) -> np.ndarray:
    """The matrix d of eq. (11).

    Parameters
    ----------
    optimum, truth : array_like, shape (n, n)
        M† and M*.
    eps : float
        In (0, 1].
    """
    optimum, truth = _square("optimum", optimum, float), _square("truth", truth, float)
    eps = real("eps", eps, 0, 1, open_low=True)
    return (optimum - truth) ** 2 + eps**2 * truth**2


def evenness(d) -> float:
    """``||d||_1^2 / ||d||_2^2``, from 1 (one entry) to the number of entries (all equal).

    Parameters
    ----------
    d : array_like
        Nonnegative, not all zero.
    """
    d = np.asarray(d, dtype=float).ravel()
    if d.size == 0 or not (np.isfinite(d).all() and (d >= 0).all() and d.any()):
        raise ValueError("d must have finite nonnegative entries, not all zero")
    d = d / d.max()  # squares of tiny entries would underflow
    return float(d.sum() ** 2 / np.sum(d**2))


def error_factor(p: float, chi: float) -> float:
    """``(1 - p + chi)/(p - chi)``, the factor of eps^2 ||M*||^2 in eq. (10).

    Parameters
    ----------
    p : float
        Probability in (0, 1] of observing an entry.
    chi : float
        In [0, p). The theorem says chi <= p; at chi = p it divides by zero, and below 0 the
        inequality behind it is about the other tail.
    """
    p = real("p", p, 0, 1, open_low=True)
    chi = _chi(chi, p)
    return (1 - p + chi) / (p - chi)


def probability_bound(chi: float, ratio: float) -> float:
    """``1 - exp(-2 chi^2 ratio)``, the probability that Theorem 2.2 states for eq. (10).

    Parameters
    ----------
    chi : float
        At least 0.
    ratio : float
        ``||d||_1^2/||d||_2^2``, at least 1 (`evenness`).
    """
    chi, ratio = real("chi", chi, 0), real("ratio", ratio, 1)
    return float(-np.expm1(-2 * chi**2 * ratio))


def certified_probability(target, p: float, eps, norm2: float, ratio, clip: bool = True):
    """Figure 1: the probability that (10) states for ``||M† - M*||^2 <= target``.

    The right-hand side of (10) equals the target at ``chi = p - 1/(1 + c)`` with
    ``c = target/(eps^2 ||M*||^2)``.

    Parameters
    ----------
    target : array_like
        Wanted bounds on the squared error, positive.
    p : float
        In (0, 1].
    eps : array_like
        In (0, 1]; broadcast against `target`.
    norm2 : float
        ``||M*||_F^2``, positive.
    ratio : array_like
        ``||d||_1^2/||d||_2^2``; broadcast likewise.
    clip : bool, default True
        Where chi comes out negative the theorem has nothing to say: probability 0. Without it the
        square of the negative chi is used.

    Returns
    -------
    ndarray
    """
    p, norm2 = real("p", p, 0, 1, open_low=True), real("norm2", norm2, 0, open_low=True)
    c = np.asarray(target, dtype=float) / (np.asarray(eps, dtype=float) ** 2 * norm2)
    chi = p - 1 / (1 + c)
    if clip:
        chi = np.maximum(chi, 0.0)
    return -np.expm1(-2 * chi**2 * np.asarray(ratio, dtype=float))


def safe_error_factor(p: float, chi: float) -> float:
    """``4 (1 - p + chi)``: a factor of ||M*||^2 that does bound ||M† - M*||^2.

    With ``s = ||M*||_S`` and ``a = ||M†||_S``, ``f(M†) <= f(M*)`` says that the error over the
    observed entries is at most ``eps^2 (s^2 - a^2)``, so that ``a <= s`` and, for eps up to 1,

        ||M† - M*||^2 <= eps^2 (s^2 - a^2) + (s + a)^2 <= 4 s^2.

    Only ``s^2`` is random now, a sum with fixed terms, to which Hoeffding's inequality does
    apply: with probability at least ``1 - exp(-2 chi^2 ||m||_1^2/||m||_2^2)``, ``m = M*∘M*``, it is
    at most ``(1 - p + chi) ||M*||^2``. The 4 is attained in the limit of small eps, by a change of
    sign of unobserved entries, so that no factor that vanishes with eps can hold in general.

    Parameters
    ----------
    p, chi : float
        As for `error_factor`; chi may reach p.
    """
    p = real("p", p, 0, 1, open_low=True)
    return 4 * (1 - p + real("chi", chi, 0, p))


def _chi(chi: float, p: float) -> float:
    chi = real("chi", chi, 0)
    if chi >= p:
        raise ValueError(f"chi must be below p={p:g}, got {chi:g}: eq. (10) divides by p - chi")
    return chi


def _square(name: str, M, kind: type) -> np.ndarray:
    M = np.asarray(M, dtype=kind)
    if M.ndim != 2 or M.shape[0] != M.shape[1] or M.size == 0:
        raise ValueError(f"{name} must be a square matrix, got shape {M.shape}")
    if kind is float and not np.isfinite(M).all():
        raise ValueError(f"{name} must be finite")
    return M
