"""Numbers in the plotting code of the paper's public repository (n = 10⁴, d = 10³, rank 10)."""

RATES = (2.0, 4.0, 6.0, 8.0, 10.0)
"""C, entries a row."""

MOMENT_ERRORS = {
    "alternating GD": (4.200, 4.200, 0.780, 0.176, 0.176),
    "softImpute-ALS": (3.896, 3.667, 3.371, 3.029, 2.688),
    "nuclear norm": (0.489, 0.349, 0.120, 0.108, 0.0992),
    "proposed": (0.1024, 0.0807, 0.0701, 0.0658, 0.0636),
}
"""‖T̂ - T‖_F by method, at each of `RATES`."""

ENTRY_ERRORS = {
    "alternating GD": (0.0626, 0.0575, 0.0108, 0.00044, 0.00031),
    "softImpute-ALS": (0.0130, 0.0107, 0.0091, 0.0079, 0.0070),
    "nuclear norm": (0.00211, 0.00100, 0.00018, 0.00015, 0.00013),
    "proposed": (0.00034, 0.00018, 0.00014, 0.00013, 0.00013),
}
"""Root mean square error of M̂, likewise. That of "proposed" used 80 % of M (see baselines.py)."""
