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
from sweeps import begun, recorded_rows

import mcrepro as mc

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


def start(tmp_path, log, environment, result):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(sweep=SWEEP))
    return subprocess.Popen(
        [sys.executable, program, log, tmp_path / result], env=environment, start_new_session=True
    )


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


@pytest.mark.parametrize("whom", ["group", "parent"])
def test_kill(tmp_path, cache, log, environment, same_bits, whom):
    moments = random.Random(whom)
    groups = []
    for _ in range(5):
        done = set(begun(log))
        process = start(tmp_path, log, environment, "never.pkl")
        groups.append(process.pid)
        target = len(done) + moments.randint(1, 12)
        wait_until(lambda target=target: len(begun(log)) >= target)
        time.sleep(moments.uniform(0, 0.03))
        if whom == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        finished = {row["tag"] for row in recorded_rows(cache, "toy-logged")}
        lines = len(begun(log))
        check_later = (finished, lines)
        checks = [*locals().get("checks", []), check_later]

    assert start(tmp_path, log, environment, "resumed.pkl").wait() == 0
    for finished, lines in checks:
        assert finished
        assert not finished & set(begun(log)[lines:]), "a finished trial was computed again"

    resumed = pd.read_pickle(tmp_path / "resumed.pkl")
    assert len(resumed) == 90
    same_bits(
        resumed, mc.experiments.run("toy-logged", log=str(log), cache=tmp_path / "n", **SWEEP)
    )
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def test_two_runs_at_once_both_finish(tmp_path, log, environment, same_bits):
    both = [start(tmp_path, log, environment, f"{which}.pkl") for which in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    one, other = (pd.read_pickle(tmp_path / f"{which}.pkl") for which in "ab")
    same_bits(one, other)
    # They share the work: computing everything twice would begin 180 trials.
    assert 90 <= len(begun(log)) < 140
