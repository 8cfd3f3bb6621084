"""What a notebook shows: the figure style, the provenance line, tables; and the colours of the CSS."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mcrepro.companion import page
from mcrepro.companion.markup import provenance_line, slug, table_box
from mcrepro.errors import BuildError

CSS = Path(__file__).resolve().parents[2] / "book" / "assets" / "book.css"
RECORD = {
    "protocol": "hajek-bias",
    "profile": "quick",
    "parameters": {"n": [100, 1000], "p": [0.1], "method": ["hajek"]},
    "trials": 20,
    "seed": 2601,
    "version": "1.2.3",
    "commit": "abc1234",
    "data": {"ml-small-2016": "0123456789abcdef"},
    "seconds": 12.3,
}


@pytest.fixture
def frame():
    table = pd.DataFrame({"n": [100, 1000], "error": [0.1, 1 / 3]})
    table.attrs["provenance"] = dict(RECORD)
    return table


@pytest.fixture
def shown(monkeypatch):
    """What the page displayed, in order."""
    items = []
    monkeypatch.setattr(page, "_display", items.append)
    return items


@pytest.fixture
def build(monkeypatch, tmp_path):
    """The environment of a build of the page onesided/estimators."""
    monkeypatch.setattr(page, "_written", {})
    monkeypatch.setenv("MCREPRO_DATA_DIR_OUT", str(tmp_path / "data"))
    monkeypatch.setenv("MCREPRO_PAGE", "onesided/estimators")
    return tmp_path / "data"


class Outline(HTMLParser):
    """The tags of a fragment, checked to be nested rightly, and its text."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.tags, self.text, self.cells = [], [], "", []
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.cells and {"td", "th"} & set(self.open):
            self.cells[-1] += data


def test_line_says_all_of_the_record():
    line = provenance_line(RECORD, "../data/x.csv")
    for text in (Outline(line.markup).text, repr(line)):
        for part in (
            "protocol hajek-bias",
            "profile quick",
            "n = {100, 1000}, p = 0.1, method = hajek",
            "20 trials each",
            "data ml-small-2016 (0123456789ab)",
            "seed 2601",
            "mcrepro 1.2.3 (abc1234)",
            "computed in 12 s",
        ):
            assert part in text
    links = [attrs for tag, attrs in Outline(line.markup).tags if tag == "a"]
    assert links == [{"href": "../data/x.csv", "download": None}]


def test_line_of_an_exact_protocol_speaks_of_no_trials_or_seed():
    record = RECORD | {"exact": True, "trials": 1, "seed": None}
    text = repr(provenance_line(record, None))
    assert "· exact ·" in text
    assert "trial" not in text
    assert "seed" not in text


def test_line_without_a_commit_or_link():
    line = provenance_line({"what": "enumeration", "version": "1.0", "commit": "unknown"}, None)
    assert repr(line) == "enumeration · mcrepro 1.0 (commit unknown)"
    assert "<a" not in line.markup


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (61, "61 s"), (600, "10 min"), (9000, "2.5 h")],
)
def test_line_reads_durations(seconds, text):
    assert repr(provenance_line({"seconds": seconds}, None)).endswith(f"computed in {text}")


def test_line_shortens_long_grids_but_never_a_value():
    grid = {
        "n": list(range(100, 1200, 100)),
        "eps": [np.float64(0.123456789)],
        "kind": ["a", "b, c"],
    }
    text = repr(provenance_line({"parameters": grid}, None))
    assert "n = 100 … 1100 (11 values), eps = 0.123456789, kind = {a, 'b, c'}" in text


HOSTILE = '<script>alert("1")</script>&'


def test_nothing_shown_can_become_markup():
    pair = {HOSTILE: HOSTILE}
    record = dict.fromkeys(RECORD, HOSTILE) | {"seconds": 1, "parameters": pair, "data": pair}
    line = provenance_line(record, HOSTILE)
    box = table_box(pd.DataFrame({HOSTILE: [HOSTILE]}), HOSTILE, {})
    for item in (line, box):
        outline = Outline(item.markup)
        assert "script" not in [tag for tag, _ in outline.tags]
        assert HOSTILE in outline.text


