"""A noisy matrix of low rank, half observed: for soft_impute and for its half sweeps."""

import numpy as np
import pytest

import mcrepro as mc


@pytest.fixture
def noisy():
    rng = np.random.default_rng(3)
    M = rng.standard_normal((23, 3)) @ rng.standard_normal((3, 31))
    M += 0.1 * rng.standard_normal(M.shape)
    return mc.Problem.from_dense(M, rng.random(M.shape) < 0.5)
