import contextlib
import os
import sqlite3
import subprocess

import pytest

import mcrepro as mc
from mcrepro.errors import CacheError
from mcrepro.experiments.store import Store, cache_dir
from mcrepro.experiments.trial import Trial

from .sweeps import recorded

run = mc.experiments.run
TRIAL = Trial("toy-walk", {"n": 5}, 0, "abc")


def test_a_trial_is_kept_and_the_first_one_stays(tmp_path):
    path = tmp_path / "new" / "toy.sqlite"
    with Store(path) as store:
        assert store.get("abc") is None
        store.put(TRIAL, '[{"x": 0.1}]', 2.0)
        store.put(TRIAL, '[{"x": 0.1}]', 3.0)
    with Store(path) as store:
        assert store.get("abc") == ('[{"x": 0.1}]', 2.0)


def test_a_commit_is_seen_by_another_connection_at_once(tmp_path):
    with Store(tmp_path / "a.sqlite") as one, Store(tmp_path / "a.sqlite") as other:
        one.put(TRIAL, "[]", 1.0)
        assert other.get("abc") == ("[]", 1.0)


@pytest.mark.parametrize(
    "change", ["rows = '[]'", "seconds = 9", "trial = 7", "key = 'abd'", "parameters = '{}'"]
)
def test_a_changed_row_is_refused(tmp_path, change):
    path = tmp_path / "a.sqlite"
    with Store(path) as store:
        store.put(TRIAL, '[{"x": 1}]', 1.0)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE trials SET {change}")
    with (
        Store(path) as store,
        pytest.raises(CacheError, match=r"checksum of trial .* is wrong; delete"),
    ):
        store.get("abd" if "key" in change else "abc")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_damaged_file_is_named(cache, jobs):
    run("toy-walk")
    path = cache / "toy-walk.sqlite"
    content = bytearray(path.read_bytes())
    content[:4096] = os.urandom(4096)
    path.write_bytes(content)
    with pytest.raises(CacheError, match=r"toy-walk\.sqlite is damaged .*; delete the file"):
        run("toy-walk", jobs=jobs)
    assert mc.experiments.clear("toy-walk") == [path]
    assert len(run("toy-walk")) == 16


def test_a_damaged_page_is_found_wherever_it_lies(cache):
    run("toy-walk", trials=60)
    path = cache / "toy-walk.sqlite"
    content = path.read_bytes()
    assert len(content) > 5 * 4096
    for page in range(1, len(content) // 4096):
        broken = bytearray(content)
        broken[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
        path.write_bytes(broken)
        with contextlib.suppress(CacheError):
            table = run("toy-walk", trials=60, progress=False)
            assert len(table) == 240  # a page that no trial of this sweep lies on


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        CacheError, match=r"cannot be written .*name another folder in MCREPRO_CACHE"
    ):
        run("toy-walk", cache=tmp_path / "file" / "cache")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 600 kB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_is_named_and_what_fitted_is_kept(small_disk, jobs):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(430_000))
    with pytest.raises(CacheError, match="disk is full; free some space"):
        run("toy-odd", returns="fat", rank=range(8), cache=small_disk, jobs=jobs)
    filler.unlink()
    kept = recorded(small_disk, "toy-odd")
    assert 0 < kept < 8
    table = run("toy-odd", returns="fat", rank=range(8), cache=small_disk)
    assert (table.value.str.len() == 30_000).all()
    assert recorded(small_disk, "toy-odd") == 8


def test_a_disk_that_is_full_from_the_start(small_disk):
    with contextlib.suppress(OSError), open(small_disk / "filler", "wb") as filler:
        filler.write(bytes(700_000))
    with pytest.raises(CacheError, match="MCREPRO_CACHE"):
        run("toy-walk", cache=small_disk)


def test_a_read_only_folder(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(
        CacheError, match=r"cannot be written .*name another folder in MCREPRO_CACHE"
    ):
        run("toy-walk", cache=small_disk / "cache")
    with pytest.raises(
        CacheError, match=r"cannot be written .*name another folder in MCREPRO_CACHE"
    ):
        run("toy-walk", cache=small_disk)


def test_clear_takes_one_protocol_or_all(cache):
    run("toy-walk")
    run("toy-proof")
    assert [path.name for path in mc.experiments.clear("toy-walk")] == ["toy-walk.sqlite"]
    assert [path.name for path in mc.experiments.clear()] == ["toy-proof.sqlite"]
    assert list(cache.iterdir()) == []
    assert mc.experiments.clear() == []


def test_cache_dir_is_the_checkout_s_unless_named(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("MCREPRO_CACHE")
    assert cache_dir().parts[-3:] == ("_build", "cache", "trials")
    monkeypatch.setattr("mcrepro.experiments.store.project_root", lambda: None)
    assert "mcrepro" in cache_dir().parts
