"""The page "Methods" has a section, with a runnable example, for every method there is."""

import re
from pathlib import Path

import pytest

import mcrepro as mc

BOOK = Path(__file__).resolve().parents[2] / "book"
TEXT = (BOOK / "methods" / "methods.md").read_text()
SECTIONS = dict(
    re.findall(r"\(method-(\w+)\)=\n## \1\n(.*?)(?=\n\(method-|\n## )", TEXT, re.DOTALL)
)
PARTS = ["**Idea.**", "**Update.**", "**Works**", "ails**", "**Cost**"]


@pytest.mark.parametrize("name", mc.methods()["name"])
def test_every_method_has_a_section(name):
    assert name in SECTIONS
    body = SECTIONS[name]
    assert [part for part in PARTS if part not in body] == []
    (cell,) = re.findall(r"```\{code-cell\}.*?```", body, re.DOTALL)
    assert f'"{name}"' in cell


def test_every_section_is_of_a_method():
    assert set(SECTIONS) == set(mc.methods()["name"])
