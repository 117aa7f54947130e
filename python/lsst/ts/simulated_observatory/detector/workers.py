"""Worker processes for the pixels."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["make_workers"]

P = ParamSpec("P")
T = TypeVar("T")


def make_workers(processes: int) -> Executor:
    """Make a pool of worker processes.

    They are spawned, not forked: they inherit no event loop, no signal handler and no thread. They end with
    this process, however it ends, and leave an interrupt from the keyboard to it.

    Parameters
    ----------
    processes
        How many; 0: one thread of this process.

    Returns
    -------
    workers
        To be shut down by the caller.
    """
    if processes == 0:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="images")
    context = multiprocessing.get_context("spawn")
    return _Workers(max_workers=processes, mp_context=context, initializer=_begin)


class _Workers(ProcessPoolExecutor):
    """Spawns its processes with SIGINT blocked: one that comes while Python starts would end them."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
