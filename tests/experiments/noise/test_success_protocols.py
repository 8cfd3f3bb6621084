"""The success rates' protocols: what they count, and that their checks can fail."""

import numpy as np
import pandas as pd
import pytest

import mcrepro as mc
from mcrepro.experiments.noise import (
    _solve,
    _symmetric_sensing,
    independent,
    perturbation,
    sampling,
    signs,
    spurious,
    success,
    table2,
)


def seed(k=0):
    return np.random.SeedSequence(k)


@pytest.fixture(scope="module")
def proofs():
    return pd.DataFrame([{"n": n, **signs.trial(None, n=n)} for n in (4, 5, 6, 8)])


def test_signs_by_hand(proofs):
    six = proofs.set_index("n").loc[6]
    assert (six["entries"], six["fits"], six["matrices"]) == (30, 8, 4)
    assert six["least_square"] == 16  # one flip: four entries off by two
    assert six["levels"] == "8/3"
    assert signs.sizes_with_one_level(proofs) == [5, 6]


def test_proofs_hold_and_notice_a_planted_fault(proofs):
    assert signs.construction(proofs)
    assert signs.every_pattern_fits(proofs)
    assert signs.threshold_separates(proofs)
    assert signs.sdp_not_unique(proofs)
    assert not signs.wrong_patterns_are_spurious(proofs)
    assert signs.excess_of_failures(proofs).value == 0
    assert not signs.construction(proofs.assign(entries=proofs["entries"] + 1))
    assert not signs.every_pattern_fits(proofs.assign(fits=proofs["fits"] - 1))
    assert not signs.every_pattern_fits(proofs.assign(least_curvature=0))
    assert not signs.threshold_separates(proofs.assign(least_square=0.002))
    assert not signs.sdp_not_unique(proofs.assign(sdp_points=False))
    assert signs.wrong_patterns_are_spurious(proofs.assign(largest_value="1/2"))


def test_hessian_floor_against_finite_differences():
    n = 5
    problem = mc.instances.structured(n)
    mask = np.zeros((n, n), dtype=bool)
    mask[problem.rows, problem.cols] = True
    x = np.array([1, 0, -1, 0, 1])

    def value(y):
        return 0.5 * np.sum((np.outer(y, y) - problem.truth)[mask] ** 2)

    step = 1e-4
    bends = [
        (value(x + step * e) - 2 * value(x) + value(x - step * e)) / step**2 for e in np.eye(n)
    ]
    assert signs.hessian_floor(x, mask) == pytest.approx(min(bends), rel=1e-5)


def test_spurious_points_are_stationary_and_positive():
    table = pd.DataFrame(spurious.trial(None, n=6, deltas=(0.05, 0.1)))
    assert spurious.exponentially_many(table)
    assert list(table["patterns"]) == [3, 3]
    assert not spurious.exponentially_many(table.assign(alive=2))
    assert not spurious.exponentially_many(table.assign(least_value=0.0))
    # An independent count: many starts of BM at δ = .05 end at four values, one of them zero.
    problem = mc.instances.structured(6, 0.05)
    lifted = mc.lifting.LiftedObjective(problem, 1, 0.0)
    end = mc.lifting.minimize(lifted, lifted.initial(1.0, seed=1, trials=100))
    signs_found = {tuple(np.sign(w[::2] * w[0]).astype(int)) for w in end.w}
    assert len(signs_found) == 4
    spurious_values = end.value[end.value > 1e-8]
    assert spurious_values.min() == pytest.approx(table["least_value"].iloc[0], rel=1e-6)


def test_bm_and_lifted_keep_the_signs_of_their_start():
    for method in ("bm", "lifted"):
        row = success.trial(seed(), n=6, method=method, delta=0.0, starts=20)
        assert row["signs_kept"] == row["converged"] == row["runs"] == 20
    bm = success.trial(seed(3), n=6, method="bm", delta=0.0, starts=20)
    lifted = success.trial(seed(3), n=6, method="lifted", delta=0.0, starts=20)
    assert bm["successes"] == lifted["successes"]


