"""Camera-model values of the detectors, as the observatory's camera policy files have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DETECTORS", "ITL", "DetectorData", "SensorData"]


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
    sensor: SensorData
    raft_origin: tuple[int, int]
    focal_plane_origin: tuple[int, int]
    amplifiers: Mapping[str, tuple[float, float]] = field(hash=False)


ITL = SensorData(
    vendor="ITL",
    device="3800C",
    width=509,
    height=2000,
    prescan=3,
    serial_overscan=64,
    parallel_overscan=48,
    a00=-2.5e-6,
    nonlinearity=1.5e-8,
    saturation=120000.0,
)
"""The ITL STA3800C of LATISS, LSSTComCam and eight rafts of LSSTCam."""

DETECTORS: Mapping[str, Mapping[int, DetectorData]] = {
    "LATISS": {
        0: DetectorData(
            name="RXX_S00",
            serial="ITL-3800C-068",
            bay="R00",
            slot="S00",
            sensor=ITL,
            raft_origin=(125, 89),
            focal_plane_origin=(12700, 0),
            amplifiers={
                "C00": (1.0972, 9.1),
                "C01": (1.0933, 9.9),
                "C02": (1.0874, 9.4),
                "C03": (1.0939, 9.1),
                "C04": (1.0840, 9.7),
                "C05": (1.1047, 10.3),
                "C06": (1.1039, 10.0),
                "C07": (1.1033, 8.5),
                "C10": (1.0811, 8.4),
                "C11": (1.0470, 8.5),
                "C12": (1.0795, 8.4),
                "C13": (1.0810, 8.6),
                "C14": (1.0644, 8.4),
                "C15": (1.0669, 8.4),
                "C16": (1.0795, 8.4),
                "C17": (1.0560, 8.0),
            },
        )
    }
}
"""Detectors by instrument name and Butler detector id.

LATISS: gains and noise of obs_lsst policy/latiss/RXX.yaml (2021-03-18), origins of its raw headers."""
