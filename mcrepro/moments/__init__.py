"""One-sided completion: what the columns of a tall matrix have in common."""

from mcrepro.moments.accumulate import accumulate
from mcrepro.moments.ranks import RankChoice, select_rank
from mcrepro.moments.recover import recover_second_moment
from mcrepro.moments.second_moment import SecondMoment
from mcrepro.moments.stream import MixtureStream
from mcrepro.moments.subspace import Subspace, principal_subspace

__all__ = [
    "MixtureStream",
    "RankChoice",
    "SecondMoment",
    "Subspace",
    "accumulate",
    "principal_subspace",
    "recover_second_moment",
    "select_rank",
]
