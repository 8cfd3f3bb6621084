"""The quick profile against the reference run: a handful of cheap protocols, run for real."""

import pandas as pd
import pytest

from mcrepro.ledger import agreement_line, evaluate, load, load_reference, register

#: Protocols that take a few seconds in the quick profile.
CHEAP = {
    "hajek-variance",
    "landscape-escape",
    "noise-connectivity",
    "noise-off-rank-one",
    "textbook-reweighting",
    "textbook-signs",
}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A function from reference estimates to the table of the claims that cheap protocols decide."""
    claims = [c for c in load() if c.checks and {k.protocol for k in c.checks} <= CHEAP]
    rows = register()
    rows = rows[rows["id"].isin({claim.id for claim in claims})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCREPRO_CACHE", str(tmp_path_factory.mktemp("trials")))
        yield lambda stored: evaluate.evaluate(claims, rows, {}, "quick", 1, stored)


def test_quick_values_agree_with_the_reference(quick):
    frame = quick(load_reference())
    compared = frame[frame["consistent"].notna()]
    assert len(compared) >= 3
    assert compared["consistent"].all(), agreement_line(frame)


def test_a_reference_that_is_off_by_its_interval_is_found(quick):
    stored = load_reference().set_index(["id", "reading", "point"])
    before = quick(load_reference())
    compared = before["consistent"].notna()
    details = pd.DataFrame(
        d | {"id": i} for i, ds in zip(before["id"], before["details"], strict=True) for d in ds
    )
    details = details[details["consistent"].notna()].set_index(stored.index.names)
    old = stored.loc[details.index]
    # Away from the quick value, by the widths of both intervals.
    widths = details["high"] - details["low"] + old["high"] - old["low"]
    shift = widths.where(old["value"] >= details["value"], -widths)
    ends = ["value", "low", "high"]
    stored.loc[details.index, ends] = old[ends].add(shift, axis=0)
    frame = quick(stored.reset_index())
    assert compared.any()
    assert not frame.loc[compared, "consistent"].any()
    assert all(name in agreement_line(frame) for name in frame.loc[compared, "id"])
