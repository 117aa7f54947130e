"""The instruments that the scripts serve, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["AMPLIFIERS", "INSTRUMENTS", "LATISS", "Instrument"]

AMPLIFIERS = tuple(f"C{half}{number}" for half in range(2) for number in range(8))
"""C00 to C07 and C10 to C17: the sixteen amplifiers of the detectors of all Rubin cameras."""


@dataclass(frozen=True)
class Instrument:
    """What a script must know of an instrument.

    Parameters
    ----------
    name
        Name in the Butler, e.g. ``LATISS``.
    camera, header_service, oods
        SAL names of its components.
    spectrograph
        SAL name of the component that holds filters and gratings, if it is not the camera.
    ocps_index
        SAL index of the OCPS that processes its images.
    code
        Two letters that begin its image names, e.g. ``AT``.
    detectors
        Detector names by Butler detector id.
    repository
        Default Butler repository.
    amplifiers
        Names of the amplifiers that every detector has.
    readout_time
        Seconds from the end of an exposure to its endReadout.
    shutter_time
        Seconds that opening and closing the shutter add to an exposure.
    """

    name: str
    camera: str
    header_service: str
    oods: str
    spectrograph: str | None
    ocps_index: int
    code: str
    detectors: Mapping[int, str]
    repository: str
    amplifiers: tuple[str, ...] = AMPLIFIERS
    readout_time: float = 2.0
    shutter_time: float = 1.0

    @property
    def components(self) -> tuple[str, ...]:
        """SAL names of all components that take part in an exposure."""
        parts = (self.camera, self.spectrograph, self.header_service, self.oods)
        return tuple(part for part in parts if part is not None)

    @property
    def calibration_collection(self) -> str:
        """Collection of the calibrations in use, e.g. ``LATISS/calib``."""
        return f"{self.name}/calib"

    @property
    def raw_collection(self) -> str:
        """Collection of the raw images."""
        return f"{self.name}/raw/all"


LATISS = Instrument(
    name="LATISS",
    camera="ATCamera",
    header_service="ATHeaderService",
    oods="ATOODS",
    spectrograph="ATSpectrograph",
    ocps_index=1,
    code="AT",
    detectors={0: "RXX_S00"},
    repository="/repo/LATISS",
)

INSTRUMENTS: Mapping[str, Instrument] = {instrument.name: instrument for instrument in (LATISS,)}
"""All instruments by name."""
