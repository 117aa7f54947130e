"""Works through the scenarios of a campaign, so many at a time, each in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Generic, TypeVar

from .room import NoRoom

__all__ = ["MOST_MEMORY", "Crew"]

MOST_MEMORY = 4 << 30
"""Bytes that a process may have: what grows without bounds ends as a violation, and not the machine."""

T = TypeVar("T")


class Crew(Generic[T]):
    """Processes that do one piece of work each: what a judge has read is given back when it is judged.

    Parameters
    ----------
    work
        What is done with each number, at a seat.
    size
        How many work at a time; so many seats there are, from 0.
    prepare
        Called with number and seat before the process begins, in that of the caller.
    """

    def __init__(
        self,
        work: Callable[[int, int], T],
        size: int,
        prepare: Callable[[int, int], object] = lambda *_: None,
    ) -> None:
        self._work = work
        self._prepare = prepare
        self._seats = list(range(size))
        self._context = multiprocessing.get_context("fork")
        self._busy: dict[Connection, tuple[int, int, ForkProcess]] = {}

    def results(self, numbers: Sequence[int]) -> Iterator[T]:
        """Do the work and yield what comes out, in the order of the numbers.

        Whoever does not wait for the end leaves no process behind.

        Raises
        ------
        NoRoom
            There is no room to work.
        RuntimeError
            A process ended without any result.
        """
        there: dict[int, T] = {}
        left = iter(range(len(numbers)))
        try:
            for place in range(len(numbers)):
                while place not in there:
                    while self._seats and (new := next(left, None)) is not None:
                        self._begin(new, numbers[new])
                    there |= self._wait(numbers)
                yield there.pop(place)
        finally:
            self._end()

    def _begin(self, place: int, number: int) -> None:
        seat = self._seats[0]
        self._prepare(number, seat)
        mine, its = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._do, args=(number, seat, its))
        process.start()
        its.close()
        self._busy[mine] = place, self._seats.pop(0), process

    def _do(self, number: int, seat: int, told: Connection) -> None:
        """Do one piece of work, in a process of its own."""
        gc.freeze()
        gc.disable()  # the process ends before it would gain anything
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the campaign itself ends its crew
        signal.signal(signal.SIGTERM, _leave)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        try:
            told.send(self._work(number, seat))
        except NoRoom as error:
            told.send(error)

    def _wait(self, numbers: Sequence[int]) -> dict[int, T]:
        """Wait until some work is done; return it by its place."""
        there = {}
        for connection in multiprocessing.connection.wait(list(self._busy)):
            assert isinstance(connection, Connection)
            place, seat, process = self._busy[connection]
            try:
                result = connection.recv()
            except EOFError:
                raise RuntimeError(f"the process for {numbers[place]} ended without a result") from None
            del self._busy[connection]
            connection.close()
            process.join()
            self._seats.append(seat)
            if isinstance(result, NoRoom):
                raise result
            there[place] = result
        return there

    def _end(self) -> None:
        """Stop what is under way."""
        for connection, (_, _, process) in self._busy.items():
            process.terminate()
            process.join()
            connection.close()
        self._busy.clear()


def _leave(number: int, _frame: FrameType | None) -> None:
    """End this process on a signal, and on the way out what it has begun."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
