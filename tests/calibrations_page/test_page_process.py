"""The process that draws the page of a run, which the run does not wait for."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from lsst.ts.calibrations.run.page_process import PAGE, PAGE_LOG, PageProcess


def test_a_page_that_fails_says_so_and_leaves_the_run_alone(tmp_path: Path) -> None:
    process = PageProcess(tmp_path)
    process.wait(0.0)  # nothing was to be drawn
    process.draw()
    with pytest.raises(OSError, match=r"report\.html\.log"):
        process.wait(200.0)
    assert "journal.jsonl" in (tmp_path / "report.html.log").read_text(encoding="utf-8")


def test_a_page_that_is_being_drawn_is_given_up_for_a_newer_one(folder: Path) -> None:
    hurried = PageProcess(folder)
    hurried.draw()
    hurried.hurry()
    with pytest.raises(TimeoutError):
        hurried.wait(200.0)
    hurried._end_former()
    process = PageProcess(folder)
    process.draw()
    with pytest.raises(TimeoutError):
        process.wait(0.0)
    process.draw()
    process.wait(200.0)
    assert "C05 NOISE" in (folder / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize(("later", "drawn"), [(59.0, False), (61.0, True)])
def test_the_page_of_a_run_that_goes_on_is_not_drawn_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: float, drawn: bool
) -> None:
    now = 100.0
    monkeypatch.setattr("lsst.ts.calibrations.run.page_process.time.monotonic", lambda: now)
    process = PageProcess(tmp_path)
    now += later
    process.draw_so_far()
    assert (tmp_path / PAGE_LOG).exists() is drawn
    with contextlib.suppress(OSError):  # there is no run in this folder
        process.wait(60.0)
