"""Theorem 2.2 on every mask: n = 3, M* a matrix of ones, the global optimum of each.

Of the 2⁹ masks only the shares S_ij (see `_surrogate`) matter, up to a permutation of the indices:
56 classes. For each, the optimum M† of the ε-MC problem (7) is found from many starts. Where several
are tied, the one nearest to M* is taken, which is kind to the theorem. The theorem's
probability is then a finite sum over classes, once with the mask that M† was computed from, and
once with a fresh mask, independent of M†.
"""

from itertools import product

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, exact
from mcrepro.theory import epsilon_mc as law

from ._mask_classes import N, classes


def trial(_: None, *, eps: float, p: float, chi: float) -> list[dict]:
    """Weigh the classes for one sampling rate; `chi` is given as a share of p.

    Returns
    -------
    list of dict
        A row a class: ``seen``: observed entries; ``weight``: probability of the class;
        ``error2``: ‖M† - M*‖²; ``allowed``: right-hand side of (10); ``bound``: the printed
        probability with the d of this class; ``unseen_d``, ``total_d``: sums of d over S, over all;
        ``fresh``: P(sum of this d over the unobserved entries of a fresh mask ≤ (1 - p + χ)‖d‖₁).
    """
    X = chi * p
    allowed = law.error_factor(p, X) * eps**2 * N**2
    rows = []
    for found in classes(eps):
        d = found["d"]
        seen = found["seen"]
        rows.append(
            {
                "seen": seen,
                "weight": found["masks"] * p**seen * (1 - p) ** (N * N - seen),
                "error2": found["error2"],
                "allowed": allowed,
                "bound": law.probability_bound(X, law.evenness(d)),
                "unseen_d": float(np.sum((1 - found["share"]) * d)),
                "total_d": float(d.sum()),
                "fresh": fresh_probability(d.ravel(), p, (1 - p + X) * d.sum()),
            }
        )
    return rows


def fresh_probability(d: np.ndarray, p: float, limit: float) -> float:
    """Return P(sum of r_i ≤ limit), r_i = 0 with probability p and d_i otherwise, as in (31)."""
    hidden = np.array(list(product((0, 1), repeat=len(d))))
    sums, count = hidden @ d, hidden.sum(axis=1)
    within = sums <= limit * (1 + 1e-12)
    return float(np.sum((1 - p) ** count[within] * p ** (len(d) - count[within])))


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Return, for each (eps, p, chi): the true probability of (10), and the printed bounds.

    Columns ``true``, ``smallest`` and ``average`` (of the printed bound over the masks), ``fresh``
    (smallest margin of the fresh mask's probability over its bound), ``growth``: E[R]/((1 - p) E‖d‖₁), with R
    of (32), which (34) says is 1; ``error2``: E‖M† - M*‖².
    """
    rows = []
    for key, part in table.groupby(["eps", "p", "chi"]):
        weight = part["weight"]
        met = part["error2"] <= part["allowed"]
        hidden = (1 - part["p"].iloc[0]) * (weight * part["total_d"]).sum()
        rows.append(
            dict(zip(("eps", "p", "chi"), key, strict=True))
            | {
                "true": weight[met].sum(),
                "smallest": part["bound"].min(),
                "average": (weight * part["bound"]).sum(),
                "fresh": (part["fresh"] - part["bound"]).min(),
                "growth": (weight * part["unseen_d"]).sum() / hidden,
                "error2": (weight * part["error2"]).sum(),
            }
        )
    return pd.DataFrame(rows)


def worst_margin(table: pd.DataFrame) -> Estimate:
    """True probability of (10) minus the smallest printed bound; the least over p."""
    found = coverage(table)
    return exact((found["true"] - found["smallest"]).min())


def fresh_margin(table: pd.DataFrame) -> Estimate:
    """Smallest margin of (33) for any of the d, with a mask that d does not depend on."""
    return exact(coverage(table)["fresh"].min())


def unobserved_share_of_d(table: pd.DataFrame) -> Estimate:
    """E[R]/((1 - p) E‖d‖₁), which (34) says is 1, with the mask of M†, at p = .3."""
    found = coverage(table)
    return exact(found.loc[found["p"] == 0.3, "growth"].iloc[0])


def error_by_epsilon(table: pd.DataFrame) -> Estimate:
    """E‖M† - M*‖² at ε = 1e-3 over that at 1e-2, p = .3; (10) would make it 1/100."""
    found = coverage(table)[lambda t: t["p"] == 0.3].set_index("eps")["error2"]
    return exact(found[1e-3] / found[1e-2])


def error_falls_with_p(table: pd.DataFrame) -> bool:
    """E‖M† - M*‖² falls as p grows, for each ε; it is a polynomial in p, so smooth."""
    return all(
        (part.sort_values("p")["error2"].diff().dropna() < 0).all()
        for _, part in coverage(table).groupby("eps")
    )


def error_by_hidden(table: pd.DataFrame) -> dict[str, Estimate]:
    """Mean ‖M† - M*‖² given how many entries are unobserved, ε = 1e-2."""
    part = table[(table["eps"] == 1e-2) & (table["p"] == 0.3)].astype({"seen": int})
    means = {}
    for hidden, group in part.groupby(N * N - part["seen"]):
        # Masks with as many entries are equally likely, so that weight counts them.
        average = (group["weight"] * group["error2"]).sum() / group["weight"].sum()
        means[f"{hidden} unobserved"] = exact(average)
    return means


_RATES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
_ALL = Sweep({"eps": [1e-2, 1e-3], "p": _RATES, "chi": 0.99})

PROTOCOL = Protocol(trial=trial, exact=True, profiles={"smoke": _ALL, "quick": _ALL, "paper": _ALL})
