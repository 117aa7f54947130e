"""One run of a script in the simulated observatory, from the configuration text to the exit status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import yaml
from rich.console import Console

from ..domain.config import CalibrationConfig
from ..domain.config_text import examine
from ..domain.text import one_line
from ..run.record import RunRecord
from ..run.settings import RunSettings
from ..simulation import clock
from ..simulation.faults import FaultError
from ..simulation.repository import check_repository
from .folders import new_folder
from .options import path_problem
from .progress import make_view
from .resumption import time_of_resumption
from .session import ScriptSession
from .surroundings import Surroundings, SurroundingsError

if TYPE_CHECKING:
    from ..base_make_calibrations import BaseMakeCalibrations

__all__ = ["DEFAULT_NIGHT", "SimulationOptions", "simulate_run"]

DEFAULT_NIGHT = date(2025, 1, 15)
"""Date of the simulated night; never today's, so that a seed always gives the same exposure ids."""

FIRST_NIGHT = date(1970, 1, 2)
"""A validity range may begin earlier; images cannot, since the Butler tells no times before 1970."""

HOUR = 18
"""TAI hour at which a run begins: the afternoon in Chile, when calibrations are taken."""

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
        The repository cannot be used, or a fault is not possible; nothing was touched.
    """
    instrument = script_class.instrument()
    findings = examine(text, script_class.get_schema(), instrument)
    config = None
    if not findings.errors:
        config = CalibrationConfig.from_namespace(yaml.safe_load(findings.text) or {}, instrument)
    night = options.night or _night(config)
    surroundings = Surroundings(
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
        ),
        faults=options.faults,
        part=len(options.resumed.parts) if options.resumed else 0,
    )
    if surroundings.repository != options.folder / "repo":
        try:
            if surroundings.repository == options.folder:
                raise ValueError("it is the run directory, too")
            check_repository(surroundings.repository, surroundings.properties)
        except ValueError as error:
            message = f"repository {surroundings.repository}: {error}. Nothing was touched."
            raise click.UsageError(message) from None
    try:
        surroundings.observatory()
    except FaultError as error:
        raise click.UsageError(f"--fault: {error}. Nothing was touched.") from None
    new_folder(options.folder)
    view = make_view(Console())
    obstacle = None
    if config is not None:
        try:
            surroundings.prepare(view.say)
        except SurroundingsError as error:
            obstacle = error
    session = ScriptSession(
        script_class, text, surroundings, index=index, log_level=log_level, view=view, obstacle=obstacle
    )
    begin = datetime(night.year, night.month, night.day, HOUR, tzinfo=UTC).timestamp()
    if options.resumed is not None:
        begin = time_of_resumption(options.resumed)
    try:
        return clock.run(session.run, start_tai=begin)
    finally:
        view.end()


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


def _night(config: CalibrationConfig | None) -> date:
    """Date of the simulated night: one in the validity range if calibrations are to be certified."""
    usual = datetime(DEFAULT_NIGHT.year, DEFAULT_NIGHT.month, DEFAULT_NIGHT.day, HOUR)
    if config is None or not config.generate_calibrations or config.is_valid_at(usual):
        return DEFAULT_NIGHT
    return max(config.certify_begin.date(), FIRST_NIGHT)
