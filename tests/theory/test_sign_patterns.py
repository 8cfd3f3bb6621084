"""Components, ceiling and levels against enumeration of all sign vectors; biases against solvers."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.theory import sign_patterns


def masked(mask, z):
    return mc.Problem.from_dense(np.outer(z, z), mask, symmetric=True)


def indistinguishable(problem, z):
    """How many matrices S z z^T S agree with z z^T on what is observed."""
    found = set()
    for signs in product((1, -1), repeat=len(z)):
        X = np.outer(z * signs, z * signs)
        if np.array_equal(X[problem.rows, problem.cols], problem.values):
            found.add((X + 0.0).tobytes())  # + 0.0: no negative zeros
    return len(found)


@pytest.mark.parametrize("seed", range(40))
def test_ceiling_is_one_over_the_number_of_matrices_that_fit(seed):
    rng = np.random.default_rng(seed)
    z = rng.choice([0.0, 1.0, -2.0], size=6, p=[0.3, 0.5, 0.2])
    mask = rng.random((6, 6)) < rng.uniform(0.05, 0.4)
    if not z.any() or not mask.any():
        pytest.skip("nothing to see")
    problem = masked(mask, z)
    assert sign_patterns.ceiling(problem, z) == 1 / indistinguishable(problem, z)


@pytest.mark.parametrize("n", range(3, 11))
def test_structured_instance_has_a_component_for_every_one(n):
    problem = mc.instances.structured(n)
    z = np.where(np.arange(n) % 2 == 0, 1.0, 0.0)
    assert sign_patterns.ceiling(problem, z) == 2.0 ** (1 - (n + 1) // 2)
    assert sign_patterns.ceiling(mc.instances.structured(n, 0.1), np.where(z > 0, 1, 0.1)) == 1


@pytest.mark.parametrize("seed", range(10))
def test_separation_is_the_least_distance(seed):
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.5, 2, 5)
    problem = masked(np.eye(5, dtype=bool) | (rng.random((5, 5)) < 0.1), z)
    _, labels = sign_patterns.components(problem, z)
    distances = [
        np.linalg.norm(np.outer(z * s, z * s) - np.outer(z, z))
        for flips in product((1, -1), repeat=labels.max() + 1)
        if (s := np.array(flips)[labels]).min() != s.max()
    ]
    assert sign_patterns.separation(problem, z) == pytest.approx(min(distances, default=np.inf))


def test_small_starts_do_what_the_graph_says():
    rng = np.random.default_rng(5)
    checked = 0
    for _ in range(60):
        z = np.where(np.arange(5) % 2 == 0, 1.0, 0.0)
        mask = rng.random((5, 5)) < 0.25
        if not (mask & (np.outer(z, z) > 0)).any():
            continue
        problem = masked(mask, z)
        predicted = sign_patterns.small_start_rate(problem, z)
        lifted = mc.lifting.LiftedObjective(problem, 1, 0.0)
        w = lifted.initial(1e-5, seed=checked, trials=60)
        X = lifted.extract(mc.lifting.minimize(lifted, w, gtol=1e-5, max_iter=400).w)
        error = np.linalg.norm(X @ X.swapaxes(1, 2) - problem.truth, axis=(1, 2))
        rate = np.mean(error < 0.01)
        # Six standard errors, so that all masks pass together; now and then a run is late.
        spread = np.sqrt(predicted * (1 - predicted) / 60)
        assert abs(rate - predicted) <= 6 * spread + 0.05
        checked += 1
    assert checked > 30


def test_a_star_is_not_balanced():
    z = np.ones(3)
    mask = np.zeros((3, 3), dtype=bool)
    mask[0, 1] = mask[0, 2] = True
    assert sign_patterns.ceiling(masked(mask, z), z) == 1
    assert sign_patterns.small_start_rate(masked(mask, z), z) == 0
    mask[0, 0] = True  # the loop fixes |x_1|
    assert sign_patterns.small_start_rate(masked(mask, z), z) == 1


@pytest.mark.parametrize("m", range(2, 7))
def test_levels_by_enumeration(m):
    counts = {}
    for signs in product((1, -1), repeat=m):
        wrong = (np.outer(signs, signs) - 1)[~np.eye(m, dtype=bool)]
        level = Fraction(int(np.sum(wrong**2)), m * (m - 1))
        counts[level] = counts.get(level, 0) + Fraction(1, 2**m)
    assert sign_patterns.unobserved_levels(m) == counts


def test_only_three_ones_print_eight_thirds_in_every_failure():
    single = [
        m for m in range(2, 40) if set(sign_patterns.unobserved_levels(m)) == {0, Fraction(8, 3)}
    ]
    assert single == [3]


@pytest.mark.parametrize(("order", "epsilon"), [(1, 0.1), (3, 0.1), (3, 0.3)])
def test_bias_is_where_descent_ends(order, epsilon):
    problem = mc.instances.structured(6)
    lifted = mc.lifting.LiftedObjective(problem, order, epsilon)
    end = mc.lifting.minimize(lifted, lifted.initial(0.1, direction="ones"), "gd", gtol=1e-9)
    X = lifted.extract(end.w)[0]
    error = np.linalg.norm(X @ X.T - problem.truth)
    assert error == pytest.approx(sign_patterns.epsilon_bias(3, epsilon), abs=1e-7)


def test_bias_in_fractions_at_the_printed_grid():
    assert sign_patterns.epsilon_bias(3, Fraction(1, 10)) == Fraction(1, 17)
    assert sign_patterns.epsilon_bias(3, Fraction(1, 100)) < Fraction(1, 1000)


@pytest.mark.parametrize(("n", "delta"), [(4, 0.3), (7, 0.2), (8, 0.05), (5, 1.0)])
def test_growth_is_the_leading_eigenvalue(n, delta):
    problem = mc.instances.structured(n, delta)
    B = np.zeros((n, n))
    B[problem.rows, problem.cols] = problem.values
    values, vectors = np.linalg.eigh(B)
    assert sign_patterns.leading_growth(n, delta) == pytest.approx(values[-1])
    assert values[-2] <= 1 + 1e-12
    assert (np.sign(vectors[:, -1]) == np.sign(vectors[0, -1])).all()


def test_arguments_are_checked():
    problem = mc.instances.structured(4)
    with pytest.raises(ValueError, match="z must have shape"):
        sign_patterns.ceiling(problem, np.ones(5))
    with pytest.raises(ValueError, match="z must not be zero"):
        sign_patterns.ceiling(problem, np.zeros(4))
    with pytest.raises(TypeError, match="Problem"):
        sign_patterns.components("structured", np.ones(4))
    with pytest.raises(ValueError, match="m must"):
        sign_patterns.unobserved_levels(1)
