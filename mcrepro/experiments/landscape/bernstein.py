"""The small claims of Appendices D and E, exactly: by enumeration, by binomial laws, in rationals."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.sampling import (
    bernstein_threshold,
    inner_product_bound,
    printed_tail,
    printed_threshold,
)


def trial(_: None, *, instance: int) -> dict:
    """Check everything at one random rational instance.

    Returns
    -------
    dict
        ``variance``: V[Q] <= p|W|_∞|Z|_∞ for independent entries; ``variance_symmetric``: for a symmetric mask;
        ``variance_doubled``: that with 2p; ``rows_mean``, ``rows_variance``, ``rows_variance_bound``: the moments of Z_i; ``diagonal``;
        ``three``: Claim D.3; ``power``: Proposition E.1; ``net``: Proposition E.2.
    """
    rng = np.random.default_rng(instance)
    p = Fraction(int(rng.integers(1, 10)), 10)
    return {
        **_variances(rng, p),
        **_rows(rng, p),
        "three": _three(rng),
        "power": _powers(rng),
        "net": _net(rng),
    }


def _fractions(rng, *shape):
    return np.vectorize(lambda k: Fraction(int(k), 3), otypes=[object])(rng.integers(-4, 5, shape))


def _variances(rng, p, d=3):
    """V[Q] for Q = Σ (δ_ij - p) W_ij Z_ij; unit Frobenius norm enters through ‖W‖‖Z‖ on the right.

    Squared: V² <= p² |W|² |Z|² ‖W‖² ‖Z‖², so that no root is needed.
    """
    W, Z = _fractions(rng, d, d), _fractions(rng, d, d)
    W[0, 0] = Z[0, 0] = Fraction(1)
    if rng.random() < 0.5:  # where it is tight: one pair holds everything
        W = Z = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=object) * Fraction(1)
    products = W * Z
    independent = p * (1 - p) * (products**2).sum()
    pairs = sum((products[i, j] + products[j, i]) ** 2 for i in range(d) for j in range(i))
    symmetric = p * (1 - p) * (pairs + sum(products[i, i] ** 2 for i in range(d)))
    bound = p**2 * abs(W).max() ** 2 * abs(Z).max() ** 2 * (W**2).sum() * (Z**2).sum()
    return {
        "variance": independent**2 <= bound,
        "variance_symmetric": symmetric**2 <= bound,
        "variance_doubled": symmetric**2 <= 4 * bound,
    }


def _rows(rng, p, d=4):
    """Z_i = ‖Σ_j (δ_j - p) <x_i, x_j> x_j‖² for rank one, all 2^d masks of the row, ‖x‖ = 1.

    Everything is multiplied out by ‖x‖ so that x need not be normalised: ν² = d max x²/‖x‖².
    """
    x = [Fraction(int(k), 3) for k in rng.integers(1, 7, d)]
    if rng.random() < 0.5:  # one large entry
        x = [Fraction(2), *(Fraction(0) for _ in range(d - 1))]
    norm, top = sum(a * a for a in x), max(a * a for a in x)
    mean = second = Fraction(0)
    for seen in product((0, 1), repeat=d):
        chance = p ** sum(seen) * (1 - p) ** (d - sum(seen))
        value = (
            sum((s - p) * x[0] * a * a for s, a in zip(seen, x, strict=True)) / norm**2
        ) ** 2 * norm
        mean += chance * value
        second += chance * value**2
    variance = second - mean**2
    nu6 = (d * top / norm) ** 3
    bound = p * nu6 / d**2  # on E Z_i
    diagonal = (1 - p) ** 2 * sum(a**6 for a in x) / norm**3 <= nu6 / d**2
    return {
        "rows_mean": mean <= bound,
        # "as long as p > 1/d": only such p count.
        "rows_variance": variance <= 3 * mean**2 or p * d <= 1,
        "rows_variance_bound": variance <= 3 * bound**2 or p * d <= 1,
        "diagonal": diagonal,
    }


def _three(rng):
    """P(|X| >= t) <= 3 P(|X + Y| >= 2t/3) for a random law on five integers, every t that matters."""
    support = rng.choice(np.arange(-12, 13), 5, replace=False).tolist()
    weights = rng.integers(1, 9, 5).tolist()
    total = sum(weights)
    law = [(x, Fraction(w, total)) for x, w in zip(support, weights, strict=True)]
    for t in {abs(x) for x in support}:
        one = sum(w for x, w in law if abs(x) >= t)
        two = sum(v * w for x, v in law for y, w in law if 3 * abs(x + y) >= 2 * t)
        if one > 3 * two:
            return False
    return True


def _powers(rng):
    """C⁴ Σa² >= Σa⁶ implies Σa² <= C²r and max a⁶ <= C⁶r: with C⁴ as small as the premise lets it be.

    Only C⁴ is rational then: (Σa²)² <= C⁴r² and (max a⁶)² <= C¹²r² say the same.
    """
    r = int(rng.integers(1, 8))
    squares = [Fraction(int(k), 5) for k in rng.integers(1, 40, r)]
    if rng.random() < 0.5:  # all but one equal: the extreme case
        squares = [squares[0], *(squares[-1] for _ in range(r - 1))]
    fourth = sum(a**3 for a in squares) / sum(squares)
    return sum(squares) ** 2 <= fourth * r**2 and max(squares) ** 6 <= fourth**3 * r**2


def _net(rng, d=6, r=2):
    """Move orthonormal U, V and a D with ‖D‖_F = 1 by ε each: the product moves by 8ε at most.

    Half of the moves are all along the same singular pair, which is the worst.
    """
    U, V = (np.linalg.qr(rng.standard_normal((d, r)))[0] for _ in range(2))
    D = np.diag(rng.dirichlet(np.ones(r)) ** 0.5)
    epsilon = 0.1 * rng.uniform(0.1, 1)
    if rng.random() < 0.5:
        D = np.diag(np.eye(r)[0])
        moves = [np.outer(U[:, 0], np.eye(r)[0]), D, np.outer(V[:, 0], np.eye(r)[0])]
    else:
        moves = [
            rng.standard_normal((d, r)),
            np.diag(rng.standard_normal(r)),
            rng.standard_normal((d, r)),
        ]
    A, B, C = (M + epsilon * E / np.linalg.norm(E) for M, E in zip((U, D, V), moves, strict=True))
    return bool(np.linalg.norm(U @ D @ V.T - A @ B @ C.T) <= 8 * epsilon)


def _exceedance(d: int, p: float, threshold: float) -> float:
    """P(|B - pd²| >= d² · threshold) for B ~ Bin(d², p): W = Z = 11ᵀ/d, independent entries."""
    law, centre, width = stats.binom(d * d, p), p * d * d, threshold * d * d
    return float(law.sf(np.ceil(centre + width) - 1) + law.cdf(np.floor(centre - width)))


def printed_exceedance(_table: pd.DataFrame) -> Estimate:
    """Chance to exceed the printed threshold for η = 0.1 at d = 200, p = 1/2; it should be at most η."""
    return exact(_exceedance(200, 0.5, printed_threshold(1 / 200**2, 0.5, 0.1)))


def repaired_exceedance(_table: pd.DataFrame) -> Estimate:
    """The same for η = 0.1 with Bernstein's threshold."""
    return exact(_exceedance(200, 0.5, bernstein_threshold(1 / 200**2, 0.25 / 200**2, 0.1)))


