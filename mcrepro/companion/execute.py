"""Executing notebooks, several at once, each in a kernel of its own."""

import asyncio
import datetime
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcrepro import errors
from mcrepro.companion.files import sha256, strip_ansi, write_atomic
from mcrepro.companion.kernel import kill, new_kernel
from mcrepro.companion.notebooks import Chapter
from mcrepro.companion.progress import Progress
from mcrepro.companion.project import Project
from mcrepro.companion.stamp import package_first
from mcrepro.companion.store import Record, dump, save

#: Seconds that one cell may take, by profile; the paper's sizes may take what they take.
CELL_TIMEOUT = {"smoke": 120, "quick": 900, "paper": None}


@dataclass(frozen=True)
class Task:
    """One chapter to execute.

    Attributes
    ----------
    chapter : Chapter
    record : Record
        What to store with it; its seconds, day and files are filled in.
    path : Path
        Where the executed notebook goes.
    data : Path
        Folder for the data files that the chapter writes.
    """

    chapter: Chapter
    record: Record
    path: Path
    data: Path


@dataclass(frozen=True)
class Failure:
    """How a chapter failed: `message` says where, shows the cell and the traceback."""

    name: str
    message: str


class Executor:
    """Runs tasks in parallel kernels.

    Parameters
    ----------
    project : Project
    jobs : int
        Processors to use: kernels side by side, and within a kernel what remains for each.
    timeout : int, optional
        Seconds that one cell may take (default: by profile, see :data:`CELL_TIMEOUT`).
    """

    def __init__(self, project: Project, jobs: int, timeout: int | None = None):
        self._project = project
        self._jobs = jobs
        self._timeout = timeout
        self._stopped = threading.Event()
        self._kernels: set[Any] = set()
        self._scratch = project.scratch

    def run(self, tasks: Sequence[Task], progress: Progress) -> list[Failure]:
        """Execute `tasks`, store what succeeds, and return what failed.

        A failing chapter does not stop the others. An interrupt does: every kernel is killed.

        Raises
        ------
        OSError
            If a result cannot be written.
        """
        workers = max(1, min(self._jobs, len(tasks)))
        share = max(1, self._jobs // workers)
        failures = []
        shutil.rmtree(self._project.scratch, ignore_errors=True)
        self._project.scratch.mkdir(parents=True, exist_ok=True)
        # A folder of this run alone: kernels of a killed build may still be writing to theirs.
        self._scratch = Path(tempfile.mkdtemp(dir=self._project.scratch))
        pool = ThreadPoolExecutor(workers)
        pending: set[Future] = set()
        try:
            pending = {pool.submit(self._one, task, share, progress) for task in tasks}
            while pending:
                done, pending = wait(pending, timeout=0.25, return_when=FIRST_COMPLETED)
                progress.tick()
                failures += [failure for future in done if (failure := future.result())]
        except BaseException:
            self._stop(pending)
            raise
        finally:
            progress.close()
            pool.shutdown(wait=True, cancel_futures=True)
            shutil.rmtree(self._project.scratch, ignore_errors=True)
        order = [task.chapter.name for task in tasks]
        return sorted(failures, key=lambda failure: order.index(failure.name))

    def _stop(self, pending: set[Future]) -> None:
        """Kill the kernels until every thread has noticed."""
        self._stopped.set()
        for future in pending:
            future.cancel()
        while not all(future.done() for future in pending):
            for manager in list(self._kernels):
                kill(manager)
            time.sleep(0.1)

    def _one(self, task: Task, share: int, progress: Progress) -> Failure | None:
        if self._stopped.is_set():
            return None
        name = task.chapter.name
        progress.start(name)
        # The chapter writes its data files aside, so that a failure leaves the stored ones alone.
        data = self._scratch / name
        data.mkdir(parents=True)
        started = time.monotonic()
        notebook = _notebook(task)
        fault = self._execute(notebook, task, data, share)
        if self._stopped.is_set():
            return None
        kept = self._project.failed / f"{name}.ipynb"
        if fault is not None:
            progress.finish(name, "FAILED")
            return Failure(name, self._explain(fault, notebook, name, kept))
        kept.unlink(missing_ok=True)
        record = replace(
            task.record,
            seconds=round(time.monotonic() - started, 1),
            executed=datetime.date.today().isoformat(),
            files=_keep(data, task.data),
        )
        # Last, and in one step: from here on the chapter counts as executed.
        save(task.path, notebook, record)
        progress.finish(name, "executed")
        return None

    def _execute(self, notebook: Any, task: Task, data: Path, share: int) -> str | None:
        """Run the cells of `notebook` in place; return what went wrong, in words."""
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        with ExitStack() as files:
            folder = files.enter_context(
                tempfile.TemporaryDirectory(prefix="mcrepro-", ignore_cleanup_errors=True)
            )
            manager = new_kernel(folder)
            timeout = self._timeout or CELL_TIMEOUT[task.record.profile]
            client = NotebookClient(notebook, km=manager, timeout=timeout)
            self._kernels.add(manager)
            # What the kernel says outside its messages; it matters only if it dies.
            log = files.enter_context(open(f"{folder}/log", "w+", encoding="utf-8"))
            try:
                # A loop of its own, closed at the end; the blocking call leaves one open per thread.
                asyncio.run(
                    client.async_execute(
                        env=self._kernel_environment(task, data, share, folder),
                        cwd=str(self._project.root),
                        stdout=log,
                        stderr=log,
                        cleanup_kc=True,
                    )
                )
            except CellExecutionError as error:
                if hasattr(errors, error.ename):
                    return f"{error.ename}: {error.evalue}"  # it says what to do by itself
                traceback = _failed_cell(notebook)[1].outputs[-1].get("traceback", [])
                return strip_ansi("\n".join(traceback)) or f"{error.ename}: {error.evalue}"
            except CellTimeoutError:
                return f"The cell took longer than {timeout} s."
            except (DeadKernelError, RuntimeError) as error:
                log.seek(0)
                return "\n".join([str(error), *log.read().splitlines()[-20:]])
            finally:
                kill(manager)
                self._kernels.discard(manager)
        return None

    def _kernel_environment(
        self, task: Task, data: Path, share: int, folder: str
    ) -> dict[str, str]:
        env = package_first()
        env.setdefault("MCREPRO_CACHE", str(self._project.build / "cache" / "trials"))
        return env | {
            "PYTHONHASHSEED": "0",
            "IPYTHONDIR": folder,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "MCREPRO_JOBS": str(share),
            "MCREPRO_PAGE": task.chapter.name,
            "MCREPRO_DATA_DIR_OUT": str(data),
        }

    def _explain(self, fault: str, notebook: Any, name: str, kept: Path) -> str:
        """Keep the failed notebook and return the message: chapter, cell, what went wrong."""
        write_atomic(kept, dump(notebook))
        number, cell = _failed_cell(notebook)
        return "\n".join(
            [
                f"{name}: code cell {number} failed",
                *("    | " + line for line in cell["source"].splitlines()),
                fault.strip(),
                f"The notebook as far as it ran: {self._project.shown(kept)}",
            ]
        )


def _notebook(task: Task) -> Any:
    """Return the notebook to execute, the parameters of the run injected."""
    from nbformat import v4

    # Cell ids are random by default; a rebuild has to give the same bytes.
    cells = [
        (v4.new_code_cell if cell["type"] == "code" else v4.new_markdown_cell)(
            cell["source"], metadata=cell["metadata"], id=f"cell-{number}"
        )
        for number, cell in enumerate(task.chapter.cells)
    ]
    notebook = v4.new_notebook(cells=cells, metadata=dict(task.chapter.metadata))
    if task.record.injected:
        from papermill.parameterize import parameterize_notebook

        notebook.metadata["papermill"] = {}
        for cell in notebook.cells:
            cell.metadata.setdefault("tags", [])
        notebook = parameterize_notebook(
            notebook, task.record.injected, comment="This run's values"
        )
        del notebook.metadata["papermill"]
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell["id"] = "cell-injected-parameters"
    return notebook


def _failed_cell(notebook: Any) -> tuple[int, Any]:
    """Return the number (from 1, injected cell not counted) of the cell that ended the run."""
    code = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    started = [number for number, cell in enumerate(code) if "execution" in cell.metadata]
    last = started[-1] if started else 0
    return last + 1, code[last]


def _keep(source: Path, target: Path) -> dict[str, str]:
    """Move the data files of a finished chapter to `target`; return their hashes."""
    files = {}
    for path in sorted(source.glob("[!.]*")):
        files[path.name] = sha256(path.read_bytes())
        target.mkdir(parents=True, exist_ok=True)
        os.replace(path, target / path.name)
    return files
