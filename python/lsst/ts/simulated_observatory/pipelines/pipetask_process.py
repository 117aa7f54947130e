"""Runs pipetask in a process that ends with the one that started it.

Standard input is a pipe whose other end the parent holds: when the parent is gone, however it ended, the pipe
is closed and this process ends too, so no job goes on in a repository that nobody looks after.
"""

from __future__ import annotations

import os
import sys
import threading

from ..former_names import understand_former_names


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    understand_former_names()  # of a repository that an earlier version has made
    from lsst.ctrl.mpexec.cli.pipetask import main  # it takes a second, so the guard is set up before

    from .calibration_memory import remember_calibrations

    remember_calibrations()
    sys.argv[0] = "pipetask"
    main()
