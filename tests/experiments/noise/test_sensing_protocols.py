"""Protocols of the chapter "Why completion is not sensing": closed forms, and faults they find."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy import stats

import mcrepro as mc
from mcrepro.experiments.noise import (
    _flat,
    at_rate,
    masks,
    overparametrized,
    sensing_proofs,
    spikiness,
    thresholds,
)
from mcrepro.theory import recovery_conditions as conditions

RNG = np.random.default_rng


def run(name, cache, **overrides):
    return mc.experiments.run(
        f"noise-{name}", profile="smoke", cache=cache, progress=False, **overrides
    )


class TestMasks:
    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, tmp_path_factory):
        return run("masks", tmp_path_factory.mktemp("trials"))

    @pytest.mark.parametrize(
        "statistic",
        [
            masks.no_gap_is_harmless,
            masks.missing_corner_is_invisible,
            masks.perturbed_operator_is_invertible,
            masks.observations_are_noisy,
            masks.objective_splits,
            masks.lemma_bounds_hold,
            masks.lemma_is_tight,
            masks.decomposition_holds,
            masks.expectation_holds,
            masks.mean_constant_by_formula,
            masks.truth_has_a_positive_value,
        ],
    )
    def test_holds(self, table, statistic):
        assert statistic(table)

    def test_the_rsc_constant_does_not_improve_in_the_mean(self, table):
        assert not masks.constant_improves_in_mean(table)

    def test_probabilities_add_up(self):
        assert sum(weight for _, weight in masks.masks(2, Fraction(3, 10))) == 1

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"e": Fraction(1, 3)}, "decomposition"),  # another ε than the one in D
            ({"truth": [1, 2, 3, 5]}, "decomposition"),  # a norm that is not that of M
        ],
    )
    def test_a_wrong_constant_shows(self, changed, error):
        e, truth = Fraction(1, 2), [1, 2, 3, 4]
        given = {
            "mask": (1, 1, 1, 0),
            "D": [Fraction(1)] * 3 + [e],
            "truth": truth,
            "other": [0, 1, -1, 2],
            "e": e,
            "norm2": Fraction(30),
        }
        assert set(masks.identities(**given).values()) == {0}
        assert masks.identities(**(given | changed))[error] != 0


class TestSensingProofs:
    @pytest.mark.parametrize("statement", list(sensing_proofs.STATEMENTS))
    def test_statement(self, statement):
        false = {
            "constants_without_half",
            "constant_as_it_stands",
            "constant_of_the_same_order",
            "bernstein_step_is_homogeneous",
            "dividing_gives_the_printed_line",
        }
        holds = sensing_proofs.trial(None, statement=statement)["holds"]
        assert holds == (statement not in false)

    def test_constants_scale_with_the_factor(self):
        eps = sensing_proofs.EPS
        assert sensing_proofs.constants(sp.Integer(1)) == (2 * eps**2, 2)
        assert sensing_proofs.constants(sp.Rational(3, 2)) == (3 * eps**2, 3)

    def test_the_spurious_point_numerically(self):
        """The 2 x 2 example at RIP constant 1/2, by finite differences of its loss."""
        H = np.array([[1.0, 0.5], [0.5, 1.0]])

        def loss(x):
            E = np.outer(x, x) - np.diag([1.0, 0.0])
            diagonal = np.diag(E)
            return 0.5 * (diagonal @ H @ diagonal + 1.5 * 2 * E[0, 1] ** 2)

        point = np.array([0.0, np.sqrt(0.5)])
        around = [
            loss(point + 1e-3 * np.array([np.cos(a), np.sin(a)]))
            for a in np.linspace(0, 2 * np.pi, 60)
        ]
        assert loss(point) > 0.1
        assert min(around) > loss(point) - 1e-12

    def test_low_rank_sdp_example_numerically(self):
        """No matrix of rank 2 is closer to the null space than the example says."""
        K = np.diag([1.0, 1.0, -3.0])
        rng = RNG(0)
        best = 0.0
        for _ in range(2000):
            E = rng.standard_normal((3, 2)) @ rng.standard_normal((2, 3))
            best = max(best, np.sum(E * K) ** 2 / np.sum(E**2) / np.sum(K**2))
        assert best < 10 / 11
        E = np.diag([1.0, 0, -3.0])
        assert np.sum(E * K) ** 2 / np.sum(E**2) / np.sum(K**2) == pytest.approx(10 / 11)


class TestSpikiness:
    def test_failure_is_the_simulated_one(self):
        n, p, bound = 10, 0.3, 0.28
        share = RNG(0).binomial(100, p, size=200_000) / 100
        assert spikiness.failure(bound, n, p) == pytest.approx(np.mean(share < bound), abs=0.005)

    def test_failure_excludes_equality(self):
        assert spikiness.failure(0.3, 10, 0.3) == pytest.approx(stats.binom.cdf(29, 100, 0.3))

    def test_statistics(self, tmp_path):
        table = run("spikiness", tmp_path)
        assert spikiness.printed_failure_over_delta(table).value > 40
        assert spikiness.bernstein_failure_over_delta(table).value < 1
        assert spikiness.whole_operator_probability(table).value < 1e-9


class TestThresholds:
    def test_flat_singular_vectors(self):
        U, V = _flat.singular_vectors(32, 3, RNG(0))
        for side in (U, V):
            np.testing.assert_allclose(side.T @ side, np.eye(3), atol=1e-12)
            np.testing.assert_allclose(np.abs(side), 1 / np.sqrt(32))
        assert conditions.incoherence(U @ V.T) == pytest.approx(1)

    def test_certificate_needs_the_tangent_space(self):
        U, V = _flat.singular_vectors(16, 2, RNG(1))
        assert thresholds.certified(U, V, np.ones((16, 16), bool))
        row = np.ones((16, 16), bool)
        row[3] = False
        assert not thresholds.certified(U, V, row)

    def test_certified_means_recovered(self):
        """A convex solver that knows only the entries finds what is certified."""
        U, V = _flat.singular_vectors(16, 1, RNG(2))
        mask = RNG(3).random((16, 16)) < 0.6
        assert thresholds.certified(U, V, mask)
        rows, cols = np.nonzero(mask)
        M = 16 * U @ V.T
        problem = mc.Problem(rows, cols, M[rows, cols], (16, 16))
        answer = mc.complete(problem, "nuclear_norm")
        assert answer.relative_error(M) < 1e-4

    def test_growth_sees_a_missing_power(self, tmp_path):
        table = run("thresholds", tmp_path)
        slow = table.assign(threshold=table["n"] ** -0.5)
        assert thresholds.semidefinite_growth(slow).value > 0.2
        exactly = table.assign(threshold=[np.log(n) / n for n in table["n"]])
        assert thresholds.semidefinite_growth(exactly).value == pytest.approx(0, abs=1e-9)


class TestAtRate:
    def test_more_than_all_entries_is_refused(self):
        seed = np.random.SeedSequence(0)
        with pytest.raises(ValueError, match="ask for p="):
            at_rate.trial(seed, method="factored", n=64, rank=2, kappa=8.0)

    def test_rates_and_errors(self, tmp_path):
        table = run("at-rate", tmp_path)
        factored = table[table["method"] == "factored"]
        expected = [
            2 * conditions.required_rate("factored", n, 2, 1.0, k)
            for n, k in zip(factored["n"], factored["kappa"], strict=True)
        ]
        np.testing.assert_allclose(factored["p"], expected)
        assert at_rate.factored_success(table).value == 1
        assert 0.1 < at_rate.spectral_error(table).value < 1
        assert at_rate.factored_success(table.assign(error=1e-3)).value == 0


class TestOverparametrized:
    def test_enough_columns_leave_no_trap_and_too_few_do(self, tmp_path):
        table = run("overparametrized", tmp_path, trials=2)
        assert overparametrized.trapped_above(table).value == 0
        assert overparametrized.trapped_below(table).value > 0.05
        asked = overparametrized.asked_in_the_experiments(table).value
        assert asked == pytest.approx((1 / 5e-5**2 - 1) ** 2 / 4)


VERDICTS = {
    "reproduced": [
        "def11", "def12", "no-rip", "ex-2x2", "eps-op", "obs-noise", "epsmc", "lem21-tight",
        "lemD1a", "lemD1-decomp", "spiky", "delta-half", "yalcin23",
    ],
    "discrepant": ["lemD1c", "lemD1-uniform"],
    "under-specified": ["rip-delta", "lem21", "lemD1b"],
    "blocked": ["rel-uniform"],
}  # fmt: skip


def test_exact_claims_are_decided_in_every_profile(tmp_path, monkeypatch):
    monkeypatch.setenv("MCREPRO_CACHE", str(tmp_path))
    found = mc.ledger.verdicts(profile="smoke", chapter="noise/sensing").set_index("id")["verdict"]
    for verdict, claims in VERDICTS.items():
        assert [found[f"noise-{claim}"] for claim in claims] == [verdict] * len(claims)
    assert len(found) == 25
