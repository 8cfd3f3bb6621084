"""Belief propagation and peeling: exact where they must be, and what the rest of gnmr leans on."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.solvers._belief_propagation import BeliefPropagation, _update, sweeps
from mcrepro.solvers._peeling import Core


def test_update_is_the_gaussian_posterior_and_its_cavities():
    rng = np.random.default_rng(0)
    n, k, r = 5, 4, 2
    i, j = np.nonzero(rng.random((n, k)) < 0.8)
    m = len(i)
    y, message, z, h = (rng.standard_normal((m, d)) for d in (1, r, r, r))
    y, gain, variance = y[:, 0], 0.3 * rng.standard_normal((m, r)), np.zeros(m)
    C, D = (np.array([np.eye(r) * x for x in rng.uniform(0.5, 2, size)]) for size in (n, k))
    precision, temperature = np.diag([1.0, 3.0]), 0.6
    s = np.array(
        [
            np.vdot(
                D[j[t]] + np.outer(h[t], h[t]),
                C[i[t]] + np.outer(gain[t], gain[t]) + np.outer(message[t], message[t]),
            )
            for t in range(m)
        ]
    )
    mean = _update(i, j, message, gain, C, variance, z, h, D, y, precision, temperature, 0.0)
    np.testing.assert_allclose(variance, s, rtol=1e-12)

    def posterior(entries):
        w = 1 / (temperature * s[entries])
        P = precision + (z[entries] * w[:, None]).T @ z[entries]
        return np.linalg.solve(P, z[entries].T @ (w * y[entries])), np.linalg.inv(P)

    for a in range(n):
        expected = posterior(np.flatnonzero(i == a))
        np.testing.assert_allclose(mean[a], expected[0], rtol=1e-8)
        np.testing.assert_allclose(C[a], expected[1], rtol=1e-8, atol=1e-10)
    for t in range(m):
        others = np.flatnonzero(i == i[t])
        m_t, C_t = posterior(others[others != t])
        np.testing.assert_allclose(message[t], m_t, rtol=1e-8, atol=1e-10)
        cavity = C[i[t]] + np.outer(gain[t], gain[t])
        np.testing.assert_allclose(cavity, C_t, rtol=1e-8, atol=1e-10)


def beliefs(p, rank, **options):
    options = {"temperature": 0.7, "damping": 0.3, "spectral": True} | options
    rng = np.random.default_rng(0)
    return (p.rows, p.cols, p.values, p.shape, rank, rng, *options.values())


@pytest.mark.parametrize("spectral", [True, False])
def test_sweeps_come_close_to_the_truth(spectral):
    p = mc.instances.oversampled(120, 100, 3, ratio=1.6, condition=10.0, seed=0)
    core = Core(p, 3)
    *_, (U, V, f, sure) = sweeps(*core.entries(p.values), *beliefs(p, 3, spectral=spectral)[4:])
    assert f < 1e-3
    assert not sure
    inside = p.truth[np.ix_(core.rows, core.cols)]
    assert np.linalg.norm(U @ V.T - inside) < 0.05 * np.linalg.norm(inside)


def test_scale_of_the_data_does_not_matter():
    p = mc.instances.oversampled(30, 25, 2, ratio=2.0, seed=0)
    q = mc.Problem(p.rows, p.cols, 1e6 * p.values, p.shape)
    a, b = (BeliefPropagation(*beliefs(problem, 2)) for problem in (p, q))
    for belief in (a, b):
        belief.sweep()
    U, V = a.means()
    X, Y = b.means()
    np.testing.assert_allclose(X @ Y.T, 1e6 * (U @ V.T), rtol=1e-6)


def test_data_that_are_zero_have_no_sweeps():
    assert list(sweeps(*beliefs(mc.Problem([0, 1], [1, 0], [0.0, 0.0], (2, 2)), 1))) == []


def test_peeling_leaves_rows_and_columns_with_more_than_rank_entries():
    p = mc.instances.oversampled(60, 50, 3, ratio=1.2, seed=0)
    core = Core(p, 3)
    rows, cols, values, shape = core.entries(p.values)
    assert 0 < len(values) < p.n_observed
    assert min(np.bincount(rows).min(), np.bincount(cols).min()) > 3
    assert shape == (rows.max() + 1, cols.max() + 1)
    np.testing.assert_array_equal(values, p.truth[np.ix_(core.rows, core.cols)][rows, cols])


def test_extension_of_the_true_core_is_the_truth_where_it_is_determined():
    # Column 5 has two entries; without them row 5 has two. Both are determined at rank 2.
    rng = np.random.default_rng(0)
    L, R = rng.standard_normal((6, 2)), rng.standard_normal((6, 2))
    mask = np.ones((6, 6), dtype=bool)
    mask[1:5, 5] = mask[5, 2:5] = False
    p = mc.Problem.from_dense(L @ R.T, mask)
    core = Core(p, 2)
    assert core.rows.tolist() == core.cols.tolist() == [0, 1, 2, 3, 4]
    U, V = core.extend(*core.embed(L[:5], R[:5]), p.values)
    np.testing.assert_allclose(U @ V.T, L @ R.T, atol=1e-12)


def test_all_entries_are_the_core_where_nothing_would_be_left():
    p = mc.Problem([0, 1, 2], [0, 1, 2], [1.0, 2.0, 3.0], (3, 3))
    assert Core(p, 1).kept.tolist() == [0, 1, 2]
