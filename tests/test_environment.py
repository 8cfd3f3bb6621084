"""environment.yml, pyproject.toml and what is installed describe one environment."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: conda's name -> PyPI's name, where they differ.
CONDA_NAMES = {"matplotlib-base": "matplotlib", "cvxpy-base": "cvxpy", "dask-core": "dask"}
#: What conda needs to be told and PyPI's cvxpy brings by itself.
CONDA_ONLY = {"python", "pip", "clarabel", "scs"}


def conda_requirements() -> dict[str, Requirement]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(item["pip"] for item in listed if isinstance(item, dict))
    found = [Requirement(item) for item in listed if isinstance(item, str)]
    found += [Requirement(item) for item in pip if not item.startswith("--editable")]
    return {canonicalize_name(CONDA_NAMES.get(r.name, r.name)): r for r in found}


def project_requirements() -> dict[str, Requirement]:
    extras = PROJECT["project"]["optional-dependencies"]
    group = PROJECT["dependency-groups"]
    texts = PROJECT["project"]["dependencies"] + extras["book"]
    texts += extras["distributed"] + extras["parquet"]
    texts += group["test"] + [item for item in group["dev"] if str(item).startswith("nox")]
    return {canonicalize_name(r.name): r for r in map(Requirement, texts)}


def test_conda_has_what_the_project_needs_and_nothing_else():
    conda, project = conda_requirements(), project_requirements()
    assert set(conda) - CONDA_ONLY == set(project)


@pytest.mark.parametrize("name", sorted(project_requirements()))
def test_specifiers_agree(name):
    assert conda_requirements()[name].specifier == project_requirements()[name].specifier


def test_python_range_agrees():
    wanted = PROJECT["project"]["requires-python"]
    assert conda_requirements()["python"].specifier == Requirement("python" + wanted).specifier
    assert f'# requires-python = "{wanted}"\n' in (ROOT / "noxfile.py").read_text()


@pytest.mark.parametrize("name", sorted(set(conda_requirements()) - {"python"}))
def test_installed_version_satisfies_environment_yml(name):
    requirement = conda_requirements()[name]
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.fail(f"{name} is listed in environment.yml but not installed")
    assert requirement.specifier.contains(installed, prereleases=True)


def test_lock_is_hashed_names_no_index_and_covers_the_project():
    text = (ROOT / "requirements.lock").read_text()
    assert "index-url" not in text
    assert "://" not in text
    entries = text.replace("\\\n", " ").splitlines()
    locked = {}
    for entry in entries:
        requirement, *hashes = entry.split("--hash=")
        assert hashes, f"no hash: {entry[:60]}"
        parsed = Requirement(requirement.strip())
        locked.setdefault(canonicalize_name(parsed.name), []).append(parsed)
    for name, wanted in project_requirements().items():
        assert name in locked, f"{name} is missing from requirements.lock: nox -s lock"
        for pinned in locked[name]:
            (pin,) = pinned.specifier
            assert pin.operator == "=="
            assert wanted.specifier.contains(pin.version, prereleases=True)


def test_the_hook_formats_with_the_locked_ruff():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (pinned,) = (hook["rev"] for hook in hooks if hook["repo"].endswith("/ruff-pre-commit"))
    assert f"\nruff=={pinned.removeprefix('v')} " in (ROOT / "requirements.lock").read_text()
