"""Simulated time: an asyncio event loop in which the clock jumps from timer to timer, and one with a pace.

A night of exposures passes in a fraction of a second, in an order that depends on nothing but the
program: the loop never waits for the wall clock, only for real work (threads, processes) that the
simulation has asked for, and it hands over the results of such work in a fixed order.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Generic, TypeVar, TypeVarTuple
from unittest.mock import patch

__all__ = ["START_TAI", "PacedLoop", "SimulatedLoop", "call_later", "current_tai", "run", "sleep", "work"]

START_TAI = 1736964000.0
"""2025-01-15T18:00:00 TAI, in TAI seconds since 1970-01-01T00:00:00 TAI."""

_TAI_MINUS_UTC = 37.0  # since 2017-01-01; a new leap second would make real times 1 s wrong

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_Events = list[tuple[selectors.SelectorKey, int]]


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose ``time()`` is simulated seconds since it began.

    When nothing is ready the clock jumps to the next timer. It stands still while work runs that was started
    with `run_in_executor` (or `asyncio.to_thread`). Simulated times are whole nanoseconds, so that a timer
    fires at exactly the time it was set to.

    Results of work in executors are delivered in the order in which the work was started, one at a time,
    and only when the loop has nothing else to do at that instant: how fast the machine is cannot be seen.
    Work must therefore wait neither for other work that was started after it nor for simulated time to pass.

    Parameters
    ----------
    start_tai
        TAI at ``time() == 0``, in seconds since 1970-01-01T00:00:00 TAI.
    threads
        Whether work in executors is done there. If not it is done at once, by the loop itself, and its result
        delivered as always: for work that is short, as it is without pixels.

    Raises
    ------
    RuntimeError
        Raised out of ``run_forever`` and ``run_until_complete`` when the loop would wait for ever: nothing
        is ready, no timer is set, no work is under way and no file is watched.
    """

    def __init__(self, start_tai: float = START_TAI, *, threads: bool = True) -> None:
        self._now = 0.0
        self._start_tai = start_tai
        self._threads = threads
        self._working = False
        self.turns = 0
        """How often the loop has looked for what is to be done next."""
        self.on_turn: Callable[[int], None] | None = None
        """Called with the number of each turn, before what is to be done in it."""
        self._shutting_down = False
        self._due: deque[_Job[Any]] = deque()
        self._files = _IdleSelector()
        super().__init__(self._files)
        self._files.loop = self

    def time(self) -> float:
        """Return the simulated seconds since the loop began."""
        return self._now

    def tai(self) -> float:
        """Return the simulated TAI, in seconds since 1970-01-01T00:00:00 TAI."""
        return self._start_tai + self._now

    def step(self, seconds: float) -> None:
        """Let TAI jump, as when a computer's clock is set; `time` goes on as if nothing had happened.

        Parameters
        ----------
        seconds
            How far; less than 0 for a step back.
        """
        self._start_tai += seconds

    def run_forever(self) -> None:
        """Run as every loop does; meanwhile `time.sleep` of its thread takes simulated time.

        What blocks the loop delays all else that was due, e.g. heartbeats, as it does in reality. Scripts of
        others show it by nothing else: the audit event of `time.sleep` is there from Python 3.13 on.
        """
        really = time.sleep

        def block(seconds: Any) -> None:
            if asyncio._get_running_loop() is self and not self._working:
                self._now = round(self._now + seconds, 9)
            else:
                really(seconds)

        with patch.object(time, "sleep", block):
            super().run_forever()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in an executor; simulated time stands still until it has ended.

        Parameters
        ----------
        executor, func, args
            As for `asyncio.loop.run_in_executor`, of which this is the override.

        Returns
        -------
        result : asyncio.Future
        """
        return self._run_for(0.0, executor, func, *args)

    def _run_for(
        self, duration: float, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in an executor now; its result comes `duration` simulated seconds from now."""
        ended = super().run_in_executor(executor, func, *args) if self._threads else self._do(func, *args)
        job = _Job(ended, self.create_future())
        if duration > 0:
            self.call_later(duration, self._due.append, job)
        else:
            self._due.append(job)
        return job.result

    def _do(self, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Call a function; return its outcome."""
        ended: asyncio.Future[T] = self.create_future()
        self._working = True
        try:
            ended.set_result(func(*args))
        except Exception as error:
            ended.set_exception(error)
            ended.exception()  # read here, so that asyncio does not log it: it is raised when delivered
        finally:
            self._working = False
        return ended

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads of the default executor to end, in no simulated time.

        Parameters
        ----------
        timeout
            Ignored.
        """
        self._shutting_down = True
        try:
            await super().shutdown_default_executor()
        finally:
            self._shutting_down = False

    def _turn(self) -> None:
        self.turns += 1
        if self.on_turn is not None:
            self.on_turn(self.turns)

    def _idle(self, timeout: float | None, poll: Callable[[float | None], _Events]) -> _Events:
        """Decide what to do when nothing is ready: hand over a result, jump, really wait, or give up."""
        events = poll(0)
        if events or self._deliver():
            return events
        if timeout is None:
            self._check_not_stuck()
            return poll(None)
        target = round(self._now + timeout, 9)
        if target > self._now and (self._due or self._shutting_down):
            return poll(None)
        self._now = target
        return events

    def _deliver(self) -> bool:
        """Hand over the result of the work that is next in line, if it has ended."""
        while self._due and self._due[0].result.done():  # its caller was cancelled
            self._due.popleft()
        if not self._due or not self._due[0].ended.done():
            return False
        self._due.popleft().deliver()
        return True

    def _check_not_stuck(self) -> None:
        """Raise if nothing can ever happen again."""
        is_watched = len(self._files.get_map()) > 1  # one is the loop's own self-pipe
        if self._due or self._shutting_down or is_watched:
            return
        names = sorted(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks(self))
        raise RuntimeError(
            f"nothing left to wait for at simulated time {self._now:.3f} s: no timer is set and no work is "
            f"under way, but {len(names)} tasks are waiting: {'; '.join(names)}"
        )


class _Job(Generic[T]):
    """Work in an executor, and the future in which its caller awaits the result."""

    def __init__(self, ended: asyncio.Future[T], result: asyncio.Future[T]) -> None:
        self.ended = ended
        self.result = result
        result.add_done_callback(self._abandon)

    def deliver(self) -> None:
        """Pass the outcome on."""
        if self.ended.cancelled():
            self.result.cancel()
        elif (error := self.ended.exception()) is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(self.ended.result())

    def _abandon(self, result: asyncio.Future[T]) -> None:
        if result.cancelled():
            self.ended.cancel()


class _IdleSelector(selectors.DefaultSelector):
    """A selector that asks the simulated loop before it waits."""

    loop: SimulatedLoop

    def select(self, timeout: float | None = None) -> _Events:
        """Return the files that are ready; wait only as the simulated loop says."""
        self.loop._turn()
        if timeout is not None and timeout <= 0:
            return super().select(0)
        return self.loop._idle(timeout, super().select)


class PacedLoop(asyncio.SelectorEventLoop):
    """An ordinary event loop that also keeps the time of the simulated observatory.

    What is simulated (exposures, readouts, jobs) takes `speed` times less than it says, and the images are
    dated as if it had not; everything else that runs on the loop, e.g. heartbeats and the time limits of SAL,
    goes by the wall clock.

    Parameters
    ----------
    start_tai
        TAI of the simulated observatory now, in seconds since 1970-01-01T00:00:00 TAI.
    speed
        Simulated seconds in one second; more than 0.
    """

    def __init__(self, start_tai: float, speed: float = 1.0) -> None:
        super().__init__()
        self.speed = speed
        self._start_tai = start_tai
        self._began = self.time()

    def tai(self) -> float:
        """Return the TAI of the simulated observatory, in seconds since 1970-01-01T00:00:00 TAI."""
        return self._start_tai + (self.time() - self._began) * self.speed


async def sleep(duration: float) -> None:
    """Let simulated time pass.

    Parameters
    ----------
    duration
        Simulated seconds; on a `PacedLoop` each takes ``1 / speed`` seconds of the wall clock.
    """
    await asyncio.sleep(_seconds_of(asyncio.get_running_loop(), duration))


def call_later(duration: float, function: Callable[[], object]) -> None:
    """Call a function when simulated time has passed.

    Parameters
    ----------
    duration, function
        As for `sleep`, and what to call.
    """
    loop = asyncio.get_running_loop()
    loop.call_later(_seconds_of(loop, duration), function)


def _seconds_of(loop: asyncio.AbstractEventLoop, duration: float) -> float:
    """Seconds of a loop's own in which as many simulated seconds pass."""
    return duration / loop.speed if isinstance(loop, PacedLoop) else duration


async def work(
    duration: float, function: Callable[[*Ts], T], /, *args: *Ts, executor: Executor | None = None
) -> T:
    """Run a function in an executor and deliver its result exactly `duration` seconds from now.

    On a `SimulatedLoop` the clock runs on up to that instant and waits there for the real work. On an
    ordinary loop the result comes when both the duration and the work are over. Cancellation lets the clock
    go; the function itself cannot be interrupted.

    Parameters
    ----------
    duration
        Simulated seconds that the work takes, see `sleep`.
    function, args, executor
        What to call; with a process pool both must be picklable. By default in the loop's thread pool.

    Returns
    -------
    result
        What the function returns; what it raises is raised at the same instant.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, SimulatedLoop):
        return await loop._run_for(duration, executor, function, *args)
    future = loop.run_in_executor(executor, function, *args)
    await asyncio.gather(sleep(duration), future, return_exceptions=True)
    return future.result()


def run(
    main: Callable[[], Coroutine[Any, Any, T]], *, start_tai: float = START_TAI, threads: bool = True
) -> T:
    """Run a coroutine to its end in simulated time, as `asyncio.run` does in real time.

    Parameters
    ----------
    main
        Makes the coroutine to run.
    start_tai, threads
        As for `SimulatedLoop`, whose RuntimeError it raises, too.

    Returns
    -------
    result
        What the coroutine returns.
    """
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(start_tai, threads=threads)) as runner:
        return runner.run(main())


def current_tai() -> float:
    """Return the TAI of the running loop, in seconds since 1970-01-01T00:00:00 TAI.

    On a `SimulatedLoop` or a `PacedLoop` this is the time of the simulated observatory. Elsewhere it is the
    computer's UTC plus 37 s, right to the accuracy of that clock for as long as no leap second is added.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    return loop.tai() if isinstance(loop, SimulatedLoop | PacedLoop) else time.time() + _TAI_MINUS_UTC
