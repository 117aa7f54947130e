"""One run of a script in the simulated observatory, from the configuration text to the exit status."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import click
from rich.console import Console

from lsst.ts.calibrations.config.config import CalibrationConfig, Findings, examine
from lsst.ts.calibrations.domain.instruments import Instrument
from lsst.ts.calibrations.domain.text import one_line
from lsst.ts.calibrations.journal.resumption import ResumptionError, asked_for

from .. import clock
from ..batch.description import command_problem
from ..components.image_folder import ImageFolder, ImagesInUse
from ..faults.butler import SQLITE_FAULTS
from ..faults.faults import FaultError
from ..repository.database import is_address, is_in_database
from ..repository.opening import check_opens
from ..repository.repository import check_repository, is_complete
from .checks import new_folder, path_problem, reserve
from .observatory import SimulatedObservatory
from .output import LastingOutput
from .plan_view import show_plan
from .progress import make_view
from .request import HOUR, RunRequest, afternoon
from .resumption import time_of_resumption
from .script_session import ScriptSession
from .setup import SetupError, SimulationSetup

if TYPE_CHECKING:
    from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations

__all__ = ["alone", "check_setup", "plan_run", "simulate_run"]

DEFAULT_NIGHT = date(2025, 1, 15)
"""Date of the simulated night; never today's, so that a seed always gives the same exposure ids."""

FIRST_NIGHT = date(1970, 1, 2)
"""A validity range may begin earlier; images cannot, since the Butler has no times before 1970."""

ESCAPED = re.compile("%[0-9A-Fa-f]{2}")
"""What the Butler takes for another character in a path, and then looks elsewhere."""

LABELS = "/repo/"
"""How the names of the observatory's repositories begin; the simulation maps them to its own."""


