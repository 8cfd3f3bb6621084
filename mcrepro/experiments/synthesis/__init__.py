"""Protocols of the synthesis: all methods on the same problems."""
