"""Shared by the protocols of this folder; not one itself."""
