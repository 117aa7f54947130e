"""What is mounted in the filter changers of the simulated cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import Instrument

__all__ = ["CAMERA_FILTERS", "MountedFilter", "find_filter"]


@dataclass(frozen=True)
class MountedFilter:
    """A filter in the changer of a camera.

    Parameters
    ----------
    name, band
        As the header has them.
    slot
        Its place.
    position
        What the changer measures when it is in the beam: encoder (LSSTComCam) or proximity sensor (LSSTCam).
    """

    name: str
    band: str
    slot: int
    position: float


CAMERA_FILTERS: Mapping[str, tuple[MountedFilter, ...]] = {
    "LSSTComCam": (
        MountedFilter("i_06", "i", 1, 71955.0),
        MountedFilter("r_03", "r", 2, 38189.0),
        MountedFilter("g_01", "g", 3, 4423.07),
    ),
    "LSSTCam": (
        MountedFilter("z_20", "z", 1, 305.0),
        MountedFilter("i_39", "i", 2, 309.0),
        MountedFilter("g_6", "g", 3, 312.0),
        MountedFilter("y_10", "y", 4, 287.0),
        MountedFilter("r_57", "r", 5, 314.0),
    ),
}
"""By instrument; slot and position of g_01, i_39, r_57 and the position of y_10 are those of real headers,
the others are invented."""


def find_filter(instrument: Instrument, name: str) -> MountedFilter:
    """Find a filter in the changer of a camera.

    Raises
    ------
    ValueError
        It is not mounted.
    """
    mounted = {each.name: each for each in CAMERA_FILTERS[instrument.name]}
    if name not in mounted:
        raise ValueError(f"{name!r} is not mounted; mounted are {', '.join(mounted)}")
    return mounted[name]
