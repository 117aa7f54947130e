"""Filters and gratings of an instrument, wherever they are mounted: in a spectrograph or in the camera."""

from __future__ import annotations

from collections.abc import Sequence

from ...domain.instruments import Instrument
from ..optical_path import OpticalPath
from .filter_changers import CAMERA_FILTERS, find_filter
from .wheels import FILTERS, GRATINGS, Slot, find_slot

__all__ = ["band_of", "mounted_optics", "usual_optics"]


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
    if instrument.spectrograph is None:
        return OpticalPath(present.filter if filter_ is None else find_filter(instrument, str(filter_)).name)
    return OpticalPath(
        present.filter if filter_ is None else _mounted(FILTERS, filter_),
        present.grating if grating is None else _mounted(GRATINGS, grating),
    )


def _mounted(slots: Sequence[Slot], asked: str | int) -> str:
    number, name = (asked, "") if isinstance(asked, int) else (0, asked)
    return slots[find_slot(slots, number, name)].name
