"""The report of a run: sections that are written once, and a disk that does not take them."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.journal.facts import Fact, ReadoutEnded, RunResumed
from lsst.ts.calibrations.journal.journal import Journal
from lsst.ts.calibrations.run.context import ReportError, RunContext
from lsst.ts.simulated_observatory import clock


def test_a_section_is_written_once(context: Any) -> None:
    for text in ("one", "two", "one"):
        path = context.add_to_report(text)
    assert path.read_text() == "one\n\ntwo\n\n"


def test_a_disk_that_is_full_is_told_in_words(context: Any) -> None:
    (context.settings.folder / "report.txt").symlink_to("/dev/full")
    with pytest.raises(ReportError, match=r"report.txt cannot be written: No space left.*resume"):
        context.add_to_report("one")


def test_a_report_that_cannot_be_read_is_told_in_words(context: Any) -> None:
    Path(context.settings.folder / "report.txt").mkdir()
    with pytest.raises(ReportError, match="Is a directory"):
        context.add_to_report("one")


def test_a_listener_that_fails_keeps_no_fact_from_the_others(
    context: RunContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Fact] = []

    def fail(fact: Fact) -> None:
        raise ValueError("the view is gone")

    log = logging.getLogger("run")
    with contextlib.closing(Journal(tmp_path / "other")) as journal:
        made = RunContext(context.settings, journal, clock.current_tai, log, [fail, seen.append])
        made.note(RunResumed(time=1.0))
        assert seen == [RunResumed(time=1.0)]
        assert len(made.record.parts) == 1
        with pytest.raises(ValueError, match="not known"):  # no matter of a listener
            made.note(ReadoutEnded(time=2.0, id=1))
    assert [record.getMessage() for record in caplog.records] == [
        "A listener of the run failed at RunResumed."
    ]
    assert "the view is gone" in caplog.text
