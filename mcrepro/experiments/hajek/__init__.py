"""Protocols for "One-Sided Matrix Completion from Ultra-Sparse Samples" (key ``hajek``)."""
