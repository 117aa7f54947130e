"""What a person sees while a run goes on."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from lsst.ts.calibrations.domain.text import on_screen
from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    ExposureConfirmed,
    ExposureTaken,
    Fact,
    JobEnded,
    JobSubmitted,
    VerdictGiven,
)
from lsst.ts.simulated_observatory.clock import START_TAI
from lsst.ts.simulated_observatory.session.progress import (
    PlainProgress,
    Prospect,
    log_to,
    make_view,
)
from lsst.ts.simulated_observatory.session.terminal import TerminalProgress


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


def begun(number: int) -> Fact:
    return ExposureBegun(
        time=START_TAI, group_id="g", image_type="BIAS", exp_time=0.0, position=number, discarded=False
    )


def confirmed(number: int) -> Fact:
    return ExposureConfirmed(time=START_TAI, id=number, physical_filter=None, files=())


def verdict(calibration: str, *, passed: bool, n_failed: int) -> Fact:
    return VerdictGiven(
        time=START_TAI,
        calibration=calibration,
        passed=passed,
        complete=True,
        verification_collection="u/ocps/a",
        generation_collection=None,
        failures={},
        thresholds={},
        n_failed=n_failed,
        n_tests=240,
    )


def prospect(seconds: float) -> Prospect:
    return Prospect(
        images={"BIAS": 6, "DARK": 3}, held={"DARK": 1}, end=START_TAI + 200, now=lambda: START_TAI + seconds
    )


def picture(view: TerminalProgress, screen: Console) -> list[str]:
    """The lines of the live block as it is now."""
    output = io.StringIO()  # another console: on the screen the block comes after all that is printed
    Console(file=output, width=screen.width).print(view._picture())
    return [line.rstrip() for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 140])
def test_a_terminal_shows_what_is_exposed_the_types_the_jobs_and_the_time_left(width: int) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=width)
    view = make_view(screen)
    assert isinstance(view, TerminalProgress)
    view.begin(prospect(90))
    try:
        for fact in (begun(1), taken(1), confirmed(1), begun(2), taken(2), begun(3)):
            view.take(fact)
        first, bias, dark = picture(view, screen)
        assert first == "18:01:30 Exposing BIAS 3 of 6, 0 s; about 1 min 50 s left on this clock"
        assert bias.endswith("2 of 6 taken, 1 confirmed")
        assert dark.endswith("1 of 3 taken, 1 confirmed"), "one was there when the run was resumed"
        view.take(submitted("a", "BIAS"))
        view.take(submitted("b", "DARK"))
        view.take(JobEnded(time=START_TAI + 25, job_id="a", exit_code=0))
        view.take(verdict("BIAS", passed=True, n_failed=5))
        view.take(verdict("PTC", passed=False, n_failed=16))
        lines = picture(view, screen)
        assert lines[1].endswith("passed, 5 tests failed")
        assert lines[3:] == [
            "verify BIAS succeeded after 25 s",
            "verify DARK running for 90 s",
            "PTC         failed, 16 tests failed",
        ]
        view.take(JobEnded(time=START_TAI + 30, job_id="b", exit_code=1))
        assert "verify DARK failed after 30 s" in picture(view, screen)
        assert all(len(line) <= width for line in picture(view, screen))
    finally:
        view.end()
    view.end()


def test_the_time_left_is_never_below_nothing() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    view = TerminalProgress(screen)
    view.begin(prospect(250))
    view.end()
    assert picture(view, screen)[0] == "18:04:10 No exposure under way; nearly done"


def test_while_the_clock_stands_still_for_a_job_the_seconds_of_this_machine_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    view, here = TerminalProgress(screen), 100.0
    monkeypatch.setattr("lsst.ts.simulated_observatory.session.terminal.time.monotonic", lambda: here)
    view.begin(prospect(250))
    view.end()
    view.take(submitted("a", "DARK"))
    assert "Waiting for a job for 0 s, during which this clock stands still" in picture(view, screen)[0]
    here = 145.0
    assert "Waiting for a job for 45 s" in picture(view, screen)[0]


def test_a_log_line_wraps_beside_its_time_and_may_be_shorter_than_in_the_file(tmp_path: Path) -> None:
    output = io.StringIO()
    screen = Console(file=output, force_terminal=True, width=40, no_color=True)
    log = logging.getLogger("a script on a terminal")
    log.setLevel(logging.DEBUG)
    with log_to(log, tmp_path / "script.log", make_view(screen), lambda: START_TAI, level=logging.INFO):
        log.info("%s", "word " * 10, extra=None)
        log.warning("a very long text", extra=on_screen("a short [bold]one[/bold]"))
        log.info("one:\n    two three four five six seven eight")
        log.warning("nothing of this", extra=on_screen(""))
        log.debug("for the file alone")
    shown = [Text.from_ansi(line).plain.rstrip() for line in output.getvalue().splitlines()]
    assert shown == [
        "18:00:00 word word word word word word",
        "         word word word word",
        "18:00:00 WARNING a short",
        "         [bold]one[/bold]",
        "18:00:00 one:",
        "             two three four five six",
        "             seven eight",
    ]
    assert "\x1b[33m" not in output.getvalue()
    kept = (tmp_path / "script.log").read_text().splitlines()
    assert [line.split(maxsplit=2)[2].strip() for line in kept if line[0] != " "] == [
        ("word " * 10).strip(), "a very long text", "one:", "nothing of this", "for the file alone",
    ]  # fmt: skip


def test_anything_else_gets_plain_lines() -> None:
    output = io.StringIO()
    view = make_view(Console(file=output, force_terminal=False, width=40))
    assert isinstance(view, PlainProgress)
    view.begin(prospect(0))
    with view.preparing():
        pass
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