def tail_ratio(_table: pd.DataFrame) -> Estimate:
    """Chance over printed tail bound in Lemma D.4 for d = 1, W = 1, p = 1/10, ε = 9: 1/10 over e^-16.2."""
    return exact(0.1 / printed_tail(9.0, 1.0, 1, 0.1))


def _all(*columns):
    def statistic(table: pd.DataFrame) -> bool:
        return bool(table[list(columns)].all(axis=None))

    statistic.__doc__ = f"{' and '.join(columns)}: at every instance."
    statistic.__name__ = columns[-1]
    return statistic


variance_bounded = _all("variance")
variance_bounded_symmetric = _all("variance_symmetric")
variance_bounded_doubled = _all("variance_doubled")
rows_moments_printed = _all("rows_mean", "rows_variance")
rows_moments_repaired = _all("rows_mean", "rows_variance_bound")
diagonal_is_small = _all("diagonal")
three_times = _all("three")
powers_bounded = _all("power")
net_is_close = _all("net")


def _degree(whole_root: bool) -> float:
    """Power of t with which the second term of Theorem D.1 grows when W -> tW."""

    def second(t):
        first = inner_product_bound(t, 0.0, 10, 2, 0.5, whole_root)
        return inner_product_bound(t, t, 10, 2, 0.5, whole_root) - first

    return float(np.log2(second(2.0) / second(1.0)))


def degree_of_short_root(_table: pd.DataFrame) -> Estimate:
    """Degree in W of √(pdr) |W||Z|‖W‖‖Z‖ log d; that of the left side is 1."""
    return exact(round(_degree(False), 9))


def degree_of_whole_root(_table: pd.DataFrame) -> Estimate:
    """Degree in W of √(pdr |W||Z|‖W‖‖Z‖ log d)."""
    return exact(round(_degree(True), 9))


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"instance": list(range(12))}),
        "quick": Sweep({"instance": list(range(40))}),
        "paper": Sweep({"instance": list(range(200))}),
    },
)
