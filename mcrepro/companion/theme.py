"""A Sphinx extension: what the theme does that a site opened from file:// must not do.

The theme asks for its icon fonts ahead of time with ``crossorigin``, which a browser refuses for a
local file and reports as an error. The fonts load all the same, through the style sheet.
"""

import re
from pathlib import Path
from typing import Any

FONT_PRELOAD = re.compile(r'\s*<link rel="preload" as="font"[^>]*>')


def without_font_preloads(text: str) -> str:
    """Return a page without its requests for fonts ahead of time."""
    return FONT_PRELOAD.sub("", text)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mend(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        mended = without_font_preloads(text)
        if mended != text:
            page.write_text(mended, encoding="utf-8")
