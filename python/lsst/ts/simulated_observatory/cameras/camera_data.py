"""What the data of an instrument consist of: kinds of CCD, detectors and filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = [
    "E2V",
    "ITL",
    "ITL_COMCAM",
    "ITL_LSSTCAM",
    "CameraData",
    "DetectorData",
    "HeaderValue",
    "MountedFilter",
    "SensorData",
]

HeaderValue = str | float | int | bool | None
"""Value of a FITS keyword; None if it has none."""


@dataclass(frozen=True)
class SensorData:
    """What all CCDs of one kind have in common.

    Parameters
    ----------
    vendor, device
        Manufacturer and type, as in the raw headers (``CCD_MANU``, ``CCD_TYPE``).
    width, height
        Imaging columns and rows of one amplifier.
    prescan, serial_overscan, parallel_overscan
        Columns before and after, and rows after the imaging area of a raw amplifier image.
    lower_half_mirrored
        Whether the lower amplifiers (C0k) are read from the right, as the upper ones of all kinds are.
    a00
        Brighter-fatter coefficient of a pixel on itself, 1/electron (PTC_BFE_A00, DMTN-101 section 16.4).
    nonlinearity
        Quadratic non-linearity, 1/adu: an amplifier records s - nonlinearity s^2 for a signal of s adu.
    saturation
        Signal above the pedestal, adu, from which a pixel counts as saturated.
    """

    vendor: str
    device: str
    width: int
    height: int
    prescan: int
    serial_overscan: int
    parallel_overscan: int
    lower_half_mirrored: bool
    a00: float
    nonlinearity: float
    saturation: float


@dataclass(frozen=True)
class DetectorData:
    """What one CCD of a camera has for itself.

    Parameters
    ----------
    name, serial
        Full name in the Butler, and serial number (``LSST_NUM`` in the raw headers).
    bay, slot
        How the camera system calls its place: part of the name of a raw file.
    raft, sensor
        Name of its raft in the raw headers (``RAFTNAME``), and its kind.
    raft_origin
        Pixels in parallel and serial direction from the origin of the raft's coordinates to the CCD.
    focal_plane_origin
        The same from the origin of the focal plane to the raft.
    amplifiers
        Gain (electron/adu) and read noise (electron) by amplifier name.
    """

    name: str
    serial: str
    bay: str
    slot: str
    raft: str
    sensor: SensorData
    raft_origin: tuple[float, float]
    focal_plane_origin: tuple[float, float]
    amplifiers: Mapping[str, tuple[float, float]] = field(hash=False)


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
    butler_class
        Name of its class among the instruments of the Butler.
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
    gratings, grating_throughput
        What is mounted in its grating wheel, nothing if it has none, and light relative to an empty place.
    """

    butler_class: str
    detectors: Mapping[int, DetectorData]
    keywords: Mapping[str, HeaderValue]
    sequencers: Mapping[str, tuple[str, str]]
    filters: tuple[MountedFilter, ...]
    filter_throughput: Mapping[str, float]
    change_time: float
    gratings: tuple[MountedFilter, ...] = ()
    grating_throughput: Mapping[str, float] = field(default_factory=dict)

    def find_filter(self, name: str) -> MountedFilter:
        """Find a mounted filter by its name in the header.

        Parameters
        ----------
        name : str

        Returns
        -------
        filter : MountedFilter

        Raises
        ------
        ValueError
            It is not mounted.
        """
        by_name = {each.name: each for each in self.filters}
        if name not in by_name:
            raise ValueError(f"{name!r} is not mounted; mounted are {', '.join(by_name)}")
        return by_name[name]


ITL = SensorData(
    vendor="ITL",
    device="3800C",
    width=509,
    height=2000,
    prescan=3,
    serial_overscan=64,
    parallel_overscan=48,
    lower_half_mirrored=True,
    a00=-2.5e-6,
    nonlinearity=1.5e-8,
    saturation=120000.0,
)
"""The ITL STA3800C as LATISS has it."""

ITL_COMCAM = replace(ITL, a00=-1.93e-6, saturation=92000.0)
"""The same in LSSTComCam, whose gains are higher: it saturates at a like charge. a00 is the middle of the
range that PTC_BFE_A00 allows for ITL; with these gains, it has the effect on a pair of flats that cp_verify
corrects for this vendor."""

ITL_LSSTCAM = replace(ITL, a00=-1.93e-6, saturation=75700.0)
"""The same in LSSTCam: saturation from the median of obs_lsst policy/lsstCam, taken as electrons."""

E2V = SensorData(
    vendor="E2V",
    device="CCD250",
    width=512,
    height=2002,
    prescan=10,
    serial_overscan=54,
    parallel_overscan=46,
    lower_half_mirrored=False,
    a00=-3.07e-6,
    nonlinearity=1.5e-8,
    saturation=94800.0,
)
"""The E2V CCD250 of thirteen rafts of LSSTCam: geometry of obs_lsst policy/cameraHeader.yaml, saturation as
for ITL, a00 in the middle of the range of PTC_BFE_A00."""
