"""Works through numbered tasks, several at a time, each in a process of its own."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

from ..session.interrupts import Interrupts, default_signals
from .scratch import NoSpace

__all__ = ["MOST_MEMORY", "Workers", "results_of_group"]

MOST_MEMORY = 4 << 30
"""Bytes that a process may have: what grows without bounds ends as a violation, and not the machine."""

PERIOD = 1.0
"""Seconds between two looks at whether a process still runs of whose end nothing else tells."""

T = TypeVar("T")

_FORK = multiprocessing.get_context("fork")


class Workers(Generic[T]):
    """Processes that do one task each: memory that a task has taken is given back at its end.

    Parameters
    ----------
    work
        Does a task; called with its number, and with that of the worker, of which no two that run at the same
        time have the same one.
    size
        How many work at a time; they are numbered from 0.
    """

    def __init__(self, work: Callable[[int, int], T], size: int) -> None:
        self._work = work
        self._free = list(range(size))
        self._busy: dict[Connection, tuple[int, int, ForkProcess]] = {}

    def results(self, tasks: Sequence[int]) -> Iterator[T]:
        """Do the tasks.

        Parameters
        ----------
        tasks
            Their numbers.

        Yields
        ------
        result
            Of each task, in their order. Whoever does not wait for the end leaves no worker behind.

        Raises
        ------
        NoSpace
            There is no space to work.
        RuntimeError
            A process ended without any result.
        """
        results: dict[int, T] = {}
        left = iter(range(len(tasks)))
        try:
            for place in range(len(tasks)):
                while place not in results:
                    while self._free and (new := next(left, None)) is not None:
                        self._begin(new, tasks[new])
                    results |= self._wait(tasks)
                yield results.pop(place)
        finally:
            for connection, (_, _, process) in self._busy.items():
                process.kill()
                process.join()
                connection.close()
            self._busy.clear()

    def _begin(self, place: int, task: int) -> None:
        worker = self._free.pop(0)
        receiver, sender = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=self._do, args=(task, worker, sender))
        process.start()
        self._busy[receiver] = place, worker, process
        sender.close()

    def _do(self, task: int, worker: int, sender: Connection) -> None:
        """Do one task, in a process of its own."""
        gc.freeze()
        gc.disable()  # the process ends before it would gain anything
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        try:
            sender.send(self._work(task, worker))
        except NoSpace as error:
            sender.send(error)

    def _wait(self, tasks: Sequence[int]) -> dict[int, T]:
        """Wait until some tasks are done; return their results by place."""
        results = {}
        for connection in multiprocessing.connection.wait(list(self._busy)):
            assert isinstance(connection, Connection)
            place, worker, process = self._busy[connection]
            try:
                result = connection.recv()
            except EOFError:
                raise RuntimeError(f"the process for {tasks[place]} ended without a result") from None
            del self._busy[connection]
            connection.close()
            process.join()
            self._free.append(worker)
            if isinstance(result, NoSpace):
                raise result
            results[place] = result
        return results


def results_of_group(produce: Callable[[], Iterator[T]], interrupts: Interrupts) -> Iterator[T]:
    """Run a generator in a process that is ended together with all that it began, whatever they are doing.

    They are a process group of their own, so that signals of a terminal do not reach them.

    Parameters
    ----------
    produce
        Makes the generator.
    interrupts
        Signals that end the processes.

    Yields
    ------
    result
        What the generator yields.

    Raises
    ------
    Interrupted
        A signal came.
    NoSpace
        As the generator raises it.
    RuntimeError
        The process broke, or ended before the generator did.
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
