"""Who may know whom: the arrows between the parts of the package, read off its imports."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mcrepro"

CORE = {"errors", "problem", "result", "_checks", "_exchange", "_factors", "_near"}
METHODS = {"api", "instances", "solvers", "moments", "theory", "lifting"}
#: part -> the parts it may import (itself always).
MAY_KNOW = {
    **dict.fromkeys(CORE, CORE),
    **dict.fromkeys(METHODS, CORE | METHODS),
    "data": CORE,
    "experiments": CORE | METHODS | {"data"},
    "ledger": CORE | METHODS | {"data", "experiments"},
    "companion": CORE | METHODS | {"data", "experiments", "ledger"},
}
#: What `import mcrepro as mc` offers by itself, and the part it comes from.
EXPORTED = {
    "complete": "api",
    "methods": "api",
    "Problem": "problem",
    "Result": "result",
    "SecondMoment": "moments",
    "recover_second_moment": "moments",
}
#: Solvers return arrays: tables, pictures and files are somebody else's business.
FORBIDDEN_IN_METHODS = {"pandas", "matplotlib", "pathlib", "IPython"}


def imported(tree: ast.AST, module: Path) -> set[str]:
    """Absolute names of what a module imports, relative imports resolved."""
    package = ("mcrepro", *module.relative_to(PACKAGE).parts[:-1])
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{stem}.{alias.name}" for alias in node.names}
    return names


def part(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "mcrepro" and len(parts) > 1 else None


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_arrow_runs_back(module):
    own = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in MAY_KNOW, f"say in tests/test_architecture.py what {own} may know"
    tree = ast.parse(module.read_text())
    names = imported(tree, module)
    known = {part(name) for name in names} - {None, own, "__version__"}
    # `import mcrepro as mc` hides what is used: attributes of that name count as imports.
    attributes = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"mc", "mcrepro"}
    }
    known |= {EXPORTED.get(name, name) for name in attributes if not name.startswith("_")} - {own}
    assert known <= MAY_KNOW[own], f"{own} must not know {sorted(known - MAY_KNOW[own])}"


@pytest.mark.parametrize(
    "module",
    [
        m
        for m in MODULES
        if m.relative_to(PACKAGE).parts[0].removesuffix(".py") in METHODS - {"api"}
    ],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_methods_know_no_tables_pictures_or_files(module):
    names = imported(ast.parse(module.read_text()), module)
    assert not {name.split(".")[0] for name in names} & FORBIDDEN_IN_METHODS


def test_notebooks_use_public_names_only():
    for page in (ROOT / "book").rglob("*.md"):
        for cell in re.findall(r"```\{code-cell\}.*?```", page.read_text(), re.DOTALL):
            private = re.search(r"\bmc(?:\.\w+)*\._\w+|mcrepro[\w.]*\._\w+|import _\w+", cell)
            assert not private, f"{page.relative_to(ROOT)}: {private.group()}"
