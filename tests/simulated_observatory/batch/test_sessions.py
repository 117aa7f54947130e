"""What a process started ends with it, also when nothing cleans up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lsst.ts.simulated_observatory.batch import sessions, submission

from .processes import commands, until

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
        until(lambda: not sessions._is_member(worker, process.pid), 60.0)


def test_submission_that_is_killed_has_left_somebody_who_ends_the_rest(tmp_path: Path) -> None:
    description = tmp_path / "submit.yaml"
    os.mkfifo(description)  # which nobody writes
    command = [sys.executable, "-m", submission.__name__, str(description)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        until(lambda: len(commands(process.pid)) > 1, 60.0)
        process.kill()
        until(lambda: not set(commands(process.pid)) - {process.pid}, 60.0)
