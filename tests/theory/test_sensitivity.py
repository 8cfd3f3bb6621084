"""The closed form of leave-one-row-out against leaving rows out."""

import numpy as np
import pytest
import scipy.sparse as sp

import mcrepro as mc
from mcrepro.theory.sensitivity import gaussian_noise, leave_one_out


def test_every_row_against_brute_force():
    matrix = np.random.default_rng(0).standard_normal((40, 9))
    rows = mc.instances.sample_rows(matrix, 0.25, seed=1)
    every = mc.SecondMoment(9).update(rows).hajek().toarray()
    frobenius, largest = leave_one_out(rows)
    for k in range(40):
        rest = sp.vstack([rows[:k], rows[k + 1 :]], format="csr")
        change = every - mc.SecondMoment(9).update(rest).hajek().toarray()
        assert frobenius[k] == pytest.approx(np.linalg.norm(change), abs=1e-12)
        assert largest[k] == pytest.approx(np.abs(change).max(), abs=1e-12)


def test_an_empty_row_changes_nothing_and_a_lonely_one_everything():
    rows = sp.csr_array(np.array([[0.0, 0.0], [2.0, 3.0]]))
    frobenius, largest = leave_one_out(rows)
    assert frobenius[0] == largest[0] == 0
    assert largest[1] == 9
    assert frobenius[1] == pytest.approx(13)  # the norm of an outer product


def test_gaussian_noise():
    assert gaussian_noise(2.0, 0.5, 1e-5) == pytest.approx(4 * np.sqrt(2 * np.log(1.25e5)))
    with pytest.raises(ValueError, match="epsilon"):
        gaussian_noise(1.0, 0.0, 1e-5)
