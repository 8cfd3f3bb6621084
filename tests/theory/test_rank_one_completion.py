"""Rank one without noise: the graph criterion, propagation, and the positive stationary point."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.theory.rank_one_completion import is_determined, propagate


def given(z, edges):
    rows, cols = np.array(edges).T
    return mc.Problem(rows, cols, z[rows] * z[cols], (len(z), len(z)), symmetric=True)


Z = np.array([1.5, -2.0, 0.5, -1.0])


@pytest.mark.parametrize(
    ("edges", "determined"),
    [
        ([(0, 1), (1, 2), (2, 0), (2, 3)], True),  # a triangle with a tail
        ([(0, 0), (0, 1), (1, 2), (2, 3)], True),  # a path from a loop
        ([(0, 1), (1, 2), (2, 3), (3, 0)], False),  # an even cycle: scale one side
        ([(0, 0), (0, 1), (2, 2), (2, 3)], False),  # two parts: a sign is free
    ],
)
def test_criterion_and_propagation_by_hand(edges, determined):
    problem = given(Z, edges)
    assert is_determined(problem) is determined
    if determined:
        np.testing.assert_allclose(np.outer(*[propagate(problem)] * 2), np.outer(Z, Z))
    else:
        with pytest.raises(ValueError, match="do not determine"):
            propagate(problem)


def test_zeros_determine_nothing():
    assert not is_determined(mc.instances.structured(6, 0.0))
    assert is_determined(mc.instances.structured(6, 0.1))


def test_data_of_no_such_matrix():
    problem = mc.Problem([0], [0], [-1.0], (1, 1), symmetric=True)
    with pytest.raises(ValueError, match="negative"):
        propagate(problem)


def random_problem(seed):
    rng = np.random.default_rng(seed)
    while True:
        problem = mc.instances.bernoulli(12, 0.18, seed=rng)
        if is_determined(problem):
            return problem


@pytest.mark.parametrize("seed", range(5))
def test_propagation_needs_no_symmetric_mask(seed):
    problem = random_problem(seed)
    np.testing.assert_allclose(np.outer(*[propagate(problem)] * 2), problem.truth, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_leading_eigenvector_has_the_signs_of_the_truth(seed):
    problem = random_problem(seed)
    B = problem.to_csr().toarray()
    v = np.linalg.eigh((B + B.T) / 2)[1][:, -1]
    signs = np.sign(v * propagate(problem))
    assert len(set(signs)) == 1
    assert 0 not in signs


@pytest.mark.parametrize("seed", range(5))
def test_descent_in_the_box_finds_the_truth_and_stays(seed):
    rng = np.random.default_rng(seed)
    while True:
        seen = np.triu(rng.random((12, 12)) < 0.3)
        problem = given(rng.choice([-1.0, 1.0], 12), np.argwhere(seen))
        if is_determined(problem):
            break
    z, weights = propagate(problem), seen + seen.T
    ratio = np.exp(rng.uniform(-1, 1, 12))
    bound = max(ratio.max(), 1 / ratio.min())
    x, step = z * ratio, 0.5 / (weights.sum(axis=1).max() * bound**2)
    for _ in range(20_000):
        x = x - step * (weights * (np.outer(x, x) - np.outer(z, z))) @ x
        assert (x / z).max() <= bound * (1 + 1e-12)
        assert (x / z).min() >= 1 / bound * (1 - 1e-12)
    np.testing.assert_allclose(x / z, 1, atol=1e-3)


def test_a_wrong_sign_can_be_a_minimum():
    # Without the condition on the signs there are other minima: the theorem says no more than that.
    problem = mc.instances.structured(6, 0.1)
    z = propagate(problem)
    start = np.where(np.arange(6) == 2, -1, 1) * z
    found = mc.complete(problem, "bm", rank=1, start=(start[:, None],) * 2, gtol=1e-10, rtol=0.0)
    assert found.stop_reason == "gradient"
    assert found.relative_error(problem.truth) > 0.5
