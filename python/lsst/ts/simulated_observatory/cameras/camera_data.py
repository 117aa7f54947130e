"""What the data of an instrument consist of; each instrument is one module of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .sensors import DetectorData

__all__ = ["CameraData", "HeaderValue", "MountedFilter"]

HeaderValue = str | float | int | bool | None
"""Value of a FITS keyword; None if it has none."""


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
class CameraData:
    """An instrument, as the simulated observatory has it.

    Parameters
    ----------
    detectors
        Detectors by Butler detector id.
    keywords
        Keywords of all its primary headers, by name. Readers take any SIMULATE keyword that is true as the
        mark of simulated content; components that the simulated observatory does not have have no value.
    sequencers
        Name and checksum of the program that reads the CCDs out, by vendor.
    filters
        What is mounted in its filter wheel or changer, in the order in which the instrument publishes it.
    filter_throughput
        Light through each filter that there is, mounted or not, relative to SDSSr_65mm.
    change_time
        Seconds that it takes to put another filter or grating into use.
    gratings
        What is mounted in its grating wheel; nothing if it has none.
    grating_throughput
        Light through each grating that there is, relative to an empty place.
    """

    detectors: Mapping[int, DetectorData]
    keywords: Mapping[str, HeaderValue]
    sequencers: Mapping[str, tuple[str, str]]
    filters: tuple[MountedFilter, ...]
    filter_throughput: Mapping[str, float]
    change_time: float
    gratings: tuple[MountedFilter, ...] = ()
    grating_throughput: Mapping[str, float] = field(default_factory=dict)

    def find_filter(self, name: str) -> MountedFilter:
        """Find a mounted filter.

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
