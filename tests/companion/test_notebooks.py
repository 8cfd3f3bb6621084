"""Reading sources: what makes a page a notebook, and what its parameters cell may hold."""

import pytest

from mcrepro.companion.notebooks import Chapter, chapter_names, read_book, read_page
from mcrepro.companion.project import Project
from mcrepro.errors import BuildError

HEAD = "---\nkernelspec: {name: python3, display_name: Python 3}\n---\n# Title\n\n"


def page(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text)
    return read_page("page", path)


def test_a_kernelspec_makes_a_notebook(toy):
    pages = {page.name: page for page in read_book(toy)}
    assert list(pages) == ["index", "one/alpha", "one/beta", "two"]
    assert not isinstance(pages["index"], Chapter)
    alpha = pages["one/alpha"]
    assert isinstance(alpha, Chapter)
    assert alpha.schema.resolve("quick") == {"profile": "quick", "n": 20, "p": 0.5}
    assert [tags for _, tags in alpha.code()] == [["parameters"], [], []]
    assert chapter_names(toy) == [name for name, page in pages.items() if isinstance(page, Chapter)]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("n = 1 + one", "may only hold"),
        ("n: int = 1", "line 1 is something else"),
        ("n = 1\nimport os", "line 2 is something else"),
        ("n, m = 1, 2", "line 1 is something else"),
        ("n = (", "may only hold"),
    ],
)
def test_a_parameters_cell_holds_literals(tmp_path, cell, message):
    text = f"{HEAD}```{{code-cell}}\n:tags: [parameters]\n{cell}\n```\n"
    with pytest.raises(BuildError, match=message):
        page(tmp_path, text)


def test_one_parameters_cell(tmp_path):
    cell = "```{code-cell}\n:tags: [parameters]\n\n```\n\n"
    with pytest.raises(BuildError, match="2 cells are tagged"):
        page(tmp_path, HEAD + 2 * cell)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("---\nkernelspec: {name: python3}\n---\n", "'display_name' is a required property"),
        ("---\nkernelspec: {\n---\n", "not YAML"),
        ("---\nkernelspec: {}\n", "no closing"),
        ("---\n- a\n---\n", "not a mapping"),
        (
            "---\nkernelspec: {}\nmcrepro: {params: {}}\n---\n",
            "the keys 'parameters', 'data' and 'course'",
        ),
        ("---\nkernelspec: {}\nmcrepro: {data: ml}\n---\n", "front matter wants"),
    ],
)
def test_faults_of_the_front_matter(tmp_path, head, message):
    with pytest.raises(BuildError, match=message):
        page(tmp_path, head + "# Title\n")


def test_the_project_is_found_from_below(toy):
    assert Project.find(toy.book / "one").root == toy.root


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("one/alpha", "one/alhpa", "lists one/alhpa, but there is no book/one/alhpa.md"),
        ("one/alpha", "one/beta", "lists one/beta twice"),
    ],
)
def test_faults_of_the_table_of_contents(toy, old, new, message):
    toy.edit("_toc.yml", old, new)
    with pytest.raises(BuildError, match=message):
        toy.toc()
