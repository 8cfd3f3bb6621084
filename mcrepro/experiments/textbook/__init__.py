"""Protocols for the textbook chapter on matrix factorization and completion (key ``textbook``)."""
