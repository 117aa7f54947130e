"""Filters and gratings of an instrument, wherever they are mounted: in a spectrograph or in the camera."""

from __future__ import annotations

from ...domain.instruments import Instrument
from ...domain.optics import MountedOptics
from ..optical_path import OpticalPath
from .filter_changers import CAMERA_FILTERS, find_filter
from .wheels import FILTERS, GRATINGS, find_slot

__all__ = ["all_mounted", "band_of", "mounted_optics", "usual_optics"]


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


def all_mounted(instrument: Instrument) -> MountedOptics:
    """Everything that the instrument can put into the beam, as it publishes it."""
    if instrument.spectrograph is None:
        filters = tuple(each.name for each in CAMERA_FILTERS[instrument.name])
        return MountedOptics(instrument.camera, filters)
    wheels = (tuple(slot.name for slot in slots) for slots in (FILTERS, GRATINGS))
    return MountedOptics(instrument.spectrograph, *wheels)


def usual_optics(instrument: Instrument) -> OpticalPath:
    """What is in the beam at the beginning of a simulation: the r filter and no grating."""
    if instrument.spectrograph is not None:
        return OpticalPath("SDSSr_65mm", "empty_1")
    return OpticalPath(next(each.name for each in CAMERA_FILTERS[instrument.name] if each.band == "r"))


def mounted_optics(
    instrument: Instrument, present: OpticalPath, filter_: str | int | None, grating: str | int | None
) -> OpticalPath:
    """What will be in the beam when a filter and a grating were asked for.

    Parameters
    ----------
    instrument
        Which.
    present
        What is in the beam.
    filter_, grating
        Name or slot; None leaves what is there.

    Raises
    ------
    ValueError
        It is not mounted.
    """
    mounted = all_mounted(instrument)
    names = mounted.set_up((present.filter, present.grating), filter_, grating)
    if names is None:
        raise ValueError("; ".join(mounted.problems(filter_, grating)))
    return OpticalPath(*names)
