"""What an entry may say: every slip is refused, and the message names it."""

import textwrap

import pytest

from mcrepro.ledger import schema
from mcrepro.ledger.entries import LedgerError, Mapping, check_ids, expanded, load, parse, register

from .plants import entry

CHECKED = """\
    protocol: planted-sweep
    statistic: two
    printed: {value: 2.0, decimals: 1}
    tolerance: {reason: as printed}
"""


def test_a_checked_claim():
    claim = entry(CHECKED)
    (check,) = claim.checks
    assert (check.protocol, check.statistic) == ("planted-sweep", "two")
    assert claim.printed_text() == "2.0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("protocol:", "protocl:"), "unknown key 'protocl'; did you mean 'protocol'"),
        (
            ("decimals:", "decimal:"),
            "printed.value: unknown key 'decimal'; did you mean 'decimals'",
        ),
        (("value:", "vlaue:"), "did you mean 'value'"),
        (("reason:", "raeson:"), "tolerance: unknown key 'raeson'; did you mean 'reason'"),
        (("reason: as printed", "absolute: 1"), "tolerance.reason: Field required"),
        (("reason: as printed", "reason: ''"), "tolerance.reason: .*at least 1 character"),
        (("reason: as", "relative: -1, reason: as"), "tolerance.relative: .*greater than or equal"),
        (("2.0,", "2.04,"), "2.04 has more digits than decimals: 1"),
        (("2.0,", ".nan,"), "finite number"),
        ((", decimals: 1", ""), "printed.value.decimals: Field required"),
        (("{value: 2.0, decimals: 1}", "2.0"), "needs a mapping with one of value, at_least"),
        (("    tolerance: {reason: as printed}\n", ""), "needs a tolerance with its reason"),
        (("    statistic: two\n", ""), "missing statistic"),
        (("{value: 2.0, decimals: 1}", "{holds: true}"), "tolerance has no meaning"),
        (("{value: 2.0, decimals: 1}", "{holds: false}"), "Input should be True"),
    ],
)
def test_a_slip_is_refused(change, message):
    old, new = change
    assert old in CHECKED
    with pytest.raises(LedgerError, match=rf"hajek.yml: entry hajek-regime: .*{message}"):
        entry(CHECKED.replace(old, new))


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("{at_least: 1, above: 1}", "at_least or above, not both"),
        ("{at_most: 1, below: 1}", "at_most or below, not both"),
        ("{at_least: 2, at_most: 1}", "lower bound 2 is not below the upper bound 1"),
        ("{at_least: null}", "a bound needs a number"),
        ("{increasing: [a]}", "at least 2 items"),
        ("{increasing: [a, b, a]}", "stands twice"),
        ("{curve: [[1, 2.0], [1.0, 3.0]], decimals: 0}", "an x stands twice"),
        ("{curve: [[1, 2.5]], decimals: 0}", "2.5 has more digits"),
        ("{curve: [], decimals: 0}", "at least 1 item"),
        ("{value: 1, decimals: 0, at_most: 2}", "unknown key 'at_most'"),
    ],
)
def test_printed_that_says_nothing_is_refused(printed, message):
    with pytest.raises(LedgerError, match=message):
        entry(CHECKED.replace("{value: 2.0, decimals: 1}", printed))


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("{value: 0.990, decimals: 3}", "0.990"),
        ("{value: 1.7e+10, decimals: -9}", "1.7e+10"),
        ("{value: 0.25, decimals: exact}", "0.25"),
        ("{value: 0.99, decimals: 2, text: about 99 %}", "about 99 %"),
        ("{at_least: 0.5, below: 1}", "at least 0.5 and less than 1"),
        ("{above: 0}", "more than 0"),
        ("{curve: [[2, 0.99], [C=10, 0.5]], decimals: 2}", "2: 0.99, C=10: 0.50"),
    ],
)
def test_printed_as_text(printed, text):
    assert entry(CHECKED.replace("{value: 2.0, decimals: 1}", printed)).printed_text() == text


def test_order_as_text_needs_no_tolerance():
    claim = entry("protocol: p\nstatistic: s\nprinted: {increasing: [a, b]}")
    assert claim.printed_text() == "a < b"


def test_the_example_in_the_documentation_is_valid():
    text = textwrap.dedent(schema.__doc__.partition("::\n\n")[2])
    assert [claim.id for claim in parse(text, "hajek.yml")] == [
        "hajek-99pct", "hajek-unbiased", "hajek-amazon"]  # fmt: skip


READINGS = """\
    left_open: which norm is meant.
    printed: {at_least: 0.99}
    tolerance: {reason: as printed}
    protocol: planted-sweep
    readings:
      - {label: signed mean, statistic: two}
      - {label: Frobenius, statistic: hits, printed: {at_most: 3}}
"""


