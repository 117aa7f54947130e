"""Publishes log records as ``logMessage`` events: what LOVE shows."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections import deque
from typing import Any

from .topics import WriteTopic

__all__ = ["SalLogHandler"]

_MAX_EARLY_RECORDS = 10  # the last ones, as many as salobj keeps


class SalLogHandler(logging.Handler):
    """Publishes each record that the log of a component lets through, from whichever thread it comes.

    Like any event it is written when something in it has changed: a line that repeats the one before is not.
    Records from before the start of the component are kept and published then.

    Parameters
    ----------
    event
        The ``logMessage`` event of the component.
    """

    def __init__(self, event: WriteTopic) -> None:
        super().__init__()
        self._event = event
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._early: deque[dict[str, Any]] = deque(maxlen=_MAX_EARLY_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record.

        Parameters
        ----------
        record
            The record; one that cannot be published is shown on standard error.
        """
        try:
            fields = {
                "name": record.name,
                "level": record.levelno,
                "message": record.getMessage(),
                "traceback": "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else "",
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

    def publish_early(self) -> None:
        """Publish the records from before the start."""
        while self._early:
            self._publish(self._early.popleft())

    def _publish(self, fields: dict[str, Any]) -> None:
        if self._event.salinfo.running:
            if self._event.set(**fields):
                self._event.publish()
        elif not self._event.salinfo.started:
            self._early.append(fields)
