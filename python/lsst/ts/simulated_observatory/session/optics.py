"""What a simulated instrument can put into the beam, as the script reads it."""

from __future__ import annotations

from lsst.ts.calibrations.domain.instruments import Instrument
from lsst.ts.calibrations.domain.optics import MountedOptics

from ..components.filter_changers import CAMERA_FILTERS
from ..components.optical_path import OpticalPath
from ..components.wheels import FILTERS, GRATINGS

__all__ = ["all_mounted", "mounted_optics"]


def all_mounted(instrument: Instrument) -> MountedOptics:
    """Everything that the instrument can put into the beam, as it publishes it."""
    if instrument.spectrograph is None:
        filters = tuple(each.name for each in CAMERA_FILTERS[instrument.name])
        return MountedOptics(instrument.camera, filters)
    wheels = (tuple(slot.name for slot in slots) for slots in (FILTERS, GRATINGS))
    return MountedOptics(instrument.spectrograph, *wheels)


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
