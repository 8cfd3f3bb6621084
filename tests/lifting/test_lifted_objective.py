"""The lifted objective: the definition, closed forms, derivatives, symmetries, cost."""

import tracemalloc
from itertools import permutations

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.lifting import DenseObjective, LiftedObjective
from mcrepro.lifting._kronecker import apply_power, power
from mcrepro.solvers._factored import FactoredLoss


def problem(n, symmetric_mask, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, 2))
    mask = rng.random((n, n)) < 0.5
    mask[0, -1], mask[-1, 0] = True, symmetric_mask
    if symmetric_mask:
        mask |= mask.T
    return mc.Problem.from_dense(Z @ Z.T, mask, symmetric=True)


@pytest.fixture(params=[True, False], ids=["symmetric mask", "unsymmetric mask"])
def symmetric_mask(request):
    return request.param


SIZES = pytest.mark.parametrize(
    ("n", "order", "rank"), [(5, 1, 1), (5, 1, 2), (4, 3, 1), (3, 3, 2), (2, 5, 1), (2, 3, 3)]
)


def setting(n, order, rank, symmetric_mask, epsilon=0.3, **options):
    lifted = LiftedObjective(problem(n, symmetric_mask), order, epsilon, rank, **options)
    w = np.random.default_rng(1).standard_normal(lifted.shape)
    return lifted, w / np.linalg.norm(w)


def derivative(f):
    """f'(0) of a polynomial of degree four or less: the five-point formula is exact for it."""
    return (f(-2.0) - 8 * f(-1.0) + 8 * f(1.0) - f(2.0)) / 12


def test_kronecker_power_is_that_of_numpy():
    rng = np.random.default_rng(0)
    A, T = rng.standard_normal((3, 3)), rng.standard_normal((2, 4, 27))
    expected = T @ np.kron(A, np.kron(A, A)).T
    np.testing.assert_allclose(apply_power(A, T, 3), expected, rtol=0, atol=1e-13)
    x = rng.standard_normal(3)
    np.testing.assert_array_equal(power(x, 3), np.kron(np.kron(x, x), x))


@pytest.mark.parametrize("rank", [1, 2])
def test_value_is_equation_12_letter_by_letter(rank, symmetric_mask):
    n, epsilon = 2, 0.3
    p = problem(n, symmetric_mask)
    lifted = LiftedObjective(p, 3, epsilon, rank, factor=1.0)
    # The sensing matrices of (5), the measurements of (6), the permutation tensor of Section C.2.
    A, b = np.zeros((n * n, n, n)), np.zeros(n * n)
    observed = set(zip(p.rows.tolist(), p.cols.tolist(), strict=True))
    for i in range(n):
        for j in range(n):
            A[i * n + j, i, j] = 1.0 if (i, j) in observed else epsilon
            b[i * n + j] = p.truth[i, j] if (i, j) in observed else 0.0
    P = np.zeros((n, rank, n * rank))
    for i in range(n):
        for c in range(rank):
            P[i, c, c * n + i] = 1.0
    w = np.random.default_rng(2).standard_normal(lifted.shape)
    Pw = np.einsum("iax,jby,kcz,xyz->ijkabc", P, P, P, w)
    square = np.einsum("ijkabc,pqsabc->ijkpqs", Pw, Pw)
    sensed = np.einsum("uip,vjq,wks,ijkpqs->uvw", A, A, A, square)
    expected = np.sum((sensed - np.einsum("u,v,w->uvw", b, b, b)) ** 2)
    assert lifted.value(w) == pytest.approx(expected, rel=1e-13)
    assert DenseObjective(lifted).value(w) == pytest.approx(expected, rel=1e-13)


@SIZES
def test_gradient_is_the_dense_one_and_that_of_finite_differences(n, order, rank, symmetric_mask):
    lifted, w = setting(n, order, rank, symmetric_mask)
    gradient, size = lifted.gradient(w), np.linalg.norm(lifted.gradient(w))
    assert gradient.shape == w.shape == (n * rank,) * order
    np.testing.assert_allclose(
        gradient, DenseObjective(lifted).gradient(w), rtol=0, atol=1e-10 * size
    )
    numeric = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        E = np.zeros_like(w)
        E[index] = 1.0
        numeric[index] = derivative(lambda t, E=E: lifted.value(w + t * E))
    np.testing.assert_allclose(gradient, numeric, rtol=0, atol=1e-10 * size)


@SIZES
def test_hessian_product_is_the_derivative_of_the_gradient(n, order, rank, symmetric_mask):
    lifted, w = setting(n, order, rank, symmetric_mask)
    d, e = np.random.default_rng(3).standard_normal((2, *w.shape))
    product = lifted.hessian_product(w, d)
    numeric = derivative(lambda t: lifted.gradient(w + t * d))
    np.testing.assert_allclose(product, numeric, rtol=0, atol=1e-10 * np.linalg.norm(product))
    assert np.vdot(e, product) == pytest.approx(np.vdot(d, lifted.hessian_product(w, e)))