def test_table_is_accessible():
    frame = pd.DataFrame({"name": ["a"], "value": [1 / 3], "missing": [np.nan]})
    outline = Outline(table_box(frame, "Three columns.", {"value": ".2f"}).markup)
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("caption") == 1
    assert [attrs["scope"] for tag, attrs in outline.tags if tag == "th"] == ["col"] * 3
    assert outline.cells == ["name", "value", "missing", "a", "0.33", "–"]
    box = outline.tags[0][1]
    assert (box["role"], box["tabindex"], box["aria-label"]) == ("region", "0", "Three columns.")


def test_table_shows_a_named_index_and_takes_functions():
    frame = pd.DataFrame({"v": [0.5]}, index=pd.Index(["x"], name="key"))
    outline = Outline(table_box(frame, "c", {"v": lambda v: f"{v:.0%}"}).markup)
    assert outline.cells == ["key", "v", "x", "50%"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("0.5 [0.1, 0.9]", "0.5 [0.1,~0.9]"),
        ("6% (0.4% to 12%)", "6% (0.4%~to~12%)"),
        ("+0.01 ± 0.003", "+0.01~±~0.003"),
        ("up to a sign", "up to a sign"),
    ],
)
def test_an_interval_in_a_table_stays_on_one_line(text, kept):
    outline = Outline(table_box(pd.DataFrame({"v": [text]}), "c", {}).markup)
    assert outline.cells == ["v", kept.replace("~", "\N{NO-BREAK SPACE}")]


def test_table_format_of_an_unknown_column():
    with pytest.raises(ValueError, match=r"'eror'.*did you mean 'error'"):
        table_box(pd.DataFrame({"error": [1.0]}), "c", {"eror": ".1f"})


def test_provenance_writes_the_csv_and_links_to_it(frame, shown, build):
    page.provenance(frame)
    target = build / "onesided-estimators-hajek-bias.csv"
    pd.testing.assert_frame_equal(pd.read_csv(target), frame)  # all digits survive
    assert 'href="../data/onesided-estimators-hajek-bias.csv"' in shown[0].markup
    assert [path.name for path in build.iterdir()] == [target.name]


def test_provenance_link_from_a_page_at_the_top(frame, shown, build, monkeypatch):
    monkeypatch.setenv("MCREPRO_PAGE", "index")
    page.provenance(frame, name="Landing figure")
    assert 'href="data/index-landing-figure.csv"' in shown[0].markup
    assert (build / "index-landing-figure.csv").exists()


def test_provenance_twice_is_the_same_to_the_byte(frame, shown, build):
    page.provenance(frame)
    first = (build / "onesided-estimators-hajek-bias.csv").read_bytes()
    page.provenance(frame)
    assert (build / "onesided-estimators-hajek-bias.csv").read_bytes() == first
    assert shown[0].markup == shown[1].markup


@pytest.mark.usefixtures("build")
def test_provenance_refuses_two_tables_under_one_name(frame, shown):
    page.provenance(frame)
    with pytest.raises(BuildError, match="give one of them another name"):
        page.provenance(frame.head(1))
    page.provenance(frame.head(1), name="first row")
    assert len(shown) == 2


def test_provenance_outside_a_build_has_no_link(frame, shown, monkeypatch):
    monkeypatch.delenv("MCREPRO_DATA_DIR_OUT", raising=False)
    page.provenance(frame)
    assert "seed 2601" in shown[0].markup
    assert "<a" not in shown[0].markup


def test_provenance_of_a_table_made_in_the_notebook(shown, monkeypatch):
    monkeypatch.delenv("MCREPRO_DATA_DIR_OUT", raising=False)
    page.provenance(pd.DataFrame({"x": [1]}), what="all 64 masks", profile="smoke", seed=0)
    assert repr(shown[0]).startswith("all 64 masks · profile smoke · seed 0 · mcrepro ")
    with pytest.raises(ValueError, match="say what computed it"):
        page.provenance(pd.DataFrame({"x": [1]}))
    with pytest.raises(TypeError, match="not list"):
        page.provenance([1])


