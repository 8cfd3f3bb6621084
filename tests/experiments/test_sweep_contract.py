"""What every protocol of the package keeps to."""

import ast
import inspect

import pytest

from mcrepro.experiments import PROFILES, registry

PROTOCOLS = registry.names()
MAY_IMPORT = {"protocol", "statistics", "Protocol", "Sweep", "Estimate"}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_is_sound_and_says_what_it_computes(name):
    assert tuple(registry.get(name).profiles) == PROFILES
    assert inspect.getdoc(registry.module(name))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_imports_what_its_key_covers(name):
    """The source hash takes in a protocol's own folder's helpers, and no other protocol."""
    path = registry.file(name)
    package = "mcrepro.experiments"
    for source in (path, *path.parent.glob("_*.py")):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = {0: "", 1: f"{package}.{path.parent.name}.", 2: f"{package}."}[node.level]
                imported = [f"{base}{node.module or ''}.{alias.name}" for alias in node.names]
            else:
                continue
            for full in imported:
                parts = full.replace("..", ".").removeprefix(f"{package}.").split(".")
                if not full.startswith(f"{package}."):
                    continue
                own_helper = parts[0] == path.parent.name and parts[1].startswith("_")
                assert own_helper or parts[0] in MAY_IMPORT, f"{source.name} imports {full}"
