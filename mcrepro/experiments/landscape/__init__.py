"""Protocols for Ge, Lee and Ma, "Matrix completion has no spurious local minimum" (key ``landscape``)."""
