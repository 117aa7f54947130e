"""Faults of the machine on which a script runs: its disk and its clock."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from .. import clock
from .faults import FaultError, Faults
from .kinds import KINDS

__all__ = ["MACHINE_FAULTS", "MachineFaults"]

MACHINE_FAULTS = sorted(name for name, kind in KINDS.items() if kind.of_machine)
"""Their names."""

FULL = Path("/dev/full")
"""What takes nothing: every write to it fails as on a full disk."""

DESCRIPTORS = Path("/proc/self/fd")
"""The files that this process has open."""

LATER_FILES = ("report.txt", "summary.json.part")
"""Files of a run directory that are opened in the course of a run."""


class MachineFaults:
    """Lets the machine fail at the begin of images.

    A full disk is made of `FULL`: what is open in the run directory for writing is redirected to it, and so
    is what the run will open there. Neither the script nor its objects are touched.

    Parameters
    ----------
    folder
        Run directory.
    faults
        What goes wrong.

    Raises
    ------
    FaultError
        A full disk was asked for, and this system has no ``/dev/full``.
    """

    def __init__(self, folder: Path, faults: Faults) -> None:
        self._folder = folder
        self._faults = faults
        self._later_files = [folder / name for name in LATER_FILES]
        if faults.asked_for("run-disk-full") and not (FULL.exists() and DESCRIPTORS.is_dir()):
            raise FaultError(f"fault 'run-disk-full' needs {FULL} and {DESCRIPTORS}, which are not here")
        self.close()  # an earlier simulation of the run that was killed could not do it

    def __call__(self, image: int) -> None:
        """Fail at the begin of an image, if that was asked for."""
        if (step := self._faults.strike("clock-step", image=image)) is not None:
            loop = asyncio.get_running_loop()
            if isinstance(loop, clock.SimulatedLoop):
                loop.step(step.number("seconds"))
        if self._faults.strike("run-disk-full", image=image):
            self._fill()

    def close(self) -> None:
        """Free the disk again."""
        for path in self._later_files:
            if path.is_symlink():
                path.unlink()

    def _fill(self) -> None:
        """From now on nothing can be written in the run directory itself."""
        full = os.open(FULL, os.O_WRONLY)
        for each in list(DESCRIPTORS.iterdir()):
            try:
                path = Path(os.readlink(each))
            except OSError:  # that of the listing itself is closed by now
                continue
            if path.parent == self._folder:
                os.dup2(full, int(each.name))
        os.close(full)
        for path in self._later_files:
            path.unlink(missing_ok=True)
            path.symlink_to(FULL)
