"""The kinds of CCD in the cameras, and what one CCD of a camera has for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["E2V", "ITL", "ITL_COMCAM", "ITL_LSSTCAM", "DetectorData", "SensorData"]


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
    raft
        Name of its raft in the raw headers (``RAFTNAME``).
    sensor
        Its kind.
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
