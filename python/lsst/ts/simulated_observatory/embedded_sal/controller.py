"""A controller: obeys the commands of a component and writes its events."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import Any

from .errors import ExpectedError
from .messages import BaseMsgType
from .sal_info import ClosedOnExit, Domain, SalInfo
from .topics import ControllerCommand, ControllerEvent, WriteTopic

__all__ = ["Controller"]

_SHUTDOWN_DELAY = 1.0
"""Time between the end of a controller's tasks and the closing of its topics, for last messages (s)."""


class Controller(ClosedOnExit):
    """A component, with attributes ``cmd_<name>`` and ``evt_<name>``.

    Parameters
    ----------
    name, index
        SAL component name, and its index if it has one.
    do_callbacks
        Obey each command ``<name>`` with the method ``do_<name>``?
    write_only
        Have no commands?
    allow_missing_callbacks
        Refuse commands that have no ``do_`` method, instead of refusing to be made?
    extra_commands
        Names of ``do_`` methods that may be there without a command.
    discard_out_of_order_telemetry, discard_out_of_order_events
        As `SalInfo`.

    Attributes
    ----------
    domain
        Domain for the remotes of this controller; closed with it.
    start_task, done_task
        Done when the controller has started, and when it is closed.

    Raises
    ------
    TypeError, ValueError
        There are ``do_`` methods without a command, or commands without one; arguments contradict each other.
    """

    def __init__(
        self,
        name: str,
        index: int | None = None,
        *,
        do_callbacks: bool = False,
        write_only: bool = False,
        allow_missing_callbacks: bool = False,
        extra_commands: set[str] | frozenset[str] = frozenset(),
        discard_out_of_order_telemetry: bool = True,
        discard_out_of_order_events: bool = True,
    ) -> None:
        if do_callbacks and write_only:
            raise ValueError("do_callbacks and write_only exclude each other")
        if allow_missing_callbacks and not do_callbacks:
            raise ValueError("allow_missing_callbacks requires do_callbacks")
        self.domain = Domain()
        self.salinfo = SalInfo(self.domain, name, index, write_only=write_only)
        self.salinfo.identity = self.domain.default_identity = self.salinfo.name_index
        self.log = self.salinfo.log
        self._log_level = self.log.level
        self._do_callbacks = do_callbacks
        for command in () if write_only else self.salinfo.command_names:
            self.__dict__[f"cmd_{command}"] = ControllerCommand(self.salinfo, command)
        if do_callbacks:
            self._check_do_methods(allow_missing_callbacks, extra_commands)
        for event in self.salinfo.event_names:
            self.__dict__[f"evt_{event}"] = ControllerEvent(self.salinfo, event)
        self._log_handler = _SalLogHandler(self.evt_logMessage)
        self.log.addHandler(self._log_handler)
        self._heartbeat: asyncio.TimerHandle | None = None
        self.isopen = True
        self.start_called = False
        loop = asyncio.get_running_loop()
        self.done_task: asyncio.Future[None] = loop.create_future()
        self.start_task = loop.create_task(self._protected_start())

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    async def start(self) -> None:
        """Start the topics, after the remotes that were made with the controller; a subclass adds to it."""
        await asyncio.sleep(0)  # the remotes that were made with the controller begin to read
        others = (info for info in self.domain.salinfo_set if info.start_called)
        await asyncio.gather(*(info.start_task for info in others))
        await self.salinfo.start()
        if self._do_callbacks:
            for name in self.salinfo.command_names:
                callback = getattr(self, f"do_{name}", self._refuse)
                getattr(self, f"cmd_{name}").callback = callback
        await self.put_log_level()

    async def start_phase2(self) -> None:
        """Do what follows `start`; for subclasses."""

    async def close(self, exception: Exception | None = None, cancel_start: bool = True) -> None:
        """End the tasks, give last messages time, close the topics, and set ``done_task``.

        Later calls wait for the first.

        Parameters
        ----------
        exception, cancel_start
            What ``done_task`` is to raise; cancel the start if it is under way?
        """
        if cancel_start and not self.start_task.done():
            self.start_task.cancel()
        if not self.isopen:
            await asyncio.wait([self.done_task])
            return
        self.isopen = False
        try:
            await self.close_tasks()
        except Exception:
            self.log.removeHandler(self._log_handler)  # salobj cancels this line before it is on the bus
            self.log.exception("close_tasks failed; closing goes on")
        self.log.removeHandler(self._log_handler)
        try:
            await asyncio.sleep(_SHUTDOWN_DELAY)
        except asyncio.CancelledError:
            pass  # closed at once, as salobj does
        finally:
            self.domain.basic_close()
            self.log.setLevel(self._log_level)  # the next controller of this name begins afresh
            if not self.done_task.done():
                if exception is None:
                    self.done_task.set_result(None)
                else:
                    self.done_task.set_exception(exception)

    async def close_tasks(self) -> None:
        """End background tasks, e.g. the heartbeat; a subclass adds to it."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()

    async def do_setLogLevel(self, data: BaseMsgType) -> None:  # noqa: N802
        """Set the level from which log records are published."""
        self.log.setLevel(data.level)
        await self.put_log_level()

    async def put_log_level(self) -> None:
        """Write the ``logLevel`` event."""
        await self.evt_logLevel.set_write(level=self.log.getEffectiveLevel())

    def _beat_after(self, interval: float) -> None:
        """Write heartbeats each `interval` (s), by timers: a task for each would cost ten times as much."""
        self._heartbeat = asyncio.get_running_loop().call_later(interval, self._beat, interval)

    def _beat(self, interval: float) -> None:
        if self.salinfo.running:
            self.evt_heartbeat.publish()
            self._beat_after(interval)

    async def _protected_start(self) -> None:
        self.start_called = True
        try:
            await self.start()
            await self.start_phase2()
        except asyncio.CancelledError:
            self.log.warning("start canceled")
        except Exception as error:
            if isinstance(error, ExpectedError):
                self.log.error(f"start failed: {error}")
            else:
                self.log.exception(f"start failed: {error!r}")
            await self.close(exception=error, cancel_start=False)

    def _check_do_methods(self, allow_missing: bool, extra: set[str] | frozenset[str]) -> None:
        commands = set(self.salinfo.command_names)
        methods = {name.removeprefix("do_") for name in dir(self) if name.startswith("do_")}
        missing = set() if allow_missing else commands - methods
        problems = [
            f"must {verb} {', '.join(f'do_{name}' for name in sorted(names))}"
            for verb, names in (("add", missing), ("remove", methods - commands - extra))
            if names
        ]
        if problems:
            self.domain.basic_close()
            raise TypeError(f"{type(self).__name__} {' and '.join(problems)}")

    async def _refuse(self, data: BaseMsgType) -> None:
        raise ExpectedError("This command is not supported")


class _SalLogHandler(logging.Handler):
    """Publishes each record that the log of a component lets through, from whichever thread it comes.

    Like any event, ``logMessage`` is written when something in it has changed: a line that repeats the one
    before is not. Records from before the start of the component are lost, as with salobj 8.2, which keeps
    them but then publishes the next record in their place.
    """

    def __init__(self, event: WriteTopic) -> None:
        super().__init__()
        self._event = event
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record; one that cannot be published is shown on standard error."""
        try:
            self.format(record)
            fields = {
                "name": record.name,
                "level": record.levelno,
                "message": record.message,
                "traceback": record.exc_text or "",
                "filePath": record.pathname,
                "functionName": record.funcName or "",
                "lineNumber": record.lineno,
                "process": record.process or 0,
            }
            if threading.get_ident() == self._thread:
                self._publish(fields)
            else:
                self._loop.call_soon_threadsafe(self._publish, fields)
        except Exception as error:  # a log line must never harm the code that writes it
            print(f"cannot publish log record {record!r}: {error!r}", file=sys.stderr)
        finally:
            record.exc_text = ""  # other handlers may write it in their own way

    def _publish(self, fields: dict[str, Any]) -> None:
        if not self._event.salinfo.running:
            return
        try:
            if self._event.set(**fields):
                self._event.publish()
        except Exception as error:
            print(f"cannot publish log line {fields['message']!a:.200}: {error!r}", file=sys.stderr)