@pytest.mark.usefixtures("build")
def test_provenance_needs_the_page_during_a_build(frame, monkeypatch):
    monkeypatch.delenv("MCREPRO_PAGE")
    with pytest.raises(BuildError, match="MCREPRO_PAGE"):
        page.provenance(frame)


def test_provenance_leaves_no_half_written_file(frame, build, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        page.provenance(frame)
    assert list(build.iterdir()) == []


def test_claims_shows_the_rows_of_the_chapter(shown, monkeypatch):
    from mcrepro import ledger

    asked = {}
    rows = pd.DataFrame({"id": ["hajek-unbiased"], "verdict": ["reproduced"]})

    def verdicts(**options):
        asked.update(options)
        return rows

    monkeypatch.setattr(ledger, "verdicts", verdicts)
    monkeypatch.setattr(
        ledger, "chapter_table", lambda rows, chapter: f"<p>{len(rows)} of {chapter}</p>"
    )
    page.claims("onesided/estimators", profile="smoke")
    assert asked == {"profile": "smoke", "chapter": "onesided/estimators"}
    assert Outline(shown[0].markup).text == "1 of onesided/estimators"
    assert "hajek-unbiased" in repr(shown[0])


def test_slug():
    assert slug("Noise: Fig. 2(a), ε = 5e-5") == "noise-fig-2-a-5e-5"


def test_style_makes_the_same_svg_twice_without_a_date():
    import matplotlib
    import matplotlib.pyplot as plt

    def draw():
        with plt.rc_context():
            page.style()
            fig, ax = plt.subplots()
            for k in range(7):
                ax.plot([0, 1], [k, k + 1], label=f"$x_{k}$")
            ax.legend()
            out = io.BytesIO()
            fig.savefig(out, format="svg", metadata={"Date": None})
            plt.close(fig)
            return out.getvalue()

    matplotlib.use("agg")
    first = draw()
    assert first == draw()
    assert b"<dc:date>" not in first
    assert b"<text" not in first  # outlines need no font at the reader's


def test_style_tells_lines_apart_without_colour():
    import matplotlib.pyplot as plt

    with plt.rc_context():
        page.style()
        cycle = list(plt.rcParams["axes.prop_cycle"])
        assert plt.rcParams["font.size"] * 390 / (plt.rcParams["figure.figsize"][0] * 96) >= 8
    assert len({entry["marker"] for entry in cycle}) == len(cycle)
    assert len({(str(e["linestyle"]), e["marker"]) for e in cycle}) == len(cycle)
    assert len({entry["color"] for entry in cycle}) == len(cycle)


# --- the colours of the CSS ---------------------------------------------------------------------

# The grounds that text stands on: the theme's page, and our own soft ground.
GROUND = {"light": "#ffffff", "dark": "#121212"}


def luminance(colour):
    """Relative luminance of #rrggbb, after WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_the_extremes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_colours_reach_wcag_aa(mode):
    block = re.search(
        rf'html\[data-theme="{mode}"\] \{{([^}}]*--mcr-muted[^}}]*)\}}', CSS.read_text()
    )
    colours = dict(re.findall(r"(--mcr-[a-z]+):\s*(#[0-9a-f]{6})", block[1]))
    assert {"--mcr-muted", "--mcr-good", "--mcr-bad", "--mcr-open", "--mcr-accent"} <= set(colours)
    for name, colour in colours.items():
        if name not in ("--mcr-rule", "--mcr-soft"):
            for ground in (GROUND[mode], colours["--mcr-soft"]):
                assert contrast(colour, ground) >= 4.5, name


def test_css_names_no_other_site():
    assert not re.search(r"https?:|@import|//[a-z]+\.", CSS.read_text())
