"""One thread inside a trial, so that the number of workers and cores changes no digit."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from threadpoolctl import ThreadpoolController

# Read by a library when it is loaded, which may happen in the middle of a trial.
VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

_lock = threading.RLock()
_inside = 0
_stack = contextlib.ExitStack()
_controller: ThreadpoolController | None = None
_modules_seen = 0


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS, OpenMP and numba to one thread; the last of several users lets go.

    Counting the users matters in a Dask worker with several threads: the limits are those of the
    whole process, and the first trial to end must not lift them for the others.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _stack.enter_context(_variables())
            _stack.enter_context(_current_controller().limit(limits=1))
        _inside += 1
    try:
        with _one_numba_thread():
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _stack.close()


def _current_controller() -> ThreadpoolController:
    """A controller of the libraries loaded by now; finding them takes milliseconds, so it is kept."""
    global _controller, _modules_seen
    if _controller is None or len(sys.modules) != _modules_seen:
        _controller, _modules_seen = ThreadpoolController(), len(sys.modules)
    return _controller


@contextlib.contextmanager
def _variables() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _one_numba_thread() -> Iterator[None]:
    # Imported here even if the trial may not need it: numba loaded in the middle of a trial would
    # start with all cores, and its environment variable must not change once it is loaded.
    import numba

    if numba.config.NUMBA_NUM_THREADS == 1:  # type: ignore[attr-defined]  # get_num_threads would start the threads to answer
        yield
        return
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
