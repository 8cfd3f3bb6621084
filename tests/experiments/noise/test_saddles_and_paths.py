"""The proofs in code of the chapters on saddles and on paths, and the same with something broken."""

import functools
from fractions import Fraction

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.experiments.noise import (
    completion_points,
    conversion_orders,
    lifting_algebra,
    lifting_counterexamples,
    lifting_identities,
    linear_phase_times,
    printed_step,
    rank_one_definitions,
    rank_one_paths,
    sensing_points,
    sign_patterns,
    tiny_masks,
)
from mcrepro.experiments.noise._points import second_order_points
from mcrepro.theory import conversion, lifted_curvature
from mcrepro.theory import factored_sensing as sensing


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    cache = tmp_path_factory.mktemp("trials")

    @functools.cache
    def table(name):
        return mc.experiments.run(f"noise-{name}", profile="smoke", cache=cache, progress=False)

    return table


IDENTITIES = [
    (lifting_identities.rank_one_value, "rank_one_value"),
    (lifting_identities.lemma_c6_inner_modes, "inner_modes"),
    (lifting_identities.lemma_c8, "second_order"),
    (lifting_identities.unlifted_conditions, "unlifted"),
    (lifting_identities.four_times_symmetric, "four_times"),
    (lifting_identities.power_formula, "power_formula"),
]


@pytest.mark.parametrize(("statement", "column"), IDENTITIES)
def test_identity(smoke, statement, column):
    table = smoke("lifting-identities")
    assert statement(table)
    assert not statement(table.assign(**{column: False}))


def test_identities_that_fail(smoke):
    table = smoke("lifting-identities")
    assert not lifting_identities.lemma_c6_same_modes(table)
    assert not lifting_identities.four_times_any(table)


def test_a_wrong_constant_breaks_the_identities(monkeypatch):
    """With 3 P^l in the place of 2 P^l the five powers are not the curvature."""

    def wrong(self, order):
        a, b, P, Q, R = (v**order for v in self)
        return 2 * (a - b + R) + 1.5 * (P + Q)

    monkeypatch.setattr(lifted_curvature.Terms, "curvature", wrong)
    row = lifting_identities.trial(None, instance=1, rank=1, order=3, symmetric=True)
    assert not row["power_formula"]
    assert row["second_order"]


def test_a_wrong_gradient_breaks_the_identities(monkeypatch):
    right = sensing.gradient_matrix
    monkeypatch.setattr(sensing, "gradient_matrix", lambda A, b, X: 2 * right(A, b, X))
    assert not lifting_identities.trial(None, instance=1, rank=2, order=1, symmetric=True)[
        "unlifted"
    ]


@pytest.mark.parametrize(
    ("step", "holds"),
    [
        (lifting_algebra.sufficient_condition, True),
        (lifting_algebra.order_is_sufficient, True),
        (lifting_algebra.equality_has_an_order, False),
        (lifting_algebra.noiseless_form, True),
        (lifting_algebra.noise_moves_the_threshold, True),
        (lifting_algebra.trace_is_not_used, True),
        (lifting_algebra.time_grows, True),
    ],
)
def test_algebra(smoke, step, holds):
    assert step(smoke("lifting-algebra")) is holds


def test_a_wrong_order_is_noticed(monkeypatch):
    """1/(1 - log2(β)) in the place of (14)."""
    monkeypatch.setattr(
        conversion, "order_bound", lambda beta: 1 / (1 - np.log2(beta)) if beta < 1 else np.inf
    )
    assert not lifting_algebra.trial(None, step="order")["holds"]


def test_counterexamples(smoke):
    table = smoke("lifting-counterexamples")
    assert table["second_order"].all()
    assert lifting_counterexamples.hypothesis_can_hold(table)
    assert lifting_counterexamples.theorem_31_symmetrized(table)
    assert not lifting_counterexamples.theorem_31_entries(table)
    assert not lifting_counterexamples.bound_43(table)
    assert not lifting_counterexamples.gamma_in_range(table)
    assert not lifting_counterexamples.gradient_is_semidefinite(table)
    assert not lifting_counterexamples.printed_e1(table)
    assert table.set_index("example").loc["units", "proof_kept"]


