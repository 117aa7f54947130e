"""Whether what the Butler has under the number of an exposure is that exposure.

A number is no proof: another controller counts its images as well, and a camera that was set up anew begins
with the first one again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..butler.archive import Archive
from ..butler.exposures import ArchivedExposure
from ..domain.errors import ArchiveError
from ..domain.text import one_line, some_of
from ..journal.record import ExposureRecord, RunRecord

__all__ = ["another", "check_exposures"]

MOST_NAMED = 3
"""Exposures that are named in one message."""


def another(exposure: ExposureRecord, found: ArchivedExposure | None) -> str | None:
    """Compare an exposure of the journal with what the Butler has under its number.

    Parameters
    ----------
    exposure, found
        As the journal has it, and as the Butler has it; None if the Butler does not say.

    Returns
    -------
    difference
        In words, with both names; None if they are the same.
    """
    taken = exposure.taken
    if found is None or (
        found.obs_id == taken.obs_id
        and found.image_type == taken.image_type
        and math.isclose(found.exp_time, taken.exp_time, rel_tol=0.01, abs_tol=0.1)
        and exposure.group_id in (None, found.group)
    ):
        return None
    group = "" if exposure.group_id is None else f", group {exposure.group_id}"
    return one_line(
        f"exposure {taken.id} of the Butler is {found.obs_id}, {found.image_type} of {found.exp_time:g} s,"
        f" group {found.group}, and not {taken.obs_id}, {taken.image_type} of {taken.exp_time:g} s{group}"
    )


async def check_exposures(exposures: Iterable[int], record: RunRecord, archive: Archive) -> None:
    """See whether the Butler still has the exposures of the run under their numbers.

    Parameters
    ----------
    exposures
        Their ids; none that the run has not taken.
    record, archive
        What the journal has, and what reads the Butler.

    Raises
    ------
    ArchiveError
        Some are others; they must not be used.
    """
    found = await archive.exposures(tuple(exposures))
    differences = [
        difference
        for number, each in found.items()
        if (difference := another(record.exposures[number], each)) is not None
    ]
    if differences:
        raise ArchiveError(
            some_of(differences, MOST_NAMED, "; "),
            kept="They are not used; nothing was changed.",
            advice="Find out what has changed the repository; a resumed run takes these images again.",
        )
