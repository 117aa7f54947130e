"""What is asked of a simulation on the command line, and the night that is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings

from ..pipelines import PIPELINES

__all__ = ["RunRequest", "ServiceRequest", "SimulationRequest", "afternoon", "usual_night"]

DEFAULT_NIGHT = date(2025, 1, 15)
"""Date of the simulated night; never today's, so that a seed always gives the same exposure ids."""

FIRST_NIGHT = date(1970, 1, 2)
"""A validity range may begin earlier; images cannot, since the Butler has no times before 1970."""

HOUR = 18
"""TAI hour at which a run begins: the afternoon in Chile, when calibrations are taken."""


@dataclass(frozen=True)
class SimulationRequest:
    """What every simulation is asked for.

    Parameters
    ----------
    folder
        Run directory; of the service, where repository, images and jobs go.
    repository
        Simulated repository to keep; None for one inside the folder.
    scale
        Divisor of the sides of the detectors.
    seed
        From which everything is drawn.
    night
        Date of the images; None for the usual one, or for the present time.
    collections
        Further names of the reference calibrations.
    faults
        Specifications of what goes wrong.
    """

    folder: Path
    repository: Path | None
    scale: int
    seed: int
    night: date | None
    collections: tuple[str, ...]
    faults: tuple[str, ...]

    def settings(self, repository: Path, night: date | None) -> RunSettings:
        """Settings that the script has in this simulation.

        Parameters
        ----------
        repository
            Absolute path of the simulated repository.
        night
            Date of the images; None for the present time.

        Returns
        -------
        settings
            The jobs of the OCPS and all other files are in the folder.
        """
        return RunSettings(
            folder=self.folder,
            jobs=self.folder / "uws",
            repository=repository,
            simulated=True,
            seed=self.seed,
            scale=self.scale,
            date=None if night is None else night.isoformat(),
            collections=self.collections,
            pipelines=PIPELINES,
        )


@dataclass(frozen=True)
class RunRequest(SimulationRequest):
    """What the run of a script is asked for.

    Parameters
    ----------
    resumed
        What the run did before it was interrupted; None for a new run.
    """

    resumed: RunRecord | None = None


@dataclass(frozen=True)
class ServiceRequest(SimulationRequest):
    """What the simulated components on a bus are asked for.

    Parameters
    ----------
    speed
        Simulated seconds in one second.
    detectors
        Butler ids of those with pixels; None for those that the script uses by default.
    filters
        Filters for which there shall be a reference flat.
    without_pixels
        Whether images have no pixels and jobs no pipelines.
    """

    speed: float = 1.0
    detectors: tuple[int, ...] | None = None
    filters: tuple[str, ...] = ()
    without_pixels: bool = False


def afternoon(night: date) -> float:
    """When the first run of a night begins.

    Parameters
    ----------
    night
        Its date.

    Returns
    -------
    begin
        TAI unix seconds.
    """
    return datetime(night.year, night.month, night.day, HOUR, tzinfo=UTC).timestamp()


def usual_night(config: CalibrationConfig | None) -> date:
    """Date of the simulated night: one in the validity range if calibrations are to be certified.

    Parameters
    ----------
    config
        What the script was asked for; None if it will refuse its configuration.

    Returns
    -------
    night
        Never that of today.
    """
    usual = datetime(DEFAULT_NIGHT.year, DEFAULT_NIGHT.month, DEFAULT_NIGHT.day, HOUR)
    if config is None or not config.generate_calibrations or config.is_valid_at(usual):
        return DEFAULT_NIGHT
    return max(config.certify_begin.date(), FIRST_NIGHT)
