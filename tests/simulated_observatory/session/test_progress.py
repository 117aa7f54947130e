"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import logging
from pathlib import Path

from rich.console import Console

from lsst.ts.calibrations.journal.facts import ExposureTaken, Fact, JobEnded, JobSubmitted
from lsst.ts.simulated_observatory.clock import START_TAI
from lsst.ts.simulated_observatory.session.progress import (
    PlainProgress,
    _TerminalProgress,
    log_to,
    make_view,
)


def taken(number: int) -> Fact:
    return ExposureTaken(
        time=START_TAI,
        id=number,
        obs_id=f"AT_O_20250115_{number:06d}",
        image_type="BIAS",
        exp_time=0.0,
        position=number,
        discarded=False,
        begun=START_TAI,
    )


def submitted(job_id: str, calibration: str) -> Fact:
    return JobSubmitted(
        time=START_TAI,
        job_id=job_id,
        kind="verify",
        calibration=calibration,
        pipeline="",
        config="",
        data_query="",
        collection="",
        log="",
    )


def picture(view: _TerminalProgress, screen: Console) -> str:
    """The view as it is now."""
    with screen.capture() as capture:
        screen.print(view._picture())
    return capture.get()


def test_a_terminal_shows_exposures_jobs_and_the_clock() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    view = make_view(screen)
    assert isinstance(view, _TerminalProgress)
    view.begin(65, lambda: START_TAI + 90)
    try:
        for fact in (taken(1), taken(2), submitted("a", "BIAS"), submitted("b", "DARK")):
            view.take(fact)
        shown = picture(view, screen)
        for words in ("2/65", "jobs running: verify BIAS, verify DARK", "2025-01-15T18:01:30.000 TAI"):
            assert words in shown
        view.take(JobEnded(time=START_TAI, job_id="a", exit_code=0))
        assert "jobs running: verify DARK" in picture(view, screen)
        view.take(JobEnded(time=START_TAI, job_id="b", exit_code=1))
        assert "jobs running: none" in picture(view, screen)
    finally:
        view.end()
    view.end()


def test_anything_else_gets_plain_lines() -> None:
    output = io.StringIO()
    view = make_view(Console(file=output, force_terminal=False, width=40))
    assert isinstance(view, PlainProgress)
    view.begin(65, lambda: START_TAI)
    view.take(taken(1))
    view.say("DONE: [bold]a line that is a good deal longer than the forty columns of this console[/bold]")
    view.end()
    assert output.getvalue() == (
        "DONE: [bold]a line that is a good deal longer than the forty columns of this console[/bold]\n"
    )


def test_log_lines_have_the_time_of_the_script_on_screen_and_in_the_file(tmp_path: Path) -> None:
    output = io.StringIO()
    view = make_view(Console(file=output, force_terminal=False))
    log = logging.getLogger("a script")
    log.setLevel(logging.INFO)
    with log_to(log, tmp_path / "script.log", view, lambda: START_TAI + 0.25):
        log.info("Taking 3 %s images.", "BIAS")
        log.debug("nobody wants to know")
    log.info("afterwards")
    line = "2025-01-15T18:00:00.250 INFO    Taking 3 BIAS images.\n"
    assert (tmp_path / "script.log").read_text() == output.getvalue() == line
    assert log.handlers == []
