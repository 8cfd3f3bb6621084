"""Adding up more rows than one wants to hold, or to lose: here, on a cluster, and resumed.

The chunks are added in parts of a few consecutive chunks, and the parts in their order to the
total. A part is what a worker of a cluster computes and what a checkpoint stands after. As the
cut and the order are always the same, so are all digits of the result, wherever and in how many
attempts it was computed.
"""

from __future__ import annotations

import itertools
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mcrepro._checks import integer
from mcrepro.moments.second_moment import SecondMoment

#: Seconds to wait for a scheduler's answer.
CONNECT_SECONDS = 10


def accumulate(
    chunks,
    d: int,
    *,
    per_part: int = 4,
    checkpoint=None,
    scheduler: str | None = None,
    progress: bool = False,
    storage: str = "auto",
    threads: int | None = None,
) -> SecondMoment:
    """The second moment of rows that come in chunks.

    Parameters
    ----------
    chunks : iterable of SciPy sparse arrays of shape (n_k, d), or Dask collection
        A sequence (with ``len`` and indices) such as `MixtureStream` or `mcrepro.data.RatingsFile`
        is read where it is needed, by a worker of the cluster or not at all if a checkpoint has it;
        it must be picklable for a cluster. Of a plain iterator the chunks are read here, in order.
        A Dask bag or array (blocks of whole rows), a Delayed or a list of these must have sparse
        arrays, or lists of them, as its partitions.
    d : int
        Number of columns.
    per_part : int, default 4
        Chunks that are added up before they are added to the total. Another number rounds the sums
        differently. Memory for two moments is needed.
    checkpoint : object with ``load()`` and ``save(state)``, optional
        Such as `mcrepro.data.Checkpoint`. What it holds is not computed again; it is saved after
        every part.
    scheduler : str, optional
        Address of a Dask scheduler, such as "tcp://127.0.0.1:8786". A part whose worker is lost is
        computed by another one. Needs the extra "distributed".
    progress : bool, default False
        Show a progress bar on standard error, a step for each chunk.
    storage, threads
        As in `SecondMoment`; workers of a cluster use one thread by default.

    Returns
    -------
    SecondMoment

    Raises
    ------
    TypeError, ValueError
        From `SecondMoment.update`, or a checkpoint of other data.
    ConnectionError
        No scheduler answers.

    Examples
    --------
    >>> from mcrepro.moments import MixtureStream, accumulate
    >>> stream = MixtureStream(n=10_000, d=50, C=2.0, rank=3, chunk=1000)
    >>> accumulate(stream, d=50).n_rows
    10000
    """
    d, per_part = integer("d", d, 1), integer("per_part", per_part, 1)
    options: dict[str, Any] = {"storage": storage, "threads": threads}
    total, done, mark = SecondMoment(d, **options), 0, 0
    chunks = _partitions(chunks)
    if checkpoint is not None:
        mark, chunks = _marked(chunks)
        state = checkpoint.load()
        if state is not None:
            _check_same(state, d, mark)
            total, done = SecondMoment.from_state(state, threads=threads), int(state["chunks"])
    groups = _groups(chunks, done, per_part)
    with _bar(progress, chunks, done) as bar:
        if scheduler is None:
            parts = _here(groups, d, options, bar)
        else:
            parts = _on_cluster(scheduler, groups, d, options | {"threads": threads or 1}, bar)
        for part, size in parts:
            total = part if done == 0 else total.__iadd__(part)
            done += size
            if checkpoint is not None:
                about = {"chunks": np.array(done), "first_chunk": np.array(mark)}
                checkpoint.save(total.state() | about)
    return total


class _Slice:
    """Chunks first, ..., last - 1 of a sequence that makes or reads them when asked."""

    def __init__(self, chunks: Sequence, first: int, last: int):
        self.chunks, self.first, self.last = chunks, first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __iter__(self) -> Iterator:
        return (self.chunks[k] for k in range(self.first, self.last))


