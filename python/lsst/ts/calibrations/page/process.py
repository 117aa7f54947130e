"""The process that draws the page of a run, beside the run: nothing of it can hold the run up or end it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "PAGE_LOG", "SO_FAR", "PageProcess"]

PAGE = "report.html"
"""Name of the page in the run directory."""

PAGE_LOG = "report.html.log"
"""What its process said."""

SO_FAR = "so_far.json"
"""Summary of a run that goes on, for its page alone."""


class PageProcess:
    """Draws the page of one run in a process of its own, always the last state that it was given.

    Parameters
    ----------
    folder
        Run directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def draw(self, so_far: Mapping[str, Any] | None = None) -> None:
        """Begin to draw; a page that is being drawn would be older, and is given up.

        Parameters
        ----------
        so_far
            Summary of a run that goes on; None once ``summary.json`` is there.

        Raises
        ------
        OSError
            Disk or system refused.
        """
        self._end_former()
        part = self.folder / f"{SO_FAR}.part"
        if so_far is None:
            (self.folder / SO_FAR).unlink(missing_ok=True)
        else:
            part.write_text(json.dumps(so_far), encoding="utf-8")
            part.replace(self.folder / SO_FAR)
        with (self.folder / PAGE_LOG).open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lsst.ts.calibrations.page", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # it goes on when the run is interrupted, or has ended
            )

    def _end_former(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def wait(self, limit: float) -> str | None:
        """Wait until the page is drawn.

        Parameters
        ----------
        limit
            Most seconds to wait.

        Returns
        -------
        problem
            What is wrong with the page; None if it is there, or if none was to be drawn.
        """
        if self._process is None:
            return None
        try:
            status = self._process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"the page is still being drawn: {self.folder / PAGE}"
        return None if status == 0 else f"the page could not be drawn: see {self.folder / PAGE_LOG}"
