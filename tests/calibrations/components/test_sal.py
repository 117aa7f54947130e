"""What is added to salobj: events that are written in the order in which that was asked for."""

from __future__ import annotations

import asyncio

import pytest

from lsst.ts.calibrations.components import sal
from lsst.ts.calibrations.components.sal import OrderedEvent
from lsst.ts.simulated_observatory import clock


class Event:
    """An event that takes its time to be written; less and less of it."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.written: list[str] = []

    async def set_write(self, *, message: str) -> str:
        await asyncio.sleep(self.seconds.pop(0))
        self.written.append(message)
        return message


def test_what_takes_longer_is_not_overtaken() -> None:
    async def story() -> None:
        event = Event(3.0, 1.0, 2.0)
        ordered = OrderedEvent(event)
        tasks = [asyncio.ensure_future(ordered.set_write(message=each)) for each in "abc"]
        await ordered.settle()
        assert event.written == ["a", "b"], "six seconds are more than there are"
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        assert event.written == ["a", "b", "c"]
        await ordered.settle()

    clock.run(story)


def test_what_was_asked_for_at_the_end_is_written_and_an_error_holds_nobody_up() -> None:
    async def story() -> None:
        event = Event(1.0)
        ordered = OrderedEvent(event)
        tasks = [asyncio.ensure_future(ordered.set_write(message=each)) for each in "ab"]
        await ordered.settle()
        assert event.written == ["a"]
        assert isinstance((await asyncio.gather(*tasks, return_exceptions=True))[1], IndexError)
        assert asyncio.get_running_loop().time() < sal.SETTLE_LIMIT

    clock.run(story)


def test_all_else_of_the_event_is_as_it_was() -> None:
    event = Event()
    ordered = OrderedEvent(event)
    assert ordered.written is event.written
    assert "set_write" not in vars(event), "nothing is put into the event itself"
    with pytest.raises(AttributeError, match="unknown"):
        _ = ordered.unknown
