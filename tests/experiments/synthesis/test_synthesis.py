"""The synthesis: who meets whom, how answers are scored, and that the summaries count right."""

import math

import numpy as np
import pandas as pd
import pytest

import mcrepro as mc
from mcrepro import experiments
from mcrepro.experiments.synthesis import (
    _maps,
    families,
    limit,
    one_sided,
    phase,
    rank_rate,
    ratings,
)
from mcrepro.experiments.synthesis._families import FAMILIES, NOISE


def test_every_method_of_the_package_is_on_some_family():
    met = {method for family in FAMILIES.values() for method in family.methods}
    alone = set(mc.methods()["name"]) - met
    assert not alone, (
        f"put {sorted(alone)} on a family of mcrepro/experiments/synthesis/_families.py"
    )
    assert met <= set(mc.methods()["name"])


def test_every_comparison_has_the_baseline():
    assert all("mean" in family.methods for family in FAMILIES.values())
    assert "mean" in one_sided.METHODS
    assert "mean" in ratings.CALLS


@pytest.mark.parametrize("family", FAMILIES)
def test_problems_are_what_their_family_says(family):
    problem = FAMILIES[family].draw(24, np.random.default_rng(0))
    assert np.linalg.matrix_rank(problem.truth) == FAMILIES[family].rank
    observed = problem.truth[problem.rows, problem.cols]
    size = np.sqrt(np.mean((problem.values - observed) ** 2) / np.mean(observed**2))
    assert size == pytest.approx(NOISE if family == "noisy" else 0.0, rel=0.15, abs=1e-12)
    if family == "nonnegative":
        assert problem.truth.min() >= 0
    if problem.symmetric:
        assert np.linalg.eigvalsh(problem.truth).min() > -1e-9
        pairs = set(zip(problem.rows, problem.cols, strict=True))
        assert {(j, i) for i, j in pairs} == pairs


def test_limit_under_noise_lies_above_the_oracle_and_below_the_noise():
    """Least squares over the true tangent space, by dense algebra."""
    family, ratios = FAMILIES["noisy"], []
    for seed in range(5):
        problem = family.draw(24, np.random.default_rng(seed))
        u, _, vt = np.linalg.svd(problem.truth)
        U, V = u[:, :2], vt[:2].T
        basis = np.hstack([np.kron(U, np.eye(24)), np.kron(np.eye(24), V)])
        seen = problem.rows * 24 + problem.cols
        x = np.linalg.lstsq(basis[seen], problem.values, rcond=1e-10)[0]
        truth = problem.truth.ravel()
        error = np.linalg.norm(basis @ x - truth) / np.linalg.norm(truth)
        assert error < family.limit(problem) < NOISE
        ratios.append(error / (family.limit(problem) / 1.5))
    assert 0.9 < np.mean(ratios) < 1.3  # the floor of the page is that of such an oracle


def test_methods_of_a_trial_meet_the_same_problem():
    cells = {"family": "well sampled", "n": 20, "trials": 2}
    table = experiments.run(
        "synthesis-families", profile="smoke", method=["als", "gnmr", "mean"], **cells
    )
    assert table.loc[table["method"] != "mean", "solved"].all()
    assert not table.loc[table["method"] == "mean", "solved"].any()
    assert table.groupby("trial")["determined"].nunique().eq(1).all()
    summary = families.summary(table).set_index("method")
    assert summary.loc["gnmr", "solved_low"] == pytest.approx(0.025**0.5)
    assert families.solved_by(table, "well sampled", "mean").value == 0
    with pytest.raises(ValueError, match="no rows"):
        families.solved_by(table, "well sampled", "nmf")


