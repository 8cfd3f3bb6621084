"""Every page of the built site in a headless browser, from file:// and with the network off."""

import json
import os
import shutil
from pathlib import Path

import pytest

from mcrepro.companion.check import check_site
from mcrepro.companion.project import Project
from mcrepro.companion.release import archive

from .conftest import ROOT, built_pages
from .headless import opened, screen

pytestmark = pytest.mark.browser

LOCAL = ("file:", "data:", "blob:", "about:", "chrome:")

# Text of the article whose contrast with the ground it stands on is under WCAG AA. The colours of
# code listings are left to the theme.
LOW_CONTRAST = """
const parse = text => {
  const c = text.match(/[\\d.]+/g).map(Number);
  return {rgb: c.slice(0, 3), alpha: c.length > 3 ? c[3] : 1};
};
const luminance = rgb => {
  const [r, g, b] = rgb.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = element => {
  for (; element; element = element.parentElement) {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour.alpha === 1) return colour.rgb;
  }
  return [255, 255, 255];
};
const poor = [];
const walker = document.createTreeWalker(
  document.querySelector("article") || document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.offsetParent) continue;
  if (element.closest("svg, .highlight, script, style, .headerlink, [aria-hidden]")) continue;
  const style = getComputedStyle(element);
  const [high, low] = [luminance(parse(style.color).rgb), luminance(ground(element))]
    .sort((a, b) => b - a);
  const ratio = (high + 0.05) / (low + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5))
    poor.push(walker.currentNode.data.trim().slice(0, 40) + " " + ratio.toFixed(2));
}
return poor;
"""

# What axe-core finds serious: rule, what it asks, and the first element that breaks it. The rule
# left out was retired by axe-core itself; the theme's search page has its search field twice.
SERIOUS = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then(result => done(
  result.violations
    .filter(found => ["serious", "critical"].includes(found.impact))
    .filter(found => found.id !== "duplicate-id-active")
    .map(found => `${found.id}: ${found.help}: ${found.nodes[0].html.slice(0, 120)}`)));
"""


def serious(browser):
    """Check the open page with axe-core: the one at MCREPRO_AXE, else that of axe-core-python."""
    import axe_core_python

    own = Path(axe_core_python.__file__).with_name("axe.min.js")
    browser.execute_script(Path(os.environ.get("MCREPRO_AXE", own)).read_text(encoding="utf-8"))
    return browser.execute_async_script(SERIOUS)


WIDER_THAN_THE_SCREEN = """
const width = document.documentElement.clientWidth;
return document.documentElement.scrollWidth <= width ? [] :
  [...document.querySelectorAll("article *")]
    .filter(element => element.getBoundingClientRect().right > width + 1)
    .map(element => element.tagName + "." + element.className).slice(0, 5);
