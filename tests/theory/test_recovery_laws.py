"""The first-order law of the recovery error, the theorem's bound, the Hessian."""

import numpy as np
import pytest

import mcrepro as mc
from mcrepro.theory import recovery as law


def haar(d, r, rng):
    return np.linalg.qr(rng.standard_normal((d, r)))[0]


def measured(factors, weights, n, p, rng, diagonal=1.0):
    """Relative error of one recovered T, and its truth's weights drawn from `weights`."""
    W = weights[rng.integers(len(weights), size=n)]
    M = W @ factors.T
    moments = mc.SecondMoment(len(factors)).update(mc.instances.sample_rows(M, p, seed=rng))
    r = factors.shape[1]
    fit = mc.recover_second_moment(moments, r, gtol=1e-3, diagonal_weight=diagonal)
    return fit.relative_error(M.T @ M / n)


class TestLaw:
    @pytest.mark.parametrize("C", [1.0, 10.0])
    @pytest.mark.parametrize("diagonal", [0.0, 1.0])
    def test_against_simulation(self, C, diagonal):
        rng = np.random.default_rng(0)
        d, r = 120, 6
        U = haar(d, r, rng)
        n = law.supply_rows(40, d, r, C)
        errors = [measured(U, np.eye(r), n, C / d, rng, diagonal) for _ in range(4)]
        expected = law.expected_error(U, np.eye(r), n, C / d, diagonal)
        assert np.mean(errors) == pytest.approx(expected, rel=0.07)

    def test_combinations_against_simulation(self):
        rng = np.random.default_rng(1)
        d, r, C = 120, 4, 2.0
        U, W = haar(d, r, rng), rng.standard_normal((400, 4)) / 2
        n = law.supply_rows(60, d, r, C)
        errors = [measured(U, W, n, C / d, rng) for _ in range(4)]
        assert np.mean(errors) == pytest.approx(law.expected_error(U, W, n, C / d), rel=0.07)

    @pytest.mark.parametrize(("d", "r", "C"), [(400, 4, 0.5), (400, 4, 8.0), (400, 12, 2.0)])
    def test_the_closed_form_is_that_of_random_factors(self, d, r, C):
        U = haar(d, r, np.random.default_rng(2))
        general = law.expected_error(U, np.eye(r), 10_000, C / d, diagonal=0.0)
        assert law.typical_error(10_000, d, r, C) == pytest.approx(general, rel=0.04)

    def test_the_closed_form_of_combinations(self):
        rng = np.random.default_rng(3)
        d, r, C = 300, 5, 3.0
        U, W = haar(d, r, rng), rng.standard_normal((1500, r)) / np.sqrt(r)
        general = law.expected_error(U, W, 10_000, C / d, diagonal=0.0)
        closed = law.typical_error(10_000, d, r, C, "combination")
        assert closed == pytest.approx(general, rel=0.05)
        assert law.typical_error(10_000, d, r, C, "mixture") != pytest.approx(general, rel=0.1)

    def test_one_factor_has_no_noise(self):
        U = haar(50, 1, np.random.default_rng(4))
        assert law.typical_error(100, 50, 1, 2.0) == 0
        assert law.expected_error(U, np.eye(1), 100, 0.04) < 1e-7

    def test_the_diagonal_helps(self):
        U = haar(200, 4, np.random.default_rng(5))
        with_, without = (law.expected_error(U, np.eye(4), 1000, 0.02, q) for q in (1.0, 0.0))
        assert 0.7 < with_ / without < 0.95

    def test_powers(self):
        assert law.typical_error(400, 100, 3, 2.0) == pytest.approx(
            law.typical_error(100, 100, 3, 2.0) / 2
        )
        for r in (4, 64):  # C far below r, then far above
            assert law.typical_error(1, 9, r, 1e-4) / law.typical_error(
                1, 9, r, 2e-4
            ) == pytest.approx(2, rel=1e-3)
            assert law.typical_error(1, 9, r, 1e5) / law.typical_error(
                1, 9, r, 2e5
            ) == pytest.approx(2**0.5, rel=1e-2)


