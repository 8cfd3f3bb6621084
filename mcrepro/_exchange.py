"""Uniform sets of entries with enough in every row and column, by random exchanges."""

import numba
import numpy as np

# Exchanges for each entry of a set by which it is mixed; after 100 times that, `mend` gives up.
_MIXING = 30


def mend(flat, n1: int, n2: int, least: int, rng: np.random.Generator):
    """Entries like `flat`, flat indices into an n1 x n2 matrix, `least` or more in every line.

    None if no such set was found.
    """
    flat = flat.copy()
    observed = np.zeros(n1 * n2, dtype=bool)
    observed[flat] = True
    rows, cols = np.divmod(flat, n2)
    in_row, in_col = np.bincount(rows, minlength=n1), np.bincount(cols, minlength=n2)
    short = sum(int(np.maximum(least - count, 0).sum()) for count in (in_row, in_col))
    steps = _MIXING * len(flat)
    for _ in range(100):
        began_short = short
        leave, enter = rng.integers(len(flat), size=steps), rng.integers(n1 * n2, size=steps)
        short += _walk(flat, observed, in_row, in_col, least, leave, enter)
        if not began_short:
            break
    return None if short else flat


@numba.njit(cache=True)
def _walk(flat, observed, in_row, in_col, least, leave, enter):
    """Exchange flat[leave[t]] for enter[t], where that makes no line fall short by more."""
    n2, total = len(in_col), 0
    for t in range(len(leave)):
        old, new = flat[leave[t]], enter[t]
        if observed[new]:
            continue
        (i, j), (k, l) = divmod(old, n2), divmod(new, n2)
        change = 0
        if i != k:
            change += (in_row[i] <= least) - (in_row[k] < least)
        if j != l:
            change += (in_col[j] <= least) - (in_col[l] < least)
        if change <= 0:
            observed[old], observed[new], flat[leave[t]] = False, True, new
            in_row[i] -= 1
            in_row[k] += 1
            in_col[j] -= 1
            in_col[l] += 1
            total += change
    return total
