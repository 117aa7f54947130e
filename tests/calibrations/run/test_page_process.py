"""When a run has its page drawn, and what becomes of the run if that fails."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations import base_make_calibrations
from lsst.ts.calibrations.journal.journal import JOURNAL, read_journal
from lsst.ts.calibrations.run import page_process

SHORT = "script_mode: BIAS\nn_bias: 4\n"


class DrawnPage:
    """Notes, in the place of a process, what the journal ended with when the page was to be drawn."""

    made: list["DrawnPage"]
    fails = False

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "report.html"
        self.last_facts: list[str] = []
        self.limits: list[float] = []
        self.made.append(self)

    def draw_so_far(self) -> None:
        self.draw()

    def draw(self) -> None:
        self.last_facts.append(type(list(read_journal(self.folder / JOURNAL))[-1]).__name__)
        if self.fails:
            raise OSError("no process can be started")

    def wait(self, limit: float) -> None:
        self.limits.append(limit)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[DrawnPage]:
    DrawnPage.made, DrawnPage.fails = [], False
    monkeypatch.setattr(base_make_calibrations, "PageProcess", DrawnPage)
    return DrawnPage.made


def test_the_page_is_drawn_after_the_verdict_and_at_the_end(
    night: Callable[..., Any], pages: list[DrawnPage]
) -> None:
    end = night(SHORT, draw_page=True)
    (page,) = pages
    assert end.state == "DONE"
    assert page.last_facts == ["VerdictGiven", "RunEnded"]
    assert page.limits[0] > 0
    assert (logging.INFO, f"The page: {page.path}") in end.log
    assert (page.folder / "summary.json").exists()


def test_a_run_that_failed_has_its_page(night: Callable[..., Any], pages: list[DrawnPage]) -> None:
    end = night(SHORT, "ocps-exit:kind=verify,calibration=BIAS,code=1", draw_page=True)
    assert end.state == "FAILED"
    assert pages[0].last_facts == ["RunEnded"]


def test_a_page_that_cannot_be_drawn_changes_no_result(
    night: Callable[..., Any], pages: list[DrawnPage]
) -> None:
    DrawnPage.fails = True
    end = night(SHORT, draw_page=True)
    assert end.state == "DONE"
    assert pages[0].last_facts == ["VerdictGiven", "RunEnded"]
    warnings = [text for level, text in end.log if level == logging.WARNING]
    assert any("The page could not be drawn" in text for text in warnings)


def test_a_process_that_is_to_end_waits_for_no_page(
    night: Callable[..., Any], pages: list[DrawnPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried, waits, running = threading.Event(), list[bool](), list[Any]()

    async def operator(script: Any, remote: Any) -> None:
        running.extend([script, asyncio.get_running_loop()])

    def wait(page: DrawnPage, limit: float) -> None:
        script, loop = running
        asyncio.run_coroutine_threadsafe(script.close(), loop)  # as after SIGTERM
        waits.append(hurried.wait(limit))

    monkeypatch.setattr(DrawnPage, "hurry", lambda _: hurried.set(), raising=False)
    monkeypatch.setattr(DrawnPage, "wait", wait)
    end = night("script_mode: BIAS\nn_bias: 1\ndo_verify: false\n", draw_page=True, operator=operator)
    assert waits == [True]
    assert end.state == end.summary["state"] == end.states[-1] == "DONE"


def test_no_page_is_drawn_unless_it_is_asked_for(night: Callable[..., Any], pages: list[DrawnPage]) -> None:
    assert night(SHORT).state == "DONE"
    assert not pages


def test_pages_of_verdicts_come_at_longer_and_longer_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, drawn = [0.0], list[float]()
    monkeypatch.setattr("time.monotonic", lambda: clock[-1])
    page = page_process.PageProcess(tmp_path)

    def draw() -> None:
        drawn.append(clock[-1])
        page._begun = clock[-1]

    monkeypatch.setattr(page, "draw", draw)
    for now in (59.0, 61.0, 180.0, 182.0, 421.0, 423.0):
        clock.append(now)
        page.draw_so_far()
    assert drawn == [61.0, 182.0, 423.0]
