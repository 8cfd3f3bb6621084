"""The nuclear norm: closed forms, the batch solver against another, and checks that can fail."""

import numpy as np
import pandas as pd
import pytest

import mcrepro as mc
from mcrepro import experiments
from mcrepro.experiments.textbook import envelope, recovery, relaxation
from mcrepro.theory.interpolation import interpolate


@pytest.fixture(scope="module")
def tables():
    return {
        n: experiments.run(f"textbook-{n}", profile="smoke") for n in ("envelope", "relaxation")
    }


def test_identities_hold(tables):
    table = tables["envelope"]
    assert envelope.is_sum_of_singular_values(table)
    assert envelope.is_envelope(table)
    assert envelope.is_scaled_envelope(table)
    assert envelope.is_semidefinite_program(table)


def test_identities_notice_a_planted_fault(tables):
    table = tables["envelope"]
    assert not envelope.is_sum_of_singular_values(table.assign(dual=0.99 * table["dual"]))
    assert not envelope.is_envelope(table.assign(envelope=0.9 * table["envelope"]))
    assert not envelope.is_scaled_envelope(table.assign(nuclear=2 * table["nuclear"]))
    assert not envelope.is_semidefinite_program(
        table.assign(semidefinite=table["semidefinite"] / 2)
    )


def test_examples_hold_and_can_fail(tables):
    table = tables["relaxation"]
    checks = (
        relaxation.identity_ties,
        relaxation.minimizer_has_higher_rank,
        relaxation.spike_needs_its_entry,
        relaxation.other_rows_vanish,
    )
    for check in checks:
        assert check(table)
        assert not check(table.assign(attained=~table["attained"], nuclear=3.9))


def test_corner_example_against_the_package():
    seen = mc.Problem([0, 0, 1], [0, 1, 0], [1.0, 2.0, 2.0], (2, 2))
    X = mc.complete(seen, "nuclear_norm").matrix()
    np.testing.assert_allclose(X, [[1, 2], [2, 1]], atol=1e-4)


def test_batch_solver_agrees_with_the_cone_solver():
    rng = np.random.default_rng(3)
    M = rng.standard_normal((2, 8, 1)) @ rng.standard_normal((2, 1, 8))
    mask = rng.random(M.shape) < 0.6
    X, settled = interpolate(M, mask, max_iter=20_000)
    assert settled.all()
    np.testing.assert_allclose(X[mask], M[mask], rtol=1e-14)
    for k in range(2):
        other = mc.complete(mc.Problem.from_dense(M[k], mask[k]), "nuclear_norm").matrix()
        nuclear = np.linalg.norm(other, "nuc")
        assert np.linalg.norm(X[k], "nuc") == pytest.approx(nuclear, rel=1e-4)


def test_statistics_of_a_planted_table():
    rows = [
        (n, 1, c, share, good)
        for n, c, share, good in [
            (20, 0.1, 0.2, False), (20, 0.2, 0.4, True), (20, 0.4, 0.8, True),
            (40, 0.1, 0.1, False), (40, 0.2, 0.2, True), (40, 0.4, 0.4, True),
        ]
        for _ in range(30)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["n", "rank", "constant", "share", "recovered"])
    assert recovery.same_constant_suffices(table).value == 1
    assert recovery.same_constant_suffices(table).n == 30
    broken = table.assign(recovered=table["recovered"] & (table["n"] == 20))
    assert recovery.same_constant_suffices(broken).value == 0
    assert recovery.above_threshold(table).value == 1
