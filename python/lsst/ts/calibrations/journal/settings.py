"""Where and as what a run takes place."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["REPORT", "RunSettings", "observatory_settings"]

REPORT = "report.txt"
"""Name of the report in the run directory."""

# Where scripts of the queue put their runs, unless ``TS_CALIBRATIONS_RUNS`` names another folder.
RUNS_FOLDER = Path("~/ts_calibrations_runs")
# Where the OCPS of the observatory keeps its job folders, unless ``TS_CALIBRATIONS_UWS`` names another.
UWS_FOLDER = Path("/scratch/uws")


@dataclass(frozen=True)
class RunSettings:
    """Place and kind of a run."""

    folder: Path
    """Run directory; made when the run begins."""
    jobs: Path = UWS_FOLDER
    """Folder of the OCPS job folders."""
    repository: Path | None = None
    """Butler repository, if it is another than the configuration says."""
    simulated: bool = False
    """Whether the observatory is simulated."""
    seed: int | None = None
    """Seed of the simulation; None in the observatory."""
    scale: int | None = None
    """By what the detectors of the simulation are smaller; None in the observatory."""
    date: str | None = None
    """ISO date of the simulated images; None in the observatory."""
    collections: tuple[str, ...] = ()
    """Aliases of the simulation's reference calibrations."""
    faults: tuple[str, ...] = ()
    """What goes wrong on purpose in the simulation, as it was asked for."""
    pipelines: str | None = None
    """Address of the folder with the pipelines, if they are others than those of cp_pipe and cp_verify."""
    draw_page: bool = False
    """Whether the page of the run is drawn."""
    open_butler: Callable[[str, bool], Butler] | None = None
    """Opens the Butler of the run, as of `~lsst.ts.calibrations.butler.repository.Repository`."""

    def job_log(self, job_id: str) -> Path:
        """Name the log of an OCPS job.

        Parameters
        ----------
        job_id
            Id of the job.

        Returns
        -------
        path
            Whether it is there or not.
        """
        return self.jobs / job_id / "outs" / "ocps.log"


def observatory_settings(script: str, index: int, now: float, simulated: bool = False) -> RunSettings:
    """Make the settings of a run in the observatory, as the environment of its process says.

    Parameters
    ----------
    script, index
        Name of the script, and its SAL index, which no two scripts of a queue share.
    now
        TAI unix seconds.
    simulated
        Whether the camera says that it is simulated.

    Returns
    -------
    settings
        With a folder of its own below ``TS_CALIBRATIONS_RUNS``.
    """
    return RunSettings(
        folder=_folder("TS_CALIBRATIONS_RUNS", RUNS_FOLDER) / f"{script}-{int(now)}-{index}",
        jobs=_folder("TS_CALIBRATIONS_UWS", UWS_FOLDER),
        simulated=simulated,
        pipelines=os.environ.get("TS_CALIBRATIONS_PIPELINES") or None,
        draw_page=True,
    )


def _folder(variable: str, default: Path) -> Path:
    """Folder that an environment variable names, as an absolute path: only such a run can be resumed."""
    folder = os.path.expanduser(os.environ.get(variable) or default)  # not that of Path: it may raise
    return Path(folder).absolute()
