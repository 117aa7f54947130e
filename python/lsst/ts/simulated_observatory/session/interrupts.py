"""Signals while there is no script that could be stopped: before it runs, and when it has ended.

No handler raises an exception: one that comes at any instruction may come between a process that was begun
and the variable that would know it. A handler notes the signal; whoever works looks at it where nothing is
half done (`Interrupts.check`), or waits for it together with other things (`Interrupts.fileno`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..pipelines.pipetask import kill_pipelines

__all__ = [
    "Interrupted",
    "Interrupts",
    "default_signals",
    "ending_signals",
    "ignore_signals",
    "noted_interrupts",
    "pipelines_ended_by",
]

PERIOD = 0.1
"""Seconds between two looks at whether pipelines are to be ended."""


class Interrupted(KeyboardInterrupt):
    """A signal came; the text is its name."""


class Interrupts:
    """Signals that came since it was made; its handlers are set by `noted_interrupts`."""

    def __init__(self) -> None:
        self._first: signal.Signals | None = None
        self._reader, self._writer = os.pipe()

    @property
    def came(self) -> bool:
        """Whether a signal came."""
        return self._first is not None

    def check(self) -> None:
        """Look whether a signal came: to be called where nothing is half done.

        Raises
        ------
        Interrupted
            One came; the first is named.
        """
        if self._first is not None:
            raise Interrupted(self._first.name)

    def fileno(self) -> int:
        """Return a file descriptor that can be read as soon as a signal came, and ever after."""
        return self._reader

    def _note(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal, as the handler of it; further ones change nothing."""
        if self._first is None:
            self._first = signal.Signals(number)
            os.write(self._writer, b"!")  # once, which a pipe always takes

    def _close(self) -> None:
        """Close the file descriptors, when no handler notes signals any more."""
        os.close(self._reader)
        os.close(self._writer)


def ending_signals() -> tuple[signal.Signals, ...]:
    """Signals by which people and machines end a program; that of a terminal that is gone, but for nohup."""
    of_terminal = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return signal.SIGINT, signal.SIGTERM, *of_terminal


def ignore_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Let no signal disturb the end of the process: it has the exit status of what is over.

    Parameters
    ----------
    loop
        Gives up its handlers, which it would replace by those of Python when it is closed.
    """
    numbers = ending_signals()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def default_signals() -> None:
    """Have ending signals end this process at once: for one that was forked while they were noted."""
    for number in ending_signals():
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def noted_interrupts() -> Iterator[Interrupts]:
    """Note ending signals, so that what is half made can be removed on the way out.

    Yields
    ------
    interrupts
        What came. Further signals do not disturb the tidying; none is lost at the end.

    Raises
    ------
    Interrupted
        A signal came, and nobody has looked at it until the end.
    """
    interrupts = Interrupts()
    numbers = ending_signals()
    before = {number: signal.signal(number, interrupts._note) for number in numbers}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        interrupts._close()
    interrupts.check()


@contextmanager
def pipelines_ended_by(interrupts: Interrupts) -> Iterator[None]:
    """End pipelines when a signal has come, those under way and those begun later: they would be for nothing.

    Parameters
    ----------
    interrupts
        Signals that come.

    Yields
    ------
    None
        While signals have this effect.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(PERIOD):
            if interrupts.came:
                kill_pipelines()

    watcher = threading.Thread(target=watch, name="interrupts")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
