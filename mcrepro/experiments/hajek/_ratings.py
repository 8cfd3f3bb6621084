"""Real ratings the way the one-sided method wants them: many rows, few columns, few entries a row."""

from functools import lru_cache

import numpy as np
import scipy.sparse as sp

import mcrepro as mc


@lru_cache(maxsize=2)
def tall(dataset: str, columns: int | None) -> sp.csr_array:
    """Ratings with the longer side as rows and the columns that have the most entries.

    Parameters
    ----------
    dataset : str
        A ratings set of `mc.data`.
    columns : int or None
        How many columns to keep; None: all.

    Returns
    -------
    csr_array, shape (n, columns)
        Rows that show nothing are left out.
    """
    ratings = mc.data.load(dataset).to_csr()
    if ratings.shape[0] < ratings.shape[1]:
        ratings = sp.csr_array(ratings.T)
    if columns is not None:
        if not 2 <= columns <= ratings.shape[1]:
            raise ValueError(f"columns must be from 2 to {ratings.shape[1]} or None, got {columns}")
        entries = np.bincount(ratings.indices, minlength=ratings.shape[1])
        chosen = np.sort(np.argsort(-entries, kind="stable")[:columns])
        ratings = sp.csr_array(ratings[:, chosen])
    return sp.csr_array(ratings[np.diff(ratings.indptr) > 0])


def split(n: int, shares: tuple[float, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Split 0, ..., n - 1 at random into parts of about these shares."""
    cuts = np.round(np.cumsum(shares)[:-1] * n).astype(int)
    return np.split(rng.permutation(n), cuts)


def thin(rows: sp.csr_array, C: float, rng: np.random.Generator) -> sp.csr_array:
    """Keep every entry with the same probability, so that a row shows C on average.

    A C above what there is keeps all.
    """
    if C * rows.shape[0] >= rows.nnz:
        return rows
    kept = rng.random(rows.nnz) < C * rows.shape[0] / rows.nnz
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
    return sp.csr_array((rows.data[kept], rows.indices[kept], ends), shape=rows.shape)


def column_means(rows: sp.csr_array) -> np.ndarray:
    """Mean of every column's entries, pulled towards the mean of all as by one more entry of it."""
    d = rows.shape[1]
    total = np.bincount(rows.indices, weights=rows.data, minlength=d)
    count = np.bincount(rows.indices, minlength=d)
    return (total + rows.data.mean()) / (count + 1)
