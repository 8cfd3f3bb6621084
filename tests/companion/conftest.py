"""A book of three small notebooks, in a folder of its own."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mcrepro.companion import execute
from mcrepro.companion.build import build
from mcrepro.companion.project import Project

PACKAGE = Path(execute.__file__).resolve().parents[1]

CONFIG = """\
title: Toy
author: Nobody
only_build_toc_files: true
execute: {execute_notebooks: "off"}
html:
  use_issues_button: false
  use_repository_button: false
  use_edit_page_button: false
sphinx:
  config:
    html_static_path: [assets]
    mathjax_path: mathjax/tex-svg-full.js
    numfig: true
"""

TOC = """\
format: jb-book
root: index
parts:
  - caption: Chapters
    chapters:
      - file: one/alpha
      - file: one/beta
      - file: two
  - caption: About
    chapters:
      - file: status
"""

NOTEBOOK = """\
---
kernelspec: {{name: python3, display_name: Python 3}}
mcrepro:
  parameters:
    n: {{type: int, ge: 1, le: 500, unit: rows, help: How many rows., smoke: 3, paper: 100}}
    p: {{type: float, gt: 0, le: 1, help: Share observed.}}
---
(sec-{label})=
# The page {label}

Here $x^2$ is shown. See {{numref}}`fig-{label}`.

<!-- mcrepro: parameters -->

```{{code-cell}} ipython3
:tags: [parameters]
profile = "quick"
n = 20
p = 0.5
```

```{{code-cell}} ipython3
---
mystnb:
  figure: {{name: fig-{label}, caption: A red dot.}}
  image: {{alt: A red dot.}}
---
from IPython.display import SVG
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" fill="red"/></svg>')
```

```{{code-cell}} ipython3
import os
from pathlib import Path
Path(os.environ["MCREPRO_DATA_DIR_OUT"], "{label}.csv").write_text(f"n\\n{{n}}\\n")
{code}
```
"""


def notebook(label: str, code: str = 'print("n =", n, "p =", p, profile)') -> str:
    """Return the source of a small notebook whose last cell ends in `code`."""
    return NOTEBOOK.format(label=label, code=textwrap.dedent(code).strip())


class Toy(Project):
    """The toy project, and what the tests do to it."""

    def write(self, name: str, text: str) -> None:
        path = self.book / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.book / name).read_text()
        assert old in text
        (self.book / name).write_text(text.replace(old, new, 1))

    def html_of(self, name: str) -> str:
        return (self.html / f"{name}.html").read_text()

    def command(self, *words: str, package: Path = PACKAGE, **options) -> subprocess.Popen:
        """Start the command line in a process of its own."""
        env = dict(os.environ, PYTHONPATH=str(package.parent), **options.pop("env", {}))
        return subprocess.Popen(
            [sys.executable, "-m", "mcrepro.companion.cli", *words],
            cwd=self.root,
            env=env,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def run(self, *words: str, **options) -> subprocess.CompletedProcess:
        """Run the command line to its end."""
        process = self.command(*words, **options)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)


def new(root: Path) -> Toy:
    """Write the toy book to `root`."""
    project = Toy(root)
    project.write("_toc.yml", TOC)
    project.write("index.md", "# Toy\n\nSee {ref}`sec-alpha` and {ref}`sec-two`.\n")
    project.write("assets/plain.css", "body { margin: 0 }\n")
    for name in ("one/alpha", "one/beta", "two"):
        project.write(f"{name}.md", notebook(name.rpartition("/")[2]))
    project.config.write_text(CONFIG)
    return project


@pytest.fixture
def toy(tmp_path):
    """The book, never built."""
    return new(tmp_path / "toy")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    project = new(tmp_path_factory.mktemp("built") / "toy")
    build(project, jobs=2)
    return project


@pytest.fixture
def built(built_once, tmp_path):
    """The book after a build."""
    # Timestamps too: what a second build touches is tested by them.
    return Toy(shutil.copytree(built_once.root, tmp_path / "toy", copy_function=shutil.copy2))


@pytest.fixture
def package_copy(tmp_path):
    """A copy of the package that a test may edit."""
    target = tmp_path / "copy" / "mcrepro"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.fixture
def no_kernels(monkeypatch):
    """Fail if a kernel is started."""

    def refuse(*_args, **_kwargs):
        pytest.fail("a kernel was started")

    monkeypatch.setattr(execute.Executor, "_execute", refuse)


@pytest.fixture
def no_site(monkeypatch):
    """Leave Sphinx out, where a test is about execution."""
    monkeypatch.setattr("mcrepro.companion.build.build_site", lambda *_args, **_options: False)
