"""What a method's answer asks to cite is in the bibliography, with the same year and pages."""

import re
from pathlib import Path

import numpy as np
import pytest

import mcrepro as mc

BIB = Path(__file__).resolve().parents[2] / "book" / "references.bib"
ENTRIES = re.split(r"(?m)^@", BIB.read_text(encoding="utf-8"))[1:]
QUICK = {"neural": {"n_matrices": 20, "max_iter": 1}}


def letters(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def field(entry, name):
    found = re.search(rf"^  {name}\s*= \{{(.*)\}},?$", entry, re.MULTILINE)
    return found[1] if found else ""


def matching(citation):
    """The entries whose title, year and pages the citation has."""
    return [
        entry
        for entry in ENTRIES
        if letters(field(entry, "title")) in letters(citation)
        and field(entry, "year") in citation
        and field(entry, "pages").replace("--", "-") in citation
    ]


def citation(method):
    z = np.array([1.0, 2.0, 1.0, 0.5])
    mask = np.ones((4, 4), dtype=bool)
    mask[0, 3] = mask[3, 0] = False
    problem = mc.Problem.from_dense(np.outer(z, z), mask, symmetric=True)
    return mc.complete(problem, method, rank=2, **QUICK.get(method, {})).citation


@pytest.mark.parametrize("method", list(mc.methods()["name"]))
def test_the_work_to_cite_is_in_the_bibliography(method):
    assert len(matching(citation(method))) == 1, citation(method)


def test_a_wrong_year_or_page_is_found():
    right = citation("gnmr")
    assert len(matching(right)) == 1
    assert matching(right.replace("2022", "2021")) == []
    assert matching(right.replace("909-934", "900-934")) == []
