"""Locks that one process holds at a time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable

__all__ = ["wait_for_lock"]

PERIOD = 0.1
"""Seconds between two attempts."""


def wait_for_lock(file: int, check: Callable[[], None]) -> None:
    """Lock a file, waiting until no other process has it locked.

    Parameters
    ----------
    file
        File descriptor.
    check
        Called while another process has it; its exceptions end the waiting, which a signal alone does not.
    """
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            check()
            time.sleep(PERIOD)
        else:
            return
