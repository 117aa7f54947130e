"""Filters and gratings of an instrument, wherever they are mounted: in a spectrograph or in the camera."""

from __future__ import annotations

from lsst.ts.calibrations.domain.instruments import Instrument

from .filter_changers import CAMERA_FILTERS, find_filter
from .optical_path import OpticalPath
from .wheels import FILTERS, find_slot

__all__ = ["band_of", "usual_optics"]


def band_of(instrument: Instrument, name: str) -> str:
    """Band of a mounted filter.

    Raises
    ------
    ValueError
        It is not mounted.
    """
    if instrument.spectrograph is not None:
        return FILTERS[find_slot(FILTERS, 0, name)].band
    return find_filter(instrument, name).band


def usual_optics(instrument: Instrument) -> OpticalPath:
    """What is in the beam at the beginning of a simulation: the r filter and no grating."""
    if instrument.spectrograph is not None:
        return OpticalPath("SDSSr_65mm", "empty_1")
    return OpticalPath(next(each.name for each in CAMERA_FILTERS[instrument.name] if each.band == "r"))
