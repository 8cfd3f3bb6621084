"""A Sphinx extension: pages work when opened from file://, and for who hears or tabs through them.

It takes out two things. Icon fonts asked for ahead of time with ``crossorigin``: a browser refuses
that for a local file and reports an error (the fonts load all the same, through the style sheet).
And Thebe, which jupyter-book always brings along: it declares its names twice and would load itself
from another site.

And it mends what an accessibility checker calls serious: labels that hide the words a button shows,
a list whose entries have a role that none knows, ids that two sections share.
"""

import re
from pathlib import Path
from typing import Any

FONT_PRELOAD = re.compile(r'\s*<link rel="preload" as="font"[^>]*>')

MENDED = (
    (re.compile(r'(<button\b[^>]*\bsearch-button__button\b[^>]*?) aria-label="Search"'), r"\1"),
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<section id="(?:exercise|solution)-content">'), "<section>"),
)


def without_font_preloads(text: str) -> str:
    """Return a page without its requests for fonts ahead of time."""
    return FONT_PRELOAD.sub("", text)


def accessible(text: str) -> str:
    """Return a page with roles, labels and ids as they should be."""
    for pattern, replacement in MENDED:
        text = pattern.sub(replacement, text)
    return text


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", _silence_thebe)
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _silence_thebe(app: Any, config: Any) -> None:  # noqa: ARG001 - Sphinx passes it
    for event, listeners in app.events.listeners.items():
        for listener in list(listeners):
            # Its style sheet is already asked for, so its files stay ("builder-inited").
            if listener.handler.__module__ == "sphinx_thebe" and event != "builder-inited":
                app.disconnect(listener.id)


def _mend(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        mended = accessible(without_font_preloads(text))
        if mended != text:
            page.write_text(mended, encoding="utf-8")
