"""What an exposure is, as the Butler has it, and whether it is that of the journal.

A number is no proof: another controller counts its images as well, and a camera that was set up anew begins
with the first one again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.errors import ArchiveError
from ..domain.text import one_line, some_of
from ..journal.record import ExposureRecord, RunRecord

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord

__all__ = ["ArchivedExposure", "ArchivedImage", "another", "check_exposures"]

MOST_NAMED = 3  # exposures that are named in one message


@dataclass(frozen=True)
class ArchivedExposure:
    """What an exposure is, beside its number."""

    obs_id: str
    """Image name."""
    group: str
    """Name of its group."""
    image_type: str
    """Type in capitals."""
    exp_time: float
    """Exposure time [s]."""

    @classmethod
    def from_record(cls, record: DimensionRecord) -> ArchivedExposure:
        """Read what is registered.

        Parameters
        ----------
        record
            Of the dimension ``exposure``.

        Returns
        -------
        exposure
            What it is.
        """
        kind, seconds = str(record.observation_type).upper(), float(record.exposure_time or 0.0)
        return cls(str(record.obs_id), str(record.group), kind, seconds)

    def is_like(self, image_type: str, exp_time: float) -> bool:
        """Tell whether it is of a type and, as far as a measured time can be, of an exposure time.

        Parameters
        ----------
        image_type, exp_time
            Type in capitals, and the time [s] that the camera was asked for.

        Returns
        -------
        is_like
        """
        same_time = math.isclose(self.exp_time, exp_time, rel_tol=0.01, abs_tol=0.1)
        return self.image_type == image_type and same_time


@dataclass(frozen=True)
class ArchivedImage:
    """A raw image as the Butler has it."""

    physical_filter: str | None
    """Filter and grating; None if the image has none."""
    files: tuple[str, ...]
    """Path, or address, of the file of each detector."""
    exposure: ArchivedExposure | None = None
    """What it is; None if that is not known."""


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
        and found.is_like(taken.image_type, taken.exp_time)
        and exposure.group_id in (None, found.group)
    ):
        return None
    group = "" if exposure.group_id is None else f", group {exposure.group_id}"
    return one_line(
        f"exposure {taken.id} of the Butler is {found.obs_id}, {found.image_type} of {found.exp_time:g} s,"
        f" group {found.group}, and not {taken.obs_id}, {taken.image_type} of {taken.exp_time:g} s{group}"
    )


def check_exposures(found: Mapping[int, ArchivedExposure], record: RunRecord) -> None:
    """See whether the Butler still has exposures of the run under their numbers.

    Parameters
    ----------
    found, record
        What the Butler has, by exposure id, and what the journal has; none that the run has not taken.

    Raises
    ------
    ArchiveError
        Some are others; they must not be used.
    """
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
