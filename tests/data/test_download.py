"""The real download code against a server on the loopback address."""

import concurrent.futures
import gzip
import hashlib
import io
import stat
import tracemalloc
import zipfile

import pytest

from mcrepro import data
from mcrepro.errors import DataError

CONTENT = b"1\t1\t5\n2\t1\t3\n"


def make_zip(*entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


GOOD = make_zip(("toy/README", b"terms"), ("toy/u.data", CONTENT))


def part(url, body, **fields):
    sha256 = hashlib.sha256(body).hexdigest()
    wanted = {"member": "toy/u.data", "at_most": len(CONTENT), "sha256": sha256}
    return {"name": "toy.zip", "url": f"{url}/toy.zip", **wanted, **fields}


def assert_good_download_works(server, register, cache):
    """What went before must not stand in the way, nor have left a file that counts."""
    assert data.fingerprint("toy") == "missing"
    server.missing_bytes = 0
    server.files["/toy.zip"] = GOOD
    register([part(server.url, GOOD)])
    assert data.load("toy").source == "download"
    assert [path.name for path in cache.iterdir()] == ["toy.zip"]


def test_a_good_file_is_downloaded_once(server, register):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = GOOD
    first, second = data.load("toy"), data.load("toy")
    assert (first.source, second.source) == ("download", "cache")
    assert first.sha256 == second.sha256 == data.fingerprint("toy")
    assert first.to_csr().toarray().tolist() == second.to_csr().toarray().tolist() == [[5], [3]]
    assert server.requests == ["/toy.zip"]


def test_asking_where_data_are_never_downloads(server, register):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = GOOD
    assert data.fingerprint("toy") == "missing"
    assert "toy" not in data.available()
    data.table()
    data.describe("toy")
    with pytest.raises(DataError, match="as asked"):
        data.load("toy", download=False)
    assert server.requests == []


def test_offline_forbids_downloads(server, register, monkeypatch):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = GOOD
    monkeypatch.setenv("MCREPRO_OFFLINE", "1")
    for call in (data.load, data.fetch):
        with pytest.raises(DataError, match="MCREPRO_OFFLINE is set"):
            call("toy")
    assert server.requests == []
    monkeypatch.setenv("MCREPRO_OFFLINE", "0")
    assert [path.name for path in data.fetch("toy")] == ["toy.zip"]
    monkeypatch.setenv("MCREPRO_OFFLINE", "1")
    assert data.load("toy").source == "cache"


def test_a_wrong_checksum(server, register, bare_machine):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = make_zip(("toy/u.data", b"1\t1\t1\n"))
    with pytest.raises(DataError, match="sent fails its checksum"):
        data.load("toy")
    assert list(bare_machine.iterdir()) == []
    assert_good_download_works(server, register, bare_machine)


def test_a_truncated_body(server, register, bare_machine):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = GOOD[:-20]
    server.missing_bytes = 20
    with pytest.raises(DataError, match=r"download of .*toy\.zip failed: .*20"):
        data.load("toy")
    assert list(bare_machine.iterdir()) == []
    assert_good_download_works(server, register, bare_machine)


def test_a_refused_connection(refusing_url, server, register, bare_machine):
    register([part(refusing_url, GOOD)])
    with pytest.raises(DataError, match=r"failed: .*refused"):
        data.load("toy")
    assert_good_download_works(server, register, bare_machine)


def test_a_file_that_is_not_there(server, register, bare_machine):
    register([part(server.url, GOOD)])
    with pytest.raises(DataError, match="404"):
        data.load("toy")
    assert len(server.requests) == 1  # no storm of retries
    assert_good_download_works(server, register, bare_machine)


def test_an_address_that_is_none(server, register, bare_machine):
    register([part("http://[bad", GOOD)])
    with pytest.raises(DataError, match="failed"):
        data.load("toy")
    assert_good_download_works(server, register, bare_machine)


def with_flipped_bits():
    start = GOOD.index(b"toy/u.data") + len("toy/u.data")  # of the compressed bytes
    return GOOD[:start] + bytes(255 - byte for byte in GOOD[start : start + 4]) + GOOD[start + 4 :]


def with_link():
    link = zipfile.ZipInfo("toy/u.data")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return make_zip((link, b"/etc/hostname"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (make_zip(("toy/u.data", CONTENT), ("../../evil", b"x")), r"unsafe path '\.\./\.\./evil'"),
        (make_zip(("toy/u.data", CONTENT), ("a\\..\\..\\evil", b"x")), "unsafe path"),
        (make_zip(("toy/u.data", CONTENT), ("/etc/evil", b"x")), "unsafe path '/etc/evil'"),
        (make_zip(("toy/u.data", CONTENT), ("C:/evil", b"x")), "unsafe path 'C:/evil'"),
        (with_link(), "symbolic link"),
        (make_zip(("toy/u.data", CONTENT + b"0" * 10_000)), "would unpack to 10,012 bytes"),
        (make_zip(("other/u.data", CONTENT)), "no member 'toy/u.data'"),
        (b"<html>not a zip</html>", "cannot be unpacked: File is not a zip file"),
        (with_flipped_bits(), "cannot be unpacked"),
    ],
    ids=["climbs", "climbs-dos", "absolute", "drive", "link", "bomb", "no-member", "html", "bits"],
)
def test_an_archive_that_cannot_be_trusted(server, register, tmp_path, bare_machine, body, message):
    server.files["/toy.zip"] = body
    register([part(server.url, body)])
    before = set(tmp_path.parent.rglob("*"))
    with pytest.raises(DataError, match=message):
        data.load("toy")
    written = set(tmp_path.parent.rglob("*")) - before
    assert written == {bare_machine, bare_machine / "toy.zip"}
    register([part(server.url, GOOD)])  # another checksum: the bad file no longer counts
    assert_good_download_works(server, register, bare_machine)


def test_a_bomb_that_lies_about_its_size(server, register):
    big = b"1\t1\t5\n" * 10_000
    body = bytearray(make_zip(("toy/u.data", big)))
    true_size = len(big).to_bytes(4, "little")
    while (at := body.find(true_size)) >= 0:
        body[at : at + 4] = len(CONTENT).to_bytes(4, "little")
    server.files["/toy.zip"] = bytes(body)
    register([part(server.url, bytes(body))])
    with pytest.raises(DataError, match="cannot be unpacked: Bad CRC"):
        data.load("toy")


@pytest.mark.parametrize("reader", ["table", "dense_csv"])  # one streams, one reads at once
def test_a_gzip_bomb_is_not_unpacked_further_than_expected(server, register, reader):
    line = b"1\t1\t5\n"
    body = gzip.compress(line * 5_000_000)  # 30 MB
    assert len(body) < 100_000
    server.files["/toy.gz"] = body
    bomb = {"name": "toy.gz", "url": f"{server.url}/toy.gz"}
    bomb |= {"sha256": hashlib.sha256(body).hexdigest(), "at_most": 10_000}
    register([bomb], reader=reader)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"toy.gz is not used: .* more than the 10,000 bytes"):
            data.load("toy")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


