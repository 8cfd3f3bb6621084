"""How many entries may be hidden, and which: all masks of the two sizes of the slides.

`seen` ones of n² entries are enumerated, and for each mask the rank of the Jacobian is computed
modulo a prime; see `mcrepro.theory.identifiability`. A mask and its images under permutations of rows
and columns have the same rank, so that one of each kind is computed.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._printed import EXAMPLE_MASK_4, MASK_2, MASK_4
from mcrepro.theory.identifiability import degrees_of_freedom, finitely_completable, generic_rank
from mcrepro.theory.minors import steps


def trial(_: None, *, n: int, rank: int, hidden: int) -> dict:
    """Enumerate the masks of an n-by-n matrix with `hidden` entries hidden.

    Returns
    -------
    dict
        ``masks``; ``determined``: those with isolated completions; ``by_minors``: those that vanishing
        minors complete; ``limit``: (n - r)²; ``dof``; ``jacobian``: the rank of the Jacobian with everything seen.
    """
    kinds: dict[tuple, int] = {}
    for positions in combinations(range(n * n), hidden):
        kind = _kind([divmod(p, n) for p in positions], n)
        kinds[kind] = kinds.get(kind, 0) + 1
    determined = by_minors = 0
    for kind, count in kinds.items():
        mask = np.ones((n, n), dtype=bool)
        for i, j in kind:
            mask[i, j] = False
        determined += count * finitely_completable(mask, rank)
        by_minors += count * (len(steps(mask, rank)) == hidden)
    return {
        "masks": sum(kinds.values()),
        "determined": int(determined),
        "by_minors": int(by_minors),
        "limit": (n - rank) ** 2,
        "dof": degrees_of_freedom(n, n, rank),
        "jacobian": generic_rank(np.ones((n, n), dtype=bool), rank),
    }


def _kind(cells, n):
    """Return the same hidden cells for all masks that differ by a permutation of the rows."""
    pattern = np.zeros((n, n), dtype=int)
    for i, j in cells:
        pattern[i, j] = 1
    rows = sorted(map(tuple, pattern), reverse=True)
    columns = sorted(zip(*rows, strict=True), reverse=True)
    return tuple((i, j) for j in range(n) for i in range(n) if columns[j][i])


def printed_masks_keep_to_the_count(table: pd.DataFrame) -> bool:
    """Each printed example hides fewer than (n - r)² entries."""
    hidden = [(int((~mask).sum()), len(mask)) for mask in (MASK_2, EXAMPLE_MASK_4, MASK_4)]
    limit = {n: part["limit"].iloc[0] for n, part in table.groupby("n")}
    return all(count < limit[n] for count, n in hidden)


def printed_masks_keep_to_the_weak_count(table: pd.DataFrame) -> bool:
    """Each printed example hides at most (n - r)² entries; none with more hidden is determined."""
    hidden = [(int((~mask).sum()), len(mask)) for mask in (MASK_2, EXAMPLE_MASK_4, MASK_4)]
    limit = {n: part["limit"].iloc[0] for n, part in table.groupby("n")}
    beyond = table[table["hidden"] > table["limit"]]
    kept = all(count <= limit[n] for count, n in hidden)
    return bool(kept and len(beyond) and (beyond["determined"] == 0).all())


def every_mask_suffices(table: pd.DataFrame) -> bool:
    """With fewer than (n - r)² entries hidden every mask leaves the completion isolated."""
    fewer = table[table["hidden"] < table["limit"]]
    return bool(len(fewer) and (fewer["determined"] == fewer["masks"]).all())


def some_mask_suffices(table: pd.DataFrame) -> bool:
    """With up to (n - r)² entries hidden some mask leaves the completion isolated."""
    fewer = table[table["hidden"] <= table["limit"]]
    return bool(len(fewer) and (fewer["determined"] > 0).all())


def printed_masks_suffice(_: pd.DataFrame) -> bool:
    """The masks of all printed examples determine the hidden entries, by vanishing minors."""
    return all(
        len(steps(mask, rank)) == (~mask).sum()
        for mask, rank in ((MASK_2, 1), (EXAMPLE_MASK_4, 2), (MASK_4, 2))
    )


_SIZES = [
    *({"n": 2, "rank": 1, "hidden": h} for h in (1, 2)),
    *({"n": 4, "rank": 2, "hidden": h} for h in (1, 2, 3, 4, 5)),
]
PROTOCOL = Protocol(
    trial=trial,
    exact=True,
    profiles=dict.fromkeys(("smoke", "quick", "paper"), Sweep(cells=_SIZES)),
)
