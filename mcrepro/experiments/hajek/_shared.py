"""What the protocols of this folder share."""

import numpy as np
import scipy.sparse as sp

GENERATORS = {
    "code": {"mean": 2, "deviation": "1/d"},
    "text, deviation 1/d": {"mean": 1, "deviation": "1/d"},
    "text, variance 1/d": {"mean": 1, "deviation": "1/sqrt(d)"},
    "centred": {"mean": 0, "deviation": "1/sqrt(d)"},
}
"""Laws of the entries before truncation; the mean is in units of 1/√d."""


def gaussian_options(generator: str, d: int) -> dict[str, float]:
    """Return mean and std for `mc.instances.gaussian_rows`, from one of the `GENERATORS`."""
    law = GENERATORS[generator]
    return {
        "mean": law["mean"] / np.sqrt(d),
        "std": 1 / d if law["deviation"] == "1/d" else 1 / np.sqrt(d),
    }


def bernoulli_mask(n: int, d: int, p: float, rng: np.random.Generator) -> sp.csr_array:
    """Return an (n, d) array with ones where an entry is observed, each with probability p."""
    return sp.csr_array((rng.random((n, d)) < p).astype(float))