def test_deterministic_methods_cannot_guess():
    for method in ("lin_rfm", "trace_sdp"):
        assert success.trial(seed(), n=4, method=method, delta=0.0, starts=5)["successes"] == 0
        assert success.trial(seed(), n=4, method=method, delta=0.5, starts=5)["successes"] == 1


def test_least_difference_is_paired_and_takes_the_least_size():
    rows = [
        {"n": n, "method": method, "delta": 0.0, "trial": k, "successes": s, "runs": 10}
        for n, lead in ((4, 1), (6, 3))
        for k, base in enumerate((2, 5, 7))
        for method, s in (("bm", base), ("lifted", base + lead))
    ]
    found = success.lead_over_bm(pd.DataFrame(rows))
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))  # the batches' luck cancels


def test_masks_are_the_unit_of_inference():
    rows = [
        {
            "n": 6, "p": 0.3, "trial": k, "method": method, "runs": 20, "successes": s,
            "ceiling": 1.0, "small_start": 1.0, "rank_one": 20,
        }
        for k, s in enumerate((0, 20, 0, 20))
        for method in ("bm", "lifted")
    ]  # fmt: skip
    rates = independent.rates(pd.DataFrame(rows)).set_index("method")
    assert rates.loc["bm", "value"] == 0.5
    assert rates.loc["bm", "masks"] == 4
    assert rates.loc["bm", "high"] - rates.loc["bm", "low"] > 1  # as wide as four masks are
    assert independent.lead(pd.DataFrame(rows), "lifted", "bm", [6], [0.3]).value == 0


def test_every_method_meets_the_same_mask_and_none_sees_more_than_the_ceiling():
    rows = pd.DataFrame(independent.trial(seed(7), n=5, p=0.4, epsilon=5e-5, starts=10))
    assert set(rows["method"]) == {*independent.DESCENTS, *independent.PEERS, independent.CODED}
    assert rows["observed"].nunique() == rows["ceiling"].nunique() == 1


def test_a_mask_that_shows_only_zeros_fails_every_method():
    for k in range(200):
        rows = independent.trial(seed(k), n=3, p=0.05, epsilon=5e-5, starts=4)
        assert len(rows) == len(independent.DESCENTS) + len(independent.PEERS) + 1
        if rows[0]["observed"] == 0:
            assert all(row["successes"] == 0 for row in rows)
            assert {
                row["method"]
                for row in sampling.trial(seed(k), n=3, p=0.05, epsilon=5e-5, starts=4)
            } == set(sampling.METHODS)
            return
    pytest.fail("no empty mask was drawn")


def test_symmetric_sensing_against_the_definition():
    rng = np.random.default_rng(0)
    mask = rng.random((3, 3)) < 0.5
    z = np.array([1.0, 0.5, -2.0])
    problem = mc.Problem.from_dense(np.outer(z, z), mask, symmetric=True)
    objective = _symmetric_sensing.SymmetricSensing(problem)
    w = rng.standard_normal((27, 1))
    W, total = w.reshape(3, 3, 3), 0.0
    matrices = []
    for i, j in zip(problem.rows, problem.cols, strict=True):
        A = np.zeros((3, 3))
        A[i, j] += 0.5
        A[j, i] += 0.5
        matrices.append(A)
    for a, A in zip(problem.values, matrices, strict=True):
        for b, B in zip(problem.values, matrices, strict=True):
            for c, C in zip(problem.values, matrices, strict=True):
                seen = np.einsum("ad,be,cf,abc,def", A, B, C, W, W)
                total += (seen - a * b * c) ** 2
    value, gradient = objective.value_and_gradient(w)
    assert value[0] == pytest.approx(total)
    d, t = rng.standard_normal((27, 1)), 1e-6
    change = objective.value_and_gradient(w + t * d)[0] - objective.value_and_gradient(w - t * d)[0]
    assert np.sum(gradient * d) == pytest.approx(change[0] / (2 * t), rel=1e-6)


