"""Showing which chapters run, for how long, and how each ended."""

import sys
import time
from typing import TextIO

#: Seconds between two signs of life where the output is no terminal.
HEARTBEAT = 30.0


class Progress:
    """One line a chapter; on a terminal also a live line with what is running.

    Parameters
    ----------
    total : int
        How many chapters there are to execute.
    stream : text stream, optional
        Default: standard error.
    """

    def __init__(self, total: int, stream: TextIO | None = None):
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._total = total
        self._done = 0
        self._running: dict[str, float] = {}
        self._spoke = time.monotonic()

    def start(self, name: str) -> None:
        self._running[name] = time.monotonic()
        if not self._live:
            self._line(f"  executing  {name}")

    def finish(self, name: str, result: str) -> None:
        seconds = time.monotonic() - self._running.pop(name, time.monotonic())
        self._done += 1
        self._line(f"  {result:<10} {name}  {seconds:.1f} s  [{self._done}/{self._total}]")

    def tick(self) -> None:
        """Say what is running; call it as often as you like."""
        # A copy: worker threads start chapters while this runs.
        running = ", ".join(
            f"{name} {time.monotonic() - since:.0f} s"
            for name, since in list(self._running.items())
        )
        if self._live:
            self._stream.write(f"\r\x1b[K  [{self._done}/{self._total}] {running}"[:110])
            self._stream.flush()
        elif running and time.monotonic() - self._spoke > HEARTBEAT:
            self._line(f"  running    {running}")

    def close(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _line(self, text: str) -> None:
        self._spoke = time.monotonic()
        self._stream.write(("\r\x1b[K" if self._live else "") + text + "\n")
        self._stream.flush()
