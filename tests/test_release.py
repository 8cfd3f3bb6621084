"""The places that name the version name the same one, and the changelog has a section for it."""

import re
import tomllib
from pathlib import Path

import yaml

import mcrepro as mc

ROOT = Path(__file__).resolve().parents[1]


def test_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == citation["version"] == mc.__version__


def test_the_changelog_begins_with_it():
    title, date = re.search(
        r"^## (\S+)(?: \((\d{4}-\d\d-\d\d)\))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    ).groups()
    if mc.__version__.endswith(".dev0"):
        assert (title, date) == ("Unreleased", None)
    else:
        assert title == mc.__version__
        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
        assert str(citation["date-released"]) == date