def test_the_noisy_example_by_hand(smoke):
    """λ tr M* = 1.1025·2 against ||E||² - ||w||² = (1.1025² + 4) - (1.1025² + 1) = 3."""
    row = smoke("lifting-counterexamples").set_index("example").loc["noisy"]
    assert Fraction(row["beta"]) == Fraction(2205, 3000)
    np.testing.assert_allclose(row["curvature"], -2 + 4 * (1.1025 / 2) ** 3, rtol=1e-12)


def test_without_its_point_no_counterexample_stands(smoke):
    table = smoke("lifting-counterexamples")
    lost = table.assign(second_order=False)
    assert not lifting_counterexamples.hypothesis_can_hold(lost)
    assert lifting_counterexamples.printed_e1(lost)


def test_sensing_points(smoke):
    table = smoke("sensing-points")
    assert (
        0
        < sensing_points.share_noiseless(table).value
        < 1
        < sensing_points.share_noisy(table).value
    )
    assert sensing_points.largest_curvature(table).value < 0
    assert sensing_points.gap_41(table).value < 1e-9
    assert sensing_points.ratio_c2(table).value <= 1 + 1e-9
    assert sensing_points.excess_43(table).value > 0


@pytest.mark.parametrize(("scale", "share"), [(0.1, np.inf), (2.0, -np.inf)])
def test_share_of_a_point_without_full_rank_has_the_sign_of_its_left_side(scale, share):
    A, M, w = sensing.entry_operator(np.ones((2, 2))), np.diag([1.0, 0.0]), scale * np.ones(4)
    b = sensing.apply(A, M) + w
    row = sensing_points._measure(A, b, np.zeros((2, 1)), M, w, np.linalg.norm(b))
    assert row["share"] == share
    assert (row["order"] == np.inf) == (share < 0)


def test_halved_constants_break_the_inequalities(monkeypatch):
    """With L half of what it is, C_2 exceeds its bound; with α four times, (41) fails."""
    right = sensing.constants
    seed = np.random.SeedSequence(1)
    monkeypatch.setattr(sensing, "constants", lambda A: (right(A)[0], right(A)[1] / 2))
    rows = sensing_points.trial(seed, noise="far", n=3, rank=1)
    assert max(row["ratio_c2"] for row in rows) > 1
    monkeypatch.setattr(sensing, "constants", lambda A: (4 * right(A)[0], right(A)[1]))
    rows = sensing_points.trial(seed, noise="far", n=3, rank=1)
    assert max(row["gap_41"] for row in rows) > 0


def test_points_are_second_order_points():
    rng = np.random.default_rng(0)
    A, M = sensing.symmetrized(rng.standard_normal((8, 3, 3))), rng.standard_normal((3, 2))
    b = sensing.apply(A, M @ M.T) + 0.1 * rng.standard_normal(8)
    points = second_order_points(A, b, 2, rng.standard_normal((6, 3, 2)))
    assert points
    for X in points:
        assert np.linalg.norm(sensing.gradient_matrix(A, b, X) @ X) < 1e-7
        assert np.linalg.eigvalsh(sensing.hessian(A, b, X))[0] > -1e-6


def test_completion_points(smoke):
    table = smoke("completion-points")
    assert completion_points.largest_bound_ratio(table).value < 1
    assert completion_points.largest_share(table).value < 1
    assert completion_points.signs_decide(table)
    assert completion_points.largest_sign_curvature(table).value < 0
    flipped = table.assign(survival=-table["survival"])
    assert not completion_points.signs_decide(flipped)


def test_the_bound_with_half_of_e1_is_violated(monkeypatch):
    """Half of the right side of (16) is too little, so that the check can fail."""
    right = conversion.completion_bound
    monkeypatch.setattr(
        conversion, "completion_bound", lambda X, M, eps, e1: right(X, M, eps, e1) / 2
    )
    worst = 0.0
    for k in range(12):
        rows = completion_points.trial(
            np.random.SeedSequence(k), n=4, rank=1, mask="any", epsilon=1.0
        )
        worst = max([worst, *(row.get("bound_ratio", 0.0) for row in rows)])
    assert worst > 1


def test_conversion_orders(smoke):
    table = smoke("conversion-orders")
    assert conversion_orders.sign_theorem(table)
    assert conversion_orders.tie(table)
    assert conversion_orders.finite_orders(table).value < 1
    assert not conversion_orders.sign_theorem(table.assign(sign_order=1.0))