"""


def visit(browser, path, *, width=1280, scheme="light"):
    """Open a page; return the addresses it asked for and the errors it logged."""
    screen(browser, width=width, scheme=scheme)
    for log in ("browser", "performance"):
        browser.get_log(log)  # what earlier pages left
    opened(browser, path.as_uri())
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert path.as_uri() in requests  # else the log has missed them
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    return requests, errors


def test_page_asks_nothing_of_the_network_and_logs_no_error(browser, built_site, site_page):
    requests, errors = visit(browser, built_site / site_page)
    assert [url for url in requests if not url.startswith(LOCAL)] == []
    assert errors == []


def test_page_shows_its_mathematics_and_images(browser, built_site, site_page):
    visit(browser, built_site / site_page)
    formulas = browser.execute_script(
        "return [...document.querySelectorAll('article .math, article mjx-container')].length"
    )
    if formulas:
        assert browser.execute_script("return document.querySelectorAll('mjx-container').length")
        # A macro that MathJax does not know is shown as an error.
        assert not browser.execute_script(
            "return document.querySelectorAll('[data-mml-node=merror]').length"
        )
    empty = browser.execute_script(
        "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
    )
    assert empty == []


def test_page_shows_no_warning_of_a_cell(browser, built_site, site_page):
    visit(browser, built_site / site_page)
    shown = "return [...document.querySelectorAll('.output.stderr')].map(e => e.innerText)"
    assert browser.execute_script(shown) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_readable(browser, built_site, site_page, scheme):
    visit(browser, built_site / site_page, scheme=scheme)
    theme = browser.execute_script("return document.documentElement.dataset.theme")
    assert theme == scheme
    assert browser.execute_script(LOW_CONTRAST) == []
    if (
        scheme == "light"
    ):  # but for colours, which the line above looks at, the dark page is this one
        assert serious(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone(browser, built_site, site_page, scheme):
    visit(browser, built_site / site_page, width=390, scheme=scheme)
    assert browser.execute_script("return window.innerWidth") == 390
    assert browser.execute_script(WIDER_THAN_THE_SCREEN) == []


def test_chapter_offers_its_executed_notebook(browser, built_site, site_page):
    source = built_site / "_sources" / site_page.replace(".html", ".ipynb")
    if not source.exists():
        return  # a page of prose
    visit(browser, built_site / site_page)
    links = browser.execute_script(
        "return [...document.querySelectorAll('a.btn-download-source-button')].map(a => a.href)"
    )
    assert links == [source.as_uri()]
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    assert all(
        cell["execution_count"] for cell in cells if cell["cell_type"] == "code" and cell["source"]
    )


# What a reader of the paper would see of the frame around the article, or could not see of it.
ON_PAPER = """
const shown = name => [...document.querySelectorAll(name)].filter(e => e.getClientRects().length);
return {
  frame: [".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header", ".bd-footer",
    ".prev-next-footer", ".headerlink", ".copybtn"].filter(name => shown(name).length),
  cut: [...document.querySelectorAll("article *")]
    .filter(e => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX))
    .filter(e => !e.closest(".math, mjx-container, .visually-hidden") && e.scrollWidth > e.clientWidth + 1)
    .map(e => e.tagName + "." + e.className),
  paragraphs: shown("article p").length,
};
"""


def on_paper(browser):
    """Look at the open page as a printer would: A4 without its margins is 673 pixels wide."""
    screen(browser, width=673)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        return browser.execute_script(ON_PAPER)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("page", ["onesided/estimators", "noise/success", "notation"])
def test_print_has_the_article_alone_and_cuts_nothing(browser, built_site, page):
    visit(browser, built_site / f"{page}.html")
    paper = on_paper(browser)
    assert paper["paragraphs"] > 3
    assert (paper["frame"], paper["cut"]) == ([], [])


def test_a_page_read_in_the_dark_is_printed_in_the_light(browser, built_site):
    visit(browser, built_site / "index.html", scheme="dark")
    theme = "return document.documentElement.dataset.theme"
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(theme) == "light"
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(theme) == "dark"


@pytest.mark.usefixtures("built_site")
def test_site_has_only_pages_that_somebody_wrote():
    """Extensions may add indices of their own, which nobody has read."""
    wanted = {f"{name}.html" for name in Project.find(ROOT).toc()} | {
        "genindex.html",
        "search.html",
    }
    assert set(built_pages()) == wanted


def test_search_works_from_a_file(browser, built_site):
    page = built_site / "search.html"
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri() + "?q=matrix")
    found = browser.execute_async_script(
        """const done = arguments[0], start = Date.now();
        const look = () => {
          const n = document.querySelectorAll("#search-results li a").length;
          n || Date.now() - start > 10000 ? done(n) : setTimeout(look, 100);
        };
        look();"""
    )
    assert found >= 1
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_archive_opens_from_anywhere(browser, built_site, tmp_path):
    class Built(Project):
        html = built_site

    packed = tmp_path / "book.zip"
    archive(Built(tmp_path), packed)
    shutil.unpack_archive(packed, tmp_path / "a folder")
    site = tmp_path / "a folder" / "book"
    assert check_site(site, Project.find(ROOT).toc()) == []
    requests, errors = visit(browser, site / "index.html")
    assert [url for url in requests if not url.startswith(LOCAL)] == []
    assert errors == []
    browser.execute_script("document.querySelector('a.right-next').click()")
    first = Project.find(ROOT).toc()[1]
    assert browser.current_url == (site / f"{first}.html").as_uri()


def test_claims_are_filtered_and_sorted(browser, built_site):
    visit(browser, built_site / "claims.html")
    rows = "[...document.querySelectorAll('.claims-all tbody tr')]"
    shown = f"return {rows}.filter(row => !row.hidden).map(row => row.id)"
    every = browser.execute_script(shown)
    assert len(every) > 5
    browser.execute_script(
        """const input = document.querySelector(".claims-filter input");
        input.value = "hajek unbiased"; input.dispatchEvent(new Event("input"));"""
    )
    some = browser.execute_script(shown)
    assert 0 < len(some) < len(every)
    assert "claim-hajek-unbiased" in some
    said = browser.execute_script("return document.querySelector('.claims-filter output').value")
    assert said == f"{len(some)} of {len(every)} claims"
    click = "document.querySelector('.claims-all thead button').click();"
    ascending = browser.execute_script(click + shown)
    assert ascending == sorted(some)
    assert browser.execute_script(click + shown) == ascending[::-1]


# The checks above must be able to fail: each meets a page made to break it.


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.html"
    path.write_text(
        """<!doctype html><html data-theme="light"><body style="background:#fff"><article>
        <p style="color:#aaa">too pale</p><p style="color:#555">dark enough</p>
        <div style="width:900px" class="wide">wide</div>
        <img src="https://example.org/x.png"></article><script>nowhere()</script></body></html>""",
        encoding="utf-8",
    )
    return path


def test_the_checks_can_fail(browser, broken):
    requests, errors = visit(browser, broken, width=390)
    assert "https://example.org/x.png" in requests
    assert any("nowhere is not defined" in entry["message"] for entry in errors)
    assert [text.split()[0] for text in browser.execute_script(LOW_CONTRAST)] == ["too"]
    assert browser.execute_script(WIDER_THAN_THE_SCREEN) == ["DIV.wide"]
    assert any(found.startswith("image-alt: ") for found in serious(browser))
