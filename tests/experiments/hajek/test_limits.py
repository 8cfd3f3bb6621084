"""Where the method ends: bias by selection, choice of the rank, what a row can do."""

import numpy as np
import pandas as pd
import pytest

import mcrepro as mc
from mcrepro.experiments.hajek import rank_choice, selection, sensitivity


def test_propensities_have_the_wanted_mean_and_ratio():
    Z = np.array([[0.0, 1.0], [0.0, 1.0]])
    chance = selection.propensities(Z, 1.0, 0.1)
    assert chance.mean() == pytest.approx(0.1)
    assert chance[0, 1] / chance[0, 0] == pytest.approx(np.e)
    assert selection.propensities(10 * Z, 1.0, 0.9).max() == 1


def test_bias_is_predicted_and_repaired(smoke):
    table = smoke("selection")
    hajek = table[table["estimate"] == "Hájek"]
    assert (hajek["bias"] - hajek["predicted"]).abs().max() < 0.15
    biased = selection.bias(table, "Hájek", "value", 1.0)
    repaired = selection.bias(table, "repaired", "value", 1.0)
    assert biased.value > 0.5
    assert abs(repaired.value) < 0.5 * biased.value
    assert abs(selection.bias(table, "Hájek", "value", 0.0).value) < 0.1
    assert abs(selection.bias(table, "Hájek", "row", 1.0).value) < 0.1


def test_hits_count_the_true_rank():
    table = pd.DataFrame(
        {
            "n": [1, 1, 1, 1], "d": 5, "rank": 3, "count": 1.0,
            "best": [3, 3, 6, 2], "parsimonious": [3, 3, 3, 2],
        }
    )  # fmt: skip
    assert rank_choice.hits(table)["rate"].item() == 0.5
    assert rank_choice.hits(table, "parsimonious")["rate"].item() == 0.75
    with pytest.raises(ValueError, match="no trials"):
        rank_choice.hit_rate_four(table)


def test_smoke_names_the_rank_when_pairs_are_seen_four_times(smoke):
    assert rank_choice.hit_rate_four(smoke("rank-choice")).value == 1


def test_slopes_are_those_of_power_laws():
    table = pd.DataFrame(
        [
            {"n": n, "C": 2.0, "trial": t, "hajek": (t + 1) / n, "recovered": n**-0.5}
            for n in (*sensitivity.FEW, *sensitivity.MANY)
            for t in range(2)
        ]
    )
    assert sensitivity.slope_hajek_few(table).value == pytest.approx(-1)
    assert sensitivity.slope_recovered_many(table).value == pytest.approx(-0.5)


def test_one_row_moves_less_when_there_are_many(smoke):
    table = smoke("sensitivity").set_index("n")
    assert table.loc[32_000, "hajek"] < table.loc[500, "hajek"]
    assert (table["entry"] <= table["hajek"]).all()


@pytest.mark.parametrize(
    ("chapter", "expected"),
    [
        ("onesided/ratings", {"hajek-amazon": "blocked"}),
        (
            "onesided/limits",
            dict.fromkeys(
                ("hajek-oq4-rank", "hajek-lim-cv", "hajek-oq2-sensitivity"), "under-specified"
            ),
        ),
    ],
)
def test_verdicts(chapter, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("MCREPRO_CACHE", str(tmp_path))
    verdicts = mc.ledger.verdicts(profile="smoke", chapter=chapter).set_index("id")["verdict"]
    assert verdicts.to_dict() == expected