def test_a_gzip_file_of_exactly_the_expected_size_is_read(server, register):
    body = gzip.compress(CONTENT)
    server.files["/toy.gz"] = body
    exact = {"name": "toy.gz", "url": f"{server.url}/toy.gz", "at_most": len(CONTENT)}
    register([exact | {"sha256": hashlib.sha256(body).hexdigest()}])
    assert data.load("toy").to_csr().sum() == 8
    register([exact | {"sha256": hashlib.sha256(body).hexdigest(), "at_most": len(CONTENT) - 1}])
    with pytest.raises(DataError, match="more than the 11 bytes"):
        data.load("toy")


def test_many_loads_at_once(server, register, bare_machine):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = GOOD
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: data.load("toy"), range(16)))
    assert {ratings.to_csr().sum() for ratings in loaded} == {8.0}
    assert {ratings.source for ratings in loaded} <= {"download", "cache"}
    assert [path.name for path in bare_machine.iterdir()] == ["toy.zip"]


def test_several_files_are_joined(server, register):
    bodies = {"a.tsv": b"1\t1\t5\n", "b.tsv": b"2\t1\t3\n"}
    server.files = {f"/{name}": body for name, body in bodies.items()}
    parts = [
        {
            "name": name,
            "url": f"{server.url}/{name}",
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        for name, body in bodies.items()
    ]
    register(parts)
    assert data.load("toy").values.tolist() == [5, 3]
    del server.files["/b.tsv"]
    assert data.load("toy").source == "cache"


def test_a_cache_that_cannot_be_made(server, register, bare_machine):
    register([part(server.url, GOOD)])
    server.files["/toy.zip"] = GOOD
    bare_machine.write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"failed: .*exists"):
        data.load("toy")


def test_a_failed_download_falls_back_only_where_the_registry_says_so(server, register):
    register([{**part(server.url, CONTENT), "name": "old.zip"}], name="old")
    register([part(server.url, GOOD)], fallback="old")
    with pytest.raises(DataError, match="'old'"):
        data.load("toy")