def test_sine_of_known_spaces():
    axes = np.eye(4)
    assert one_sided.largest_sine(axes[:, :2], axes[:, 1::-1]) == pytest.approx(0)
    assert one_sided.largest_sine(axes[:, :2], axes[:, 1:3]) == pytest.approx(1)
    tilted = np.c_[axes[:, 0], axes[:, 1] * math.cos(0.3) + axes[:, 2] * math.sin(0.3)]
    assert one_sided.largest_sine(tilted @ [[2, 1], [0, 3]], axes[:, :2]) == pytest.approx(
        math.sin(0.3)
    )
    assert one_sided.largest_sine(axes[:, :1], axes[:, :2]) == 1


@pytest.mark.parametrize("method", ["gnmr", "second_moment"])
def test_a_table_without_holes_gives_its_second_moment(method):
    rng = np.random.default_rng(0)
    M = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 8))
    X, _ = one_sided.estimate(mc.instances.sample_rows(M, 1.0, 0), method, 2, seed=0)
    np.testing.assert_allclose(X @ X.T, M.T @ M / 60, rtol=0, atol=1e-5)


def test_gain_on_ratings_is_paired_by_split():
    rows = [
        {"dataset": "few", "trial": k, "method": name, "error": error}
        for k, pair in enumerate([(0.9, 0.8), (1.4, 1.3), (1.9, 1.8)])
        for name, error in zip(("mean", "als"), pair, strict=True)
    ]
    table = pd.DataFrame(rows).assign(seconds=1.0, converged=True)
    summary = ratings.summary(table).set_index("method")
    assert summary.loc["als", "gain"] == pytest.approx(0.1)
    assert summary.loc["als", "gain_low"] == pytest.approx(0.1, abs=1e-6)
    assert summary.loc["als", "better"] == 1
    assert summary.loc["mean", "better"] == 0


def test_maps_tell_open_masks_and_limits():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((8, 1)) @ rng.standard_normal((1, 8))
    blocks = np.kron(np.eye(2), np.ones((4, 4))) > 0
    dense = rng.random((8, 8)) < 0.9
    problems = [mc.Problem.from_dense(M, mask) for mask in (blocks, dense)]
    determined = [row["solved"] for row in _maps.rows(problems, "determined", 1, rng)]
    assert determined == [False, True]
    for method in ("gnmr", "nuclear_norm"):
        solved = [row["solved"] for row in _maps.rows(problems, method, 1, rng)]
        assert solved == [False, True]
    stopped = _maps.rows([problems[1]], "nuclear_norm", 1, rng)[0]
    assert not stopped["limit"]
    hard = mc.instances.oversampled(16, 16, 2, 1.6, 1000.0, 0)
    assert _maps.rows([hard], "bm", 2, rng)[0] == {"solved": False, "limit": True}


def test_threshold_asks_for_success_from_there_on():
    success = {1.0: 1.0, 1.5: 0.0, 2.0: 1.0, 3.0: 0.95}
    table = pd.DataFrame(
        [
            {"method": "als", "condition": 1.0, "ratio": ratio, "solved": k < 20 * share}
            for ratio, share in success.items()
            for k in range(20)
        ]
    )
    assert phase.threshold(table, "als", 1.0) == 2.0
    assert phase.threshold(table.assign(solved=False), "als", 1.0) == math.inf


def test_boundary_counts_degrees_of_freedom():
    assert rank_rate.boundary(30, 30) == 1
    assert rank_rate.boundary(30, [1, 2]) == pytest.approx([59 / 900, 116 / 900])


def test_masks_near_the_limit_are_counted_apart():
    table = experiments.run("synthesis-limit", profile="smoke")
    assert limit.counts_agree(table)
    summary = limit.summary(table)
    assert (summary["solved"] <= summary["determined"]).all()
    assert summary["solved_open"].eq(0).all()
    assert not limit.counts_agree(table.assign(undetermined=1, determined=True))
    solved = table.assign(determined=[True] + [False] * (len(table) - 1), solved=True)
    assert limit.solved_of_determined(solved, solved["rank"].iloc[0]).n == 1
    assert limit.summary(solved)["solved_open"].sum() == len(table) - 1
