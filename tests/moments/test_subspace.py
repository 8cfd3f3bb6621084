"""Principal angles by their geometry, and the row space of mixtures."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import subspace_angles

import mcrepro as mc
from mcrepro.moments import MixtureStream, Subspace, accumulate, principal_subspace

STREAM = MixtureStream(n=60_000, d=30, C=4.0, rank=3, seed=5, chunk=20_000)


@pytest.fixture(scope="module")
def moments():
    return accumulate(STREAM, 30)


def plane(*columns):
    return Subspace(np.array(columns, dtype=float).T, np.ones(len(columns)))


def test_angles_of_planes_turned_against_each_other():
    for t in (0.0, 1e-12, 0.3, np.pi / 4, 1.5, np.pi / 2 - 1e-9):
        turned = plane([1, 0, 0, 0], [0, np.cos(t), np.sin(t), 0])
        angles = plane([1, 0, 0, 0], [0, 1, 0, 0]).angles(turned)
        np.testing.assert_allclose(angles, [0, t], rtol=1e-8, atol=1e-20)
        assert turned.error([[0], [0], [0], [1]]) == pytest.approx(1)
    assert plane([1, 0]).error([[3], [3]]) == pytest.approx(np.sqrt(0.5))


def test_angles_agree_with_scipy_and_with_projectors():
    rng = np.random.default_rng(0)
    A, B = np.linalg.qr(rng.standard_normal((9, 3)))[0], rng.standard_normal((9, 5))
    one = Subspace(A, np.ones(3))
    np.testing.assert_allclose(one.angles(B), np.sort(subspace_angles(A, B)), atol=1e-12)
    other = Subspace(np.linalg.qr(B[:, :3])[0], np.ones(3))
    np.testing.assert_allclose(one.angles(other), other.angles(one), atol=1e-12)
    projectors = A @ A.T - other.basis @ other.basis.T
    assert one.error(other) == pytest.approx(np.linalg.norm(projectors, 2))


def test_everything_seen_is_principal_components():
    M = mc.instances.gaussian_rows(200, 8, 3, seed=1)
    moments = mc.SecondMoment(8).update(sp.csr_array(M))
    subspace = principal_subspace(moments, k=3, gtol=1e-10, rtol=1e-12)
    _, s, vt = np.linalg.svd(M)
    assert subspace.error(vt[:3].T) < 1e-5
    np.testing.assert_allclose(subspace.eigenvalues, s[:3] ** 2 / 200, rtol=1e-5)
    np.testing.assert_allclose(np.abs(subspace.coordinates(vt[:3])), np.eye(3), atol=1e-3)


def test_halves_of_the_rows_tell_the_error(moments):
    found = principal_subspace(moments, k=3)
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(3), atol=1e-12)
    error = found.error(STREAM.factors.T)
    more = MixtureStream(n=600_000, d=30, C=4.0, rank=3, seed=5, chunk=200_000)
    assert principal_subspace(accumulate(more, 30), k=3).error(more.factors.T) < 0.6 * error
    halves = [mc.SecondMoment(30).update(s) for s in (STREAM[0], STREAM[1])]
    apart = principal_subspace(halves[0], 3).error(principal_subspace(halves[1], 3))
    assert 0.3 * error < apart < 10 * error


def test_from_a_result(moments):
    result = mc.recover_second_moment(moments, rank=4)
    two = principal_subspace(result, 2)
    assert two.basis.shape == (30, 2)
    T = result.matrix()
    np.testing.assert_allclose(T @ two.basis, two.basis * two.eigenvalues, atol=1e-10)
    assert principal_subspace(moments, 2, rank=4).error(two) < 1e-6
    with pytest.raises(TypeError, match="rank and options are for moments"):
        principal_subspace(result, 2, rank=3)
    with pytest.raises(ValueError, match="k must be between 1 and 4, got 5"):
        principal_subspace(result, 5)
    with pytest.raises(TypeError, match=r"source must be a mcrepro.SecondMoment or a Result, got"):
        principal_subspace(np.eye(3), 2)


def test_refusals():
    one = plane([1, 0, 0])
    with pytest.raises(ValueError, match=r"both subspaces must be of R\^3, got one of R\^2"):
        one.angles(np.eye(2))
    with pytest.raises(ValueError, match=r"a matrix of columns in R\^3, got shape \(3,\)"):
        one.angles([1, 0, 0])
    with pytest.raises(ValueError, match="independent columns"):
        one.angles(np.ones((3, 2)))
