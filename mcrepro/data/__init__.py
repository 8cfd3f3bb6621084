"""Real data: what there is, where it is, and loading it.

>>> import mcrepro as mc
>>> mc.data.load("ml-small-2016")
Ratings('ml-small-2016': 671 users x 9,066 movies, 100,004 ratings, 1.644%; October 2016, from embedded)

The repository holds no data. ``mcrepro/data/registry.yml`` lists every data set with its terms and checksums.
"""

from mcrepro.data.catalogue import available, describe, fetch, fingerprint, load, table
from mcrepro.data.checkpoint import Checkpoint
from mcrepro.data.ratings import Dense, Ratings
from mcrepro.data.ratings_file import RatingsFile

__all__ = [
    "Checkpoint",
    "Dense",
    "Ratings",
    "RatingsFile",
    "available",
    "describe",
    "fetch",
    "fingerprint",
    "load",
    "table",
]
