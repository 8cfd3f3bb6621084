"""Bounds, weights, nonnegative factors: closed forms, planted tables, checks that can fail."""

import pandas as pd
import pytest

from mcrepro import experiments
from mcrepro.experiments.textbook import nonnegative, rademacher, reweighting, spikes, weights


@pytest.fixture(scope="module")
def tables():
    names = ("weights", "rademacher", "nonnegative", "spikes", "reweighting")
    return {name: experiments.run(f"textbook-{name}", profile="smoke") for name in names}


def test_weights(tables):
    table = tables["weights"]
    assert weights.condition_is_ratio(table)
    assert weights.weights_perfect_the_mean(table)
    assert not weights.weights_perfect_the_draw(table)
    assert not weights.condition_is_ratio(table.assign(plain="2"))
    assert not weights.weights_perfect_the_mean(table.assign(other=1.0))


def test_complexities(tables):
    table = tables["rademacher"]
    assert rademacher.shrinks_with_the_bound(table)
    # 2 x 2: the sixteen patterns have a best product of 4 for the eight of rank one, and 2 for the rest.
    assert table["unit"].iloc[0] == "3/4"
    assert not rademacher.shrinks_with_the_bound(table.assign(rank_one="1"))


def test_nonnegative_factors(tables):
    table = tables["nonnegative"]
    assert nonnegative.several_factorizations(table)
    assert nonnegative.may_be_unique(table)
    assert nonnegative.never_unique_without_signs(table)
    assert nonnegative.separable_is_unique_among_separable(table)
    assert not nonnegative.separable_is_unique(table)
    assert not nonnegative.several_factorizations(table.assign(least="-1/2"))
    assert not nonnegative.may_be_unique(table.assign(n_gap=0.1))
    assert nonnegative.separable_is_unique(table.assign(related=True))


def test_statistics_of_random_tables(tables):
    assert spikes.bound_wins(tables["spikes"]).n == 2
    assert set(spikes.gaps(tables["spikes"])) == {"1", "none"}
    rows = [(0.2, bound, k, 0.1, 0.1 * bound) for bound in (1.0, 100.0) for k in range(9)]
    planted = pd.DataFrame(rows, columns=["p", "bound", "trial", "train", "test"])
    assert spikes.bound_wins(planted).value == 1
    both = reweighting.log_iterations(tables["reweighting"])
    assert set(both) == {"1/p", "none"}