def _groups(chunks, done: int, per_part: int) -> Iterator:
    """The chunks that are not done, a few at a time."""
    if isinstance(chunks, Sequence):
        if done > len(chunks):
            raise ValueError(f"the checkpoint has {done} chunks, but there are {len(chunks)}")
        for first in range(done, len(chunks), per_part):
            last = min(first + per_part, len(chunks))
            stored = isinstance(chunks, list | tuple)
            yield chunks[first:last] if stored else _Slice(chunks, first, last)
        return
    rest = iter(chunks)
    skipped = sum(1 for _ in itertools.islice(rest, done))
    if skipped < done:
        raise ValueError(f"the checkpoint has {done} chunks, but there are {skipped}")
    while group := list(itertools.islice(rest, per_part)):
        yield group


def _part(chunks: Iterable, d: int, options: dict[str, Any]) -> SecondMoment:
    return SecondMoment(d, **options).update(chunks)


def _here(groups, d, options, bar) -> Iterator[tuple[SecondMoment, int]]:
    for group in groups:

        def counted(group=group):
            for chunk in group:
                yield chunk.compute() if _is_dask(chunk) else chunk
                bar.update()

        yield _part(counted(), d, options), len(group)


def _on_cluster(address, groups, d, options, bar) -> Iterator[tuple[SecondMoment, int]]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        waiting: deque = deque()
        # Enough to keep every worker busy, and no more results than there are workers wait here.
        ahead = 2 * max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
        for group in itertools.chain(groups, itertools.repeat(None, ahead)):
            if group is not None:
                size = len(group)
                if size and isinstance(group, list) and _is_dask(group[0]):
                    group = client.compute(group)
                waiting.append((client.submit(_part, group, d, options, pure=False), size))
            if waiting and (group is None or len(waiting) >= ahead):
                future, size = waiting.popleft()
                part = future.result()
                future.release()
                bar.update(size)
                yield part, size


def _is_dask(value) -> bool:
    return hasattr(value, "__dask_graph__")


def _partitions(chunks):
    """The chunks as they are, a Dask collection as the list of its partitions."""
    if not _is_dask(chunks):
        if not isinstance(chunks, Iterable) or hasattr(chunks, "format"):
            raise TypeError(
                f"chunks must be an iterable of sparse arrays, got {type(chunks).__name__}; "
                "SecondMoment(d).update(rows) takes one array"
            )
        return chunks
    if not hasattr(chunks, "to_delayed"):
        return [chunks]
    parts = np.asarray(chunks.to_delayed())
    if parts.ndim > 1 and parts.shape[1] > 1:
        raise ValueError(
            f"a Dask array must have blocks of whole rows, got {parts.shape[1]} blocks side by side"
        )
    return parts.ravel().tolist()


def _marked(chunks):
    """A mark by which the same data are known again, that of the first chunk, and the chunks."""
    if isinstance(chunks, Sequence):
        first = chunks[0] if len(chunks) else None
    else:
        rest = iter(chunks)
        first = next(rest, None)
        chunks = rest if first is None else itertools.chain([first], rest)
    if first is not None and _is_dask(first):
        first = first.compute()
    mark = 0
    for rows in first if isinstance(first, list | tuple) else [first]:
        if rows is not None:
            csr = rows.tocsr()
            for array in (csr.indptr, csr.indices, csr.data):
                mark = zlib.crc32(np.ascontiguousarray(array).data, mark)
    return mark, chunks


def _check_same(state, d: int, mark: int) -> None:
    held = int(state["size"][0])
    if held != d:
        raise ValueError(f"the checkpoint is of {held} columns, not of {d}")
    if int(state["first_chunk"]) != mark:
        raise ValueError(
            "the checkpoint is of other data: its first chunk differs; remove it to begin anew"
        )


def _bar(progress: bool, chunks, done: int):
    from tqdm import tqdm

    total = len(chunks) if isinstance(chunks, Sequence) else None
    return tqdm(total=total, initial=done, desc="rows", unit=" chunks", disable=not progress)
