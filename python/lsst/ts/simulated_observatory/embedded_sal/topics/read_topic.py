"""Topics that are read: a queue for readers of every sample, and the newest sample for the others."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ..errors import ExpectedError
from ..messages import BaseMsgType
from ..sal_info import BaseTopic, SalInfo

__all__ = ["ReadTopic"]

_MARKS = (0.1, 0.5, 0.9, 1.0)
"""How full a queue is when that is worth a warning."""

_SHORTEST_QUEUE = 10

_Callback = Callable[[BaseMsgType], Awaitable[Any] | Any]


class ReadTopic(BaseTopic):
    """A topic that is read.

    Samples are shared by all who read them: copy one before changing it.

    Parameters
    ----------
    salinfo, attr_name
        As `BaseTopic`.
    max_history
        Samples from before the start to begin with: 0, or 1 for the last one (of each index).
    queue_len
        How many samples can wait for `next`; when more come the oldest are dropped.

    Attributes
    ----------
    allow_multiple_callbacks
        May an asynchronous callback run several times at once? If not, samples wait for their turn.
    """

    reads = True

    def __init__(self, *, salinfo: SalInfo, attr_name: str, max_history: int, queue_len: int = 100) -> None:
        if salinfo.write_only:
            raise RuntimeError("a write-only SalInfo reads no topics")
        if not 0 <= max_history <= 1:
            raise ValueError(f"max_history={max_history} must be 0 or 1: the bus keeps one sample of a topic")
        if queue_len <= _SHORTEST_QUEUE:
            raise ValueError(f"{queue_len=} must be more than {_SHORTEST_QUEUE}")
        super().__init__(salinfo=salinfo, attr_name=attr_name)
        self.allow_multiple_callbacks = False
        self.max_history = max_history
        self._queue: deque[BaseMsgType] = deque(maxlen=queue_len)
        self._watch = _QueueWatch(f"{attr_name} python read queue", queue_len, salinfo.log)
        self._newest: BaseMsgType | None = None
        self._next: asyncio.Future[BaseMsgType] | None = None
        self._first = asyncio.Event()
        self._callback: _Callback | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._worker: asyncio.Task[None] | None = None

    @property
    def callback(self) -> _Callback | None:
        """Function that is called with each new sample, or None.

        Setting it empties the queue; while there is one, `next`, `aget`, `flush` and `get_oldest` raise.
        """
        return self._callback

    @callback.setter
    def callback(self, function: _Callback | None) -> None:
        if function is not None and not callable(function):
            raise TypeError(f"callback {function} is not callable")
        self._cancel_callbacks()
        self._callback = function
        self._queue.clear()

    @property
    def has_data(self) -> bool:
        """Whether a sample has been seen."""
        self.salinfo.assert_started()
        return self._newest is not None

    @property
    def nqueued(self) -> int:
        """Number of samples that wait for `next`."""
        return len(self._queue)

    def get(self) -> BaseMsgType | None:
        """Return the newest sample, or None if there was none yet; a RuntimeError if not started."""
        self.salinfo.assert_started()
        return self._newest

    async def aget(self, timeout: float | None = None) -> BaseMsgType:
        """Return the newest sample; wait for the first one if there was none yet.

        Parameters
        ----------
        timeout
            Time limit (s); None for none.

        Returns
        -------
        data : BaseMsgType
            The sample; raises as `next`.
        """
        self._assert_readable()
        if self._newest is None:
            await asyncio.wait_for(self._first.wait(), timeout)
        assert self._newest is not None  # set before the event
        return self._newest

    def get_oldest(self) -> BaseMsgType | None:
        """Pop the oldest sample from the queue; None if it is empty. Raises as `next`."""
        self._assert_readable()
        return self._queue.popleft() if self._queue else None

    def flush(self) -> None:
        """Empty the queue; a RuntimeError if there is a callback."""
        self._assert_no_callback()
        self._queue.clear()

    async def next(self, *, flush: bool, timeout: float | None = None) -> BaseMsgType:
        """Pop the oldest sample from the queue, or wait for one.

        Those who wait at the same time share one future: all get the same sample, and when one is cancelled
        or runs out of time the others are cancelled too.

        Parameters
        ----------
        flush, timeout
            First empty the queue, so that only a new sample counts? Time limit (s); None for none.

        Returns
        -------
        data : BaseMsgType

        Raises
        ------
        TimeoutError
            No sample came in time.
        RuntimeError
            Not started, or there is a callback.
        """
        self._assert_readable()
        if flush:
            self._queue.clear()
        self._watch.look(len(self._queue))
        if self._queue:
            return self._queue.popleft()
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self._next, timeout)

    def begin(self) -> None:
        """Begin to read, with the last sample if there is to be history."""
        if self.max_history > 0:
            for sample in self.channel.history():
                self._receive(sample)
        self.channel.readers.append(self._receive)

    def _receive(self, data: BaseMsgType) -> None:
        """Take a sample from the bus."""
        self._newest = data
        self._first.set()
        if self._next is not None and not self._next.done() and self._callback is None:
            self._next.set_result(data)
            return
        self._queue.append(data)
        if self._callback is not None:
            self._start_callback()

    def basic_close(self) -> None:
        """Stop reading; tasks that wait for a sample are cancelled."""
        if not self.isopen:
            return
        self.isopen = False
        if self._receive in self.channel.readers:
            self.channel.readers.remove(self._receive)
        self._callback = None
        self._cancel_callbacks()
        if self._next is not None:
            self._next.cancel()
        self._queue.clear()

    def _assert_readable(self) -> None:
        self.salinfo.assert_started()
        self._assert_no_callback()

    def _assert_no_callback(self) -> None:
        if self._callback is not None:
            raise RuntimeError(f"{self.attr_name} has a callback")

    def _start_callback(self) -> None:
        if self.allow_multiple_callbacks:
            self._create_task(self._run_callback(self._queue.popleft()))
        elif self._worker is None:
            self._worker = self._create_task(self._run_callbacks())

    def _create_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_callbacks(self) -> None:
        """Call the callback with all that waits; if it is cancelled, it is not called any more."""
        while self._queue:
            self._watch.look(len(self._queue))
            await self._run_callback(self._queue.popleft())
        if self._worker is asyncio.current_task():
            self._worker = None

    async def _run_callback(self, data: BaseMsgType) -> None:
        try:
            await self._call(data)
        except Exception as error:
            if not isinstance(error, ExpectedError):
                self.log.exception(f"callback {self._callback} failed with {data}")

    async def _call(self, data: BaseMsgType) -> Any:
        """Call the callback, synchronous or asynchronous, and return what it returns."""
        if self._callback is None:
            return None
        result = self._callback(data)
        return await result if inspect.isawaitable(result) else result

    def _cancel_callbacks(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._worker = None


class _QueueWatch:
    """Logs once for each mark that a queue passes, and again after it has emptied to half of that mark."""

    def __init__(self, description: str, length: int, log: logging.Logger) -> None:
        self._description = description
        self._length = length
        self._marks = [int(length * mark) for mark in _MARKS]
        self._log = log
        self._passed = 0

    def look(self, waiting: int) -> None:
        """Log a warning when a mark is passed, and an error when the queue is full."""
        while self._passed and waiting <= self._marks[self._passed - 1] // 2:
            self._passed -= 1
        passed = sum(waiting >= mark for mark in self._marks)
        if passed <= self._passed:
            return
        self._passed = passed
        if waiting >= self._length:
            self._log.error(f"{self._description} is full ({self._length} elements); data may be lost")
        else:
            self._log.warning(f"{self._description} is filling: {waiting} of {self._length} elements")
