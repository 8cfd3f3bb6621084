"""A file of ratings is read, or refused with the line and the reason; every line is accounted for."""

import bz2
import gzip
import lzma
import pickle
import random
from dataclasses import astuple

import numpy as np
import pytest
import scipy.sparse as sp

from mcrepro import SecondMoment
from mcrepro.data import RatingsFile, delimited
from mcrepro.errors import DataError


@pytest.fixture
def write(tmp_path):
    """Function that writes a file and returns its path."""

    def file(content, name="ratings.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file


@pytest.fixture(params=[delimited.PIECE, 2], ids=["one piece", "pieces of 2"])
def _pieces(request, monkeypatch):
    monkeypatch.setattr(delimited, "PIECE", request.param)


def triples(file):
    """The ratings as {(row of the user's ratings)}: a set of frozensets of (item, rating)."""
    rows = sp.vstack(list(file), format="csr")
    assert rows.shape == file.shape
    return sorted(
        sorted(zip(file.col_labels[r.indices].tolist(), r.data.tolist(), strict=True))
        for r in (rows[[k]] for k in range(rows.shape[0]))
    )


PLAIN = [[(10, 3.0), (30, 4.5)], [(30, 1.0)]]

READ = {
    "header": "user,item,rating\n7,30,4.5\n2,30,1\n7,10,3\n",
    "no header": "7,30,4.5\n2,30,1\n7,10,3\n",
    "no end of the last line": "7,30,4.5\n2,30,1\n7,10,3",
    "CRLF": "user,item,rating\r\n7,30,4.5\r\n2,30,1\r\n7,10,3\r\n",
    "CR": "7,30,4.5\r2,30,1\r7,10,3\r",
    "tabs": "7\t30\t4.5\n2\t30\t1\n7\t10\t3\n",
    "semicolons": "7;30;4.5\n2;30;1\n7;10;3\n",
    "byte order mark": "\ufeffuser,item,rating\n7,30,4.5\n2,30,1\n7,10,3\n",
    "byte order mark, no header": "\ufeff7,30,4.5\n2,30,1\n7,10,3\n",
    "a fourth column": "user,item,rating,when\n7,30,4.5,99\n2,30,1,99\n7,10,3,x\n",
    "quotes": '"user","item","rating"\n"7","30","4.5"\n2,30,"1"\n7,10,3\n',
    "blanks around": "7, 30, 4.5\n2 ,30,1e0 \n007,+10,3\n",
    "empty lines": "\n7,30,4.5\n\n2,30,1\n   \n7,10,3\n\n\n",
    "sorted": "2,30,1\n7,10,3\n7,30,4.5\n",
}


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("text", READ.values(), ids=READ)
@pytest.mark.parametrize("chunks", [1, 3])
def test_read(write, text, chunks):
    with RatingsFile(write(text), chunks=chunks) as file:
        assert sorted(triples(file)) == sorted(PLAIN)
        assert file.shape == (2, 2)
        assert len(file) == chunks
        report = file.report
        assert (report.ratings, report.missing, report.repeated) == (3, 0, 0)
        assert report.header == ("user" in text)
        ends = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
        assert report.lines == len(ends.split("\n"))
        assert report.lines == sum(astuple(report)[1:6])


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bz2", "xz"]
)
def test_packed_whatever_the_name(write, pack):
    with RatingsFile(write(pack(READ["CRLF"].encode()))) as file:
        assert sorted(triples(file)) == sorted(PLAIN)


