"""The statements on concentration, and that their checks can fail."""

import pytest

from mcrepro import experiments
from mcrepro.experiments.landscape import bernstein, bilinear, spectral


@pytest.fixture(scope="module")
def exact():
    return experiments.run("landscape-bernstein", profile="smoke")


def test_exact_statements(exact):
    assert bernstein.variance_bounded(exact)
    assert bernstein.variance_bounded_doubled(exact)
    assert not bernstein.variance_bounded_symmetric(exact)
    assert bernstein.rows_moments_repaired(exact)
    assert not bernstein.rows_moments_printed(exact)
    assert bernstein.three_times(exact)
    assert bernstein.powers_bounded(exact)
    assert bernstein.net_is_close(exact)
    assert bernstein.diagonal_is_small(exact)


def test_degrees_and_tails(exact):
    assert bernstein.degree_of_whole_root(exact).value == 1
    assert bernstein.degree_of_short_root(exact).value == 2
    assert bernstein.printed_exceedance(exact).value > 0.9
    assert bernstein.repaired_exceedance(exact).value < 0.1
    assert bernstein.tail_ratio(exact).value > 1e6


def test_a_violation_is_noticed(exact):
    assert not bernstein.three_times(exact.assign(three=False))
    assert not bernstein.powers_bounded(exact.assign(power=[False] + [True] * (len(exact) - 1)))


def test_only_the_short_root_lets_the_ratio_grow():
    table = experiments.run("landscape-bilinear", profile="smoke", d=[60, 120, 240], trials=3)
    assert bilinear.short_root_grows(table).low > 0.1
    assert abs(bilinear.whole_root_grows(table).value) < 0.1
    assert bilinear.noise_short_grows(table).low > 0.1


def test_search_beats_a_random_point():
    table = experiments.run("landscape-spectral", profile="smoke")
    assert (table["gradient"] > table["gradient_random"]).all()
    assert spectral.gradient_bounded(table).value == 1
    assert spectral.gradient_bounded(table.assign(gradient=2.0)).value == 0
