"""The status page: what was executed, how long it took, and on what."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcrepro import __version__
from mcrepro.companion.project import available_cpus
from mcrepro.companion.stage import duration
from mcrepro.companion.stamp import environment
from mcrepro.companion.store import Executed
from mcrepro.experiments.provenance import commit


@dataclass(frozen=True)
class ChapterStatus:
    """A chapter and its stored outputs; None where there are none of the current code."""

    name: str
    executed: Executed | None

    def cells(self) -> tuple[str, str, str, str]:
        """Return profile, day, runtime and outcome as text."""
        if self.executed is None:
            return "–", "–", "–", "not executed"
        record = self.executed.record
        own = ", own parameters" if record.own else ""
        return record.profile + own, record.executed, duration(record.seconds), "executed"


def status_page(chapters: Sequence[ChapterStatus]) -> bytes:
    """Return the Markdown of the status page. It names neither the computer nor its folders."""
    lines = [
        "# Status",
        "",
        "What every chapter was executed with, and on what machine this copy was built.",
        "",
        "| Chapter | Profile | Executed | Runtime | Outcome |",
        "| --- | --- | --- | ---: | --- |",
    ]
    for chapter in chapters:
        lines.append(f"| [](/{chapter.name}.ipynb) | " + " | ".join(chapter.cells()) + " |")
    lines += ["", "## Machine and software", "", "| What | Which |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in machine().items()]
    lines += [f"| {name} | {version} |" for name, version in environment().items()]
    return ("\n".join(lines) + "\n").encode()


def machine() -> dict[str, str]:
    """Return processor, memory, operating system, BLAS, package version and commit."""
    return {
        "Processor": f"{_processor()}, {available_cpus()} cores",
        "Memory": _memory(),
        "Operating system": f"{platform.system()} {platform.release().split('-')[0]}",
        "BLAS": _blas(),
        "mcrepro": f"{__version__}, commit {commit()}",
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.0f} GiB"


def _blas() -> str:
    # Both load a BLAS, not always the same one; threadpoolctl lists what is loaded.
    import numpy  # noqa: F401
    import scipy.linalg  # noqa: F401
    import threadpoolctl

    found = {
        f"{library['internal_api']} {library['version']}"
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    }
    return ", ".join(sorted(found)) or "unknown"
