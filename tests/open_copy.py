"""A path to which copies of a repository are put one after the other, and where it is opened only once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsst.ts.simulated_observatory.campaign.opened import OpenedRepository
from lsst.ts.simulated_observatory.pipelines.calibration_memory import remember_calibrations
from lsst.ts.simulated_observatory.repository.ingest import open_anew

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

OpenButler = Callable[[str, bool], "Butler"]
"""Opens a repository, given its path and whether to write."""


class OpenCopy:
    """A copy of a repository that can be made new without being opened again.

    To open a Butler takes a hundred times longer than to copy a repository that has no pixels. Its
    calibrations are read once in a process, also for those that are forked later.
    """

    def __init__(self, original: Path, path: Path) -> None:
        self._original, self.path = original, path
        shutil.copytree(original, path)
        remember_calibrations()
        with OpenedRepository.opening(path) as self._opened:
            self._connected = [self._opened.open(str(path), writeable) for writeable in (False, True)]

    def renew(self, original: Path | None = None) -> Path:
        """Make it as the original is, or another one; no connection to what was there remains."""
        self.disconnect()
        shutil.rmtree(self.path, ignore_errors=True)
        return Path(shutil.copytree(original or self._original, self.path))

    def disconnect(self) -> None:
        """Close the connections of all Butlers of this process: none may pass to one that is forked."""
        for butler in self._connected:
            butler.registry.resetConnectionPool()

    def open(self, path: str, writeable: bool) -> Butler:
        """Open the copy; any other path, and what is no repository any more, is opened anew."""
        known = Path(path) == self.path and (self.path / "butler.yaml").exists()
        return self._opened.open(path, writeable) if known else open_anew(path, writeable)
