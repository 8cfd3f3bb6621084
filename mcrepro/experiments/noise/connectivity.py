"""How many entries a column determine a matrix of rank one? Exactly when its graph is connected.

Rows and columns are the vertices and observed entries the edges: M_ij = u_i v_j with nonzero
factors is determined by its entries if and only if the bipartite graph is connected, since every
component can be rescaled by itself (u by t, v by 1/t).
"""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.statistics import Estimate, rate


def trial(seed: np.random.SeedSequence, *, n: int, entries: int, masks: int) -> dict:
    """Draw masks with this many entries in every column, uniformly and independently.

    Returns
    -------
    dict
        ``unique``: masks with a connected graph.
    """
    rng = np.random.default_rng(seed)
    return {"unique": sum(connected(column_mask(n, entries, rng)) for _ in range(masks))}


def column_mask(n: int, entries: int, rng: np.random.Generator) -> np.ndarray:
    """Return an n x n mask with `entries` ones in each column."""
    order = np.argsort(rng.random((n, n)), axis=0)
    return order < entries


def connected(mask: np.ndarray) -> bool:
    """Tell whether the bipartite graph of rows and columns is connected."""
    graph = sp.block_array([[None, sp.csr_array(mask)], [sp.csr_array(mask.T), None]])
    return connected_components(graph, directed=False)[0] == 1


def unique_with_ten(table: pd.DataFrame) -> Estimate:
    """Rate of uniqueness with ten entries a column, 50 x 50."""
    part = table[(table["n"] == 50) & (table["entries"] == 10)]
    return rate(int(part["unique"].sum()), int(part["masks"].sum()))


_ENTRIES = [2, 3, 4, 5, 6, 7, 8, 10]

PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({"n": 50, "entries": _ENTRIES, "masks": 50}, trials=1),
        "quick": Sweep({"n": 50, "entries": _ENTRIES, "masks": 50}, trials=4),
        "paper": Sweep({"n": 50, "entries": _ENTRIES, "masks": 50}, trials=20),
    },
)
