"""The textbook's statements about the problem itself, and that their checks can fail."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from mcrepro import experiments
from mcrepro.experiments.textbook import counting, existence, hardness, masks, stability


@pytest.fixture(scope="module")
def table():
    return {
        name: experiments.run(f"textbook-{name}", profile="smoke")
        for name in ("existence", "counting", "masks", "stability", "hardness")
    }


def test_every_statement_holds_but_two(table):
    assert existence.no_completion(table["existence"])
    assert existence.zeros_spread(table["existence"])
    assert existence.factors_give_rank(table["existence"])
    assert counting.formula_is_jacobian_rank(table["counting"])
    assert counting.kernel_is_basis_changes(table["counting"])
    assert masks.count_is_necessary(table["masks"])
    assert masks.graph_agrees(table["masks"])
    assert masks.family_is_infinite(table["masks"])
    assert stability.sensitivity_is_unbounded(table["stability"])
    assert hardness.rank_is_sparsity(table["hardness"])
    assert not masks.count_is_sufficient(table["masks"])
    assert not masks.zeros_need_their_count(table["masks"])
    assert not hardness.reduction_fixes_entries(table["hardness"])


def test_an_answer_of_rank_one_needs_its_count_whatever_the_values():
    """Four entries never fix a 3 × 3 matrix of rank one; five sometimes do. (E-T4.)"""
    left, right = (np.array(list(product((0, 1, x), repeat=3))) for x in (2, 0.5))
    of_rank_one = np.unique(np.einsum("ai,bj->abij", left, right).reshape(-1, 9), axis=0)
    ones = of_rank_one[np.isin(of_rank_one, (0, 1)).all(axis=1) & of_rank_one.any(axis=1)]

    def fixed(size):
        return sum(
            len(of_rank_one[(of_rank_one[:, list(seen)] == matrix[list(seen)]).all(axis=1)]) == 1
            for matrix in ones
            for seen in combinations(range(9), size)
        )

    assert fixed(4) == 0
    assert fixed(5) > 0


def test_checks_notice_a_planted_fault(table):
    assert not existence.zeros_spread(table["existence"].assign(violations=1))
    assert not existence.no_completion(table["existence"].assign(determinant_1=0))
    wrong = table["counting"].assign(formula=lambda t: t["formula"] + t["k"] ** 2)
    assert not counting.formula_is_jacobian_rank(wrong)
    assert not counting.kernel_is_basis_changes(table["counting"].assign(basis_change="1/3"))
    early = table["masks"].assign(finite=1)
    assert not masks.count_is_necessary(early)
    assert not masks.graph_agrees(table["masks"].assign(connected=0))
    tame = pd.DataFrame({"power": [2], "moved": ["-1"], "derivative": ["-1"]})
    assert not stability.sensitivity_is_unbounded(tame)
    assert not hardness.rank_is_sparsity(table["hardness"].assign(least_rank=99))


def test_masks_that_determine_rank_one_are_the_connected_ones(table):
    # Connected graphs on 3 + 3 labelled vertices with 5 edges are spanning trees: 3² · 3² of them.
    trees = table["masks"].query("seen == 5")["connected"].iloc[0]
    assert trees == 81


def test_members_of_the_family_are_what_they_say():
    M = masks.family_member(Fraction(7))
    assert (M[0][0], M[1][1]) == (2, 3)
    assert np.linalg.matrix_rank(np.array(M, dtype=float)) == 1
