"""The process that draws the page of a run, beside the run: nothing of it can hold the run up or end it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

__all__ = ["PAGE", "PAGE_LOG", "PageProcess"]

PAGE = "report.html"
"""Name of the page in the run directory."""

PAGE_LOG = "report.html.log"
"""What its process said."""


# Seconds from the begin of a run before which the page of a verdict is not drawn, and twice as many from each
# page to the next. At the telescope verdicts are minutes apart, in a simulated night seconds; a page takes
# some seconds of the processor. The end draws it anyway.
SPACING = 60.0
_POLL = 0.05  # seconds between two looks at whether the page is drawn


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
        self._begun = time.monotonic()
        self._spacing = SPACING
        self._hurried = threading.Event()

    @property
    def path(self) -> Path:
        """Where the page is."""
        return self.folder / PAGE

    def draw_so_far(self) -> None:
        """Begin to draw the page of a run that goes on, unless that is too soon.

        Raises
        ------
        OSError
            Disk or system refused.
        """
        if time.monotonic() - self._begun >= self._spacing:
            self._spacing *= 2.0
            self.draw()

    def draw(self) -> None:
        """Begin to draw; a page that is being drawn would be older, and is given up.

        Raises
        ------
        OSError
            Disk or system refused.
        """
        self._end_former()
        self._begun = time.monotonic()
        with (self.folder / PAGE_LOG).open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lsst.ts.calibrations_page", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # it goes on when the run is interrupted, or has ended
            )

    def _end_former(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def hurry(self) -> None:
        """Let nobody wait for the page any more; it is drawn all the same."""
        self._hurried.set()

    def wait(self, limit: float) -> None:
        """Wait until the page is drawn, if it was to be drawn.

        Parameters
        ----------
        limit
            Most seconds to wait.

        Raises
        ------
        TimeoutError
            It is still being drawn.
        OSError
            It could not be drawn; its log says why.
        """
        if self._process is None:
            return
        end = time.monotonic() + limit
        while (status := self._process.poll()) is None:
            left = end - time.monotonic()
            if left <= 0.0 or self._hurried.wait(min(left, _POLL)):
                raise TimeoutError("it is still being drawn")
        if status != 0:
            raise OSError(f"its process ended with status {status}, see {self.folder / PAGE_LOG}")
