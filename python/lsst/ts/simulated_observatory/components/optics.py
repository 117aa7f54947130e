"""What light meets on its way to the detectors, and what each instrument can put there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import Instrument, physical_filter

from ..cameras import CAMERAS
from ..cameras.camera_data import MountedFilter

__all__ = ["MOUNTED", "Mounted", "MountedFilter", "OpticalPath", "band_of", "usual_optics"]


@dataclass
class OpticalPath:
    """Filter and grating that are in use; spectrograph or filter changer change them.

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


@dataclass(frozen=True)
class Mounted:
    """Filters and gratings that are mounted in an instrument.

    Parameters
    ----------
    filters
        In the order in which the instrument publishes them.
    gratings
        Of the spectrograph; empty if there is none.
    change_time
        Seconds that a change takes.
    """

    filters: tuple[MountedFilter, ...]
    gratings: tuple[MountedFilter, ...] = ()
    change_time: float = 4.0

    def filter(self, name: str) -> MountedFilter:
        """Find a filter.

        Parameters
        ----------
        name
            As the header has it.

        Returns
        -------
        filter
            With its place.

        Raises
        ------
        ValueError
            It is not mounted.
        """
        by_name = {each.name: each for each in self.filters}
        if name not in by_name:
            raise ValueError(f"{name!r} is not mounted; mounted are {', '.join(by_name)}")
        return by_name[name]


MOUNTED: Mapping[str, Mounted] = {
    name: Mounted(camera.filters, camera.gratings, camera.change_time) for name, camera in CAMERAS.items()
}
"""By instrument."""


def band_of(instrument: Instrument, name: str) -> str:
    """Band of a mounted filter.

    Parameters
    ----------
    instrument
        Whose filter.
    name
        As the header has it.

    Returns
    -------
    band
        As the header has it; ``EMPTY`` for an empty place.

    Raises
    ------
    ValueError
        It is not mounted.
    """
    return MOUNTED[instrument.name].filter(name).band


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
    mounted = MOUNTED[instrument.name]
    gratings = [each.name for each in mounted.gratings if each.band == "EMPTY"]
    return OpticalPath(
        next(each.name for each in mounted.filters if each.band == "r"), gratings[0] if gratings else None
    )
