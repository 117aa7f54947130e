"""What went wrong in a job of the OCPS, as its log says."""

from __future__ import annotations

import re
from pathlib import Path

from ..domain.text import one_line

__all__ = ["failure_in_log"]

LONGEST = 20_000_000  # bytes of a log that are searched
LONGEST_REASON = 300  # characters

_TRACEBACK = "Traceback (most recent call last):"
_RECORD = re.compile(r"^[A-Z]+ \d{4}-\d\d-\d\dT\S+ ")  # how a line of the pipelines' long log begins
_ERROR = re.compile(r"^(?:ERROR|CRITICAL|FATAL) .*? - (.+)$")
_EXCEPTION = re.compile(r"^(?:\w+\.)*(\w+(?:: .+)?)$")


def failure_in_log(log: Path) -> str:
    """Find why a job failed: the exception of its first traceback, or else the last error that was logged.

    Parameters
    ----------
    log
        The ``ocps.log`` of the job.

    Returns
    -------
    reason
        On one line; empty if there is no such line, or no log that this machine can read.
    """
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(LONGEST).split("\n")
    except OSError:
        return ""
    return one_line(_exception(lines) or _last_error(lines), LONGEST_REASON)


def _exception(lines: list[str]) -> str:
    """The exception that ends the first traceback, or the last one of those that came from it."""
    found = ""
    first = next((number for number, line in enumerate(lines) if line == _TRACEBACK), len(lines))
    for before, line in zip(lines[first:], lines[first + 1 :], strict=False):
        if _RECORD.match(line):
            break
        if before.startswith("  ") and (match := _EXCEPTION.match(line)):
            found = match[1]
    return found


def _last_error(lines: list[str]) -> str:
    return next((match[1] for line in reversed(lines) if (match := _ERROR.match(line))), "")
