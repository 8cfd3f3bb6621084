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
    wanted = (
        f"methods.md wants a section that begins with the lines '(method-{name})=', '## {name}'"
    )
    assert name in SECTIONS, wanted
    body = SECTIONS[name]
    lacking = [part for part in PARTS if part not in body]
    assert not lacking, f"the section {name} of methods.md lacks {', '.join(lacking)}"
    cells = re.findall(r"```\{code-cell\}.*?```", body, re.DOTALL)
    assert len(cells) == 1, f"the section {name} of methods.md has {len(cells)} code cells, not one"
    assert f'"{name}"' in cells[0], f'the cell of {name} in methods.md does not call "{name}"'


def test_every_section_is_of_a_method():
    assert set(SECTIONS) <= set(mc.methods()["name"])
