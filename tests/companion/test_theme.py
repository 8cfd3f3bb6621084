"""The theme's pages, mended for file:// and for accessibility."""

from mcrepro.companion.theme import accessible, without_font_preloads


def test_font_preloads_go_and_nothing_else():
    style = '<link rel="preload" as="script" href="a.js" />\n<link rel="stylesheet" href="a.css" />'
    font = '\n<link rel="preload" as="font" type="font/woff2" crossorigin href="../a.woff2" />'
    assert without_font_preloads(style + font + font + "\n<p>") == style + "\n<p>"


def test_labels_roles_and_shared_ids_are_mended():
    label = '<button class="btn search-button__button" aria-label="Search" title="x"><span>'
    assert accessible(label) == label.replace(' aria-label="Search"', "")
    other = '<button class="btn" aria-label="Search">'
    assert accessible(other) == other
    assert accessible('<section id="exercise-content">') == "<section>"
    entry = '<div role="list" class="citation-list"><div id="id5" role="doc-biblioentry">'
    assert accessible(entry) == '<div class="citation-list"><div id="id5">'
