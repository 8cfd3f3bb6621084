"""The trainer, and the statistics that are read off its runs."""

import numpy as np
import pandas as pd
import pytest

from mcrepro.experiments.neural import (
    baselines,
    layers,
    matrices,
    random_masks,
    sizes,
    training,
    width,
)
from mcrepro.experiments.neural._task import corner, draw, errors, learn
from mcrepro.experiments.neural._training import Net


def test_gradient_agrees_with_finite_differences():
    rng = np.random.default_rng(1)
    net = Net([3, 5, 4, 2], rng, dtype=np.float64)
    inputs, targets = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    net.loss(inputs, targets)
    gradient = net.gradient.copy()
    for k in range(0, len(net.weights), 3):
        kept, step = net.weights[k], 1e-6
        net.weights[k] = kept + step
        above = net.loss(inputs, targets)
        net.weights[k] = kept - step
        below = net.loss(inputs, targets)
        net.weights[k] = kept
        assert gradient[k] == pytest.approx((above - below) / (2 * step), abs=1e-7)


def test_first_step_of_adam_moves_every_weight_by_the_rate():
    rng = np.random.default_rng(2)
    net = Net([2, 3, 1], rng, dtype=np.float64)
    before = net.weights.copy()
    data = rng.standard_normal((8, 2))
    net.fit(data, data[:, :1], epochs=1, rate=0.01, batch=8)
    moved = np.abs(net.weights - before)[net.gradient != 0]
    np.testing.assert_allclose(moved, 0.01, rtol=1e-4)


def test_it_learns_a_linear_map():
    rng = np.random.default_rng(3)
    data = rng.standard_normal((500, 2))
    net = Net([2, 32, 1], rng)
    history = net.fit(data, data @ [[1.0], [-2.0]], epochs=60)
    assert history[-1] < 0.05 * history[0]


def test_same_seed_same_network():
    nets = [
        learn(np.random.default_rng(4), corner(2, 2), 1, width=8, layers=2, epochs=2)[0]
        for _ in "ab"
    ]
    np.testing.assert_array_equal(nets[0].weights, nets[1].weights)


def test_hidden_entries_are_not_read():
    net, _, test, _ = learn(np.random.default_rng(5), corner(2, 2), 1, width=8, layers=1, epochs=1)
    spoilt = test.copy()
    spoilt[:, 1, 1] = 1e6
    difference = errors(net, spoilt, corner(2, 2)) + spoilt - errors(net, test, corner(2, 2)) - test
    assert np.abs(difference).max() < 1e-6


def test_equal_width_has_as_many_weights():
    single, rng = layers.equal_width(13, 64, 16), np.random.default_rng(0)
    two, one = Net([13, 64, 64, 16], rng), Net([13, single, 16], rng)
    assert 0 <= len(one.weights) - len(two.weights) < 13 + 1 + 16


def test_encoding_hides_one_entry_and_says_which():
    coded = random_masks.encode(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([2]))
    assert coded.tolist() == [[1, 2, 0, 4, 1, 1, 0, 1]]


def test_padding_keeps_the_matrix_in_its_corner():
    M = draw(np.random.default_rng(6), 1, (3, 3), 1)
    inputs, targets = sizes._padded(M)
    np.testing.assert_array_equal(targets.reshape(6, 6)[:3, :3], M[0])
    assert inputs.shape == (1, 72)
    assert inputs[0, 36:].sum() == 8
    assert inputs[0, 2 * 6 + 2] == 0


def test_statistics_read_the_last_epoch():
    rows = [
        {"n": n, "epochs": 20, "epoch": e, "trial": t, "hidden": h + 0.01 * t}
        for n in (2, 4)
        for t in range(3)
        for e, h in ((10, 0.9), (20, 0.4 if n == 2 else 1.1))
    ]
    table = pd.DataFrame(rows)
    assert training.error_2(table).value == pytest.approx(0.41)
    assert training.error_4(table).value == pytest.approx(1.11)
    assert training.falls_2(table).value == pytest.approx(0.5)
    assert training.falls_4(table).value == pytest.approx(-0.2)
    assert training.best_4(table).value == pytest.approx(0.91)


def test_orderings_change_sign_with_the_data():
    runs = pd.DataFrame(
        [
            (2, t, m, e)
            for t in range(3)
            for m, e in (("one", 0.8), ("two", 0.4), ("one wide", 0.2))
        ],
        columns=["n", "trial", "network", "hidden"],
    )
    assert layers.gain_2(runs).value == pytest.approx(0.5)
    assert layers.gain_2_weights(runs).value == pytest.approx(-1)
    grown = pd.DataFrame(
        [(n, 4, t, 0.1 * n) for n in (2, 3, 4) for t in range(3)],
        columns=["n", "factor", "trial", "hidden"],
    )
    assert width.growth_4(grown).value == pytest.approx(0.2)


def test_exact_baselines_are_exact():
    rows = pd.DataFrame(baselines.trial(np.random.SeedSequence(1), n=2, epochs=1)).set_index(
        "method"
    )
    assert rows.loc["zero", "error"] == 1
    assert rows.loc["minors", "error"] < 1e-12
    assert rows.loc["gnmr", "median"] < 1e-8


def test_many_reads_the_largest_number_of_matrices():
    runs = pd.DataFrame({"matrices": [2000, 2000, 50000, 50000], "hidden": [1.2, 1.2, 0.7, 0.9]})
    assert matrices.many(runs).value == pytest.approx(0.8)