@SIZES
def test_rank_one_tensors_give_powers(n, order, rank, symmetric_mask):
    """``w = vec(X)^{⊗l}``: eq. (22) makes the residual a difference of two l-th powers."""
    lifted, _ = setting(n, order, rank, symmetric_mask)
    X = np.random.default_rng(4).standard_normal((n, rank))
    w = lifted.lift(X)
    x = X.ravel(order="F")
    assert w[(n * rank - 1,) * order] == pytest.approx(x[-1] ** order)
    seen = lifted.weights * (X @ X.T)
    inner = np.vdot(seen, lifted.data)
    expected = 0.5 * (
        np.linalg.norm(seen) ** (2 * order)
        - 2 * inner**order
        + np.linalg.norm(lifted.data) ** (2 * order)
    )
    assert lifted.value(w) == pytest.approx(expected, rel=1e-12)


def test_gradient_at_a_rank_one_tensor_is_a_difference_of_two_of_them():
    lifted, _ = setting(5, 3, 1, True)
    x = np.random.default_rng(5).standard_normal(5)
    D, B = lifted.weights, lifted.data
    one, two = power(x * (D**2 @ x**2), 3), power(D * B @ x, 3)
    expected = (2 * (one - two)).reshape(5, 5, 5)
    np.testing.assert_allclose(lifted.gradient(lifted.lift(x[:, None])), expected, rtol=1e-11)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_order_1_is_burer_monteiro(rank, symmetric_mask):
    p = problem(6, symmetric_mask)
    X = np.random.default_rng(6).standard_normal((6, rank))
    value, gradient, _ = FactoredLoss(p).measure(X)
    lifted = LiftedObjective(p, 1, 0.0, rank)
    w = lifted.lift(X)
    assert lifted.value(w) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(
        lifted.gradient(w), gradient.ravel(order="F"), rtol=0, atol=1e-12 * np.abs(gradient).max()
    )
    assert lifted.gradient_norm(w) == pytest.approx(
        FactoredLoss(p).optimality(value, gradient, X), rel=1e-12
    )
    # With ε the unobserved entries are drawn to zero with weight ε^2, eq. (7).
    mask = np.zeros(p.shape, dtype=bool)
    mask[p.rows, p.cols] = True
    extra = 0.5 * 0.1**2 * np.sum((X @ X.T)[~mask] ** 2)
    assert LiftedObjective(p, 1, 0.1, rank).value(w) == pytest.approx(value + extra, rel=1e-12)


def test_factor_1_is_the_printed_objective_twice_as_steep(symmetric_mask):
    half, w = setting(3, 3, 2, symmetric_mask)
    printed, _ = setting(3, 3, 2, symmetric_mask, factor=1.0)
    assert printed.value(w) == pytest.approx(2 * half.value(w), rel=1e-14)
    np.testing.assert_allclose(printed.gradient(w), 2 * half.gradient(w), rtol=1e-13)
    assert printed.curvature(w) == pytest.approx(2 * half.curvature(w), rel=1e-6)
    assert printed.gradient_norm(w) == pytest.approx(half.gradient_norm(w), rel=1e-13)


@pytest.mark.parametrize("rank", [1, 2])
def test_flipping_signs_of_the_matrix_flips_those_of_the_tensor(rank, symmetric_mask):
    """With S diagonal of signs: the problem of S M S at S^{⊗l} w is that of M at w."""
    p = problem(3, symmetric_mask)
    s = np.array([1.0, -1.0, -1.0])
    flipped = mc.Problem(p.rows, p.cols, s[p.rows] * p.values * s[p.cols], p.shape, symmetric=True)
    lifted, other = LiftedObjective(p, 3, 0.2, rank), LiftedObjective(flipped, 3, 0.2, rank)
    w = np.random.default_rng(7).standard_normal(lifted.shape)
    S = power(np.tile(s, rank), 3).reshape(w.shape)
    assert other.value(S * w) == lifted.value(w)
    np.testing.assert_array_equal(other.gradient(S * w), S * lifted.gradient(w))


def test_structured_zeros_do_not_tell_signs_apart():
    """The paper's instance with zeros at even indices is its own flipped version."""
    lifted = LiftedObjective(mc.instances.structured(6))
    w = np.random.default_rng(8).standard_normal(lifted.shape)
    for s in np.array([[1, 1, -1, 1, 1, 1], [-1, -1, 1, 1, -1, 1.0]]):
        S = power(s, 3).reshape(w.shape)
        assert lifted.value(S * w) == lifted.value(w)
        np.testing.assert_array_equal(lifted.gradient(S * w), S * lifted.gradient(w))


