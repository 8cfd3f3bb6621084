"""Numbers that the paper prints and more than one protocol needs."""

import pandas as pd

PRINTED = pd.DataFrame(
    {
        "mse_obs": [3.26e-8, 4.89e-8, 9.46e-9, 9.79e-9, 1.35e-8, 1.67e-8, 1.07e-8, 9.40e-9, 1.41e-8,
                    1.50e-8],
        "mse_unobs": [2.67, 4.95e-8, 2.67, 2.67, 8.23e-8, 8.24e-8, 2.67, 2.67, 2.67, 2.67],
    },
    index=[f"s{k}" for k in range(10)],
)  # fmt: skip
"""Table 2 of the paper."""
