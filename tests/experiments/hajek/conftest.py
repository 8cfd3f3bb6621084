"""Smoke tables of the chapter's protocols, computed once."""

import functools

import pytest

import mcrepro as mc


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """From a protocol's short name to its smoke table."""
    cache = tmp_path_factory.mktemp("trials")

    @functools.cache
    def table(name):
        return mc.experiments.run(f"hajek-{name}", profile="smoke", cache=cache, progress=False)

    return table