def test_permuting_the_modes_permutes_the_gradient(symmetric_mask):
    lifted, w = setting(2, 3, 2, symmetric_mask)
    gradient = lifted.gradient(w)
    for axes in permutations(range(3)):
        permuted = lifted.gradient(w.transpose(axes))
        np.testing.assert_allclose(permuted, gradient.transpose(axes), rtol=0, atol=1e-13)


def test_an_orthogonal_mixture_of_the_columns_changes_nothing():
    """h depends on W W^T, so that for r > 1 its minimisers need not be near rank one."""
    lifted, w = setting(3, 3, 2, True)
    Q = np.linalg.qr(np.random.default_rng(9).standard_normal((8, 8)))[0]
    W, _ = lifted.columns(w)
    mixed = lifted.tensor(np.einsum("cd,tdi->tci", Q, W))[0]
    assert lifted.value(mixed) == pytest.approx(lifted.value(w), rel=1e-12)
    X = np.random.default_rng(10).standard_normal((3, 2))
    W, _ = lifted.columns(lifted.lift(X))
    mixed = lifted.tensor(np.einsum("cd,tdi->tci", Q, W))[0]
    assert lifted.rank_one_ratio(mixed) > 0.1
    assert lifted.rank_ratio(mixed) < 1e-12
    Y = lifted.extract(mixed)
    np.testing.assert_allclose(Y @ Y.T, X @ X.T, atol=1e-11)
    wrong = lifted.extract(mixed, method="tensor_pca")
    assert np.linalg.norm(wrong @ wrong.T - X @ X.T) > 0.1 * np.linalg.norm(X @ X.T)


@pytest.mark.parametrize(("order", "rank"), [(1, 2), (3, 1), (3, 2)])
def test_a_batch_is_its_trials_one_by_one_bit_for_bit(order, rank, symmetric_mask):
    lifted, _ = setting(4, order, rank, symmetric_mask)
    w = np.random.default_rng(11).standard_normal((5, *lifted.shape))
    d = np.random.default_rng(12).standard_normal(w.shape)
    for one in (lifted.value, lifted.gradient, lifted.gradient_norm, lifted.rank_one_ratio):
        np.testing.assert_array_equal(one(w), np.stack([one(w[k]) for k in range(5)]))
    product, X = lifted.hessian_product(w, d), lifted.extract(w)
    for k in range(5):
        # The power method goes on until all trials have settled: equal up to rounding only.
        np.testing.assert_allclose(X[k], lifted.extract(w[k]), rtol=0, atol=1e-11)
        np.testing.assert_array_equal(product[k], lifted.hessian_product(w[k], d[k]))


@SIZES
def test_along_a_line_it_is_a_quartic(n, order, rank, symmetric_mask):
    lifted, w = setting(n, order, rank, symmetric_mask)
    algebra = lifted.algebra
    W, _ = lifted.columns(w)
    D, _ = lifted.columns(np.random.default_rng(13).standard_normal(w.shape))
    line = algebra.line(algebra.measure(W), D)
    for t in (-1.3, 0.0, 0.4, 2.0):
        there, expected = line.at(np.array([t])), algebra.measure(W + t * D)
        value = np.polyval(line.coefficients[0, ::-1], t)
        assert there.value[0] == pytest.approx(expected.value[0], rel=1e-11)
        assert value == pytest.approx(expected.value[0], rel=1e-11)
        np.testing.assert_allclose(
            there.gradient, expected.gradient, atol=1e-11 * np.abs(expected.gradient).max()
        )


@pytest.mark.parametrize(("n", "order", "rank"), [(3, 3, 1), (5, 3, 1), (3, 3, 2)])
def test_curvature_is_the_top_of_the_hessian(n, order, rank, symmetric_mask):
    lifted, w = setting(n, order, rank, symmetric_mask)
    hessian = [lifted.hessian_product(w, e.reshape(w.shape)).ravel() for e in np.eye(w.size)]
    assert lifted.curvature(w) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-5)