def test_halves_need_an_order_of_two_hundred_million():
    """ln(1 + sqrt 2) · 2 / (ε² m) for zeros at even indices, in closed form."""
    row = conversion_orders.trial(None, n=6, even_value=0.0, epsilon=5e-5, dense=1)
    closed = 2 * np.log(1 + np.sqrt(2)) / (5e-5**2 * 3)
    np.testing.assert_allclose(row["proof_order"], closed, rtol=1e-4)


def test_sign_patterns(smoke):
    """The closed form agrees with matrices; and no pattern is excluded."""
    table = smoke("sign-patterns").set_index("n")
    assert sign_patterns.largest_ratio(table).value < 1
    s = np.array([-1, 0, 1, 0, 1, 0])
    c2 = 1 / (1 + 5e-5**2 * 2)
    z = np.abs(s)
    distance = np.linalg.norm(c2 * np.outer(s, s) - np.outer(z, z))
    np.testing.assert_allclose(table.loc[6, "left"], distance, rtol=1e-12)
    np.testing.assert_allclose(table.loc[6, "e1"], np.sqrt(6))


def test_tiny_masks(smoke):
    table = smoke("tiny-masks")
    assert tiny_masks.excess(table).value > 0
    assert tiny_masks.noiseless_probability(table).value < 0.5
    assert sum(copies for _, copies in tiny_masks._masks()) == 512
    # x = 0 exactly where nothing is seen.
    np.testing.assert_allclose(1 - table["holds"], 0.7**9, rtol=1e-9)


def test_definitions(smoke):
    table = smoke("rank-one-definitions")
    assert rank_one_definitions.second_eigenvalue(table).value == 0
    assert rank_one_definitions.ratio_is_small(table)
    assert not rank_one_definitions.rank_one_is_symmetric(table)
    assert not rank_one_definitions.decomposition_printed(table)
    assert rank_one_definitions.decomposition_mended(table)
    assert rank_one_definitions.finite_on_structured(table).value == 0
    assert rank_one_definitions.tensor_sizes(table)


def test_the_decomposition_fails_with_another_factor():
    assert rank_one_definitions._recursion(gradient=1, shift=0)[0] == 1
    assert rank_one_definitions._recursion(gradient=2, shift=0)[0] == 0
    assert rank_one_definitions._recursion(gradient=1, shift=1)[0] == 0


def test_linear_phase(smoke):
    table = smoke("linear-phase-times")
    assert linear_phase_times.largest_corrected(table).value <= 1
    assert linear_phase_times.largest_derived(table).value > 1
    assert (
        linear_phase_times.largest_printed(table).value
        < linear_phase_times.largest_halved(table).value
    )


def test_half_of_the_corrected_time_is_too_early(monkeypatch):
    right = linear_phase_times.rank_one_time
    monkeypatch.setattr(linear_phase_times, "rank_one_time", lambda *a: np.ceil(right(*a) / 2))
    worst = max(
        linear_phase_times.trial(np.random.SeedSequence(k), n=4, order=3, gap=0.9, kappa=1e-4)[
            "corrected"
        ]
        for k in range(6)
    )
    assert worst > 1


def test_paths(smoke):
    table = smoke("rank-one-paths")
    found = rank_one_paths.paths(table)
    assert len(found) == 2 * 2 * 3
    assert (table.groupby(["noise", "trial", "scale"])["residual"].first() < 1e-12).all()
    assert rank_one_paths.ends_at_rank_one(table).value < 1e-6
    assert rank_one_paths.stays_closer_while_small(table).value == 1
    assert rank_one_paths.never_rises(table).value == 0
    assert rank_one_paths.bound_ratio(table).value < 1
    # The first hump is the linear phase: the smaller scales share it.
    small = found[(found["scale"] < 1) & (found["noise"] == 0)].groupby("trial")["peak"]
    assert (small.max() / small.min() < 1.02).all()


def test_printed_step(smoke):
    table = smoke("printed-step")
    m = (table["n"] + 1) // 2
    np.testing.assert_allclose(table["stability"], 4 * table["factor"] * 0.02 * m**3, rtol=1e-6)
    assert (
        printed_step.stability_printed(table).value
        > 2
        > printed_step.stability_quarter(table).value
    )
    assert table.loc[(table["n"] == 8) & (table["factor"] == 1), "diverged"].eq(3).all()
