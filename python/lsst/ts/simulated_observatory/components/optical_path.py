"""What light meets on its way to the detectors; spectrograph or filter changer change it."""

from __future__ import annotations

from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import physical_filter

__all__ = ["OpticalPath"]


@dataclass
class OpticalPath:
    """Filter and grating in the beam.

    Parameters
    ----------
    filter
        Name of the filter, e.g. ``SDSSr_65mm`` or ``r_57``.
    grating
        Name of the grating, e.g. ``empty_1``; None for a camera without spectrograph.
    """

    filter: str
    grating: str | None = None

    @property
    def physical_filter(self) -> str:
        """Name in the Butler: of the combination, ``SDSSr_65mm~empty``, or of the filter, ``r_57``."""
        return physical_filter(self.filter, self.grating)
