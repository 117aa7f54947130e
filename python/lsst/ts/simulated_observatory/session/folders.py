"""The folder of a run on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import click

__all__ = ["new_folder", "run_folder"]


def run_folder(out: Path | None, script: str) -> Path:
    """Decide on the folder of a run, without making it.

    Parameters
    ----------
    out
        As asked for; None for the next free one below ``runs/``.
    script
        Name of the script, for the folder's name.

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
