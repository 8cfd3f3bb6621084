"""One-sided completion: what the columns of a tall matrix have in common."""

from mcrepro.moments.recover import recover_second_moment
from mcrepro.moments.second_moment import SecondMoment

__all__ = ["SecondMoment", "recover_second_moment"]
