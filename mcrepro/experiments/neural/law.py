"""The law of an entry of U Vᵀ: its density and its moments.

The moments of a sum of r products of standard normal variables are added up in integers, from those
of one product, E (uv)^(2k) = ((2k - 1)!!)². Those of the density K_ν follow from the Mellin transform
of the Bessel function. They grow no faster than (2k)!, times c^k, so they determine the law
(Carleman); that all agree to high order is therefore a check of the density, not of a few numbers.
"""

import math

import pandas as pd
from scipy import integrate, special

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory.product_law import density, moment


def trial(_: None, *, rank: int, order: int) -> dict:
    """Compute what is stated about the entries of matrices of rank `rank`.

    Returns
    -------
    dict
        ``mass``, ``variance``: of the density, by quadrature; ``printed_gap``: largest distance from
        K_0(|x|)/π on a grid; ``wrong_moments``: even moments up to `order` in which the sum of
        products and the density differ; ``variance_of_sum``; ``laplace_gap``: largest distance from
        exp(-|x|)/2 on the grid.
    """
    grid = [0.01 * 1.3**k for k in range(30)]
    found = density(grid, rank)
    sums = moments_of_sum(rank, order)
    return {
        "mass": 2 * _integral(lambda x: density(x, rank)),
        "variance": 2 * _integral(lambda x: x**2 * density(x, rank)),
        "printed_gap": float(max(abs(found - special.k0(grid) / math.pi))),
        "laplace_gap": float(max(abs(found - [math.exp(-x) / 2 for x in grid]))),
        "wrong_moments": sum(sums[k] != moment(k, rank) for k in range(order + 1)),
        "variance_of_sum": sums[1],
    }


def moments_of_sum(rank: int, order: int) -> list[int]:
    """Return E (u_1 v_1 + ... + u_r v_r)^(2k) for k = 0 ... order, for standard normal u, v."""
    one = [math.prod(range(1, 2 * k, 2)) ** 2 for k in range(order + 1)]
    total = [1] + [0] * order
    for _ in range(rank):
        total = [
            sum(math.comb(2 * k, 2 * i) * one[i] * total[k - i] for i in range(k + 1))
            for k in range(order + 1)
        ]
    return total


def _integral(f):
    # The density has a logarithmic pole at 0 for rank one: x = e^y takes it out.
    return integrate.quad(lambda y: f(math.exp(y)) * math.exp(y), -60, 6.5, limit=400)[0]


def k0_is_the_law(table: pd.DataFrame) -> bool:
    """For one product the density is K_0(|x|)/π: mass one, and every moment right."""
    one = table[table["rank"] == 1]
    fits = (one["printed_gap"] < 1e-14) & (one["wrong_moments"] == 0)
    return bool(len(one) and (fits & ((one["mass"] - 1).abs() < 1e-9)).all())


def k0_variance(table: pd.DataFrame) -> Estimate:
    """Variance of the density K_0(|x|)/π."""
    return exact(table.loc[table["rank"] == 1, "variance"].iloc[0])


def variance_is_rank(table: pd.DataFrame) -> bool:
    """The sum of r products has variance r, and so has the density."""
    right = (table["variance_of_sum"] == table["rank"]).all()
    return bool(right and ((table["variance"] / table["rank"] - 1).abs() < 1e-8).all())


def bessel_law_of_every_rank(table: pd.DataFrame) -> bool:
    """|x|^ν K_ν(|x|) with ν = (r-1)/2 is the density for every r, the Laplace law for r = 2."""
    laplace = table.loc[table["rank"] == 2, "laplace_gap"]
    right = (table["wrong_moments"] == 0) & ((table["mass"] - 1).abs() < 1e-8)
    return bool(right.all() and len(laplace) and (laplace < 1e-14).all())


PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles={
        "smoke": Sweep({"rank": [1, 2, 3], "order": 12}),
        "quick": Sweep({"rank": [1, 2, 3, 4, 10], "order": 20}),
        "paper": Sweep({"rank": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "order": 40}),
    },
)
