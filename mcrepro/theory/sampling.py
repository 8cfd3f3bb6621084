"""Concentration of sampled matrices, after Appendices D and E of Ge, Lee and Ma: bounds as functions.

P_Ω keeps the entries of a matrix that a random mask sees, each with probability p. What is bounded is the
distance of sampled quantities from p times their whole counterparts. The constants of the O(·) are 1 here.
Where a root sign may reach over one factor or over all of them, `whole_root` says which: a bound on a
bilinear quantity has to be of degree one in each argument, and only the whole root is.

References
----------
R. Ge, J. D. Lee, T. Ma, "Matrix completion has no spurious local minimum", NeurIPS 2016, appendices D and E.
"""

import numpy as np


def inner_product_bound(
    sup: float, frobenius: float, d: int, rank: int, p: float, whole_root: bool = True
) -> float:
    """Return the right side of Theorem D.1.

    Parameters
    ----------
    sup : float
        |W|_∞ |Z|_∞.
    frobenius : float
        ‖W‖_F ‖Z‖_F.
    d, rank : int
    p : float
    whole_root : bool, default True
        √(p d r |W|_∞ |Z|_∞ ‖W‖_F ‖Z‖_F log d); False: √(p d r) |W|_∞ |Z|_∞ ‖W‖_F ‖Z‖_F log d.
    """
    second = sup * frobenius * np.log(d)
    if whole_root:
        second = np.sqrt(p * d * rank * second)
    else:
        second *= np.sqrt(p * d * rank)
    return float(sup * d * rank * np.log(d) + second)


def gradient_epsilon(nu: float, d: int, rank: int, p: float) -> float:
    """Return ε of Theorem D.2 at the given p: ε² = ν⁶ r log^1.5(d)/(p d)."""
    return float(np.sqrt(nu**6 * rank * np.log(d) ** 1.5 / (p * d)))


def spectral_epsilon(nu: float, d: int, p: float) -> float:
    """Return ε = ν √(log d/(p d)) of Lemmas D.4 and, for ν = 1, D.6."""
    return float(nu * np.sqrt(np.log(d) / (p * d)))


def bernstein_threshold(largest: float, variance: float, eta: float) -> float:
    """Return t with P(|Q| > t) <= η, by Bernstein's inequality, for a sum Q of centred independent terms.

    Parameters
    ----------
    largest : float
        Bound on the size of a term.
    variance : float
        Of the sum.
    eta : float
        In (0, 1).
    """
    log = np.log(2 / eta)
    return float(largest * log / 3 + np.sqrt((largest * log / 3) ** 2 + 2 * variance * log))


def printed_threshold(largest: float, p: float, eta: float) -> float:
    """Return largest·log(1/η) + √p·largest·log(1/η), as the proof of Theorem D.1 prints it."""
    return float((1 + np.sqrt(p)) * largest * np.log(1 / eta))


def printed_tail(epsilon: float, nu: float, d: int, p: float) -> float:
    """Return d exp(-2 ε² p d/ν²), the tail at the end of the proof of Lemma D.4."""
    return float(d * np.exp(-2 * epsilon**2 * p * d / nu**2))


def bernstein_tail(epsilon: float, nu: float, d: int, p: float) -> float:
    """Return 2d exp(-t²/(2v + 2Lt/3)), t = εp, v = 2pν²/d, L = 2ν/d: matrix Bernstein, symmetric masks.

    The factors of 2 in v and L pay for the pairs (i, j), (j, i) that are seen together.
    """
    t, v, largest = epsilon * p, 2 * p * nu**2 / d, 2 * nu / d
    return float(2 * d * np.exp(-(t**2) / (2 * v + 2 * largest * t / 3)))


def sign_sup(A: np.ndarray, starts: int, rng: np.random.Generator) -> float:
    """Return a lower bound on max aᵀAb over sign vectors a and b, by alternating maximization.

    Parameters
    ----------
    A : (d, d) array
    starts : int
        The first starts from the leading singular vector, the others at random.
    """
    best = 0.0
    vector = np.linalg.svd(A)[2][0]
    for k in range(starts):
        b = np.where((vector if k == 0 else rng.standard_normal(len(A))) >= 0, 1.0, -1.0)
        value = -np.inf
        while True:
            a = np.where(A @ b >= 0, 1.0, -1.0)
            b = np.where(A.T @ a >= 0, 1.0, -1.0)
            new = float(a @ A @ b)
            if new <= value:
                break
            value = new
        best = max(best, value)
    return best
