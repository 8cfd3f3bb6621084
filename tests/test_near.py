"""The near miss that error messages name."""

import pytest

from mcrepro._near import did_you_mean, near_miss

KNOWN = ["gd", "soft_impute", "ml-100k", "one/alpha"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GD", "gd"),
        ("soft-impute", "soft_impute"),
        ("ML_100K", "ml-100k"),
        ("one/alhpa", "one/alpha"),
    ],
)
def test_case_hyphens_and_swapped_letters_are_near(name, meant):
    assert did_you_mean(name, KNOWN) == near_miss(name, KNOWN) == f"; did you mean {meant!r}?"


def test_what_is_near_nothing():
    assert did_you_mean("quantum", KNOWN) == ""
    assert near_miss("quantum", ["b", "a"]) == "; known: 'b', 'a'"
    assert near_miss(3, []) == "; known: none"
