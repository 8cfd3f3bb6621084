"""The real data, where this machine has them (MCREPRO_DATA): they are what the registry says."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from mcrepro import data
from mcrepro.data import registry
from mcrepro.data.archives import opened

#: Mean and standard deviation of the observed values, as counted when the data were collected.
MOMENTS = {
    "ml-latest-small": (3.50, 1.04),
    "ml-100k": (3.53, 1.13),
    "ml-1m": (3.58, 1.12),
    "epinions": (3.97, 1.17),
    "amazon-toys": (4.34, 0.99),
    "amazon23-video-games-500": (4.18, 1.15),
    "1000g": (0.838, 0.728),
    "los-loop": (58.9, 12.5),
    "hangzhou": None,
}


def need(name, real_folder):
    """Return the data set, skipping the test where the folder lacks it."""
    parts = registry.find(name).forms[0].parts
    if not all((Path(real_folder) / part.name).is_file() for part in parts):
        pytest.skip(f"{name} is not in the folder MCREPRO_DATA")
    return data.load(name, download=False)


@pytest.mark.parametrize("name", MOMENTS)
def test_every_data_set_is_what_is_registered(name, real_folder):
    spec = registry.find(name)
    loaded = need(name, real_folder)
    assert loaded.source == "folder"
    assert loaded.shape == spec.shape
    assert loaded.values.size == spec.entries
    assert np.isfinite(loaded.values).all()
    assert loaded.sha256 == data.fingerprint(name)
    if MOMENTS[name] is not None:
        values = loaded.values.astype(float)
        digits = {"1000g": 3, "los-loop": 1}.get(name, 2)  # as many as were printed
        assert (round(values.mean(), digits), round(values.std(), digits)) == MOMENTS[name]


@pytest.mark.parametrize("name", MOMENTS)
def test_registered_contents_are_those_of_the_files(name, real_folder):
    need(name, real_folder)
    for part in registry.find(name).forms[0].parts:
        path = Path(real_folder) / part.name
        assert path.stat().st_size == part.bytes
        with opened(path, part) as file:
            content = file.read()
        assert hashlib.sha256(content).hexdigest() == (part.content or part.sha256)


def test_files_agree_with_the_list_of_checksums_beside_them(real_folder):
    path = Path(real_folder) / "SHA256SUMS"
    if not path.is_file():
        pytest.skip("the folder MCREPRO_DATA has no SHA256SUMS")
    listed = dict(reversed(line.split()) for line in path.read_text().splitlines())
    registered = {
        part.name: part.sha256
        for spec in registry.datasets().values()
        for form in spec.forms
        for part in form.parts
    }
    shared = listed.keys() & registered.keys()
    assert len(shared) == 10
    assert {name: listed[name] for name in shared} == {name: registered[name] for name in shared}


def test_epinions_keeps_the_first_of_repeated_pairs(real_folder):
    assert need("epinions", real_folder).notes[0].startswith("9,826 ratings")


def test_ultra_sparse_data_have_few_entries_a_row(real_folder):
    for name, per_row in {
        "epinions": 3.08,
        "amazon-toys": 2.49,
        "amazon23-video-games-500": 3.25,
    }.items():
        ratings = need(name, real_folder)
        assert ratings.row_kind == "item"
        assert round(ratings.n_ratings / ratings.shape[0], 2) == per_row
