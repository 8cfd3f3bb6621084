"""The objective on few terms: against the tensor, finite differences and cases by hand."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.lifting import FewTerms, LiftedObjective, best_direction


def problem(n, rank, symmetric, seed):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, rank))
    mask = rng.random((n, n)) < 0.6
    mask[0, 1] = True
    if symmetric:
        mask |= mask.T
    else:
        mask[1, 0] = False
    return mc.Problem.from_dense(Z @ Z.T, mask, symmetric=True)


CASES = pytest.mark.parametrize(
    ("n", "order", "rank", "symmetric"),
    [(5, 1, 1, False), (5, 3, 1, True), (5, 3, 1, False), (3, 3, 2, True), (3, 3, 2, False)],
)


@CASES
def test_equals_the_objective_on_the_tensor(n, order, rank, symmetric):
    given = problem(n, rank, symmetric, 1)
    lifted, terms = LiftedObjective(given, order, 0.3, rank), FewTerms(given, order, 0.3)
    rng = np.random.default_rng(2)
    X, U = rng.standard_normal((3, n, rank)), rng.standard_normal((2, n, rank))
    w, u = lifted.lift(X).sum(axis=0), lifted.lift(U).sum(axis=0)
    unit = lifted.value(np.zeros(lifted.shape))
    assert terms.value(X) == pytest.approx(lifted.value(w) / unit, rel=1e-12)
    line = terms.line(X, U)
    for t in (-1.3, 0.0, 0.4):
        expected = lifted.value(w + t * u) / unit
        assert np.polyval(line[::-1], t) == pytest.approx(expected, rel=1e-11)
    there = lifted.extract(w, method="partial_trace")
    here = terms.extract(X)
    np.testing.assert_allclose(here @ here.T, there @ there.T, atol=1e-11)


def differences(function, X):
    """Gradient by central differences of fourth order."""
    out, h = np.zeros_like(X), 1e-3
    for index in np.ndindex(X.shape):
        e = np.zeros_like(X)
        e[index] = h
        near, far = function(X + e) - function(X - e), function(X + 2 * e) - function(X - 2 * e)
        out[index] = (8 * near - far) / (12 * h)
    return out


@CASES
def test_gradients_are_those_of_finite_differences(n, order, rank, symmetric):
    given = problem(n, rank, symmetric, 3)
    terms = FewTerms(given, order, 0.3)
    rng = np.random.default_rng(4)
    X = rng.standard_normal((2, n, rank))
    value, gradient = terms.value_and_gradient(X)
    assert value == terms.value(X)
    expected = differences(terms.value, X)
    np.testing.assert_allclose(gradient, expected, atol=1e-8 * np.abs(expected).max())
    eigenvalues, vectors = np.linalg.eigh(given.truth)
    U = (vectors * np.sqrt(np.abs(eigenvalues)))[:, -rank:] + 0.2 * rng.standard_normal((n, rank))
    ratio, slope = terms.escape_ratio(X[1], U)
    assert np.isfinite(ratio)
    expected = differences(lambda U: terms.escape_ratio(X[1], U)[0], U)
    np.testing.assert_allclose(slope, expected, atol=1e-7 * np.abs(expected).max())
    assert terms.escape_ratio(X[1], -3 * U)[0] == pytest.approx(ratio, rel=1e-12)
    assert np.vdot(slope, U) == pytest.approx(0, abs=1e-10 * np.abs(slope).sum())


def test_one_term_is_a_power_of_one_inner_product():
    # On one term of rank one, h(w)/h(0) = |A xx^T|^{2l} - 2 <B, xx^T>^l + 1 with |B| = 1.
    given = problem(6, 1, False, 5)
    x = np.random.default_rng(6).standard_normal((6, 1))
    seen = (x @ x.T)[given.rows, given.cols] / np.linalg.norm(given.values)
    data = given.values / np.linalg.norm(given.values)
    for order in (1, 3, 7, 21):
        expected = (seen @ seen) ** order - 2 * (seen @ data) ** order + 1
        assert FewTerms(given, order, 0.0).value(x[None]) == pytest.approx(expected, rel=1e-12)


def test_ratio_is_the_sign_of_the_curvature_at_a_stationary_point():
    given = mc.instances.structured(10, 0.2)
    found = mc.complete(given, "bm", rank=1, seed=3, init="random", gtol=1e-12, rtol=0.0)
    X = found.left
    assert found.relative_error(given.truth) > 0.1
    rng = np.random.default_rng(0)
    signs = set()
    for order in (1, 3, 7, 15):
        terms = FewTerms(given, order, 0.0)
        best = best_direction(terms, X)[0]
        for size in (0.0, 0.1, 1.0):
            U = best + size * rng.standard_normal((10, 1)) / np.sqrt(10)
            line = terms.line(X[None], U[None])
            ratio, _ = terms.escape_ratio(X, U)
            assert abs(line[1]) < 1e-7
            if np.isfinite(ratio):
                assert (ratio < 1) == (line[2] < 0)
                signs.add(ratio < 1)
    assert signs == {True, False}


def test_ratio_falls_with_the_order():
    given = mc.instances.structured(10, 0.2)
    X = mc.complete(given, "bm", rank=1, seed=3, init="random").left
    U = np.ones((10, 1))
    ratios = [FewTerms(given, order, 0.0).escape_ratio(X, U)[0] for order in (3, 5, 9, 101)]
    assert ratios == sorted(ratios, reverse=True)
    seen = (given.rows, given.cols)
    a, c = np.sum((X @ X.T)[seen]), np.sum((X**2 @ U.T)[seen])
    assert ratios[-1] == pytest.approx(max(a, c) / given.values.sum(), rel=0.02)


def test_no_number_overflows_where_the_tensor_would():
    given = mc.instances.bernoulli(300, 0.05, seed=0)
    terms = FewTerms(given, 31)
    X = np.repeat(np.sqrt(np.abs(np.diag(given.truth)))[None, :, None], 2, axis=0)
    value, gradient = terms.value_and_gradient(1e-3 * X)
    assert value == pytest.approx(1.0)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"order": 2}, "odd"), ({"epsilon": -1}, "epsilon"), ({"order": 0}, "order")],
)
def test_bad_options(change, message):
    with pytest.raises(ValueError, match=message):
        FewTerms(mc.instances.structured(4), **change)


def test_bad_problems_and_shapes():
    with pytest.raises(TypeError, match=r"mcrepro\.Problem"):
        FewTerms(np.eye(3))
    with pytest.raises(ValueError, match="symmetric"):
        FewTerms(mc.instances.oversampled(5, 4, 1, 2.0))
    with pytest.raises(ValueError, match="zero"):
        FewTerms(mc.Problem([0], [0], [0.0], shape=(2, 2), symmetric=True))
    with pytest.raises(ValueError, match=r"\(k, 4, r\)"):
        FewTerms(mc.instances.structured(4)).value(np.ones((4, 1)))