@pytest.mark.parametrize(("n", "order"), [(4, 3), (5, 3), (6, 1), (3, 5)])
def test_curvature_of_the_structured_instance(n, order):
    """``4 factor ceil(n/2)^l`` at the solution, in the block of all even indices."""
    p = mc.instances.structured(n)
    lifted = LiftedObjective(p, order, 0.0, factor=1.0)
    z = np.arange(1, n + 1) % 2.0
    expected = max(4 * ((n + 1) // 2) ** order, 8)  # 8 within the odd indices
    assert lifted.curvature(lifted.lift(z[:, None])) == pytest.approx(expected, rel=1e-6)


def test_starts():
    lifted = LiftedObjective(problem(4, True), rank=2)
    w = lifted.initial(-1e-3, 5, trials=3)
    assert w.shape == (3, 8, 8, 8)
    np.testing.assert_allclose(np.linalg.norm(w.reshape(3, -1), axis=1), 1e-3)
    assert np.max(lifted.rank_one_ratio(w)) < 1e-14
    # A trial does not depend on how many there are.
    np.testing.assert_array_equal(w[0], lifted.initial(-1e-3, 5))
    np.testing.assert_array_equal(w[:2], lifted.initial(-1e-3, 5, trials=2))
    X = np.arange(8.0).reshape(4, 2)
    given = lifted.initial(2.0, direction=X)
    np.testing.assert_allclose(given, 2 * lifted.lift(X / np.linalg.norm(X)))
    ones = lifted.initial(1.0, direction="ones", trials=2)
    np.testing.assert_allclose(ones, 8**-1.5)
    X = lifted.extract(lifted.initial(1.0, direction="spectral"), method="tensor_pca")
    B = (lifted.data + lifted.data.T) / 2
    top = np.linalg.eigvalsh(B)[-1]
    np.testing.assert_allclose(B @ X[:, 0], top * X[:, 0], atol=1e-12)


def test_extraction_inverts_lifting():
    rng = np.random.default_rng(14)
    for rank, order in ((1, 1), (1, 3), (1, 5), (2, 1), (2, 3)):
        lifted = LiftedObjective(problem(4, True), order, rank=rank)
        X = rng.standard_normal((4, rank))
        w = lifted.lift(X)
        np.testing.assert_allclose(lifted.extract(w, method="tensor_pca"), X, atol=1e-12)
        Y = lifted.extract(w, method="partial_trace")
        np.testing.assert_allclose(Y @ Y.T, X @ X.T, atol=1e-12)


def test_extraction_of_a_tensor_that_is_not_finite_is_not_a_number():
    for rank in (1, 2):
        lifted = LiftedObjective(problem(3, True), rank=rank)
        w = np.stack([np.full(lifted.shape, np.nan), lifted.initial(1e200, 0)])
        X = lifted.extract(w)
        assert np.isnan(X[0]).all()
        assert np.linalg.norm(X[1]) == pytest.approx(1e200 ** (1 / 3))


def test_a_gradient_needs_the_memory_of_a_few_tensors():
    lifted = LiftedObjective(mc.instances.structured(40, 0.2))
    w = lifted.initial(1.0, 0)
    tracemalloc.start()
    lifted.gradient(w)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * w.nbytes


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"order": 2}, ValueError, "order must be odd, got 2"),
        ({"order": 0}, ValueError, "order must be at least 1, got 0"),
        ({"order": 3.0}, TypeError, "order must be an integer"),
        ({"epsilon": -0.1}, ValueError, r"epsilon must be in \[0, 1\], got -0.1"),
        ({"rank": 0}, ValueError, "rank must be at least 1"),
        ({"factor": 0}, ValueError, r"factor must be in \(0, inf\)"),
        ({"order": 21}, ValueError, "takes .* GiB, more than the 2 GiB allowed"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        LiftedObjective(problem(4, True), **options)


def test_refusals_of_arguments():
    with pytest.raises(TypeError, match=r"problem must be a mcrepro.Problem, got ndarray"):
        LiftedObjective(np.eye(3))
    with pytest.raises(ValueError, match="needs a symmetric problem"):
        LiftedObjective(mc.Problem([0], [1], [1.0], (2, 2)))
    lifted = LiftedObjective(problem(4, True))
    with pytest.raises(ValueError, match=r"w must have shape \(4, 4, 4\).*got \(4, 4\)"):
        lifted.value(np.ones((4, 4)))
    with pytest.raises(ValueError, match="d must have the shape"):
        lifted.hessian_product(np.ones((4, 4, 4)), np.ones((2, 4, 4, 4)))
    with pytest.raises(ValueError, match=r"X must have shape \(4, 1\).*got \(4, 2\)"):
        lifted.lift(np.ones((4, 2)))
    with pytest.raises(ValueError, match="scale must not be 0"):
        lifted.initial(0.0)
    with pytest.raises(ValueError, match=r"direction must be one of .*did you mean 'ones'"):
        lifted.initial(direction="one")
    with pytest.raises(ValueError, match=r"direction must have shape \(4, 1\)"):
        lifted.initial(direction=np.ones(4))
    with pytest.raises(ValueError, match="direction must be finite and not zero"):
        lifted.initial(direction=np.zeros((4, 1)))
    with pytest.raises(ValueError, match="method must be one of"):
        lifted.extract(lifted.initial(), method="pca")
    with pytest.raises(ValueError, match=r"dense form needs arrays of 7.45e\+03 GiB for n=100"):
        DenseObjective(LiftedObjective(mc.instances.structured(100)))
