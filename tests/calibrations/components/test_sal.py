"""What is added to salobj: events that are written in the order in which that was asked for."""

from __future__ import annotations

import asyncio
import logging

import pytest

from lsst.ts.calibrations.components import sal
from lsst.ts.calibrations.components.sal import BoundedEvent, OrderedEvent, bound_lines
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


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("as it is: µ", "as it is: µ"),
        ("a name \udce4 of a file", "a name \\udce4 of a file"),
        ("x" * 1_500_000, f"{'x' * sal.MOST_SENT}... (1500000 characters)"),
    ],
)
def test_a_reason_can_be_sent_whatever_stands_in_it(text: str, sent: str) -> None:
    async def story() -> None:
        event = Event(0.0)
        await BoundedEvent(event).set_write(message=text)
        assert event.written == [sent]

    clock.run(story)


def test_a_line_of_the_log_and_its_traceback_can_be_sent_whatever_stands_in_them() -> None:
    log, lines = logging.getLogger("test of lines"), list[str]()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    log.propagate = False
    log.addHandler(Handler())
    bound_lines(log)
    bound_lines(log)
    try:
        raise ValueError("\ud800" + "y" * 1_000_000)
    except ValueError:
        log.exception("%s", "x" * 1_000_000)
    log.getChild("child").warning("a half \ud800")
    message, _, trace = lines[0].partition("\n")
    assert (len(message) < sal.MOST_SENT + 50, message.endswith("... (1000000 characters)")) == (True, True)
    assert "ValueError: \\ud800yyy" in trace
    assert len(trace) < sal.MOST_SENT + 50
    assert lines[1] == "a half \\ud800"
