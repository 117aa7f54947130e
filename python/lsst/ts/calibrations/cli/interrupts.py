"""Signals while no script runs yet that could be stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..simulation.pipetask import kill_pipelines

__all__ = ["Interrupted", "raising_interrupts"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""By which people and machines end a program."""


class Interrupted(KeyboardInterrupt):
    """A signal came; the text is its name."""


@contextmanager
def raising_interrupts() -> Iterator[None]:
    """Raise `Interrupted` when a signal comes, so that what is half made is removed on the way out.

    Pipelines under way are ended, as nobody would wait for them; further signals do not disturb the tidying.

    Raises
    ------
    Interrupted
        SIGINT or SIGTERM came.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        kill_pipelines()
        raise Interrupted(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
