"""One run of a script in the simulated observatory, from the configuration text to the exit status."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.config.text import examine
from lsst.ts.calibrations.domain.instruments import Instrument
from lsst.ts.calibrations.domain.text import one_line
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings

from .. import clock
from ..faults.faults import FaultError
from ..pipelines import PIPELINES
from ..repository.repository import check_repository
from .checks import path_problem
from .folders import new_folder
from .night import afternoon, usual_night
from .observatory import SimulatedObservatory
from .progress import make_view
from .resumption import refuse_option, time_of_resumption
from .script_session import ScriptSession
from .surroundings import Surroundings, SurroundingsError

if TYPE_CHECKING:
    from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations

__all__ = ["SimulationOptions", "check_place", "simulate_run"]

LABELS = "/repo/"
"""How the names of the observatory's repositories begin; the simulation maps them to its own."""


@dataclass(frozen=True)
class SimulationOptions:
    """Options of the command line that concern the simulation.

    Parameters
    ----------
    folder
        Run directory.
    repository
        Simulated repository to keep; None for one inside the run directory.
    scale, seed, night, collections, faults
        Of the simulated observatory.
    resumed
        What the run did before it was interrupted; None for a new run.
    """

    folder: Path
    repository: Path | None
    scale: int
    seed: int
    night: date | None
    collections: tuple[str, ...]
    faults: tuple[str, ...]
    resumed: RunRecord | None = None


def simulate_run(
    script_class: type[BaseMakeCalibrations],
    text: str,
    options: SimulationOptions,
    *,
    index: int,
    log_level: int,
) -> int:
    """Run a script.

    Parameters
    ----------
    script_class
        Which.
    text
        Its configuration, YAML.
    options
        Of the simulation.
    index, log_level
        Of the script.

    Returns
    -------
    status
        0 DONE or STOPPED, 1 FAILED, 2 refused before the first exposure.

    Raises
    ------
    click.UsageError
        The configuration asks to resume a run, the repository cannot be used, or a fault is not possible;
        nothing was touched.
    """
    findings = examine(text, script_class.get_schema(), script_class.instrument())
    refuse_option(findings)
    config = findings.config  # None if the script will refuse it
    night = options.night or usual_night(config)
    place = _surroundings(script_class.instrument(), config, options, night)
    check_place(place, _name_of_repository(options))
    new_folder(options.folder)
    view = make_view(Console())
    session = ScriptSession(
        script_class,
        text,
        place,
        index=index,
        log_level=log_level,
        view=view,
        obstacle=_prepare(place, view.say),
    )
    begin = afternoon(night) if options.resumed is None else time_of_resumption(options.resumed)
    try:
        return clock.run(session.run, start_tai=begin)
    finally:
        view.end()


def check_place(place: Surroundings, repository: str) -> SimulatedObservatory:
    """See whether a simulated observatory is possible, without touching anything.

    Parameters
    ----------
    place
        Its place and properties.
    repository
        How the repository is called in a message.

    Returns
    -------
    observatory
        Not yet running.

    Raises
    ------
    click.UsageError
        The repository cannot be used, or a fault is not possible; nothing was touched.
    """
    if not _same(place.repository, place.settings.folder / "repo"):
        try:
            _check_apart(place.repository, place.settings.folder)
            check_repository(place.repository, place.properties)
        except ValueError as error:
            raise click.UsageError(
                f"{repository} {place.repository}: {error}. Nothing was touched."
            ) from None
    try:
        return place.observatory()
    except FaultError as error:
        raise click.UsageError(f"--fault: {error}. Nothing was touched.") from None


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _check_apart(repository: Path, folder: Path) -> None:
    """Raise ValueError if a repository that is kept is not apart from a run directory."""
    kept, run = (Path(os.path.realpath(path)) for path in (repository, folder))
    if kept == run:
        raise ValueError("it is the run directory, too")
    if kept in run.parents:
        raise ValueError(f"the run directory {folder} is in it, where the Butler keeps its own; name another")
    if run in kept.parents:
        raise ValueError(f"it is in the run directory {folder}, whose own is {folder / 'repo'}; name another")


def _name_of_repository(options: SimulationOptions) -> str:
    """Which option has said where the repository is."""
    if options.resumed is not None:
        return "repository"
    return "repo" if options.repository is None else "--repo"


def _surroundings(
    instrument: Instrument, config: CalibrationConfig | None, options: SimulationOptions, night: date
) -> Surroundings:
    """Place and properties of the run."""
    return Surroundings(
        instrument=instrument,
        config=config,
        settings=RunSettings(
            folder=options.folder,
            jobs=options.folder / "uws",
            repository=_repository(options, config),
            simulated=True,
            seed=options.seed,
            scale=options.scale,
            date=night.isoformat(),
            collections=options.collections,
            pipelines=PIPELINES,
        ),
        faults=options.faults,
        part=len(options.resumed.parts) if options.resumed else 0,
    )


def _prepare(place: Surroundings, say: Callable[[str], None]) -> SurroundingsError | None:
    """Make what the run needs around it; return why that cannot be had, which the script is to report."""
    if place.config is None:
        return None
    try:
        place.prepare(say)
    except SurroundingsError as error:
        return error
    return None


def _repository(options: SimulationOptions, config: CalibrationConfig | None) -> Path:
    """Where the repository of the run is.

    The name of one of the observatory's repositories stands for the simulated one; any other ``repo`` of the
    configuration is a path, and must be a simulated repository of before.
    """
    if options.repository is not None:
        return options.repository.absolute()
    if config is None or config.repo.startswith(LABELS):
        return options.folder / "repo"
    path = Path(config.repo).absolute()
    problem = path_problem(path) or (None if path.exists() else "there is no such repository")
    if problem is not None:
        raise click.UsageError(f"repo {one_line(config.repo, 80)}: {problem}. Nothing was touched.")
    return path
