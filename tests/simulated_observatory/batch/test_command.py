"""A process of a quantum does not outlive the worker that has started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from lsst.ts.simulated_observatory.batch import command


@pytest.mark.parametrize(("environment", "status"), [({}, 0), ({command.RANK: "0"}, -signal.SIGKILL)])
def test_process_whose_worker_is_gone_when_it_begins_ends(environment: dict[str, str], status: int) -> None:
    """What a worker has started has its pool among those before it, and here is none."""
    code = f"from {command.__name__} import end_with_worker; end_with_worker()"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, check=False)
    assert done.returncode == status