def test_symmetric_sensing_agrees_with_the_printed_one_at_rank_one():
    rng = np.random.default_rng(1)
    problem = mc.instances.structured(4, 0.3)
    x = rng.standard_normal((4, 1))
    lifted = mc.lifting.LiftedObjective(problem, 3, 0.0, factor=1.0)
    ours, _ = _symmetric_sensing.SymmetricSensing(problem).value_and_gradient(
        lifted.lift(x).reshape(-1, 1)
    )
    assert ours[0] == pytest.approx(lifted.value(lifted.lift(x)))


def test_one_edge_falls_apart_when_lifted_as_printed_and_not_as_coded():
    edge = mc.Problem([0], [2], [1.0], (3, 3), symmetric=True, truth=np.ones((3, 3)))
    x0 = np.array([[0.6, 0.0, 0.8]])
    printed = _solve.descend(edge, x0, order=3, epsilon=5e-5, scale=1e-2, **_solve.QUICK)
    assert printed.rank_one_residual[0] > 0.5
    coded = _symmetric_sensing.adam(edge, x0)
    assert coded.rank_one_residual[0] < 0.05
    np.testing.assert_allclose(coded.estimates[0][::2, ::2], 1, atol=0.05)


def test_perturbation_stops_at_the_bias():
    row = perturbation.trial(seed(), n=6, epsilon=0.1, method="lifted", starts=20)
    assert row["successes"] == 0
    assert row["least_error"] == pytest.approx(1 / 17, rel=1e-3)
    assert perturbation.trial(seed(), n=6, epsilon=0.01, method="lifted", starts=20)["strict"] > 0


def test_leads_at_different_epsilon_are_counted_start_by_start():
    cells = [("lifted", 5e-4, "a0"), ("lifted", 0.1, "00"), ("lifted", 0.01, "a0")]
    cells += [("lifted", 1e-5, "a0"), *(("bm", eps, "80") for eps in (5e-4, 0.1, 0.01, 1e-5))]
    table = pd.DataFrame(
        [
            {"method": method, "epsilon": eps, "trial": trial, "runs": 4, "solved": digits}
            for trial in (1, 0)
            for method, eps, digits in cells
        ]
    )
    np.testing.assert_array_equal(
        perturbation.outcomes(table, "lifted")[5e-4], [1, 0, 1, 0, 1, 0, 1, 0]
    )
    drop, lead = perturbation.least_drop(table), perturbation.lead_over_bm(table)
    assert (drop.value, drop.n) == (0, 8)  # nowhere else than at .1
    assert drop.low < 0 < drop.high
    assert lead.value == 0.25
    row = perturbation.trial(seed(), n=6, epsilon=0.01, method="bm", starts=20)
    one = pd.DataFrame([row | {"method": "bm", "epsilon": 0.01, "trial": 0}])
    assert perturbation.outcomes(one, "bm")[0.01].sum() == row["successes"]


def test_table2_prints_only_the_levels():
    rows = pd.DataFrame(
        [
            {"n": n, "optimizer": "gd", **row}
            for n in (6, 8)
            for row in table2.trial(seed(2), n=n, optimizer="gd")
        ]
    )
    for n, levels in ((6, {0.0, 2.67}), (8, {0.0, 2.0, 2.67})):
        part = rows[rows["n"] == n]
        assert set(part["mse_unobs"].round(2)) <= levels
        assert part["outside"].max() < 1e-6
        flips = part["wrong"].str.split().str.len()
        m = (n + 1) // 2
        np.testing.assert_allclose(
            part["mse_unobs"], 8 * flips * (m - flips) / (m * (m - 1)), atol=1e-4
        )
    assert table2.failures_at_2_67_n6(rows).value == 1
    assert table2.fitting_failures(rows).value == 1
    assert table2.fitting_failures(rows.assign(mse_obs=1e-3)).value == 0


def test_median_interval_covers():
    rng = np.random.default_rng(0)
    hits = [0.0 in table2._median(rng.standard_normal(41)) for _ in range(400)]
    assert np.mean(hits) > 0.92
