"""Protocols of the chapter on Theorem 2.2: closed forms, small cases by hand, and planted faults."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from scipy.optimize import minimize

import mcrepro as mc
from mcrepro.experiments.noise import (
    _mask_classes,
    _surrogate,
    certified,
    columns,
    connectivity,
    enumeration,
    figure1,
    hoeffding,
    identity,
    optima,
    recovery,
    tradeoff_proofs,
)
from mcrepro.theory import epsilon_mc as law

RNG = np.random.default_rng


def run(name, cache, **overrides):
    return mc.experiments.run(
        f"noise-{name}", profile="smoke", cache=cache, progress=False, **overrides
    )


class TestSurrogate:
    def test_value_is_the_objective(self):
        rng = RNG(0)
        X, mask = rng.standard_normal((4, 2)), rng.random((4, 4)) < 0.5
        M = rng.standard_normal((4, 1))
        M = M @ M.T
        D, b = law.weights(mask, 0.3), np.where(mask, M, 0)
        share = (mask.astype(float) + mask.T) / 2
        assert _surrogate.value(X, share, M, 0.3) == pytest.approx(np.sum((D * (X @ X.T) - b) ** 2))

    def test_derivatives_against_finite_differences(self):
        rng = RNG(1)
        X = rng.standard_normal((2, 4, 3))
        share = rng.choice([0, 0.5, 1], size=(2, 4, 4))
        share = (share + np.swapaxes(share, 1, 2)) / 2
        M = np.ones((2, 4, 4))
        gradient, hessian = _surrogate._derivatives(X, share, M, 0.3)
        step = 1e-6
        for i, a in product(range(4), range(3)):
            E = np.zeros((4, 3))
            E[i, a] = step
            ends = [(X + E, share, M, 0.3), (X - E, share, M, 0.3)]
            up, down = (_surrogate.value(*end) for end in ends)
            np.testing.assert_allclose((up - down) / (2 * step), gradient[:, i, a], atol=1e-6)
            up, down = (_surrogate._derivatives(*end)[0] for end in ends)
            column = ((up - down) / (2 * step)).reshape(2, -1)
            np.testing.assert_allclose(column, hessian[:, :, 3 * i + a], atol=1e-6)

    def test_no_other_optimizer_finds_less(self):
        rng = RNG(2)
        mask, z = rng.random((5, 5)) < 0.4, rng.standard_normal(5)
        M, eps = np.outer(z, z), 0.05
        values, products = _surrogate.optima(mask[None], M, eps, 1, rng)
        share = (mask.astype(float) + mask.T) / 2

        def f(x):
            return _surrogate.value(x[:, None], share, M, eps)

        others = [minimize(f, rng.standard_normal(5)).fun for _ in range(30)]
        assert values[0, 0] <= min(others) + 1e-10
        assert np.linalg.matrix_rank(products[0, 0], tol=1e-8) <= 1

    def test_structured_optimum(self):
        """The optima have x_i² = 1/(1 + ε²(m - 1)) on the m ones, and zeros elsewhere."""
        problem = mc.instances.structured(5)
        mask = np.zeros((1, 5, 5), bool)
        mask[0, problem.rows, problem.cols] = True
        _, products = _surrogate.optima(mask, problem.truth, 0.1, 1, RNG(3))
        s2 = 1 / (1 + 0.01 * 2)
        np.testing.assert_allclose(np.diag(products[0, 0]), [s2, 0, s2, 0, s2], atol=1e-9)

    def test_nothing_observed_gives_zero(self):
        values, products = _surrogate.optima(
            np.zeros((1, 3, 3), bool), np.ones((3, 3)), 0.1, 1, RNG(0)
        )
        assert not values.any()
        assert not products.any()

    def test_lower_bound_of_a_known_minimum(self):
        """On the diagonal alone f = Σ(y - 1)² + ε² Σ_{i≠j} y_i y_j at y = 1/(1 + ε²)."""
        (bound,) = _surrogate.lower_bounds(np.eye(2)[None], np.ones((2, 2)), 0.5)
        assert bound == pytest.approx(2 * (0.2**2) + 2 * 0.25 * 0.8**2, abs=1e-6)


class TestEnumeration:
    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, tmp_path_factory):
        return run("enumeration", tmp_path_factory.mktemp("trials"), p=[0.2, 0.3, 0.5, 0.9])

    def test_classes_stand_for_all_masks(self, table):
        assert sum(found["masks"] for found in _mask_classes.classes(0.01)) == 2**9
        np.testing.assert_allclose(table.groupby(["eps", "p"])["weight"].sum(), 1)

    def test_errors_of_known_masks(self):
        by_share = {tuple(found["share"].ravel()): found for found in _mask_classes.classes(0.01)}
        assert by_share[(0,) * 9]["error2"] == pytest.approx(9)
        assert by_share[(1,) * 9]["error2"] == pytest.approx(0, abs=1e-12)
        third = _mask_classes.canonical(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]]))
        assert by_share[third]["error2"] == pytest.approx(5, abs=1e-6)

    def test_theorem_fails_and_a_smaller_constant_would_hold(self, table):
        assert enumeration.worst_margin(table).value < -0.04
        # exp(-2χ²ρ) with 1 in the place of 2: then the inequality would be true here.
        weaker = table.assign(bound=1 - np.sqrt(1 - table["bound"]))
        assert enumeration.worst_margin(weaker).value >= 0

    def test_values_at_03(self, table):
        found = enumeration.coverage(table)
        (row,) = found[(found["p"] == 0.3) & (found["eps"] == 0.01)].itertuples()
        assert row.true == pytest.approx(0.4972, abs=5e-5)
        assert row.smallest == pytest.approx(0.5487, abs=5e-5)
        assert row.average == pytest.approx(0.7027, abs=5e-5)

    def test_a_fresh_mask_obeys_and_not_with_a_larger_constant(self, table):
        assert enumeration.fresh_margin(table).value >= 0
        stronger = table.assign(bound=1 - (1 - table["bound"]) ** 4)
        assert enumeration.fresh_margin(stronger).value < 0

    def test_fresh_probability_by_hand(self):
        # hidden: none .25, one .25 each, both .25; the sums are 0, 1, 2, 3
        d = np.array([1.0, 2.0])
        assert enumeration.fresh_probability(d, 0.5, 2.0) == pytest.approx(0.75)
        assert enumeration.fresh_probability(d, 0.2, 0.0) == pytest.approx(0.04)

    def test_all_of_d_is_hidden(self, table):
        assert enumeration.unobserved_share_of_d(table).value == pytest.approx(1 / 0.7, rel=1e-3)

    def test_error_does_not_depend_on_epsilon_but_on_the_hidden_entries(self, table):
        assert enumeration.error_by_epsilon(table).value == pytest.approx(1, abs=1e-3)
        assert enumeration.error_falls_with_p(table)
        means = [estimate.value for estimate in enumeration.error_by_hidden(table).values()]
        assert means == sorted(means)

    def test_optima_are_certified(self, tmp_path):
        table = run("certified", tmp_path)
        assert len(table) == 56
        assert table["gap"].abs().max() < 1e-6
        assert certified.largest_gap(table.assign(gap=0.1)).value == 0.1


class TestIdentity:
    def test_the_optimum_by_minimisation(self):
        mask = np.array([[[1, 0, 1], [0, 0, 1], [0, 0, 1]]], bool)
        values, products = _surrogate.optima(mask, np.eye(3), 0.1, 3, RNG(0))
        assert values[0, 0] == pytest.approx(0, abs=1e-12)
        np.testing.assert_allclose(products[0, 0], np.diag([1, 0, 1]), atol=1e-4)

    def test_probabilities_by_hand(self):
        row = identity.trial(None, n=10, p=0.9, chi=0.85 / 0.9, eps=1e-3)
        assert row["true"] == pytest.approx(0.9**10)
        assert row["smallest"] == pytest.approx(1 - np.exp(-2 * 0.85**2), rel=1e-4)
        assert row["allowed"] == pytest.approx(19 * 1e-6 * 10)

    def test_evenness_of_its_d(self):
        d = identity.deviation(5, 2, 0.1)
        ratio = (2 + 5 * 0.01) ** 2 / (2 * 1.01**2 + 3 * 1e-4)
        assert law.evenness(d) == pytest.approx(ratio)

    def test_no_rate_holds_and_one_entry_does(self, tmp_path):
        table = run("identity", tmp_path)
        assert identity.rates_that_hold(table).value == 0
        assert identity.rates_that_hold(table[table["n"] == 1]).value == 1


class TestTradeoffProofs:
    @pytest.mark.parametrize("statement", list(tradeoff_proofs.STATEMENTS))
    def test_statement(self, statement):
        holds = tradeoff_proofs.trial(None, statement=statement)["holds"]
        assert holds == (statement != "any_chi_up_to_p")


class TestHoeffding:
    @pytest.mark.parametrize("shape", list(hoeffding.SHAPES))
    @pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
    def test_holds(self, shape, p):
        assert hoeffding.largest_excess(hoeffding.SHAPES[shape], p) <= 0

    def test_a_larger_constant_breaks_it(self):
        assert hoeffding.largest_excess(hoeffding.SHAPES["equal"], 0.5, constant=3.0) > 0


class TestFigure1:
    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, tmp_path_factory):
        return run("figure1", tmp_path_factory.mktemp("trials"))

    def test_limits(self, table):
        assert figure1.probability_even(table).value == pytest.approx(1 - np.exp(-1.62), abs=1e-4)
        assert figure1.probability_smallest(table).value == pytest.approx(
            1 - np.exp(-0.18), abs=1e-4
        )

    def test_range_counts_what_looks_like_eight_tenths(self):
        rows = [
            {"p": 0.3, "ratio": "code", "target": 0.02, "draw": draw, "eps": eps, "probability": p}
            for draw in (1, 2)
            for eps, p in ((1e-5, 0.81), (1e-4, 0.796), (1e-3, 0.79), (1e-2, 0.1))
        ]
        assert figure1.epsilon_range(pd.DataFrame(rows)).value == 0.5

    def test_brighter_only_where_chi_is_positive(self, table):
        assert figure1.brighter_with_p(table).value == 1
        assert figure1.brighter_with_p_unclipped(table).value < 1

    def test_d_of_the_code_is_even_where_epsilon_is_large(self, table):
        by_eps = figure1.at_target(table, "code")
        even = figure1.at_target(table, "even")
        np.testing.assert_allclose(by_eps.loc[0.005:].mean(axis=1), even.loc[0.005:, 0], atol=0.01)


class TestColumnsAndConnectivity:
    def test_binomial_tail(self):
        options = {"form": "12 log(d/q)", "base": "10", "failure": 0.2, "d": 50, "p": 0.3}
        row = columns.trial(None, **options)
        assert row["entries"] == 29
        assert row["one_column"] == pytest.approx(3.64e-5, rel=1e-3)
        assert row["log10_all"] == pytest.approx(-221.9, abs=0.1)

    def test_more_than_the_column_has_no_probability(self):
        row = columns.trial(None, form="12 log(d/q)", base="e", failure=0.2, d=50, p=0.3)
        assert row["entries"] == 67
        assert row["one_column"] == 0
        assert row["log10_all"] is None

    def test_connected_graphs_by_hand(self):
        assert connectivity.connected(np.array([[1, 1], [1, 0]], bool))
        assert not connectivity.connected(np.eye(2, dtype=bool))
        assert not connectivity.connected(np.array([[1, 1], [0, 0]], bool))

    def test_connected_means_determined(self):
        """The linear system log|u_i| + log|v_j| = log|M_ij| has one solution, up to a constant."""
        rng = RNG(0)
        for _ in range(30):
            mask = connectivity.column_mask(6, 2, rng)
            rows, cols = np.nonzero(mask)
            system = np.zeros((len(rows), 12))
            system[np.arange(len(rows)), rows] = 1
            system[np.arange(len(rows)), 6 + cols] = 1
            assert (np.linalg.matrix_rank(system) == 11) == connectivity.connected(mask)

    def test_every_column_gets_its_entries(self):
        mask = connectivity.column_mask(9, 4, RNG(1))
        np.testing.assert_array_equal(mask.sum(axis=0), 4)
        assert len(np.unique(mask.sum(axis=1))) > 1


class TestOptimaAndRecovery:
    def test_bounds_that_are_certain(self, tmp_path):
        table = run("optima", tmp_path)
        assert optima.largest_seen_ratio(table).value <= 1
        assert optima.largest_safe_ratio(table).value <= 1
        assert (table["safe_ratio"] * (4 + table["eps"] ** 2)).max() <= 4
        found = optima.coverage(table)
        assert set(found["masks"]) == {20}
        assert found["on_unobserved"].between(0, 1).all()

    def test_four_suffices_and_less_does_not(self):
        """With a = ||M†||_S <= s = ||M*||_S the error is at most (s + a)² + ε²(s² - a²) <= 4 s²."""
        a, s, eps = sp.symbols("a s eps", nonnegative=True)
        error2 = (s + a) ** 2 + eps**2 * (s**2 - a**2)
        room = (s - a) * (2 * s + (1 - eps**2) * (s + a))  # no factor is negative
        assert sp.expand(4 * s**2 - error2 - room) == 0
        D2 = np.where(np.eye(2), 1.0, 1e-4)  # squared weights, only the diagonal observed
        for constant, enough in ((4.0, True), (3.9, False)):
            end = minimize(lambda x: np.sum(D2 * (np.outer(x, x) - np.eye(2)) ** 2), [1.0, -0.9])
            off = np.sum((np.outer(end.x, end.x) - 1) ** 2)
            assert (off <= constant * 2) == enough

    def test_a_point_that_is_no_optimum_breaks_equation_8(self):
        M, mask = np.ones((3, 3)), np.eye(3, dtype=bool)
        far = optima._row(2 * M, M, mask, 0.3, 1e-3)
        assert far["seen_ratio"] > 1

    def test_recovery_by_rank(self, tmp_path):
        table = run("recovery", tmp_path)
        assert recovery.rank_1(table).value == 1
        assert recovery.rank_20(table).value == 0
        unknowns = table.groupby("rank")["unknowns"].first()
        assert dict(unknowns) == {1: 50, 5: 240, 20: 810}


VERDICTS = {
    "reproduced": [
        "Mstar-not-opt", "eq8", "eq9", "hoeffding", "eq34-36", "d-ratio", "p03-unlikely",
        "mafattahi",
    ],
    "discrepant": ["thm22", "thm22-chi", "thm22-fixed-d", "any-p"],
    "under-specified": ["p-smooth", "fig1", "fig1-p03"],
}  # fmt: skip


def test_exact_claims_are_decided_in_every_profile(tmp_path, monkeypatch):
    monkeypatch.setenv("MCREPRO_CACHE", str(tmp_path))
    found = mc.ledger.verdicts(profile="smoke", chapter="noise/tradeoff").set_index("id")["verdict"]
    for verdict, claims in VERDICTS.items():
        assert [found[f"noise-{claim}"] for claim in claims] == [verdict] * len(claims)
    assert len(found) == 17
