"""One-sided completion: what the columns of a tall matrix have in common."""

from mcrepro.moments.accumulate import accumulate
from mcrepro.moments.recover import recover_second_moment
from mcrepro.moments.second_moment import SecondMoment
from mcrepro.moments.stream import MixtureStream

__all__ = ["MixtureStream", "SecondMoment", "accumulate", "recover_second_moment"]
