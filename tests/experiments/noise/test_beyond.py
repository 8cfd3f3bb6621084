"""Lifting without the tensor: instances, prices, searches, and statistics of tables made by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

import mcrepro as mc
from mcrepro.experiments.noise import _beyond, contest, escape_order, few_terms, sizes
from mcrepro.theory.rank_one_completion import is_determined


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    cache = tmp_path_factory.mktemp("trials")
    return lambda name: mc.experiments.run(
        f"noise-{name}", profile="smoke", cache=cache, progress=False
    )


@pytest.mark.parametrize("family", _beyond.RANK)
def test_instances_are_symmetric_of_their_rank_and_the_same_for_a_seed(family):
    level = {"structured": 0.35, "random": 1.0, "blocks": 0.1}[family]
    one, two = (_beyond.instance(family, 24, level, np.random.default_rng(3)) for _ in range(2))
    assert one.symmetric
    np.testing.assert_array_equal(one.values, two.values)
    assert np.linalg.matrix_rank(one.truth) == _beyond.RANK[family]
    if family != "blocks":
        assert is_determined(one)


def test_unknown_family():
    with pytest.raises(ValueError, match="structured, random, blocks"):
        _beyond.instance("bloks", 24, 0.1, np.random.default_rng(0))


def test_a_search_pays_and_stops_when_the_budget_is_spent():
    problem = _beyond.instance("structured", 20, 0.35, np.random.default_rng(0))
    search = _beyond.Search(problem, 1, np.random.default_rng(1), budget=21)
    assert search.steps(2) == 10
    search.descend(rtol=0.0, gtol=0.0)
    assert search.work == 20
    assert search.open() == (search.fit > _beyond.FIT)
    search.work = 22
    assert search.steps(2) == 0
    assert not search.open()


def test_the_best_fit_is_kept():
    problem = _beyond.instance("structured", 10, 0.35, np.random.default_rng(0))
    search = _beyond.Search(problem, 1, np.random.default_rng(1))
    z = np.sqrt(np.diag(problem.truth))[:, None]
    search.keep(2 * z)
    assert search.fit == pytest.approx(3.0)
    search.keep(z)
    search.keep(3 * z)
    assert search.fit < 1e-12
    assert search.solved()
    np.testing.assert_allclose(_beyond.rescaled(problem, 5 * z), z)


def test_a_small_start_has_the_signs_of_the_truth():
    problem = _beyond.instance("structured", 40, 0.35, np.random.default_rng(0))
    X = _beyond.Search(problem, 1, np.random.default_rng(1)).small_start()
    assert abs(np.sign(X).sum()) == 40


@pytest.mark.parametrize("method", contest.METHODS)
def test_every_method_is_paid_and_honest(method):
    seed = np.random.SeedSequence(5)
    row = contest.trial(seed, family="structured", n=12, level=0.35, method=method, budget=400)
    assert row["work"] > 0
    assert row["rounds"] >= 1
    assert row["fitted"] or row["work"] >= 400
    assert row["fitted"] or not row["solved"]


def test_methods_meet_the_same_instance():
    assert set(contest.PROTOCOL.shared) == {"method", "budget"}


def test_gain_is_paired_at_the_largest_size():
    solved = {
        (20, "escape"): [1, 1, 1, 1],
        (20, "restarts"): [0, 0, 0, 0],
        (40, "escape"): [1, 0, 1, 1],
        (40, "restarts"): [0, 0, 0, 1],
        (40, "small start"): [1, 1, 1, 1],
    }
    rows = [
        {"family": "structured", "n": n, "method": m, "trial": k, "solved": bool(s), "work": 1}
        for (n, m), values in solved.items()
        for k, s in enumerate(values)
    ]
    table = pd.DataFrame(rows)
    assert contest.gain_over_restarts(table).value == pytest.approx(0.5)
    assert contest.gain_over_small_start(table).value == pytest.approx(-0.25)
    shares = contest.success(table).set_index(["n", "method"])["solved"]
    assert shares[40, "escape"] == 0.75


def test_smoke_of_the_identity_and_a_planted_fault(smoke, monkeypatch):
    table = smoke("few-terms")
    assert few_terms.largest_deviation(table).value < 1e-10
    checks = table[table["part"] == "check"]
    assert len(checks) == 8
    true_value = mc.lifting.FewTerms._value
    monkeypatch.setattr(
        mc.lifting.FewTerms, "_value", lambda self, products: 1.001 * true_value(self, products)
    )
    row = few_terms.trial(
        np.random.SeedSequence(0), part="check", n=4, order=3, rank=1, symmetric=False
    )
    assert row["deviation"] > 1e-4


def test_spurious_points_are_spurious_and_left_as_claimed(smoke):
    table = smoke("escape-order")
    assert (table["fit"] > _beyond.FIT).all()
    assert (table.loc[table["order"] == 1, "ratio"] > 1 - 1e-6).all()
    assert escape_order.theorem_leads_down(table).value == 0
    structured = table[table["family"] == "structured"].set_index("order")
    assert structured["ratio"].is_monotonic_decreasing
    assert not structured.loc[3, "solved"]
    assert escape_order.left_structured_3(table).value == 0
    assert set(escape_order.summary(table)["points"]) == {1}


def test_lowest_curvature_against_the_hessian_by_differences():
    problem = mc.instances.structured(3, 0.4)
    X = np.array([[1.0], [0.4], [-1.0]])
    found = escape_order.lowest_curvature(problem, X, 3)
    lifted = mc.lifting.LiftedObjective(problem, 3)
    w, basis = lifted.lift(X), []
    for index in itertools.combinations_with_replacement(range(3), 3):
        T = np.zeros((3, 3, 3))
        for places in set(itertools.permutations(index)):
            T[places] = 1
        basis.append(T / np.linalg.norm(T))
    h = 1e-4
    H = [
        [
            np.vdot(e, lifted.gradient(w + h * f) - lifted.gradient(w - h * f)) / (2 * h)
            for e in basis
        ]
        for f in basis
    ]
    values = np.linalg.eigvalsh((np.array(H) + np.transpose(H)) / 2)
    assert found == pytest.approx(values[0] / np.abs(values).max(), abs=1e-6)
    assert escape_order.lowest_curvature(mc.instances.structured(30), np.ones((30, 1)), 3) is None


def test_start_and_order_are_told_apart(smoke):
    table = smoke("sizes")
    summary = sizes.summary(table).set_index(["n", "order", "start"])["solved"]
    assert summary[10, 1, 1e-8] == 1
    assert summary[10, 1, 1.0] < 1
    assert sizes.small_start_order_1(table).value >= sizes.usual_start_order_3(table).value


def test_equal_time_counts_restarts():
    rows = [
        {"level": 0.6, "n": 6, "order": order, "start": 1.0, "solved": k < hits, "seconds": seconds}
        for order, hits, seconds in ((1, 1, 0.5), (3, 2, 1.0))
        for k in range(2)
    ]
    row = sizes.at_equal_time(pd.DataFrame(rows)).iloc[0]
    assert row["restarts"] == 2
    assert row["order 1, restarted"] == pytest.approx(0.75)
    assert row["order 3"] == 1