def simulate_run(
    script_class: type[BaseMakeCalibrations], text: str, request: RunRequest, *, index: int, log_level: int
) -> int:
    """Run a script.

    Parameters
    ----------
    script_class, text
        The script and its configuration, YAML.
    request
        What the simulation is asked for.
    index, log_level
        SAL index of the script and least level of its log.

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
    findings = _examine(script_class, text, request)
    setup, night = _setup(script_class.instrument, findings, request)
    setup = replace(setup, run="\n".join((text, *request.faults)))
    config = findings.config  # None if the script will refuse it, and get no further than that
    check_setup(setup, _name_of_repository(request), is_used=config is not None)
    with ExitStack() as held:
        is_kept = is_complete(setup.repository)
        try:
            if is_kept:  # else it can be had when it is made
                held.enter_context(alone(setup))
        except SetupError as error:
            raise click.UsageError(f"{_name_of_repository(request)} {error}") from None
        if request.resumed is None:
            new_folder(request.folder)
            reserve(request.folder)
        view = make_view(Console(file=cast(TextIO, LastingOutput(sys.stdout))))
        obstacle: SetupError | None = None
        if config is not None:
            try:
                with view.preparing() as tell:
                    setup.prepare(view.say, tell)
                if not is_kept:
                    held.enter_context(alone(setup))
            except SetupError as error:  # the script is to report it
                obstacle = error
        session = ScriptSession(
            script_class, text, setup, index=index, log_level=log_level, view=view, obstacle=obstacle
        )
        begin = afternoon(night) if request.resumed is None else time_of_resumption(request.resumed)
        try:
            return clock.run(session.run, start_tai=begin)
        finally:
            view.end()


@contextmanager
def alone(setup: SimulationSetup) -> Iterator[None]:
    """Keep other simulations from the images of a repository; in a database, from those of the same night.

    Parameters
    ----------
    setup
        Whose repository is there.

    Yields
    ------
    None
        While they are kept from them.

    Raises
    ------
    SetupError
        Another one uses them, or the file system refused; nothing was exposed.
    """
    with ExitStack() as held:
        try:
            held.enter_context(ImageFolder(setup.images, setup.instrument.code).alone())
        except ImagesInUse as error:
            advice = "wait until it has ended, or name another repository"
            if is_in_database(setup.repository):
                advice += " or --date"
            raise SetupError(f"{setup.repository}: {error}: {advice}. Nothing was exposed.") from None
        except OSError as error:
            raise SetupError(f"{error}. Nothing was exposed.") from None
        yield


def plan_run(script_class: type[BaseMakeCalibrations], text: str, request: RunRequest) -> int:
    """Print what a run would take, and touch nothing.

    Parameters
    ----------
    script_class, text, request
        As for `simulate_run`.

    Returns
    -------
    status
        0, or 2 if the script would refuse the configuration.
    """
    findings = _examine(script_class, text, request)
    setup, _ = _setup(script_class.instrument, findings, request)
    check_setup(setup, _name_of_repository(request))
    return show_plan(findings, setup, Console())


def _examine(script_class: type[BaseMakeCalibrations], text: str, request: RunRequest) -> Findings:
    """What the script reads in its configuration, on the observing day that was asked for."""
    day = int((request.night or DEFAULT_NIGHT).strftime("%Y%m%d"))
    return examine(text, script_class.get_schema(), script_class.instrument, day)


def _setup(instrument: Instrument, findings: Findings, request: RunRequest) -> tuple[SimulationSetup, date]:
    """The simulation that a configuration asks for, and its night."""
    _refuse_resumption(findings)
    night = request.night or _usual_night(findings.config)
    setup = SimulationSetup(
        instrument=instrument,
        config=findings.config or replace(CalibrationConfig.from_namespace({}, instrument), detectors=()),
        settings=replace(request.settings(_repository(request, findings.config), night), draw_page=True),
        faults=request.faults,
        part=len(request.resumed.parts) if request.resumed else 0,
        batch=request.batch,
        database=request.database,
    )
    return setup, night


def _usual_night(config: CalibrationConfig | None) -> date:
    """Date of the simulated night: one in the validity range if calibrations are to be certified."""
    usual = datetime(DEFAULT_NIGHT.year, DEFAULT_NIGHT.month, DEFAULT_NIGHT.day, HOUR)
    if config is None or not config.generate_calibrations:
        return DEFAULT_NIGHT
    if config.certify_begin <= usual < config.certify_end:
        return DEFAULT_NIGHT
    return max(config.certify_begin.date(), FIRST_NIGHT)


def _refuse_resumption(findings: Findings) -> None:
    """Raise click.UsageError if a configuration asks to resume a run, as it may in the queue."""
    try:
        folder = asked_for(findings.read, findings.misread)
    except ResumptionError as error:
        raise click.UsageError(f"{error} On the command line the option is --resume DIR.") from None
    if folder is not None:
        raise click.UsageError(f"to resume a run on the command line say --resume {shlex.quote(str(folder))}")


def check_setup(setup: SimulationSetup, repository: str, *, is_used: bool = True) -> SimulatedObservatory:
    """See whether a simulated observatory is possible, without touching anything.

    Parameters
    ----------
    setup, repository
        Setup of the simulation, and how messages name its repository.
    is_used
        Whether the repository will be opened: not if the script refuses its configuration.

    Returns
    -------
    observatory
        Not yet running.

    Raises
    ------
    click.UsageError
        The repository cannot be used, or a fault is not possible; nothing was touched.
    """
    _check_paths(setup)
    try:
        if os.path.realpath(setup.repository) != os.path.realpath(setup.settings.folder / "repo"):
            _check_apart(setup.repository, setup.settings.folder)
            _check_kept(setup)
        if is_used and is_complete(setup.repository):
            check_opens(setup.repository)
    except ValueError as error:
        raise click.UsageError(
            f"{repository} {setup.repository}: {one_line(error)}. Nothing was touched."
        ) from None
    try:
        return setup.observatory()
    except FaultError as error:
        raise click.UsageError(f"--fault: {error}. Nothing was touched.") from None


def _check_paths(setup: SimulationSetup) -> None:
    """Raise click.UsageError if the Butler cannot have a path, or the commands of the batch system."""
    for path in (setup.settings.folder, setup.repository):
        if escaped := ESCAPED.search(str(path)):
            raise click.UsageError(
                f"{path}: the Butler would read {escaped[0]} as another character. Nothing was touched."
            )
        if setup.batch is not None and (problem := command_problem(path)):
            raise click.UsageError(f"--batch: {path}: {problem}. Nothing was touched.")


def _check_kept(setup: SimulationSetup) -> None:
    """Raise ValueError if a repository that is kept cannot be used, or not with the faults asked for."""
    if setup.database is None:
        check_repository(setup.repository, setup.properties)
    else:
        setup.database.check(setup.repository, setup.properties)
    if setup.database is not None or is_in_database(setup.repository):
        for fault in setup.faults:
            if fault.partition(":")[0] in SQLITE_FAULTS:
                raise ValueError(f"the fault {fault} acts on a SQLite file, which it does not have")


def _check_apart(repository: Path, folder: Path) -> None:
    """Raise ValueError if a repository that is kept is not apart from a run directory."""
    kept, run = (Path(os.path.realpath(path)) for path in (repository, folder))
    if kept == run:
        raise ValueError("it is the run directory, too")
    if kept in run.parents:
        raise ValueError(f"the run directory {folder} is in it, where the Butler keeps its own; name another")
    if run in kept.parents:
        raise ValueError(f"it is in the run directory {folder}, whose own is {folder / 'repo'}; name another")


def _name_of_repository(request: RunRequest) -> str:
    """Name of the option that says where the repository is."""
    if request.resumed is not None:
        return "repository"
    return "repo" if request.repository is None else "--repo"


def _repository(request: RunRequest, config: CalibrationConfig | None) -> Path:
    """Where the repository of the run is.

    The name of one of the observatory's repositories stands for the simulated one; any other ``repo`` of the
    configuration is a path, and must be that of an earlier simulated repository.
    """
    if (kept := request.kept_repository()) is not None:
        return kept
    if config is None or config.repo.startswith(LABELS):
        return request.folder / "repo"
    if is_address(config.repo):  # not shown: it may have a password
        raise click.UsageError("repo: it is no path; name a database with --repo. Nothing was touched.")
    path = Path(config.repo).absolute()
    problem = path_problem(path) or (None if path.exists() else "there is no such repository")
    if problem is not None:
        raise click.UsageError(f"repo {one_line(config.repo, 80)}: {problem}. Nothing was touched.")
    return path
