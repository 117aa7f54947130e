"""The report of a run: sections that are written once, and a disk that does not take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.run.context import ReportError


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
