"""Runs ``pipetask`` or ``butler`` for a job of the batch system, as their own programs do."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress

import psutil

from ..former_names import understand_former_names
from ..locks import limit_waiting

POOL = "process_worker_pool"
"""Part of the command line of that which starts the workers of Parsl."""

RANK = "PARSL_WORKER_RANK"
"""What a worker of Parsl has in its environment, and so what it starts."""

STARTED = "the command of ts_calibrations begins"
"""In the log of a part whose command was run: what a site has before it can end well without it."""

PERIOD = 0.2
"""Seconds between two looks at the worker."""


def end_with_worker() -> None:
    """End this process when the worker that has started it is gone, or the pool of that worker.

    Its part is run once more then, and two processes must not make the same datasets at once: one deletes
    what the other has half made, and a third quantum finds fewer inputs.
    """
    try:
        ancestors = psutil.Process().parents()
        pool = next((place for place, each in enumerate(ancestors) if POOL in " ".join(each.cmdline())), None)
    except psutil.Error:  # one of them has ended during the look
        pool = None
    if pool is not None:
        watch = threading.Thread(target=_watch, args=(ancestors[: pool + 1],), daemon=True)
        watch.start()
    elif RANK in os.environ:  # the worker was gone before this process could look for it
        _end()


def _watch(ancestors: list[psutil.Process]) -> None:
    """End this process as soon as it, or what has started it, has another parent than before."""
    with suppress(psutil.Error):  # one of them has ended during the look
        while psutil.Process().parents()[: len(ancestors)] == ancestors:
            time.sleep(PERIOD)
    _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    end_with_worker()
    print(STARTED, file=sys.stderr, flush=True)
    understand_former_names()  # of a repository that an earlier version has made
    limit_waiting()
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "pipetask":
        from lsst.ctrl.mpexec.cli.pipetask import main as pipetask

        pipetask()
    else:
        from lsst.daf.butler.cli.butler import main as butler

        butler()
