"""What an exposure is, as the Butler has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord

__all__ = ["ArchivedExposure", "ArchivedImage"]


@dataclass(frozen=True)
class ArchivedExposure:
    """What an exposure is, beside its number.

    Parameters
    ----------
    obs_id, group, image_type, exp_time
        Image name, group, type in capitals, and exposure time [s].
    """

    obs_id: str
    group: str
    image_type: str
    exp_time: float

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


@dataclass(frozen=True)
class ArchivedImage:
    """A raw image as the Butler has it."""

    physical_filter: str | None
    """Filter and grating; None if the image has none."""
    files: tuple[str, ...]
    """Path, or address, of the file of each detector."""
    exposure: ArchivedExposure | None = None
    """What it is; None if that is not known."""
