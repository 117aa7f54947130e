"""What is asked of a simulation on the command line, and the night that is simulated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import click

from lsst.ts.calibrations.domain.text import one_line
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings

from ..pipelines import PIPELINES
from ..repository.database import Database, DatabaseError

__all__ = ["RunRequest", "ServiceRequest", "SimulationSettings", "afternoon"]

HOUR = 18
"""TAI hour at which a run begins: the afternoon in Chile, when calibrations are taken."""


@dataclass(frozen=True, kw_only=True)
class SimulationSettings(RunSettings):
    """Settings of a run in the simulated observatory, which all have their own repository, seed and scale.

    Parameters
    ----------
    repository, seed, scale, simulated, pipelines
        As of the base class.
    measured
        Whether the pipelines make the reference calibrations, which else are drawn.
    """

    repository: Path
    seed: int
    scale: int
    simulated: bool = True
    pipelines: str = PIPELINES
    measured: bool = False


@dataclass(frozen=True)
class _Request:
    """What every simulation is asked for.

    Parameters
    ----------
    folder
        Run directory; of the service, where repository, images and jobs go.
    repository
        Simulated repository to keep, or the database with its registry; None for one inside the folder.
    scale, seed
        Divisor of the sides of the detectors, and seed of all random numbers.
    night
        Date of the images; None for the usual one, or for the present time.
    collections, faults
        Further names of the reference calibrations, and specifications of what goes wrong.
    measured
        Whether the pipelines make the reference calibrations, which else are drawn.
    batch
        Site of the batch system on which jobs run; None: each in a process of pipetask.
    """

    folder: Path
    repository: Path | Database | None
    scale: int
    seed: int
    night: date | None
    collections: tuple[str, ...]
    faults: tuple[str, ...]
    measured: bool = field(default=False, kw_only=True)
    batch: str | None = field(default=None, kw_only=True)

    @property
    def database(self) -> Database | None:
        """Database with the registry of the repository, if one was named."""
        return self.repository if isinstance(self.repository, Database) else None

    def kept_repository(self) -> Path | None:
        """Folder of the repository that is kept; None if none was named.

        Raises
        ------
        click.UsageError
            The database of the repository cannot be used; nothing was touched.
        """
        if not isinstance(self.repository, Database):
            return None if self.repository is None else self.repository.absolute()
        try:
            return self.repository.files(self.folder.parent)
        except DatabaseError as error:
            raise click.UsageError(
                f"--repo {one_line(self.repository)}: {one_line(error)}. Nothing was touched."
            ) from None

    def settings(self, repository: Path, night: date | None) -> SimulationSettings:
        """Settings of the script; without a night the images have the present time."""
        return SimulationSettings(
            folder=self.folder,
            jobs=self.folder / "uws",
            repository=repository,
            seed=self.seed,
            scale=self.scale,
            date=None if night is None else night.isoformat(),
            collections=self.collections,
            measured=self.measured,
            faults=self.faults,
        )


@dataclass(frozen=True)
class RunRequest(_Request):
    """What the run of a script is asked for.

    Parameters
    ----------
    resumed
        What the run did before it was interrupted; None for a new run.
    """

    resumed: RunRecord | None = None


@dataclass(frozen=True)
class ServiceRequest(_Request):
    """What the simulated components on a bus are asked for.

    Parameters
    ----------
    speed
        Simulated seconds in one second.
    detectors
        Butler ids of those with pixels; None for those that the script uses by default.
    filters, without_pixels
        Filters for which there shall be a reference flat; whether jobs have neither pixels nor pipelines.
    """

    speed: float = 1.0
    detectors: tuple[int, ...] | None = None
    filters: tuple[str, ...] = ()
    without_pixels: bool = False


def afternoon(night: date) -> float:
    """Decide when the first run of a night begins.

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
