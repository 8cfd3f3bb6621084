"""Rows of which few entries are seen, drawn without ever forming the matrix they belong to.

M has n rows M_k = U w_k with factors U of shape (d, r); only the entries that are observed are
computed. So a million rows cost what their observed entries cost.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.theory import recovery as law

from ._shared import GENERATORS, gaussian_options


@dataclass(frozen=True)
class Rows:
    """Observed rows and what they are made of.

    Attributes
    ----------
    observed : csr_array, shape (n, d)
    factors : ndarray, shape (d, r)
        U.
    weights : ndarray, shape (n, r)
        w_k.
    """

    observed: sp.csr_array
    factors: np.ndarray
    weights: np.ndarray

    def gram(self, n: int | None = None) -> np.ndarray:
        """G = mean of w wᵀ over the first n rows (all by default); T = U G Uᵀ."""
        w = self.weights[:n]
        return w.T @ w / len(w)

    def truth(self, n: int | None = None) -> np.ndarray:
        """T of the first n rows, shape (d, d)."""
        return self.factors @ self.gram(n) @ self.factors.T

    def moments(self, n: int | None = None) -> mc.SecondMoment:
        """Counts and sums of the first n rows."""
        return mc.SecondMoment(self.observed.shape[1]).update(self.observed[:n])


def draw(
    model: str,
    n: int,
    factors: np.ndarray,
    p: float,
    rng: np.random.Generator,
    noise: float = 0.0,
) -> Rows:
    """Draw n rows and show each entry with probability p.

    Parameters
    ----------
    model : {"mixture", "combination"}
        Every row is one of the r factors, with equal chances; or a combination of them with
        independent normal weights of variance 1/r. T is UUᵀ/r on average in both.
    factors : ndarray, shape (d, r)
    noise : float, default 0.0
        Standard deviation of independent normal noise on every entry of M, in units of 1/√d (the
        root mean square of M).
    """
    d, r = factors.shape
    row, column = positions(n, d, p, rng)
    if model == "mixture":
        weights = np.eye(r)[rng.integers(r, size=n)]
    elif model == "combination":
        weights = rng.standard_normal((n, r)) / np.sqrt(r)
    else:
        raise ValueError(f'model must be "mixture" or "combination", got {model!r}')
    values = np.einsum("kr,kr->k", weights[row], factors[column])
    if noise > 0:
        values += noise / np.sqrt(d) * rng.standard_normal(len(values))
    pointers = np.searchsorted(row, np.arange(n + 1))
    return Rows(sp.csr_array((values, column, pointers), shape=(n, d)), factors, weights)


def positions(n: int, d: int, p: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the ones of an n x d Bernoulli(p) mask, in order.

    The gaps between ones are geometric, so that only the ones are drawn.
    """
    total, last, parts = n * d, -1, []
    while last < total:
        size = int((total - last) * p + 10 * np.sqrt(total * p) + 20)
        parts.append(last + np.cumsum(rng.geometric(p, size)))
        last = int(parts[-1][-1])
    flat = np.concatenate(parts)
    row, column = np.divmod(flat[flat < total], d)
    return row, column


def haar(d: int, r: int, rng: np.random.Generator) -> np.ndarray:
    """r uniformly random orthonormal factors, shape (d, r)."""
    Q, R = np.linalg.qr(rng.standard_normal((d, r)))
    return Q * np.sign(np.diagonal(R))


def blocks(d: int, r: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """r factors that are normal on disjoint blocks of `size` columns and zero elsewhere."""
    U = np.zeros((d, r))
    for k in range(r):
        part = rng.standard_normal(size)
        U[k * size : (k + 1) * size, k] = part / np.linalg.norm(part)
    return U


def distance(X: np.ndarray, factors: np.ndarray, gram: np.ndarray) -> float:
    """‖XXᵀ - U G Uᵀ‖_F from the factors alone, without cancellation."""
    R = np.linalg.qr(np.hstack([X, factors]), mode="r")
    core = np.zeros((R.shape[1], R.shape[1]))
    k = X.shape[1]
    core[:k, :k], core[k:, k:] = np.eye(k), -gram
    return float(np.linalg.norm(R @ core @ R.T))


def matrix_of(generator: str, n: int, d: int, rank: int, rng: np.random.Generator) -> np.ndarray:
    """Return a whole M, shape (n, d), by the name of its law: see the protocol hajek-baselines."""
    if generator == "mixture":
        return mc.instances.mixture_rows(n, d, rank, seed=rng)
    if generator == "combination":
        return rng.standard_normal((n, rank)) / np.sqrt(rank) @ haar(d, rank, rng).T
    if generator in GENERATORS:
        return mc.instances.gaussian_rows(n, d, rank, seed=rng, **gaussian_options(generator, d))
    known = [*law.MODELS, *GENERATORS]
    raise ValueError(f"generator must be one of {known}, got {generator!r}")
