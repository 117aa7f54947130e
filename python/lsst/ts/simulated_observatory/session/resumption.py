"""The option ``--resume`` of the command: as when the run began, but for faults and where jobs run."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, StepKind, step_name
from lsst.ts.calibrations.domain.text import one_line
from lsst.ts.calibrations.journal.facts import RunConfigured
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import ResumptionError, resume_run

from ..repository.repository import has_measured_reference, is_complete
from .checks import MOST_SCALE, MOST_SEED, is_collection, path_problem
from .request import RunRequest

if TYPE_CHECKING:
    from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations

__all__ = ["PAUSE", "resumed_request", "time_of_resumption"]

PAUSE = 60.0
"""Simulated seconds between the end of a run and its resumption: the camera ends what it had begun."""

FIXED = {
    "config_file": "-c",
    "parameters": "-p",
    "out": "--out",
    "repo": "--repo",
    "scale": "--scale",
    "seed": "--seed",
    "date": "--date",
    "collections": "--collection",
    "reference": "--reference",
}
"""Options that a resumed run has from its journal, by the name of their parameter."""


def _refuse_options(context: click.Context) -> None:
    """Refuse options that a resumed run has from its journal."""
    given = [
        option
        for name, option in FIXED.items()
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(
            f"--resume together with {', '.join(given)}: a run goes on with the configuration and the options"
            " with which it began. Nothing was touched."
        )


def resumed_request(
    context: click.Context,
    folder: Path,
    script_class: type[BaseMakeCalibrations],
    faults: tuple[str, ...],
    batch: str | None = None,
) -> tuple[str, RunRequest]:
    """Read with what a run began that is to go on.

    Parameters
    ----------
    context
        Which options the command was given.
    folder, script_class
        Its run directory, and the script that is to go on with it.
    faults, batch
        What goes wrong from now on, and where jobs run from now on.

    Returns
    -------
    text, request
        Its configuration text, and what is asked of the simulation.

    Raises
    ------
    click.UsageError
        It cannot go on, or an option was given that it has from its journal; nothing was touched.
    """
    _refuse_options(context)
    folder = folder.absolute()
    try:
        resumption = resume_run(folder, script_class.__name__)
        resumption.journal.close()  # the script opens it again
        resumption.check_place(simulated=True, in_process=True)
    except ResumptionError as error:
        raise click.UsageError(f"--resume: {error}") from None
    if rejected := _rejected(resumption.record):
        raise click.UsageError(
            f"--resume: {rejected} was rejected. Resuming {folder} cannot change that; start a new run."
            " Nothing was touched."
        )
    configured = resumption.configured
    if (strange := _strange(configured)) is not None:
        raise click.UsageError(f"--resume: the journal of {folder} has {strange}. Nothing was touched.")
    repository = Path(configured.repository or "")
    if configured.date is None or not is_complete(repository):
        raise click.UsageError(
            f"--resume: the repository of the run, {repository}, is not there any more; a run directory"
            " cannot be moved. Nothing was touched."
        )
    try:
        measured = has_measured_reference(repository)
    except ValueError as error:
        raise click.UsageError(
            f"--resume: the repository {repository}: {error}. Nothing was touched."
        ) from None
    return configured.text, RunRequest(
        folder=folder,
        repository=repository,
        scale=1 if configured.scale is None else configured.scale,
        seed=0 if configured.seed is None else configured.seed,
        night=date.fromisoformat(configured.date),
        collections=configured.collections,
        faults=faults,
        batch=batch,
        resumed=resumption.record,
        measured=measured,
    )


def _rejected(record: RunRecord) -> str:
    """Name the calibration whose rejection has ended a run: the same images would be judged again."""
    not_done = {each.step for each in record.not_done}
    return next(
        (
            name
            for name, verdict in record.verdicts.items()
            if verdict.complete and not verdict.passed and CALIBRATIONS[name].halts
            if step_name(StepKind.CERTIFY, name) in not_done
        ),
        "",
    )


def _strange(configured: RunConfigured) -> str | None:
    """Name what the command would never have begun a run with; None if there is nothing."""
    scale, seed = configured.scale, configured.seed
    if scale is None or seed is None or not (1 <= scale <= MOST_SCALE and 0 <= seed <= MOST_SEED):
        return f"scale {scale} and seed {seed}"
    try:
        date.fromisoformat(configured.date or f"{date.min}")
    except ValueError:
        return f"date {one_line(repr(configured.date), 80)}"
    for name in configured.collections:
        if not is_collection(name):
            return f"collection {one_line(repr(name), 80)}"
    repository = Path(configured.repository or "/")
    if not repository.is_absolute() or path_problem(repository) is not None:
        return f"repository {one_line(repr(configured.repository), 80)}"
    return None


def time_of_resumption(record: RunRecord) -> float:
    """Decide when a run goes on: after all that its journal has, and after what was under way.

    Parameters
    ----------
    record
        What the run did so far.

    Returns
    -------
    time
        TAI unix seconds.
    """
    end = max(part.end for part in record.parts)
    if record.begun is not None:
        end = max(end, record.begun.time + record.begun.exp_time)
    return end + PAUSE
