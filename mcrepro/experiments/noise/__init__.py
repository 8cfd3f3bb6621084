"""Protocols for "Using Noise to Help Reach Global Minima" (key ``noise``)."""
