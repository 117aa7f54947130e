"""Which script a path means."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lsst.ts.calibrations import get_scripts_dir
from lsst.ts.calibrations.domain.text import one_line

if TYPE_CHECKING:
    from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations

__all__ = ["SCRIPTS", "find_script", "script_of_run"]

SCRIPTS = (
    *sorted(str(path.relative_to(get_scripts_dir())) for path in get_scripts_dir().glob("*tel/*.py")),
    "maintel/make_latiss_calibrations.py",
)
"""Paths of the scripts as the queues list them; one page lists LATISS under maintel."""


def find_script(path: str) -> type[BaseMakeCalibrations]:
    """Find the script at a path.

    Parameters
    ----------
    path
        As the ATQueue or the MTQueue lists it, or of the file itself.

    Returns
    -------
    script
        Its class.

    Raises
    ------
    click.UsageError
        There is no such script.
    """
    file = Path(path)
    name = "/".join(file.parts[-2:])
    shown = one_line(repr(path), 80)
    if _is_file(file) and get_scripts_dir() not in file.resolve().parents:
        raise click.UsageError(f"{shown} is a file of another package; only {', '.join(SCRIPTS)} run here")
    if name not in SCRIPTS or (len(file.parts) > 2 and not _is_file(file)):
        near = difflib.get_close_matches(name, SCRIPTS, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"there is no script {shown}.{hint} Scripts are: {', '.join(SCRIPTS)}")
    folder, _, stem = name.removesuffix(".py").partition("/")
    package = importlib.import_module(f"lsst.ts.calibrations.{'auxtel' if 'latiss' in stem else folder}")
    # The class has the name of the file: make_comcam_calibrations.py is MakeComCamCalibrations.
    classes = {each.lower(): each for each in package.__all__}
    script: type[BaseMakeCalibrations] = getattr(package, classes[stem.replace("_", "")])
    return script


def script_of_run(folder: Path) -> str:
    """Find out which script a run is of.

    Parameters
    ----------
    folder
        Its run directory.

    Returns
    -------
    path
        As the queues list it.

    Raises
    ------
    click.UsageError
        There is no run, or it is of no script that is here.
    """
    from lsst.ts.calibrations.journal.resumption import ResumptionError, configured_run

    try:
        name = configured_run(folder.absolute()).script
    except ResumptionError as error:
        raise click.UsageError(f"--resume: {error}") from None
    paths = [path for path in SCRIPTS if find_script(path).__name__ == name]
    if not paths:
        raise click.UsageError(
            f"--resume: {folder} is a run of {one_line(repr(name), 80)}, which is no script of this package."
            " Nothing was touched."
        )
    return paths[0]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file can have such a name, or it is not for us
        return False
