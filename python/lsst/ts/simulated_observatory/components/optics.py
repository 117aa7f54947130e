"""What light meets on its way to the detectors, and what each instrument can put there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import Instrument, physical_filter

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
class MountedFilter:
    """A filter, a grating, or an empty place.

    Parameters
    ----------
    name, band
        As the header has them.
    slot
        Its place in the wheel or changer.
    wavelength
        Central wavelength, nm; 0 if it has none or does not publish it.
    position
        What the changer of a camera measures when it is in use: encoder (LSSTComCam) or proximity sensor
        (LSSTCam).
    """

    name: str
    band: str
    slot: int
    wavelength: float = 0.0
    position: float = 0.0


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
    "LATISS": Mounted(
        filters=(
            MountedFilter("empty_1", "EMPTY", 0),
            MountedFilter("SDSSg_65mm", "g", 1, wavelength=476.4),
            MountedFilter("SDSSr_65mm", "r", 2, wavelength=622.3),
            MountedFilter("SDSSz_65mm", "z", 3, wavelength=905.0),
        ),
        gratings=(
            MountedFilter("empty_1", "EMPTY", 0),
            MountedFilter("holo4_003", "EMPTY", 1),
            MountedFilter("blue300lpmm_qn1", "EMPTY", 2),
            MountedFilter("SDSSy_65mm", "y", 3, wavelength=1004.0),
        ),
    ),
    "LSSTComCam": Mounted(
        filters=(
            MountedFilter("i_06", "i", 1, position=71955.0),
            MountedFilter("r_03", "r", 2, position=38189.0),
            MountedFilter("g_01", "g", 3, position=4423.07),
        ),
        change_time=20.0,
    ),
    "LSSTCam": Mounted(
        filters=(
            MountedFilter("z_20", "z", 1, position=305.0),
            MountedFilter("i_39", "i", 2, position=309.0),
            MountedFilter("g_6", "g", 3, position=312.0),
            MountedFilter("y_10", "y", 4, position=287.0),
            MountedFilter("r_57", "r", 5, position=314.0),
        ),
        change_time=90.0,
    ),
}
"""By instrument. LATISS has what the weekly flats of the procedure need, the y filter in the grating wheel.
Slot and position of g_01, i_39, r_57 and the position of y_10 are of real headers, the others invented."""


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
