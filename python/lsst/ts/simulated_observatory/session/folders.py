"""The folder of a run on the command line, and whether the disk has room for what the run makes."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ..cameras.models import DetectorModel

__all__ = ["check_disk", "new_folder", "run_folder"]

RAW_BYTES = 2.2
"""On disk, for each pixel of a Rice-compressed raw image, overscan included."""

PROCESSED_BYTES = 12.0
"""For each pixel of the imaging areas: two images with their masks come of each raw image."""

RESERVE = 2e9
"""Bytes that stay free."""


def run_folder(out: Path | None, script: str) -> Path:
    """Decide on the folder of a run, without making it.

    Parameters
    ----------
    out, script
        As asked for, or None for the next free one below ``runs/``, which the name of the script begins.

    Returns
    -------
    folder
        Absolute path.

    Raises
    ------
    click.UsageError
        It cannot be used: not empty, not a folder, not writable.
    """
    if out is None:
        return _next_free(Path("runs").absolute(), script)
    out = out.absolute()
    if out.is_dir():
        if not os.access(out, os.W_OK | os.X_OK):
            raise click.UsageError(f"--out {out}: it is not writable. Nothing was touched.")
        if any(out.iterdir()):
            raise click.UsageError(f"--out {out}: it is not empty. Nothing was touched; name a new folder.")
        return out
    if out.exists() or out.is_symlink():
        raise click.UsageError(f"--out {out}: it is there and is no folder. Nothing was touched.")
    above = next(folder for folder in out.parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise click.UsageError(
            f"--out {out}: {above} is not a folder that can be written to. Nothing was touched."
        )
    return out


def new_folder(folder: Path) -> None:
    """Make the folder of a run.

    Parameters
    ----------
    folder
        As `run_folder` has decided.

    Raises
    ------
    click.UsageError
        The file system refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--out {folder}: it cannot be made: {error.strerror}") from None


def _next_free(runs: Path, script: str) -> Path:
    taken = {entry.name for entry in runs.iterdir()} if runs.is_dir() else set()
    numbers = (number for number in range(1, len(taken) + 2) if f"{script}-{number:03d}" not in taken)
    return runs / f"{script}-{next(numbers):03d}"


def check_disk(exposures: Mapping[Path, int], models: Sequence[DetectorModel]) -> None:
    """See whether the images of so many exposures, and what is made of them, fit the disk.

    Parameters
    ----------
    exposures
        How many go into each folder, there or not yet; folders on the same disk share what is free.
    models
        Camera models of the detectors with pixels.

    Raises
    ------
    ValueError
        They do not fit; the message says how many detectors would, and what else to do.
    """
    places = [next(path for path in (folder, *folder.parents) if path.exists()) for folder in exposures]
    on_disk: Counter[int] = Counter()
    for place, number in zip(places, exposures.values(), strict=True):
        on_disk[place.stat().st_dev] += number
    of_one = sum(_bytes(model) for model in models)
    short = [
        (of_one * on_disk[place.stat().st_dev] + RESERVE, shutil.disk_usage(place).free, place)
        for place in places
    ]
    needed, free, place = max(short, key=lambda each: each[0] / max(each[1], 1))
    if free < needed:
        raise ValueError(_proposal(needed, free, place, models))


def _proposal(needed: float, free: float, place: Path, models: Sequence[DetectorModel]) -> str:
    fitting = max(0, int((free - RESERVE) / (needed - RESERVE) * len(models)))
    some = ", ".join(str(model.id) for model in models[: min(fitting, 3)])
    fewer = f"there is room for {fitting} of the {len(models)} detectors, e.g. detectors: [{some}]; or "
    return (
        f"the run and its reference calibrations need about {needed / 1e9:.1f} GB in {place}, where"
        f" {free / 1e9:.1f} GB are free. Nothing was exposed; {fewer if fitting else ''}take fewer images, or"
        f" a larger --scale than {models[0].scale}"
    )


def _bytes(model: DetectorModel) -> float:
    """Bytes of one exposure of a detector and of what is made of it."""
    raw = sum(rows * columns for rows, columns in (each.raw_shape for each in model.amplifiers))
    return RAW_BYTES * raw + PROCESSED_BYTES * model.width * model.height
