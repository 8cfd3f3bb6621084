"""Protocols for the slides on completion by deep neural networks (key ``neural``)."""
