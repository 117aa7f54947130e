"""Deleting what of a run is needed no more: the processed images, by the Butler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from lsst.ts.calibrations.domain.text import one_line

from ..repository.opening import check_opens
from ..repository.repository import is_complete

__all__ = ["clean"]

PROCESSED = ("cp*Proc", "verify*Proc")
"""Dataset types of processed images, which pipelines hand on to each other."""


def clean(folder: Path, summary: Mapping[str, Any], console: Console, *, yes: bool) -> None:
    """Delete the processed images of the jobs of a run.

    Parameters
    ----------
    folder, summary, console
        Run directory, its summary, and where to print.
    yes
        Whether not to ask.

    Raises
    ------
    click.UsageError
        The run is not a simulated one, or its repository is not there or cannot be opened.
    """
    if not summary["simulated"]:
        raise click.UsageError("this run is not simulated: --clean touches no repository of the observatory")
    repository = Path(summary["repo"] or folder / "repo")
    if not is_complete(repository):
        raise click.UsageError(f"{repository}: there is no simulated repository")
    try:
        check_opens(repository)
    except ValueError as error:
        raise click.UsageError(f"{repository}: {one_line(error)}. Nothing was deleted.") from None
    from lsst.daf.butler import Butler

    runs = [f"{each['collection']}/run" for each in summary["jobs"]]
    with Butler.from_config(str(repository), writeable=True) as butler:
        known = {info.name for info in butler.collections.query_info("*")}
        refs = [
            ref
            for kind in butler.registry.queryDatasetTypes(PROCESSED)
            for ref in butler.registry.queryDatasets(
                kind, collections=[each for each in runs if each in known]
            )
            if butler.stored(ref)
        ]
        size = sum(butler.getURI(ref).size() for ref in refs)
        console.print(
            f"{len(refs)} processed images in {repository}: {size / 1e6:.0f} MB. Raw images, calibrations,"
            " results and logs stay.",
            highlight=False,
        )
        if not refs:
            return
        if not yes and not click.confirm("Delete them?"):
            console.print("Nothing was deleted.")
            return
        butler.pruneDatasets(refs, disassociate=True, unstore=True, purge=True)
    console.print(f"Deleted: {size / 1e6:.0f} MB.", highlight=False)
