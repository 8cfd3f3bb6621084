"""The protocols of the three chapters on recovery: their parts by hand, their statistics on small tables."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.experiments.hajek import (
    _plotted,
    _rows,
    baselines,
    bound,
    closed_forms,
    explosion,
    published,
    ranks,
    scaling,
    starts,
    weights,
)
from mcrepro.theory import recovery as law

RNG = np.random.default_rng


class TestRows:
    def test_positions_are_a_bernoulli_mask(self):
        rng = RNG(0)
        seen = np.zeros((30, 20))
        for _ in range(400):
            row, column = _rows.positions(30, 20, 0.15, rng)
            assert (np.diff(row * 20 + column) > 0).all()
            seen[row, column] += 1
        z = (seen / 400 - 0.15) / np.sqrt(0.15 * 0.85 / 400)
        assert abs(z.mean()) < 4 / np.sqrt(600)
        assert z.std() == pytest.approx(1, abs=0.12)
        assert np.abs(z).max() < 5

    def test_all_entries_at_p_one(self):
        row, column = _rows.positions(7, 5, 1.0, RNG(0))
        np.testing.assert_array_equal(row * 5 + column, np.arange(35))

    @pytest.mark.parametrize("model", law.MODELS)
    def test_values_and_truth_belong_to_one_matrix(self, model):
        rng = RNG(1)
        drawn = _rows.draw(model, 300, _rows.haar(12, 3, rng), 0.3, rng)
        M = drawn.weights @ drawn.factors.T
        row, column = drawn.observed.nonzero()
        np.testing.assert_allclose(drawn.observed[row, column], M[row, column])
        np.testing.assert_allclose(drawn.truth(100), M[:100].T @ M[:100] / 100, atol=1e-14)
        assert drawn.moments(100) == mc.SecondMoment(12).update(drawn.observed[:100])

    def test_both_models_have_the_same_mean(self):
        rng = RNG(2)
        U = _rows.haar(10, 4, rng)
        for model in law.MODELS:
            gram = _rows.draw(model, 40_000, U, 0.1, rng).gram()
            np.testing.assert_allclose(gram, np.eye(4) / 4, atol=0.012)

    def test_noise_biases_the_diagonal_and_nothing_else(self):
        rng = RNG(3)
        drawn = _rows.draw("mixture", 200_000, _rows.haar(8, 2, rng), 0.5, rng, noise=1.5)
        bias = drawn.moments().hajek().toarray() - drawn.truth()
        off = ~np.eye(8, dtype=bool)
        np.testing.assert_allclose(np.diag(bias), 1.5**2 / 8, rtol=0.06)
        assert np.abs(bias[off]).max() < 0.01

    def test_distance(self):
        rng = RNG(4)
        X, U = rng.standard_normal((9, 2)), rng.standard_normal((9, 3))
        G = np.diag([1.0, 2.0, 3.0])
        expected = np.linalg.norm(X @ X.T - U @ G @ U.T)
        assert _rows.distance(X, U, G) == pytest.approx(expected)
        assert _rows.distance(X, X, np.eye(2)) < 1e-12

    def test_blocks_are_disjoint_and_of_length_one(self):
        U = _rows.blocks(20, 4, 3, RNG(5))
        np.testing.assert_allclose(U.T @ U, np.eye(4), atol=1e-12)
        assert ((U != 0).sum(axis=1) <= 1).all()
        assert ((U != 0).sum(axis=0) == 3).all()

    def test_an_unknown_model_is_refused(self):
        with pytest.raises(ValueError, match="combination"):
            _rows.draw("mixtures", 5, np.eye(3)[:, :1], 0.5, RNG(0))


def test_closed_forms_by_hand(smoke):
    table = smoke("closed-forms")
    assert closed_forms.incoherence_normalized(table).value == 1 / 4
    assert closed_forms.incoherence_plain(table).value == 1
    epsilon = np.sqrt(1000 * 10**5 * np.log(1000) / (4 * 10**4))
    assert closed_forms.guarantee_over_norm(table).value == pytest.approx(epsilon * np.sqrt(10))


class TestBaselines:
    def test_trivial_answers_by_hand(self):
        shown = sp.csr_array(
            (np.array([2.0, 0.0, 4.0]), (np.array([0, 1, 1]), np.array([0, 0, 1]))), shape=(3, 3)
        )
        answers = {k: (a @ b.T)[0] for k, (a, b) in baselines._trivial(shown).items()}
        np.testing.assert_allclose(answers["zero"], 0)
        np.testing.assert_allclose(answers["constant"], 2)
        np.testing.assert_allclose(answers["column means"], [1, 4, 2])

    def test_rows_fitted_to_the_true_factor_are_right(self):
        rng = RNG(0)
        X = rng.standard_normal((12, 2))
        M = rng.standard_normal((5, 2)) @ X.T
        mask = rng.random((5, 12)) < 0.8
        left = baselines.fit_rows(baselines._masked(M, mask), X)
        assert baselines.rmse(left, X, M) < 1e-4
        assert baselines.rmse(2 * left, X, M) > 0.5

    def test_the_ridge_regression_is_one(self):
        rng = RNG(1)
        X, M, mask = rng.standard_normal((6, 2)), rng.standard_normal((3, 6)), np.eye(3, 6) > 0
        left = baselines.fit_rows(baselines._masked(M, mask), X)
        for k in range(3):
            x = X[k]
            np.testing.assert_allclose(left[k], x * M[k, k] / (x @ x + baselines.RIDGE))

    def test_zero_has_the_norm_as_its_error(self, smoke):
        table = smoke("baselines")
        zero = table[table["method"] == "zero"]
        np.testing.assert_allclose(zero["error"], zero["norm"])
        assert set(table["method"]) >= {*baselines.TRIVIAL, *baselines.PAPER, *baselines.PROPOSED}

    def test_the_constant_beats_the_fit_on_the_matrix_of_the_code(self, smoke):
        assert baselines.trivial_code_c2(smoke("baselines")).value > 1
        assert baselines.code_c2(smoke("baselines")).value < 1

    def test_plotted_numbers_are_inconsistent(self):
        """‖T̂ - T‖ <= 2‖M‖₂‖E‖_F/√n + ‖E‖_F² for T̂ = M̂ᵀM̂/n, ‖E‖_F = rmse √d, ‖M‖₂²/n = 4."""
        E = np.array(_plotted.ENTRY_ERRORS["softImpute-ALS"]) * np.sqrt(1000)
        assert (np.array(_plotted.MOMENT_ERRORS["softImpute-ALS"]) > 4 * E + E**2).all()

    def test_an_unknown_generator_is_refused(self):
        with pytest.raises(ValueError, match="mixture"):
            baselines.matrix_of("gauss", 5, 4, 2, RNG(0))


def test_published_error_is_that_of_the_factor(smoke):
    table = smoke("published")
    assert (table.groupby(["generator", "C"])["least"].sum() == 1).all()
    first = table[table["iteration"] == 0]
    # X₀ is uniform on [0, .1]: ‖X₀X₀ᵀ‖ is about d r/400 = 2.5 at d = 100, r = 10.
    code = first[first["generator"] == "code"]["error"]
    assert ((code > 0.5) & (code < 8)).all()
    assert published.error_code_c2(table).value < code.max()


class TestScaling:
    @pytest.fixture
    def exact_law(self):
        """A table in which the relative error is exactly c r/√n, of three trials."""
        rows = [
            {
                "model": "mixture",
                "d": d,
                "rank": r,
                "C": 2.0,
                "supply": s,
                "trial": t,
                "n": s * 100.0 * d * r**2,
                "relative": (1 + t / 100) / np.sqrt(s),
                "error": (1 + t / 100) / np.sqrt(s * r),
            }
            for d in (100, 200)
            for r in (2, 4)
            for s in (1.0, 8.0, 16.0, 32.0)
            for t in range(3)
        ]
        return pd.DataFrame(rows)

    @pytest.mark.parametrize(
        ("along", "column", "cell", "power"),
        [
            ("d", "relative", {"rank": 2}, 1),
            ("rank", "relative", {"d": 100}, 2),
            ("rank", "error", {"d": 100}, 1),
        ],
    )
    def test_exponents_of_an_exact_law(self, exact_law, along, column, cell, power):
        found = scaling.exponent(exact_law, along, column, 0.2, "mixture", C=2.0, **cell)
        np.testing.assert_allclose(found, power, atol=1e-9)

    def test_rows_needed_interpolates(self, exact_law):
        part = exact_law[(exact_law["d"] == 100) & (exact_law["rank"] == 2)]
        needed = scaling.rows_needed(part, "relative", 0.25)
        np.testing.assert_allclose(needed[0], 16 * 40_000)

    def test_measured_errors_follow_the_law(self, smoke):
        table = smoke("scaling")
        good = table[(table["supply"] >= 16) & (table["rank"] > 2)]
        ratio = good["relative"] / good["predicted"]
        assert ratio.between(0.8, 1.25).all()
        assert ratio.mean() == pytest.approx(1, abs=0.06)


class TestStarts:
    def test_a_start_is_elsewhere_only_above_the_lowest(self, smoke):
        table = smoke("starts")
        keys = ["block", "supply", "lam", "alpha", "starts", "trial"]
        lowest = table.groupby(keys)["loss"].transform("min")
        np.testing.assert_array_equal(table["elsewhere"], table["loss"] > 1.001 * lowest + 1e-18)
        assert (table.groupby(keys)["elsewhere"].sum() < table.groupby(keys).size()).all()

    def test_random_factors_with_many_rows_have_one_end(self, smoke):
        assert starts.several_ends_rich(smoke("starts")).value == 0

    def test_the_share_of_minima_falls_with_a_saddle(self, smoke):
        table = smoke("starts").assign(curvature=np.nan)
        table.loc[table.index[:2], ["block", "lam", "supply"]] = [0, 0.0, 1.0]
        table.loc[table.index[:2], "curvature"] = [-1e-7, -0.1]
        assert starts.minima(table).value == 0.5


def test_the_bound_is_kept_with_its_rows_and_not_with_few(smoke):
    assert smoke("bound")["within"].all()
    few = bound.trial(np.random.SeedSequence(0), d=50, rank=2, C=4.0, epsilon=5.0, starts=3)
    assert few["n"] == 16
    assert few["worst"] > 0.3


def test_floor_is_that_of_eckart_and_young():
    row = ranks.trial(np.random.SeedSequence(0), d=30, rank=3, C=4.0, supply=50.0, fitted=2)
    assert row["floor"] == pytest.approx(3**-0.5, rel=0.1)
    assert row["relative"] > row["floor"]


def test_steps_beyond_the_longest_diverge():
    rows = explosion.trial(np.random.SeedSequence(0), d=30, rank=2, C=4.0, supply=8.0, lam=0.0)
    longest = {row["start"]: row["log_step"] for row in rows}
    assert longest["balanced"] > longest["one long row"] > -2.25


def test_weights_table_names_the_chance_of_a_pair(smoke):
    table = smoke("weights")
    n = law.supply_rows(8.0, 100, 3, 2.0)
    part = table[table["supply"] == 8.0]
    np.testing.assert_allclose(part["expected_pairs"], n * 4e-4)
    np.testing.assert_allclose(part["pair_seen"], 1 - (1 - 4e-4) ** n)
    assert part["factor"].isna().sum() == part["trial"].nunique()
    assert weights.counts_instead(table).value < 1
