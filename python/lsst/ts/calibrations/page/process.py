"""The process that draws the page of a run, beside the run: nothing of it can hold the run up or end it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["PAGE", "PAGE_LOG", "PageProcess"]

PAGE = "report.html"
"""Name of the page in the run directory."""

PAGE_LOG = "report.html.log"
"""What its process said."""


class PageProcess:
    """Draws the page of one run in a process of its own, as its journal is then.

    Parameters
    ----------
    folder
        Run directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def draw(self) -> None:
        """Begin to draw; a page that is being drawn would be older, and is given up.

        Raises
        ------
        OSError
            Disk or system refused.
        """
        self._end_former()
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