class TestBound:
    def test_by_hand(self):
        assert law.theorem_rows(100, 2, 0.5, 4.0) == pytest.approx(
            100 * 32 * np.log(100) / (0.25 * 16)
        )
        assert law.theorem_rows(1000, 10, 0.1, 2.0) == pytest.approx(1.727e10, rel=1e-3)

    def test_error_and_rows_are_inverse(self):
        n = 12_345
        epsilon = law.theorem_error(n, 80, 3, 4.0, constant=0.5)
        assert law.theorem_rows(80, 3, epsilon, 4.0, constant=0.5) == pytest.approx(n)

    def test_supply_and_its_rows_are_inverse(self):
        assert law.supply(law.supply_rows(7.0, 300, 5, 2.0), 300, 5, 2.0) == pytest.approx(
            7, rel=1e-3
        )
        assert law.supply(10_000, 1000, 10, 2.0) == pytest.approx(0.2)


class TestIncoherence:
    def test_equal_rows(self):
        U = np.kron(np.ones((4, 1)), np.eye(2)) / 2
        assert law.incoherence(U, normalized=False) == pytest.approx(1)
        assert law.incoherence(U) == pytest.approx(1 / 2)

    def test_a_factor_of_one_column_is_the_most_coherent(self):
        U = np.eye(12)[:, :3]
        assert law.incoherence(U, normalized=False) == pytest.approx(12 / 3)

    @pytest.mark.parametrize("factors", [np.zeros((3, 2)), np.ones(3), np.array([[np.nan]])])
    def test_refused(self, factors):
        with pytest.raises(ValueError, match="factors must"):
            law.incoherence(factors)


class TestHessian:
    def setup_method(self):
        rng = np.random.default_rng(6)
        self.X, self.D = rng.standard_normal((2, 5, 2))
        A, w = rng.standard_normal((5, 5)), rng.integers(0, 4, (5, 5)).astype(float)
        self.T, self.w = A + A.T, w + w.T

    def value(self, X):
        return 0.5 * np.sum(self.w * (X @ X.T - self.T) ** 2)

    def test_against_finite_differences(self):
        h = 1e-4
        second = self.value(self.X + h * self.D) - 2 * self.value(self.X)
        second = (second + self.value(self.X - h * self.D)) / h**2
        D = self.D.ravel()
        H = law.hessian(self.X, self.T, self.w)
        np.testing.assert_allclose(D @ H @ D, second, rtol=1e-5)
        np.testing.assert_allclose(H, H.T)

    def test_a_wrong_weight_of_the_diagonal_is_noticed(self):
        h, D = 1e-4, self.D.ravel()
        second = self.value(self.X + h * self.D) - 2 * self.value(self.X)
        second = (second + self.value(self.X - h * self.D)) / h**2
        other = law.hessian(self.X, self.T, self.w + np.diag(np.diag(self.w)))
        assert abs(D @ other @ D / second - 1) > 1e-3

    def test_turning_costs_nothing(self):
        M = mc.instances.mixture_rows(3000, 15, 3, seed=0)
        moments = mc.SecondMoment(15).update(mc.instances.sample_rows(M, 0.4, seed=1))
        X = mc.recover_second_moment(moments, 3, gtol=1e-9).left
        H = law.hessian(X, moments.hajek().toarray(), moments.counts.toarray())
        eigenvalues = np.linalg.eigvalsh(H) / np.linalg.norm(H, 2)
        assert np.sum(np.abs(eigenvalues) < 1e-7) == 3
        assert eigenvalues.min() > -1e-7

    def test_refused(self):
        with pytest.raises(ValueError, match=r"\(d, d\)"):
            law.hessian(self.X, self.T[:4], self.w)
        with pytest.raises(ValueError, match="symmetric"):
            law.hessian(self.X, self.T, np.triu(self.w))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: law.typical_error(10, 10, 2, 1.0, "mixtures"), "mixture"),
        (lambda: law.typical_error(10, 10, 2, 0.0), "C must"),
        (lambda: law.theorem_rows(1, 2, 0.1), "d must"),
        (lambda: law.expected_error(np.eye(4)[:, :2], np.eye(3), 10, 0.5), r"\(m, r\)"),
        (lambda: law.expected_error(np.eye(4)[:, :2], np.eye(2), 10, 1.5), "p must"),
    ],
)
def test_bad_arguments_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()
