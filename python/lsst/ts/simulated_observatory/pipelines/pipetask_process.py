"""Runs pipetask in this process, by itself or forked from `prepared_pipetask`.

The process ends with the one that started it: one end of a pipe is here, the other there. When the parent is
gone, however it ended, the pipe is closed and this process ends too, so no job goes on in a repository that
nobody looks after.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence

from ..former_names import understand_former_names
from ..locks import limit_waiting

__all__ = ["end_with_pipe", "run_pipetask"]


def end_with_pipe(descriptor: int) -> None:
    """End this process when the other end of a pipe is closed.

    Parameters
    ----------
    descriptor
        Of the end that is read here.
    """

    def watch() -> None:
        os.read(descriptor, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_pipetask(arguments: Sequence[str]) -> None:
    """Run pipetask; this does not return.

    Parameters
    ----------
    arguments
        Of its command line.
    """
    understand_former_names()  # of a repository that an earlier version has made
    limit_waiting()
    from lsst.ctrl.mpexec.cli.pipetask import main  # it takes a second, so the guard is set up before

    from .calibration_memory import remember_calibrations

    remember_calibrations()
    sys.argv[:] = ["pipetask", *arguments]
    main()


if __name__ == "__main__":
    end_with_pipe(sys.stdin.fileno())
    run_pipetask(sys.argv[1:])
