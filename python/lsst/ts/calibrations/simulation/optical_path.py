"""What light meets on its way to the detectors; the spectrograph changes it, the camera looks through it."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["OpticalPath"]

_EMPTY_SLOT = re.compile(r"^empty(_\d+)?$")


@dataclass
class OpticalPath:
    """Filter and grating in the beam.

    Parameters
    ----------
    filter
        Name of the filter, e.g. ``SDSSr_65mm``.
    grating
        Name of the grating, e.g. ``empty_1``; None for a camera without spectrograph.
    """

    filter: str
    grating: str | None = None

    @property
    def physical_filter(self) -> str:
        """Name of the combination in the Butler, e.g. ``SDSSr_65mm~empty``."""
        parts = [self.filter] if self.grating is None else [self.filter, self.grating]
        return "~".join("empty" if _EMPTY_SLOT.match(part) else part for part in parts)