def test_readings_inherit_what_they_do_not_say():
    first, second = entry(READINGS).checks
    assert first.printed.at_least == 0.99
    assert second.printed.at_most == 3
    assert second.printed.at_least is None
    assert first.protocol == second.protocol == "planted-sweep"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("    left_open: which norm is meant.\n", ""), "readings and left_open .* go together"),
        (("label: Frobenius", "label: signed mean"), "two readings have the same label"),
        (("statistic: hits, ", ""), "readings.1.statistic: Field required"),
        (("{label: Frobenius, ", "{labl: Frobenius, "), "readings.1: unknown key 'labl'"),
        (("    protocol: planted-sweep\n", ""), "readings.0.protocol: Field required"),
        (("    tolerance: {reason: as printed}\n", ""), "readings.0: a printed number needs"),
    ],
)
def test_a_slip_in_readings_is_refused(change, message):
    old, new = change
    assert old in READINGS
    with pytest.raises(LedgerError, match=message):
        entry(READINGS.replace(old, new))


def test_blocked_claims_keep_what_is_printed_and_compute_nothing():
    claim = entry("blocked: the ratings are not public\nprinted: {value: 0.59, decimals: 2}")
    assert claim.checks == ()
    assert claim.printed_text() == "0.59"
    with pytest.raises(LedgerError, match="a blocked claim has no protocol"):
        entry(CHECKED + "    blocked: reason\n")


def test_id_must_begin_with_its_paper():
    with pytest.raises(LedgerError, match="does not begin with its paper, 'noise-'"):
        entry(CHECKED, name="hajek-regime", paper="noise")


@pytest.mark.parametrize("text", ["a: [", "id: hajek-regime", "- just words"])
def test_other_files_are_refused(text):
    with pytest.raises(LedgerError, match=r"hajek\.yml"):
        parse(text, "hajek.yml")


def test_register_holds_every_claim_once():
    table = register()
    counts = table["paper"].value_counts().to_dict()
    assert counts == {"noise": 104, "landscape": 88, "hajek": 54, "textbook": 49, "neural": 27}
    assert table["id"].is_unique
    assert (table["id"].str.partition("-")[0] == table["paper"]).all()
    assert (table != "").all(axis=None)


def test_unregistered_and_repeated_ids_are_refused():
    known = register()["id"]
    claim = entry(CHECKED, name="hajek-regim")
    with pytest.raises(LedgerError, match=r"not in register.csv; did you mean 'hajek-regime'"):
        check_ids([claim], known)
    with pytest.raises(LedgerError, match="given twice"):
        check_ids([entry(CHECKED), entry(CHECKED)], known)


def test_load_refuses_a_folder_of_no_paper_and_a_claim_in_the_wrong_file(tmp_path):
    (tmp_path / "hayek").mkdir()
    with pytest.raises(LedgerError, match=r"claims/hayek: no paper; did you mean 'hajek'"):
        load(tmp_path)
    (tmp_path / "hayek").rename(tmp_path / "noise")
    text = "- {id: hajek-regime, paper: hajek, where: x, claim: y, chapter: o/z, blocked: data}"
    (tmp_path / "noise" / "z.yml").write_text(text)
    with pytest.raises(LedgerError, match=r"entry hajek-regime belongs to hajek/z.yml"):
        load(tmp_path)


def test_split_ids_give_way_to_their_parts():
    links = Mapping(split={"hajek-regime": ("hajek-regime-a", "hajek-regime-b")})
    table = expanded(register(), links)
    assert len(table) == 323
    assert list(table["id"][:2]) == ["hajek-regime-a", "hajek-regime-b"]
    assert table["where"][0] == table["where"][1] == register()["where"][0]


@pytest.mark.parametrize(
    "links",
    [
        {"split": {"hajek-regim": ("hajek-x",)}},
        {"merged": {"hajek-regim": "hajek-exp2"}},
        {"merged": {"hajek-exp2": "hajek-regim"}},
    ],
)
def test_mapping_names_registered_ids(links):
    with pytest.raises(LedgerError, match=r"'hajek-regim' is not registered; did you mean"):
        expanded(register(), Mapping(**links))


def test_merged_id_has_no_entry_of_its_own(tmp_path, monkeypatch):
    from mcrepro.ledger import entries

    monkeypatch.setattr(entries, "mapping", lambda: Mapping(merged={"hajek-regime": "hajek-exp2"}))
    text = "- {id: hajek-regime, paper: hajek, where: x, claim: y, chapter: z, blocked: data}"
    (tmp_path / "hajek").mkdir()
    (tmp_path / "hajek" / "z.yml").write_text(text)
    with pytest.raises(LedgerError, match=r"hajek-regime: merged with hajek-exp2 in mapping.yml"):
        load(tmp_path)
