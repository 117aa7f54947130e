"""Filter and grating that light meets on its way to the detectors."""

from __future__ import annotations

from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import Instrument, physical_filter

from ..cameras import CAMERAS

__all__ = ["OpticalPath", "usual_optics"]


@dataclass
class OpticalPath:
    """Filter and grating that are in use; spectrograph or filter changer change them."""

    filter: str
    """Name of the filter, e.g. ``SDSSr_65mm`` or ``r_57``."""
    grating: str | None = None
    """Name of the grating, e.g. ``empty_1``; None for a camera without spectrograph."""

    @property
    def physical_filter(self) -> str:
        """Name in the Butler: of the combination, ``SDSSr_65mm~empty``, or of the filter, ``r_57``."""
        return physical_filter(self.filter, self.grating)


def usual_optics(instrument: Instrument) -> OpticalPath:
    """Filter and grating at the beginning of a simulation.

    Parameters
    ----------
    instrument
        Which.

    Returns
    -------
    optics
        The r filter and no grating.
    """
    mounted = CAMERAS[instrument.name]
    red = next(each.name for each in mounted.filters if each.band == "r")
    return OpticalPath(red, next((each.name for each in mounted.gratings if each.band == "EMPTY"), None))
