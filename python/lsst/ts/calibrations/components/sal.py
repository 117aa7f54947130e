"""What the script adds to salobj; each addition is composed with what salobj made, which stays as it is."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

from lsst.ts import salobj

from ..domain.text import one_line, plain

__all__ = ["BoundedEvent", "Composed", "OrderedEvent", "bound_lines", "explain", "state_name"]

# Characters of any reason, line or traceback that is sent; with escapes ten times as many, and two fit.
MOST_SENT = 50_000
SETTLE_LIMIT = 5.0  # seconds within which a bus that still takes anything has taken what was to be written


class Composed:
    """Has all attributes of another object, unless it has its own.

    Parameters
    ----------
    part, own
        The other object, and own attributes by name.
    """

    def __init__(self, part: Any, **own: Any) -> None:
        self._part = part
        vars(self).update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)


def _bounded(text: str) -> str:
    """Make a text one that can be sent: not too long, and without halves of characters."""
    if len(text) <= MOST_SENT and text.isascii() and text.isprintable():
        return text
    return plain(text, MOST_SENT)


class BoundedEvent(Composed):
    """An event of a controller whose texts are cut, and written with escapes, so that they can be sent.

    Kafka takes no message above 1 MB. A script whose last reason cannot be sent stays RUNNING for ever, and
    the same reason stands in its way at each further state.

    Parameters
    ----------
    event
        The event as salobj made it.
    """

    def __init__(self, event: Any) -> None:
        super().__init__(event, set_write=self._set_write)

    async def _set_write(self, **fields: Any) -> Any:
        """Write the event as ``set_write`` of salobj."""
        bounded = {name: _bounded(each) if isinstance(each, str) else each for name, each in fields.items()}
        return await self._part.set_write(**bounded)


def bound_lines(log: logging.Logger) -> None:
    """Let no handler of a log get a line or a traceback that could not be sent.

    Parameters
    ----------
    log
        The log of a script; lines of its children come by its handlers, too.
    """
    for handler in log.handlers:
        if _bound_record not in handler.filters:
            handler.addFilter(_bound_record)


def _bound_record(record: logging.LogRecord) -> bool:
    try:
        record.msg, record.args = _bounded(record.getMessage()), None
    except Exception:
        return True  # a line that cannot be put together: the handler says so
    if record.exc_info and not record.exc_text:
        record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    record.exc_text = record.exc_text and _bounded(record.exc_text)
    return True


class OrderedEvent(Composed):
    """An event of a controller that is written only when all that was written before is on the bus.

    salobj writes each event in a thread of its own, so that of two which are written at the same time the
    later one can come first. Its readers then drop the other one: a line of the log would be missing.

    Parameters
    ----------
    event
        The event as salobj made it.
    """

    def __init__(self, event: Any) -> None:
        super().__init__(event, set_write=self._set_write)
        self._turn = asyncio.Lock()  # first come, first served

    async def _set_write(self, **fields: Any) -> Any:
        """Write the event in its turn, as ``set_write`` of salobj."""
        async with self._turn:
            return await self._part.set_write(**fields)

    async def settle(self) -> None:
        """Wait until all that was to be written is on the bus, but no longer than `SETTLE_LIMIT`."""
        await asyncio.sleep(0)  # whoever is about to write asks for its turn
        try:
            async with asyncio.timeout(SETTLE_LIMIT), self._turn:
                pass
        except TimeoutError:
            return  # the bus takes nothing any more


def explain(error: BaseException) -> str:
    """Say on one line why something failed; of a refused command only its result, not all that SAL knows.

    Parameters
    ----------
    error
        As a client of a component has raised it.

    Returns
    -------
    reason
        In words for an operator.
    """
    if isinstance(error, salobj.AckError):
        return one_line(error.ackcmd.result or error.args[0])
    return one_line(error)


def state_name(number: int) -> str:
    """Name a summary state.

    Parameters
    ----------
    number
        As a component has published it: 0, which is no state, if it never set the field.

    Returns
    -------
    name
        Of SAL, or words with the number if SAL has no such state.
    """
    try:
        return salobj.State(number).name
    except ValueError:
        return f"in the unknown state {number}"
