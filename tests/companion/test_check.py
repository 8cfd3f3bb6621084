"""The site check finds every planted fault, and nothing in a sound site."""

import pytest

from mcrepro.companion.check import check_site

PAGE = """<!DOCTYPE html><html><head>
<link rel="stylesheet" href="_static/plain.css"><link rel="canonical" href="https://example.org/">
<script src="_static/mathjax/tex-svg-full.js"></script></head>
<body><h1 id="top">Page</h1> {body}
<a href="https://example.org">outside</a> <a href="mailto:a@b.c">mail</a> <a href="#top">up</a>
</body></html>
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "_static" / "mathjax").mkdir(parents=True)
    (tmp_path / "_static" / "plain.css").write_text("body { background: url(dot.png) }")
    (tmp_path / "_static" / "mathjax" / "tex-svg-full.js").write_text("// https://example.org")
    (tmp_path / "dot.png").write_bytes(b"")
    (tmp_path / "other.html").write_text(PAGE.format(body='<p id="here">Other</p>'))
    return tmp_path


def check(site, body, pages=("index", "other")):
    (site / "index.html").write_text(PAGE.format(body=body))
    return check_site(site, pages)


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other.html#here">other</a>',
        '<span class="math">\\(x\\)</span>',
        '<img src="dot.png" alt="A dot.">',
        '<img src="data:image/png;base64,AA" alt="A dot.">',
        "<pre>```{figure} x.png</pre><code>{ref}`x`</code>",
        '<script>fetch("searchindex.js"); const url = "https://example.org"</script>',
        '<div class="cell tag_raises-exception"><div class="output traceback">no</div></div>',
    ],
)
def test_sound_pages(site, body):
    assert check(site, body) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<script src="https://cdn.org/x.js"></script>', "loads https://cdn.org/x.js from outside"),
        ('<script src="//cdn.org/x.js"></script>', "loads //cdn.org/x.js from outside"),
        ('<link rel="preload" href="http://cdn.org/f.woff">', "loads http://cdn.org/f.woff from"),
        ('<img alt="A" srcset="https://cdn.org/a.png 2x">', "loads https://cdn.org/a.png from"),
        ('<iframe src="https://cdn.org/"></iframe>', "loads https://cdn.org/ from outside"),
        ('<svg><image href="https://cdn.org/a.png"/></svg>', "loads https://cdn.org/a.png from"),
        ("<style>@import 'https://cdn.org/a.css';</style>", "loads https://cdn.org/a.css from"),
        ("<p style=\"background: url('//cdn.org/a.png')\">x</p>", "loads //cdn.org/a.png from"),
        ('<script>fetch("https://cdn.org/x.json")</script>', "loads https://cdn.org/x.json from"),
        ("<script>import x from 'https://cdn.org/x.js'</script>", "loads https://cdn.org/x.js"),
        ("<script>s.src = 'https://cdn.org/x.js'</script>", "loads https://cdn.org/x.js from"),
        ('<img src="gone.png" alt="A dot.">', "loads gone.png, which is not there"),
        ('<a href="gone.html">x</a>', "links to gone.html, which is not there"),
        ('<a href="/other.html">x</a>', "links to /other.html, which is outside the site"),
        ('<a href="../other.html">x</a>', "links to ../other.html, which is outside the site"),
        ('<a href="other.html#gone">x</a>', "links to other.html#gone, but there is no such"),
        ('<a href="#gone">x</a>', "links to #gone, but there is no such place"),
        ('<img src="dot.png">', "image dot.png has no text"),
        ('<img src="dot.png" alt=" ">', "image dot.png has no text"),
        ('<img src="dot.png" alt="_images/dot.png">', "image dot.png has no text"),
        ('<div class="output traceback">Error</div>', "shows a traceback"),
        ('<span class="problematic">x</span>', "shows a message of Sphinx"),
        ("<p>```{figre} x.png</p>", "shows the markup ```{figre} as text"),
        ("<p>see {ref}`x`</p>", "shows the markup {ref}`x` as text"),
    ],
)
def test_planted_faults(site, body, fault):
    found = check(site, body)
    assert len(found) == 1
    assert found[0].startswith("index.html: ")
    assert fault in found[0]


def test_all_faults_are_reported(site):
    body = '<a href="#gone">x</a><img src="dot.png"><script src="//cdn.org/x.js"></script>'
    assert len(check(site, body, pages=["index", "one/missing"])) == 4


def test_a_missing_page(site):
    found = check(site, "", pages=["index", "one/missing"])
    assert found == ["one/missing: the page is missing"]


def test_mathematics_needs_a_local_mathjax(site):
    (site / "other.html").write_text('<html><span class="math">x</span></html>')
    assert check(site, "") == ["other.html: has mathematics but loads no MathJax"]
    (site / "_static" / "mathjax" / "tex-svg-full.js").unlink()
    assert any("tex-svg-full.js, which is not there" in fault for fault in check(site, ""))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("extra.css", "@font-face { src: url(https://cdn.org/f.woff) }"),
        ("extra.js", "fetch(`https://cdn.org/f.woff`)"),
    ],
)
def test_style_sheets_and_scripts(site, name, text):
    (site / "_static" / name).write_text(text)
    assert check(site, "") == [f"_static/{name}: loads https://cdn.org/f.woff from outside"]
