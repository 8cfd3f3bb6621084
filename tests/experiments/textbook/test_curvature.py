"""Isometry and PL: what holds, what does not, and that the checks can fail."""

import pytest

from mcrepro import experiments
from mcrepro.experiments.textbook import isometry, polyak


@pytest.fixture(scope="module")
def tables():
    return {n: experiments.run(f"textbook-{n}", profile="smoke") for n in ("isometry", "polyak")}


def test_isometry(tables):
    table = tables["isometry"]
    assert isometry.gaussian_is_isometric(table)
    assert isometry.hessian_is_isometry(table)
    assert isometry.curvature_is_bounded(table)
    assert not isometry.entries_are_isometric(table)


def test_isometry_notices_a_planted_fault(tables):
    table = tables["isometry"]
    assert not isometry.gaussian_is_isometric(table.assign(full=0.1))
    assert not isometry.hessian_is_isometry(table.assign(hessian_gap=0.5))
    assert not isometry.curvature_is_bounded(table.assign(above=0.1))
    assert isometry.entries_are_isometric(table.assign(hidden=0.1, rank_one=0.5))


def test_polyak(tables):
    table = tables["polyak"]
    assert polyak.linear_convergence(table)
    assert polyak.weaker_than_strong_convexity(table)
    assert polyak.local_with_the_right_rank(table)
    assert polyak.rate_is_least_singular_value(table)
    assert polyak.fails_at_the_origin(table)
    assert not polyak.local_with_any_rank(table)


def test_polyak_notices_a_planted_fault(tables):
    table = tables["polyak"]
    assert not polyak.linear_convergence(table.assign(scalar_mu=1 / 64))
    assert not polyak.linear_convergence(table.assign(scalar_rate=1e-3))
    assert not polyak.weaker_than_strong_convexity(table.assign(singular_mu=0.5))
    assert not polyak.local_with_the_right_rank(table.assign(ratio_right=0.9))
    assert not polyak.rate_is_least_singular_value(table.assign(least_curvature=2.0))
    assert not polyak.fails_at_the_origin(table.assign(origin_gradient=1.0))