REFUSED = [
    ("7,30,4\n2,30\n", "line 2: no rating; missing='drop'"),
    ("7,30,4\n2,30,nan\n", "line 2: no rating"),
    ("7,30,4\n2\n", "line 2: no item"),
    ("7,30,4\n,30,1\n", "line 2: no user"),
    ("7,30,4\n2,30,1,9\n", "line 2: 4 fields, the first line has 3"),
    ("7,30,4\n2,30,1\n2,31,1,\n", "line 3: 4 fields"),
    ("7,30,4\n-1,30,1\n", r"line 2: the user -1 is not in \[0, 2\^63\)"),
    ("7,30,4\n1,-30,1\n", r"line 2: the item -30 is not in"),
    ("7,30,4\n99999999999999999999,30,1\n", "line 2: the user 9+ is not in"),
    ("7,30,4\nu12,30,1\n", "line 2: the user 'u12' is not an integer; ids='text' takes any"),
    ("7,30,4\n1.0,30,1\n", "line 2: the user '1.0' is not an integer"),
    ("7,30,4\n1_0,30,1\n", "line 2: the user '1_0' is not an integer"),
    ("user,item,rating\n\n7,30,4\n\n1,30,good\n", "line 5: the rating 'good' is not a number"),
    ("7,30,good\n1,30,2\n", "line 1: the rating 'good' is not a number"),
    ("7,30,4\n1,30,inf\n", "line 2: the rating inf is not finite"),
    ("7,30,4\n1,30,1e999\n", "line 2: the rating 1e999 is not finite"),
    ("9007199254740993,30,4\n1.0,30,1\n", "line 2: the user '1.0' is not an integer"),
    ("7,30,4\nTrue,30,1\n", "line 2: the user 'True' is not an integer"),
    ("7 30 4\n", "line 1: 1 fields with the separator ',', need 3"),
    (b"7,30,4\n\xff,30,1\n", r"line 2: the user '\\udcff' is not text in UTF-8"),
    ("7,30,4\n".encode("utf-16"), "NUL bytes"),
    (b"PK\x03\x04", "is an archive"),
    (gzip.compress(READ["header"].encode() * 99, mtime=0)[:-20], "cannot be unpacked"),
    (b"PAR1 and nothing else", "cannot be read"),
    (
        "7,30,4\n8,30,1\n7,31,1\n\n7,30,5\n",
        "lines 1, 5: the user 7 rates the item 30 more than once; repeated='first'",
    ),
    ("user,item,rating\n" + "7,30,4\n" * 5, r"lines 2, 3, 4, \.\.\.: the user 7 rates"),
]


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_refused(write, tmp_path, content, message):
    path = write(content)
    with pytest.raises(DataError, match=message):
        RatingsFile(path, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["ratings.csv"], "the temporary folder stays"


def test_a_bad_line_far_into_the_file(write):
    lines = [f"{k},{k % 50},1" for k in range(20_000)]
    lines[17_123] = "17123,x,1"
    with pytest.raises(DataError, match=r"ratings.csv, line 17124: the item 'x' is not an integer"):
        RatingsFile(write("\r\n".join(lines)))


@pytest.mark.usefixtures("_pieces")
def test_what_is_left_out_or_merged_is_counted(write):
    path = write("u,i,r\n7,30,4\n7,30,\n7,30,5\n\n8,31,NaN\n8,30,2\n7,30,9\n9,32,null\n")
    for repeated, value in [("first", 4.0), ("last", 9.0), ("mean", 6.0)]:
        with RatingsFile(path, missing="drop", repeated=repeated, chunks=2) as file:
            assert triples(file) == sorted([[(30, value)], [(30, 2.0)]])
            assert file.col_labels.tolist() == [30]
            assert astuple(file.report) == (9, 2, 1, 1, 3, 2, 2, 1)


@pytest.mark.usefixtures("_pieces")
def test_text_ids_are_as_they_stand(write):
    path = write("u12,B00,4\n12,007,2\n-1,7,3\n u12,007,1\nü,NA,5\n1.0,7,3\n")
    with RatingsFile(path, ids="text") as file:
        assert file.shape == (6, 4)
        assert file.col_labels.tolist() == ["007", "7", "B00", "NA"]
        ones = [[("B00", 4.0)], [("007", 2.0)], [("7", 3.0)], [("007", 1.0)], [("NA", 5.0)]]
        assert triples(file) == sorted([*ones, [("7", 3.0)]])
    for text, message in [
        ("a,b,1\n,b,1\n", "line 2: no user"),
        ("a,b,1\nc\n", "line 2: no item"),
        ("a,b,1\nc,d,2\na,b,3\n", "lines 1, 3: the user 'a' rates the item 'b'"),
        (b"a,b,1\n\xe4,b,1\n", "line 2: the user .* is not text in UTF-8"),
    ]:
        with pytest.raises(DataError, match=message):
            RatingsFile(write(text), ids="text")


def test_columns(write):
    path = write("rating,when,item,user\n4.5,0,30,7\n1,0,30,2\n3,0,10,7\n")
    for columns in [("user", "item", "rating"), (3, 2, 0)]:
        with RatingsFile(path, columns) as file:
            assert sorted(triples(file)) == sorted(PLAIN)
    with RatingsFile(path, ("item", "user", "rating")) as file:
        assert file.shape == (2, 2)
        assert file.col_labels.tolist() == [2, 7]
    with pytest.raises(DataError, match="there must be one column 'User', got"):
        RatingsFile(path, ("User", "item", "rating"))
    for columns in [("user", "item"), ("user", 1, 2), (0, 0, 1), (-1, 0, 1), "abc"]:
        with pytest.raises(ValueError, match="columns must be three different names or three pos"):
            RatingsFile(path, columns)


def test_options(write, tmp_path):
    path = write("7|30|4\n")
    with pytest.raises(ValueError, match=r"repeated must be one of .* did you mean 'first'"):
        RatingsFile(path, repeated="frist")
    with pytest.raises(ValueError, match="sep must be one character, got '::'"):
        RatingsFile(path, sep="::")
    with pytest.raises(DataError, match="cannot be opened: No such file"):
        RatingsFile(tmp_path / "none.csv")
    with RatingsFile(path, header=True) as file:
        assert file.shape == (0, 0)
        assert file.report.header == 1
    with RatingsFile(write("")) as file:
        assert astuple(file.report) == (0,) * 8


@pytest.mark.parametrize("chunks", [1, 7])
def test_order_and_chunks_change_nothing(write, chunks):
    rng = random.Random(0)
    pairs = rng.sample([(u, i) for u in range(0, 400, 4) for i in range(20)], 700)
    lines = [f"{u},{i},{rng.randint(1, 5)}" for u, i in pairs]
    results = []
    for _ in range(2):
        rng.shuffle(lines)
        with RatingsFile(write("\n".join(lines)), chunks=chunks) as file:
            assert sum(chunk.shape[0] > 0 for chunk in file) == chunks
            results.append(SecondMoment(file.shape[1]).update(file))
    assert results[0] == results[1]
    assert results[0].n_entries == 700
    users = {line.split(",")[0] for line in lines}
    assert results[0].n_rows == len(users)


def test_pickles_for_workers_on_the_same_disk(write):
    with RatingsFile(write(READ["header"])) as file:
        copy = pickle.loads(pickle.dumps(file))
        assert (copy[0] != file[0]).nnz == 0
        assert copy.report == file.report
        copy.close()
        assert file[0].shape == (2, 2)
        with pytest.raises(IndexError, match="between 0 and 0, got 1"):
            file[1]


class TestParquet:
    @pytest.fixture
    def table(self, tmp_path):
        """Function that writes a Parquet file of columns and returns its path."""
        pa = pytest.importorskip("pyarrow", reason="needs mcrepro[parquet]")
        pq = pytest.importorskip("pyarrow.parquet")

        def write(**columns):
            path = tmp_path / "ratings.parquet"
            pq.write_table(pa.table(columns), path)
            return path

        return write

    @pytest.mark.usefixtures("_pieces")
    def test_read(self, table):
        path = table(user=[7, 2, 7], when=[0, 0, 0], item=[30, 30, 10], rating=[4.5, 1, 3])
        for columns in [("user", "item", "rating"), (0, 2, 3)]:
            with RatingsFile(path, columns) as file:
                assert sorted(triples(file)) == sorted(PLAIN)
                assert astuple(file.report) == (3, 3, 0, 0, 0, 0, 2, 2)

    @pytest.mark.usefixtures("_pieces")
    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"u": [1, 2, None], "i": [1, 2, 3], "r": [1.0, 2.0, 3.0]}, "row 3: no user"),
            ({"u": [1, 2, 3], "i": [1, 2, -3], "r": [1, 2, 3]}, "row 3: the item is not in"),
            ({"u": [1, 2, 3], "i": [1, 2, 3], "r": [1.0, None, 3.0]}, "row 2: no rating"),
            ({"u": [1, 2, 3], "i": [1, 2, 3], "r": [1.0, 3.0, np.inf]}, "row 3: .* not finite"),
            ({"u": ["a", "b"], "i": [1, 2], "r": [1.0, 3.0]}, "users are of type string, not int"),
            ({"u": [1, 2], "i": [1, 2], "r": ["1", "2"]}, "ratings are of type string, not num"),
            ({"u": [1, 2, 1], "i": [1, 2, 1], "r": [1, 2, 3]}, "rows 1, 3: the user 1 rates"),
            ({"u": [1, 2, 1], "i": [1, 2, 1]}, "has no column 2"),
        ],
    )
    def test_refused(self, table, columns, message):
        with pytest.raises(DataError, match=message):
            RatingsFile(table(**columns))

    def test_text_ids(self, table):
        path = table(u=["a", "b", "a"], i=[1, 2, 2], r=[1.0, None, 3.0])
        with RatingsFile(path, ids="text", missing="drop") as file:
            assert triples(file) == [[("1", 1.0), ("2", 3.0)]]
            assert file.report.missing == 1
