"""Fixtures: the planted protocols in place, and entries decided through them."""

import sys

import pytest

import mcrepro.experiments
from mcrepro.ledger import evaluate, reference
from mcrepro.ledger.entries import register

from .plants import FETCH, PROOF_PROTOCOL, SWEEP


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """The protocols planted-sweep, planted-proof and planted-fetch."""
    folder = tmp_path / "protocols" / "planted"
    folder.mkdir(parents=True)
    for name, text in {"sweep": SWEEP, "proof": PROOF_PROTOCOL, "fetch": FETCH}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setenv("MCREPRO_PROTOCOLS", str(folder.parent))
    monkeypatch.setenv("MCREPRO_CACHE", str(tmp_path / "cache"))
    yield folder
    for name in [name for name in sys.modules if name.startswith("mcrepro.experiments.planted")]:
        del sys.modules[name]
    if str(folder.parent) in mcrepro.experiments.__path__:
        mcrepro.experiments.__path__.remove(str(folder.parent))


@pytest.fixture
def decide(planted, tmp_path):  # noqa: ARG001 -- for what it sets up
    """A function from claims to the table of their rows."""

    def table(*claims, profile="paper", merged=None, stored=None):
        rows = register()
        known = {claim.id for claim in claims} | set(merged or {})
        rows = rows[rows["id"].isin(known)]
        if stored is None:
            stored = reference.load_reference(tmp_path / "none.csv")
        return evaluate.evaluate(claims, rows, merged or {}, profile, 1, stored)

    return table
