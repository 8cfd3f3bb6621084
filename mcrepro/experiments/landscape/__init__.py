"""Protocols of "Matrix completion has no spurious local minimum" (Ge, Lee, Ma)."""
