"""The textbook's statements about the problem itself, and that their checks can fail."""

from fractions import Fraction

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
