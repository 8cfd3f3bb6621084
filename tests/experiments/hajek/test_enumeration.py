"""Every mask of a tiny matrix, in fractions; and the same checks with something broken."""

from fractions import Fraction

import numpy as np
import pytest

from mcrepro.experiments.hajek import enumeration
from mcrepro.theory import second_moment as law

THEOREMS = [
    enumeration.hajek_is_unbiased,
    enumeration.ht_is_unbiased,
    enumeration.subsets_are_uniform,
    enumeration.counts_are_binomial,
    enumeration.variances_agree,
    enumeration.constants_are_exact,
    enumeration.value_dependence_biases,
]


@pytest.mark.parametrize("theorem", THEOREMS)
def test_holds(smoke, theorem):
    assert theorem(smoke("enumeration"))


@pytest.mark.parametrize("theorem", THEOREMS[:5])
def test_fails_where_rows_are_seen_for_their_values(smoke, theorem):
    table = smoke("enumeration")
    unequal = table[table["rows"] == "value-dependent"].assign(rows="equal")
    assert not theorem(unequal)


@pytest.mark.parametrize(
    ("theorem", "column", "factor"),
    [
        (enumeration.hajek_is_unbiased, "hajek_given", Fraction(10**9 + 1, 10**9)),
        (enumeration.ht_is_unbiased, "ht", Fraction(10**9 + 1, 10**9)),
        (enumeration.ht_is_unbiased, "ht_given", Fraction(10**9 - 1, 10**9)),
        (enumeration.variances_agree, "var_hajek_formula", Fraction(3, 2)),  # n - 1 for n, say
        (enumeration.variances_agree, "var_ht_formula", Fraction(1, 2)),
    ],
)
def test_fails_with_a_wrong_constant(smoke, theorem, column, factor):
    table = smoke("enumeration")
    broken = table.assign(**{column: [str(factor * Fraction(v)) for v in table[column]]})
    assert not theorem(broken)


def test_two_rows_by_hand():
    """y = (6, -2), q = 1/4: P(empty) = 9/16, and S is 0, 6, -2, 4 with weights 9, 3, 3, 1."""
    first = enumeration.trial(None, matrix=0, n=2, p="1/2", rows="equal")[0]
    assert first["truth"] == "2"
    assert first["p_empty"] == "9/16"
    assert first["ht_given"] == "32/7"
    # (3·36 + 3·4 + 1·4)/7 is the mean square of Hájek's 6, -2 and 2.
    assert Fraction(first["var_hajek_given"]) == Fraction(3 * 36 + 3 * 4 + 4, 7) - 4


def test_the_masks_are_all_there_with_probability_one():
    masks = list(enumeration.masks([Fraction(1, 3)] * 3))
    assert len({mask for mask, _ in masks}) == 4**3
    assert sum(weight for _, weight in masks) == 1


def test_the_package_computes_the_same_laws_in_floating_point():
    n, p = 4, Fraction(1, 5)
    entries = np.random.default_rng(1).integers(-3, 4, size=(n, 2))
    entries[:2] = [[3, 2], [-1, 2]]
    rows = enumeration.trial(None, matrix=1, n=n, p=str(p), rows="equal")
    for row, j in ((rows[0], 1), (rows[1], 0)):
        y = entries[:, 0] * entries[:, j]
        hajek, ht = Fraction(row["var_hajek_given"]), Fraction(row["var_ht"])
        np.testing.assert_allclose(law.hajek_variance(y, 0.2, j == 0), float(hajek), rtol=1e-12)
        np.testing.assert_allclose(law.ht_variance(y, 0.2, j == 0), float(ht), rtol=1e-12)


def test_unknown_rows_are_refused():
    with pytest.raises(ValueError, match="value-dependent"):
        enumeration.trial(None, matrix=1, n=2, p="1/2", rows="unequal")
