"""Signals while there is no script that could be stopped: before it runs, and when it has ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..pipelines.pipetask import kill_pipelines

__all__ = ["Interrupted", "ending_signals", "ignore_signals", "raising_interrupts"]


class Interrupted(KeyboardInterrupt):
    """A signal came; the text is its name."""


def ending_signals() -> tuple[signal.Signals, ...]:
    """By which people and machines end a program; that of a terminal that is gone, too, but for nohup."""
    of_terminal = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return signal.SIGINT, signal.SIGTERM, *of_terminal


def ignore_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Let no signal disturb the end of the process: it has the exit status of what is over.

    The loop gives up its handlers, which it would replace by those of Python when it is closed.
    """
    numbers = ending_signals()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def raising_interrupts() -> Iterator[None]:
    """Raise `Interrupted` when a signal comes, so that what is half made is removed on the way out.

    Pipelines under way are ended, as nobody would wait for them; further signals do not disturb the tidying.

    Raises
    ------
    Interrupted
        SIGINT, SIGTERM or SIGHUP came.
    """
    numbers = ending_signals()

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        kill_pipelines()
        raise Interrupted(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
