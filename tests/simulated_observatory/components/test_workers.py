"""Worker processes do what they are asked to, and do not outlive the process that made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from lsst.ts.simulated_observatory.detector.workers import make_workers

from ..processes import is_alive, wait_until

PARENT = """
import os, sys, time
from lsst.ts.simulated_observatory.detector.workers import make_workers

if __name__ == "__main__":
    workers = make_workers(1)
    print(workers.submit(os.getpid).result(), flush=True)
    workers.submit(time.sleep, 60)
    time.sleep(60)
"""


def test_work_for_stand_ins_needs_no_process() -> None:
    with make_workers(0) as workers:
        assert workers.submit(os.getpid).result() == os.getpid()


def test_workers_are_processes_that_leave_interrupts_to_their_parent() -> None:
    with make_workers(1) as workers:
        assert workers.submit(os.getpid).result() != os.getpid()
        assert signal.SIGINT in workers.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert workers.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
        parent.wait(10)
    wait_until(lambda: not is_alive(worker))
