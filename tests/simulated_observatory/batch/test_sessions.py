"""What a process started ends with it, also when nothing cleans up."""

from __future__ import annotations

import subprocess
import sys
import time

from lsst.ts.simulated_observatory.batch import sessions

CODE = f"""
import subprocess, sys
from {sessions.__name__} import kill_session_afterwards
kill_session_afterwards()
worker = subprocess.Popen(["sleep", "60"], process_group=0)
print(worker.pid, flush=True)
sys.stdin.read()
"""


def test_session_of_a_process_that_is_killed_ends() -> None:
    command = [sys.executable, "-c", CODE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert sessions._is_member(worker, process.pid)
        process.kill()
        end = time.monotonic() + 30.0
        while sessions._is_member(worker, process.pid) and time.monotonic() < end:
            time.sleep(0.1)
    assert not sessions._is_member(worker, process.pid)
