"""Works through numbered tasks, several at a time, in processes and a folder of which nothing is left.

The folder is in memory if there is enough, else where temporary files go. What a campaign that was killed has
left there is removed by the next one: in memory nothing else would do it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import multiprocessing
import multiprocessing.connection
import os
import resource
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TypeVar

from lsst.ts.calibrations.domain.errors import CalibrationError

from ..session.interrupts import Interrupts, default_signals

__all__ = [
    "LEAST",
    "MOST_MEMORY",
    "NoSpace",
    "check_space",
    "limit_memory",
    "results_of_group",
    "scratch_folder",
    "work_through",
]

MOST_MEMORY = 4 << 30
"""Bytes that a process may have: what grows without bounds ends as a violation, and not the machine."""

PERIOD = 1.0
"""Seconds between two looks at whether a process still runs of whose end nothing else tells."""

PREFIX = "campaign-"
LOCK = "lock"
"""Name of a file that a campaign, and all its processes, have locked as long as they run."""

MEMORY = Path("/dev/shm")  # noqa: S108  (a file system, in which nothing waits for a disk)

NEEDED = 256 << 20
"""Bytes that are to be free at the begin. A scenario has a few MB, and is removed when it is checked; of a
container the memory has often 64 MB in all, which others use as well."""

LEAST = 32 << 20
"""Bytes that are to be free when a scenario begins: the script is not to answer for a disk that is full."""

T = TypeVar("T")

_FORK = multiprocessing.get_context("fork")


class NoSpace(CalibrationError, OSError):
    """There is no space for the files of a campaign."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder, empty but for its lock; remove it at the end. NoSpace if there is none for it."""
    memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED
    place = MEMORY if memory else Path(tempfile.gettempdir())
    check_space(place, NEEDED)
    for path in place.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), path.open("r+") as file:  # in use, or of somebody else
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as name:
        # Under its name the file is locked from the beginning.
        unnamed = Path(name) / "unlocked"
        lock = os.open(unnamed, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unnamed.rename(Path(name) / LOCK)
            yield Path(name)
        finally:
            os.close(lock)


def check_space(folder: Path, needed: int = LEAST) -> None:
    """Check whether there is space.

    Parameters
    ----------
    folder, needed
        Where, and how many bytes.

    Raises
    ------
    NoSpace
        There is less.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoSpace(
            f"a campaign needs {needed >> 20} MB in {folder}, where {free >> 20} MB are free",
            advice=f"Make room there, or in {MEMORY}; or let TMPDIR name another folder.",
        )


def limit_memory() -> None:
    """Limit the memory of this process, which ends before the garbage collector would gain anything."""
    gc.freeze()
    gc.disable()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def work_through(work: Callable[[int], T], tasks: Sequence[int], size: int) -> Iterator[T]:
    """Do numbered tasks in processes that do one each: memory that a task has taken is given back at its end.

    Parameters
    ----------
    work
        Does a task; called with its number.
    tasks, size
        Their numbers, and how many are done at a time.

    Yields
    ------
    result
        Of each task, in their order. Whoever does not wait for the end leaves no process behind. NoSpace
        comes if there is no space to work.

    Raises
    ------
    RuntimeError
        A process ended without any result.
    """
    busy: dict[Connection, tuple[int, ForkProcess]] = {}
    results: dict[int, T] = {}
    begun = 0
    try:
        for place in range(len(tasks)):
            while place not in results:
                while begun < len(tasks) and len(busy) < size:
                    receiver, sender = _FORK.Pipe(duplex=False)
                    process = _FORK.Process(target=_do, args=(work, tasks[begun], sender))
                    process.start()
                    busy[receiver] = begun, process
                    sender.close()
                    begun += 1
                for connection in multiprocessing.connection.wait(list(busy)):
                    assert isinstance(connection, Connection)
                    number, process = busy[connection]
                    try:
                        result = connection.recv()
                    except EOFError:
                        text = f"the process for {tasks[number]} ended without a result"
                        raise RuntimeError(text) from None
                    _end(connection, process)
                    del busy[connection]
                    if isinstance(result, NoSpace):
                        raise result
                    results[number] = result
            yield results.pop(place)
    finally:
        for connection, (_, process) in busy.items():
            process.kill()
            _end(connection, process)


def _do(work: Callable[[int], T], task: int, sender: Connection) -> None:
    """Do one task, in a process of its own."""
    limit_memory()
    try:
        sender.send(work(task))
    except NoSpace as error:
        sender.send(error)


def _end(connection: Connection, process: ForkProcess) -> None:
    process.join()
    connection.close()


def results_of_group(produce: Callable[[], Iterator[T]], interrupts: Interrupts) -> Iterator[T]:
    """Run a generator in a process that is ended together with all that it began, whatever they are doing.

    They are a process group of their own, so that signals of a terminal do not reach them.

    Parameters
    ----------
    produce
        Makes the generator.
    interrupts
        Signals that end the processes; then Interrupted is raised.

    Yields
    ------
    result
        What the generator yields.

    Raises
    ------
    RuntimeError
        The process broke, or ended before the generator did; NoSpace and LookupError come as they are raised.
    """
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_produce, args=(produce, sender))
    process.start()
    assert process.pid is not None
    try:
        _lead_group(process.pid)  # as the process itself does: whoever is the first
        sender.close()
        while True:
            ready = multiprocessing.connection.wait([receiver, interrupts.fileno()], PERIOD)
            interrupts.check()
            if not ready and process.is_alive():
                continue
            # Of its end the pipe does not tell as long as a worker has it open, too.
            if not ready:
                raise RuntimeError("the process of the campaign was killed")
            kind, result = receiver.recv()
            if kind == "end":
                return
            if kind == "error":
                raise result
            yield result
    except EOFError:
        raise RuntimeError("the process of the campaign ended without a result") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        sender.close()
        while os.read(receiver.fileno(), 1 << 16):
            pass  # it ends when no process has the other end any more: all of them are gone
        receiver.close()


def _lead_group(process: int) -> None:
    with contextlib.suppress(OSError):  # it has ended
        os.setpgid(process, process)


def _produce(produce: Callable[[], Iterator[T]], sender: Connection) -> None:
    """Send what a generator yields, or why it ended."""
    default_signals()
    _lead_group(os.getpid())
    try:
        for result in produce():
            sender.send(("result", result))
        sender.send(("end", None))
    except (NoSpace, LookupError) as error:
        sender.send(("error", error))
    except Exception:
        sender.send(("error", RuntimeError(traceback.format_exc())))
