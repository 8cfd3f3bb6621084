"""The site as one zip: complete, the same bytes for the same site, and nothing of the build's own."""

import os
import zipfile

import pytest

from mcrepro.companion.check import check_site
from mcrepro.companion.files import sha256
from mcrepro.companion.project import Project
from mcrepro.companion.release import archive
from mcrepro.errors import BuildError

PAGE = '<html><body><a href="one/a.html">a</a><img src="dot.svg" alt="A dot."></body></html>'


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    for name, text in {
        "index.html": PAGE,
        "one/a.html": "<html></html>",
        "dot.svg": "<svg/>",
        ".mcrepro-stamp": "stamp",
        ".doctrees/a.doctree": "cache",
    }.items():
        path = project.html / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return project


def test_the_site_is_whole_and_alone(project, tmp_path):
    target = tmp_path / "out" / "book-1.zip"
    assert archive(project, target) == sha256(target.read_bytes())
    with zipfile.ZipFile(target) as packed:
        assert packed.namelist() == ["book-1/dot.svg", "book-1/index.html", "book-1/one/a.html"]
        packed.extractall(tmp_path / "a folder")
    assert check_site(tmp_path / "a folder" / "book-1", ["index", "one/a"]) == []


def test_the_same_site_gives_the_same_bytes(project, tmp_path):
    first = archive(project, tmp_path / "book.zip")
    for path in project.html.rglob("*"):
        os.utime(path, (0, 0))
        path.chmod(0o755)
    assert archive(project, tmp_path / "book.zip") == first
    (project.html / "dot.svg").write_text("<svg></svg>")
    assert archive(project, tmp_path / "book.zip") != first


def test_without_a_site_nothing_is_written(tmp_path):
    with pytest.raises(BuildError, match="no site yet"):
        archive(Project(tmp_path), tmp_path / "book.zip")
    assert list(tmp_path.iterdir()) == []
