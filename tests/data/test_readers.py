"""File formats, on files written here."""

import gzip
import hashlib

import numpy as np
import pytest
import scipy.io

from mcrepro import data
from mcrepro.data.readers import unpack_bed
from mcrepro.errors import DataError


@pytest.fixture
def publish(folder, register):
    """Write a file into the data folder and register it."""

    def put(name, content, **fields):
        (folder / name).write_bytes(content)
        register([{"name": name, "sha256": hashlib.sha256(content).hexdigest()}], **fields)
        return data.load("toy", download=False)

    return put


def table(sep, columns, header):
    return {"sep": sep, "columns": columns, "header": header}


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"9\t4\t3\t881250949\n7\t4\t5\t881250949\n", table("\t", [0, 1, 2], False)),
        (b"9::4::3\n7::4::5\n", table(":", [0, 2, 4], False)),
        (b"9::4::3::978300760\n7::4::5::978302109\n", table(":", [0, 2, 4], False)),
        (b"userId,movieId,rating\r\n9,4,3.0\r\n7,4,5.0\r\n", table(",", [0, 1, 2], True)),
    ],
)
def test_text_tables(publish, content, options):
    ratings = publish("toy.gz", gzip.compress(content), options=options)
    assert ratings.to_csr().toarray().tolist() == [[5.0], [3.0]]
    assert ratings.row_labels.tolist() == [7, 9]
    assert ratings.values.dtype == np.int8
    assert (ratings.row_kind, ratings.col_kind) == ("user", "item")


def test_items_become_rows_where_the_registry_says_so(publish):
    content = b"user,item,rating\nu2,NA,1.0\nu1,NA,2.5\nu1,i0,4.0\n"
    ratings = publish("toy.csv", content, options=table(",", [0, 1, 2], True), swap=True)
    assert ratings.row_labels.tolist() == ["NA", "i0"]  # an id, not a missing value
    assert ratings.col_labels.tolist() == ["u1", "u2"]
    assert ratings.to_csr().toarray().tolist() == [[2.5, 1.0], [4.0, 0.0]]


def write_mat(path, **variables):
    scipy.io.savemat(path, variables)
    return path.read_bytes()


def test_matlab_folds_are_joined_and_repeats_dropped(publish, tmp_path):
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0] = np.array([[5, 1, 3], [5, 2, 4]], dtype=np.int32)
    cells[0, 1] = np.array([[5, 1, 1], [6, 2, 2]], dtype=np.int32)
    content = write_mat(tmp_path / "toy.mat", rating=cells)
    ratings = publish("toy.mat", content, reader="matlab_folds", options={"variable": "rating"})
    assert ratings.to_csr().toarray().tolist() == [[3.0, 4.0], [0.0, 2.0]]
    assert ratings.notes == ("1 ratings of a pair already rated were dropped, the first is kept",)


def test_matlab_arrays(publish, tmp_path):
    tensor = np.arange(24).reshape(2, 3, 4)
    content = write_mat(tmp_path / "toy.mat", tensor=tensor)
    options = {"reader": "matlab_tensor", "options": {"variable": "tensor"}, "depth": "slot"}
    dense = publish("toy.mat", content, **options)
    assert np.array_equal(dense.values, tensor)
    assert dense.axes == ("user", "item", "slot")


@pytest.mark.parametrize("reader", ["matlab_folds", "matlab_tensor"])
def test_matlab_files_may_hold_numbers_only(publish, tmp_path, reader):
    cells = np.empty((1, 1), dtype=object)
    cells[0, 0] = {"field": 1.0}
    content = write_mat(tmp_path / "toy.mat", rating=cells)
    with pytest.raises(DataError, match="other than numbers"):
        publish("toy.mat", content, reader=reader, options={"variable": "rating"})


def test_dense_tables(publish):
    dense = publish("toy.csv", b"717,718\n64.375,0.1\n1,2\n", reader="dense_csv")
    assert dense.values.tolist() == [[64.375, 0.1], [1.0, 2.0]]


def pack_bed(counts):
    """Write allele counts as PLINK does, one person at a time."""
    codes = {2: 0b00, -1: 0b01, 1: 0b10, 0: 0b11}
    persons, snps = counts.shape
    packed = bytearray(b"\x6c\x1b\x01")
    for snp in range(snps):
        block = bytearray(-(-persons // 4))
        for person in range(persons):
            block[person // 4] |= codes[int(counts[person, snp])] << 2 * (person % 4)
        packed += block
    return bytes(packed)


@pytest.mark.parametrize("persons", [1, 3, 4, 5, 9])
def test_bed_files_keep_every_count(persons):
    counts = np.random.default_rng(persons).integers(0, 3, size=(persons, 6))
    assert np.array_equal(unpack_bed(pack_bed(counts), persons, 6), counts)


def test_bed_files_that_are_short_or_have_gaps_are_refused():
    counts = np.ones((5, 3), dtype=int)
    with pytest.raises(DataError, match="5 persons and 3 SNPs"):
        unpack_bed(pack_bed(counts)[:-1], 5, 3)
    counts[2, 1] = -1
    with pytest.raises(DataError, match="missing genotypes"):
        unpack_bed(pack_bed(counts), 5, 3)
