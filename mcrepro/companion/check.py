"""Faults of a built site that a reader would meet: read from its files, without a browser."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Elements and attributes that make a browser load something by itself.
_LOADING = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("image", "href"),
    ("image", "xlink:href"),
    ("img", "src"),
    ("input", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("track", "src"),
    ("use", "href"),
    ("use", "xlink:href"),
    ("video", "poster"),
    ("video", "src"),
}
#: Kinds of <link> that load nothing.
_PASSIVE = {
    "alternate",
    "author",
    "canonical",
    "help",
    "index",
    "license",
    "next",
    "prev",
    "search",
}

_CSS_LOAD = re.compile(r"""(?:url\(\s*|@import\s+)['"]?((?:https?:)?//[^'")\s;]+)""", re.IGNORECASE)
_JS_LOAD = re.compile(
    r"""(?:\bfetch\(|\bimport\(?|\bfrom|importScripts\(|new\s+(?:WebSocket|Worker|EventSource)\(|"""
    r"""\.open\(\s*['"]\w+['"]\s*,|\.src\s*=)\s*['"`]((?:https?:|wss?:)?//[^'"`]+)"""
)
_DIRECTIVE = re.compile(r"(?:```+|:::+)\{[\w:-]+\}|\{[\w:-]+\}`[^`]+`")
_FILE_NAME = re.compile(r"[^\s]+\.(?:png|svg|jpe?g|gif|webp)", re.IGNORECASE)


@dataclass
class _Facts:
    """What one page holds, as far as the check needs to know."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    css: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    images: list[tuple[str, str | None]] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.facts = _Facts()
        self._raw = ""  # inside <script> or <style>
        self._verbatim = 0  # depth of <pre> and <code>

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts, given = self.facts, dict(attrs)
        facts.classes.update((given.get("class") or "").split())
        facts.anchors.update(value for key in ("id", "name") if (value := given.get(key)))
        if style := given.get("style"):
            facts.css.append(style)
        if tag == "a" and given.get("href"):
            facts.links.append(given["href"] or "")
        if tag == "img":
            facts.images.append((given.get("src") or "", given.get("alt")))
        passive = tag == "link" and set((given.get("rel") or "").split()) & _PASSIVE
        for key, value in attrs:
            if value and (tag, key) in _LOADING and not passive:
                facts.loads.append(value)
            elif value and key == "srcset":
                facts.loads += [part.split()[0] for part in value.split(",") if part.strip()]
        if tag in ("script", "style"):
            self._raw = tag
        elif tag in ("pre", "code"):
            self._verbatim += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == self._raw:
            self._raw = ""
        elif tag in ("pre", "code"):
            self._verbatim -= 1

    def handle_data(self, data: str) -> None:
        if self._raw == "script":
            self.facts.scripts.append(data)
        elif self._raw == "style":
            self.facts.css.append(data)
        elif not self._verbatim:
            self.facts.texts.append(data)


def check_site(html: Path, pages: Iterable[Path | str]) -> list[str]:
    """Return the faults of the site in `html`, one sentence each; empty if there are none.

    Parameters
    ----------
    html : Path
        Folder of the built site.
    pages : iterable of str
        Names of the pages that have to be there.

    Notes
    -----
    A page may link to other sites; it may not load from them. A traceback is a fault unless its
    cell is tagged ``raises-exception``.
    """
    findings = [f"{page}: the page is missing" for page in pages if not _file(html, page).is_file()]
    facts = {}
    for path in sorted(html.rglob("*.html")):
        if "_static" not in path.relative_to(html).parts:
            facts[path] = _read(path)
    for path, page in facts.items():
        where = path.relative_to(html).as_posix()
        findings += [f"{where}: {fault}" for fault in _page_faults(path, page, html, facts)]
    for path in sorted([*html.rglob("*.css"), *html.rglob("*.js")]):
        pattern = _CSS_LOAD if path.suffix == ".css" else _JS_LOAD
        text = path.read_text(encoding="utf-8", errors="replace")
        where = path.relative_to(html).as_posix()
        findings += [f"{where}: loads {url} from outside" for url in pattern.findall(text)]
    return list(dict.fromkeys(findings))


def _file(html: Path, page: Path | str) -> Path:
    return html / f"{page}.html"


def _read(path: Path) -> _Facts:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.facts


def _page_faults(path: Path, page: _Facts, html: Path, facts: dict[Path, _Facts]) -> Iterable[str]:
    for url in page.loads:
        if _is_outside(url):
            yield f"loads {url} from outside"
        elif not url.startswith(("data:", "blob:", "#")) and not _target(path, url).is_file():
            yield f"loads {url}, which is not there"
    for pattern, texts in ((_CSS_LOAD, page.css), (_JS_LOAD, page.scripts)):
        for text in texts:
            for url in pattern.findall(text):
                yield f"loads {url} from outside"
    if page.classes & {"math", "mathjax_process"} and not any(
        "mathjax" in url for url in page.loads
    ):
        yield "has mathematics but loads no MathJax"
    for url in page.links:
        yield from _link_faults(url, path, html, facts)
    for source, alt in page.images:
        if alt is None or not alt.strip() or _FILE_NAME.fullmatch(alt.strip()):
            yield f"image {_short(source)} has no text for those who cannot see it (alt)"
    if "traceback" in page.classes and "tag_raises-exception" not in page.classes:
        yield "shows a traceback"
    if page.classes & {"problematic", "system-message"}:
        yield "shows a message of Sphinx in the place of its text"
    for text in page.texts:
        for mark in _DIRECTIVE.findall(text):
            yield f"shows the markup {mark} as text"


def _link_faults(url: str, path: Path, html: Path, facts: dict[Path, _Facts]) -> Iterable[str]:
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return
    target = _target(path, url) if parts.path else path
    if target.is_dir():
        target = target / "index.html"
    if not target.is_relative_to(html.resolve()) and parts.path:
        yield f"links to {url}, which is outside the site"
    elif not target.is_file():
        yield f"links to {url}, which is not there"
    elif parts.fragment:
        known = {page.resolve(): page for page in facts}
        if target.resolve() in known:
            anchors = facts[known[target.resolve()]].anchors
            if unquote(parts.fragment) not in anchors:
                yield f"links to {url}, but there is no such place"


def _target(path: Path, url: str) -> Path:
    # A leading slash would mean the root of the disk when the site is read from file://.
    return (path.parent / unquote(urlsplit(url).path)).resolve()


def _is_outside(url: str) -> bool:
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def _short(url: str) -> str:
    return url if len(url) <= 60 else url[:57] + "..."
