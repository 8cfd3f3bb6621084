"""The theme's pages, mended for file://."""

from mcrepro.companion.theme import without_font_preloads


def test_font_preloads_go_and_nothing_else():
    style = '<link rel="preload" as="script" href="a.js" />\n<link rel="stylesheet" href="a.css" />'
    font = '\n<link rel="preload" as="font" type="font/woff2" crossorigin href="../a.woff2" />'
    assert without_font_preloads(style + font + font + "\n<p>") == style + "\n<p>"
