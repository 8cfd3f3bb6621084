"""The protocols' numbers against closed forms, by hand or by an independent computation."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from mcrepro.experiments.hajek import (
    _shared,
    bias,
    counts,
    enumeration,
    frobenius,
    regime,
    rowspan,
    twins,
    variance,
)

RNG = np.random.default_rng


class TestRowspan:
    def test_holds(self, smoke):
        assert rowspan.moment_is_invariant(smoke("rowspan"))

    def test_needs_an_orthogonal_matrix(self):
        v = np.array([Fraction(1), Fraction(2), Fraction(2)])
        matrix = np.array([[Fraction(k + j) for j in range(2)] for k in range(3)])
        moment = rowspan.second_moment(matrix)
        assert (rowspan.second_moment(rowspan.reflection(v) @ matrix) == moment).all()
        almost = rowspan.reflection(v, factor=Fraction(19, 10)) @ matrix
        assert not (rowspan.second_moment(almost) == moment).all()

    def test_does_not_hold_for_an_unrotated_matrix(self, smoke):
        assert not rowspan.moment_is_invariant(smoke("rowspan").assign(matrix_change="0"))


class TestTwins:
    def test_they_agree_where_it_is_seen_and_nowhere_near_elsewhere(self, smoke):
        table = smoke("twins")
        assert table["seen_change"].max() < 1e-12
        assert table["matrix_change"].min() > 1
        assert table["moment_change"].max() < 0.3

    def test_mirroring_leaves_determined_rows_alone(self):
        rng = RNG(0)
        left, right = rng.standard_normal((200, 3)), rng.standard_normal((20, 3))
        mask = _shared.bernoulli_mask(200, 20, 0.15, rng)
        twin, kept = twins.mirror(left, right, mask)
        ranks = [np.linalg.matrix_rank(right[mask[[k]].indices]) for k in range(200)]
        np.testing.assert_array_equal(kept, ranks)
        np.testing.assert_allclose(twin[kept == 3], left[kept == 3], atol=1e-9)
        np.testing.assert_allclose(twin[kept == 0], -left[kept == 0])
        np.testing.assert_allclose(np.sum(twin**2, axis=1), np.sum(left**2, axis=1))
        assert 0 < np.mean(kept < 3) < 1

    def test_another_reflection_would_be_seen(self):
        rng = RNG(1)
        left, right = rng.standard_normal((100, 3)), rng.standard_normal((20, 3))
        mask = _shared.bernoulli_mask(100, 20, 0.15, rng)
        rows, cols = mask.nonzero()
        twin, _ = twins.mirror(left, right, mask)

        def change(other):
            return np.abs(np.einsum("kr,kr->k", (other - left)[rows], right[cols])).max()

        assert change(twin) < 1e-12
        assert change(-twin) > 0.1


class TestCounts:
    def test_every_disjoint_pair_is_counted_once(self, smoke):
        for _, part in smoke("counts").groupby(["n", "C", "trial"]):
            assert part["pairs"].sum() == 20
            np.testing.assert_allclose(part["expected"].sum(), 20, atol=1e-3)

    def test_the_binomial_law_is_not_refused_and_another_is(self):
        rows = counts.trial(np.random.SeedSequence(3), n=500, d=1000, C=50.0)
        table = _table(rows, n=500, d=1000, C=50.0)
        assert counts.smallest_p_value(table).value > 1e-3
        doubled = stats.binom(500, 2 * 0.05**2).pmf(table["k"]) * 500
        assert counts.smallest_p_value(table.assign(expected=doubled)).value < 1e-6

    def test_the_share_of_empty_pairs(self, smoke):
        table = smoke("counts")
        expected = (1 - (table["C"] / table["d"]) ** 2) ** table["n"]
        np.testing.assert_allclose(table["empty_exact"], expected)
        assert np.abs(table["empty"] - expected).max() < 0.06


def test_regime_by_hand(smoke):
    table = smoke("regime")
    row = table[(table["n"] == 10000) & (table["C"] == 2)].iloc[0]
    assert row["expected_count"] == pytest.approx(0.04)
    assert row["empty_pairs"] == pytest.approx((1 - 4e-6) ** 10000)
    assert row["empty_rows"] == pytest.approx(0.998**1000)
    assert row["surplus"] == 10 * (10000 + 1000 - 10) - 20000
    assert regime.not_determined(table)
    assert not regime.not_determined(table.assign(surplus=-1.0))
    assert not regime.not_determined(table[table["n"] <= 10000])


class TestBias:
    def test_unbiased_averages_stay_within_the_limit(self, smoke):
        table = smoke("bias")
        limit = stats.norm.isf(0.0005 / len(table))
        assert bias.largest_deviation(table).value < limit
        assert bias.largest_deviation_ht(table).value < limit

    def test_the_conditional_average_of_ht_does_not(self, smoke):
        table = smoke("bias")
        off = table[table["i"] != table["j"]]
        z = bias.deviations(off, "ht_given")
        assert z.mean() > 3
        corrected = off.assign(ht_given=off["ht_given"] / off["factor"])
        assert abs(bias.deviations(corrected, "ht_given").mean()) < 0.5

    def test_a_row_for_every_pair(self, smoke):
        table = smoke("bias")
        d = table["d"].iloc[0]
        assert len(table) == d * (d + 1) // 2
        assert (table["seen"] <= table["masks"]).all()


class TestFrobenius:
    def test_expectation_against_the_enumeration(self):
        """Two columns, all masks: E‖(estimate - T)_Ω‖² is a sum of three exact fractions."""
        n, p = 4, 0.2
        entries = RNG(1).integers(-3, 4, size=(n, 2)).astype(float)
        entries[:2] = [[3, 2], [-1, 2]]
        swapped = entries[:, ::-1]
        truth, squares = entries.T @ entries / n, (entries**2).T @ entries**2 / n
        first, second = (_exact(m.astype(int).tolist(), p) for m in (entries, swapped))
        for name in ("hajek", "ht"):
            total = 2 * first["off"][name] + first["on"][name] + second["on"][name]
            got = frobenius.expect(truth, squares, n, p)[f"{name}_expected"]
            np.testing.assert_allclose(got * np.linalg.norm(truth), np.sqrt(total), rtol=1e-12)

    def test_measured_errors_are_near_the_expected_ones(self, smoke):
        table = smoke("frobenius")
        table = table[table["p"] >= 0.05]
        for name in ("hajek", "ht"):
            ratio = table[f"{name}_error"] / table[f"{name}_expected"]
            assert ratio.between(0.8, 1.2).all()

    def test_a_constant_matrix_leaves_only_the_noise_of_the_count(self):
        n, d, p = 2000, 30, 0.2
        ones = np.ones((d, d))
        assert frobenius.spread(ones, ones) == 0
        expected = frobenius.expect(ones, ones, n, p)
        assert expected["hajek_expected"] == 0
        assert expected["ht_expected"] == pytest.approx(1 / np.sqrt(n * p * p), rel=0.05)

    def test_conditional_bias_of_ht(self, smoke):
        table = smoke("frobenius")
        seen = 1 - (1 - table["p"] ** 2) ** table["n"]
        np.testing.assert_allclose(table["ht_bias_exact"], 1 / seen - 1, rtol=1e-9, atol=1e-12)
        code = table[(table["generator"] == "code") & (table["p"] == 0.01)].iloc[0]
        assert code["ht_bias"] == pytest.approx(code["ht_bias_exact"], rel=0.3)
        assert abs(code["hajek_bias"]) < 0.01

    def test_an_unknown_generator_is_refused(self):
        with pytest.raises(ValueError, match="mixture"):
            frobenius.trial(
                np.random.SeedSequence(0), generator="normal", n=9, d=3, rank=1, rates=(0.5,)
            )


class TestVariance:
    @pytest.mark.parametrize("pair", variance.PAIRS)
    def test_simulation_agrees_with_the_exact_law(self, pair):
        row = variance.trial(np.random.SeedSequence(5), pair=pair, count=10.0, n=300, masks=6000)
        assert row["hajek"] == pytest.approx(row["hajek_exact"], rel=0.12)
        assert row["ht"] == pytest.approx(row["ht_exact"], rel=0.12)

    def test_the_columns_are_as_alike_as_they_say(self):
        alike = {}
        for pair in variance.PAIRS:
            a, b = variance.columns(pair, 5000, RNG(0))
            alike[pair] = np.mean(a * b) ** 2 / np.mean((a * b) ** 2)
        assert alike["orthogonal"] < 1e-20
        assert alike["diagonal"] == pytest.approx(1 / 3, rel=0.1)
        assert alike["correlated"] == pytest.approx(1 / 1.25**2, rel=0.05)
        assert alike["constant"] > 0.97

    def test_the_printed_formula_is_out_by_the_number_of_rows(self, smoke):
        table = smoke("variance")
        assert 0.6 < variance.corrected_over_simulated(table).value < 1.6
        assert variance.printed_over_simulated(table).value > 400

    def test_no_gain_where_the_products_cancel(self, smoke):
        table = smoke("variance")
        exact = table["hajek_exact"] / table["ht_exact"]
        orthogonal, count = table["pair"] == "orthogonal", table["count"]
        assert (exact[orthogonal & (count >= 2)] > 1).all()
        assert (exact[orthogonal & (count <= 1)] < 1).all()
        assert (exact[~orthogonal] < 1).all()


def _table(rows, **parameters):
    import pandas as pd

    return pd.DataFrame(rows).assign(trial=0, **parameters)


def _exact(entries, p):
    """Expected squared errors on Ω, of T_12 and T_11, from the sum over all masks."""
    result = {}
    chance = [Fraction(p).limit_denominator(100)] * len(entries)
    for name, j in (("off", 1), ("on", 0)):
        row = enumeration._moments(entries, j, chance, chance[0])
        truth, empty = float(Fraction(row["truth"])), float(Fraction(row["p_empty"]))
        result[name] = {
            "hajek": float(Fraction(row["var_hajek_given"])) * (1 - empty),
            "ht": float(Fraction(row["var_ht"])) - truth**2 * empty,
        }
    return result
