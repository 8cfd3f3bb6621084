"""A sweep that is killed again and again ends with the table of an undisturbed one."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import mcrepro as mc

from .sweeps import begun, recorded_rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills process groups"),
]

SWEEP = {"n": [10, 20, 30], "trials": 30, "pause": 0.02}
PROGRAM = """
import sys, mcrepro as mc
if __name__ == "__main__":
    table = mc.experiments.run("toy-logged", jobs=2, log=sys.argv[1], **{sweep})
    table.to_pickle(sys.argv[2])
"""


@pytest.fixture
def start(tmp_path, log):
    """Function that starts the sweep in a process group of its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(sweep=SWEEP))
    started = []

    def begin(result):
        process = subprocess.Popen(
            [sys.executable, program, log, tmp_path / result],
            env={**os.environ, "PYTHONWARNINGS": "error"},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


@pytest.mark.parametrize(("whom", "times"), [("parent with its workers", 5), ("parent alone", 3)])
def test_kill(start, tmp_path, cache, log, same_bits, whom, times):
    moments = random.Random(whom)
    seen = []
    for _ in range(times):
        # The third trial begun by two workers means that a first one is finished.
        target = len(begun(log)) + moments.randint(3, 12)
        process = start("never.pkl")
        wait_until(lambda target=target: len(begun(log)) >= target)
        time.sleep(moments.uniform(0, 0.03))
        if whom == "parent alone":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # In this order: workers that lost their parent end their trials, and note the next ones.
        finished = {row["tag"] for row in recorded_rows(cache, "toy-logged")}
        seen.append((finished, len(begun(log))))

    assert start("resumed.pkl").wait() == 0
    for finished, lines in seen:
        assert finished
        assert not finished & set(begun(log)[lines:]), "a finished trial was computed again"

    assert not (tmp_path / "never.pkl").exists()
    resumed = pd.read_pickle(tmp_path / "resumed.pkl")
    assert len(resumed) == 90
    undisturbed = mc.experiments.run("toy-logged", log=str(log), cache=tmp_path / "new", **SWEEP)
    same_bits(resumed, undisturbed)


def test_two_runs_at_once_both_finish(start, tmp_path, log, same_bits):
    both = [start(f"{which}.pkl") for which in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    one, other = (pd.read_pickle(tmp_path / f"{which}.pkl") for which in "ab")
    same_bits(one, other)
    # They share the work: computing everything twice would begin 180 trials.
    assert 90 <= len(begun(log)) < 140
