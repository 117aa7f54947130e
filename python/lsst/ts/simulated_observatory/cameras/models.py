"""The camera model: amplifiers and detectors with their geometry and nominal properties."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .detectors import DETECTORS
from .sensors import DetectorData

__all__ = ["AmplifierModel", "DetectorModel", "detector_model"]

MINIMUM_SIDE = 15
"""Shortest side of an imaging area, pixels, to which a scale may reduce it."""


@dataclass(frozen=True)
class AmplifierModel:
    """One amplifier: nominal properties, and geometry of its raw image and of its place in the detector.

    A raw amplifier image has the pixel that is read first in row 0, column 0. Detector coordinates are those
    of the assembled and trimmed image with the origin at the lower left, as in the Butler's images.

    Parameters
    ----------
    name
        E.g. ``C05``.
    gain, read_noise
        electron/adu and electron.
    saturation
        Signal above the pedestal, adu, from which a pixel counts as saturated.
    nonlinearity
        Quadratic non-linearity, 1/adu: s - nonlinearity s^2 is recorded for a signal of s adu.
    width, height
        Imaging columns and rows.
    prescan, serial_overscan, parallel_overscan
        Columns before and after, and rows after the imaging area.
    x0, y0
        Lower left corner in detector coordinates.
    flip_x, flip_y
        True where the raw image has to be mirrored to lie as in the detector.
    channel
        Place in the raw file, from 1.
    detector_height
        Rows of the whole detector.
    """

    name: str
    gain: float
    read_noise: float
    saturation: float
    nonlinearity: float
    width: int
    height: int
    prescan: int
    serial_overscan: int
    parallel_overscan: int
    x0: int
    y0: int
    flip_x: bool
    flip_y: bool
    channel: int
    detector_height: int

    @property
    def segment(self) -> str:
        """Name of its extension in a raw file, e.g. ``Segment05``."""
        return f"Segment{self.name[1:]}"

    @property
    def raw_shape(self) -> tuple[int, int]:
        """Rows and columns of the raw image."""
        return self.height + self.parallel_overscan, self.prescan + self.width + self.serial_overscan

    @property
    def imaging(self) -> tuple[slice, slice]:
        """Rows and columns of the imaging area in the raw image."""
        return slice(0, self.height), slice(self.prescan, self.prescan + self.width)

    @property
    def placement(self) -> tuple[slice, slice]:
        """Rows and columns of the imaging area in the assembled detector."""
        return slice(self.y0, self.y0 + self.height), slice(self.x0, self.x0 + self.width)

    @property
    def data_section(self) -> str:
        """Imaging area in the raw image, as ``DATASEC`` has it (from 1, columns first)."""
        return f"[{self.prescan + 1}:{self.prescan + self.width},1:{self.height}]"

    @property
    def detector_section(self) -> str:
        """Place in the detector, as ``DETSEC`` has it.

        The camera counts rows from the top of the Butler's images downwards, and the first pixel of the raw
        image comes first, which tells the mirroring.
        """
        columns = [self.x0 + 1, self.x0 + self.width]
        rows = [self.detector_height - self.y0, self.detector_height - self.y0 - self.height + 1]
        if self.flip_x:
            columns.reverse()
        if self.flip_y:
            rows.reverse()
        return f"[{columns[0]}:{columns[1]},{rows[0]}:{rows[1]}]"


@dataclass(frozen=True)
class DetectorModel:
    """One CCD of a camera.

    Parameters
    ----------
    instrument, id, name
        Instrument, Butler detector id and full name, e.g. ``LATISS``, 0, ``RXX_S00``.
    scale
        By which both sides of the imaging areas are divided; prescan and overscans keep their size.
    data
        Values of the camera policy: serial number, vendor, place in the camera, ...
    amplifiers
        In the order C00 ... C07, C10 ... C17.
    crosstalk
        ``crosstalk[i][j]``: part of the signal in amplifier j that appears in amplifier i at the same time.
    """

    instrument: str
    id: int
    name: str
    scale: int
    data: DetectorData
    amplifiers: tuple[AmplifierModel, ...]
    crosstalk: tuple[tuple[float, ...], ...]

    @property
    def vendor(self) -> str:
        """Manufacturer, e.g. ``ITL``."""
        return self.data.sensor.vendor

    @property
    def serial(self) -> str:
        """Serial number, e.g. ``ITL-3800C-068``."""
        return self.data.serial

    @property
    def a00(self) -> float:
        """Nominal brighter-fatter coefficient of a pixel on itself, 1/electron."""
        return self.data.sensor.a00

    @property
    def width(self) -> int:
        """Columns of the assembled and trimmed image."""
        return max(amplifier.x0 + amplifier.width for amplifier in self.amplifiers)

    @property
    def height(self) -> int:
        """Rows of the assembled and trimmed image."""
        return self.amplifiers[0].detector_height

    def amplifier(self, name: str) -> AmplifierModel:
        """Amplifier of that name.

        Raises
        ------
        ValueError
            There is none.
        """
        for amplifier in self.amplifiers:
            if amplifier.name == name:
                return amplifier
        names = ", ".join(amplifier.name for amplifier in self.amplifiers)
        raise ValueError(f"detector {self.name} has no amplifier {name!r}; it has {names}")


@cache
def detector_model(instrument_name: str, detector_id: int, scale: int = 1) -> DetectorModel:
    """Camera model of a detector.

    Parameters
    ----------
    instrument_name, detector_id
        As in the Butler.
    scale
        Whole number by which both sides of the imaging area of each amplifier are divided; pixels stay 10 um.

    Raises
    ------
    ValueError
        Unknown instrument or detector, or a scale that leaves too few pixels.
    """
    detectors = DETECTORS.get(instrument_name)
    if detectors is None or detector_id not in detectors:
        known = "; ".join(f"{name}: {min(ids)} to {max(ids)}" for name, ids in DETECTORS.items())
        raise ValueError(f"no camera model for detector {detector_id} of {instrument_name}; known: {known}")
    data = detectors[detector_id]
    largest = min(data.sensor.width, data.sensor.height) // MINIMUM_SIDE
    if not 1 <= scale <= largest:
        raise ValueError(f"scale {scale} is not between 1 and {largest}")
    names = sorted(data.amplifiers)
    return DetectorModel(
        instrument=instrument_name,
        id=detector_id,
        name=data.name,
        scale=scale,
        data=data,
        amplifiers=tuple(_amplifier(data, name, scale) for name in names),
        crosstalk=tuple(tuple(_crosstalk(victim, source) for source in names) for victim in names),
    )


def _amplifier(data: DetectorData, name: str, scale: int) -> AmplifierModel:
    """Amplifier C1k is the upper half of column k, mirrored in x and y, C0k the lower one, in x at most."""
    sensor = data.sensor
    upper, tile = name[1] == "1", int(name[2])
    width, height = sensor.width // scale, sensor.height // scale
    gain, read_noise = data.amplifiers[name]
    return AmplifierModel(
        name=name,
        gain=gain,
        read_noise=read_noise,
        saturation=sensor.saturation,
        nonlinearity=sensor.nonlinearity,
        width=width,
        height=height,
        prescan=sensor.prescan,
        serial_overscan=sensor.serial_overscan,
        parallel_overscan=sensor.parallel_overscan,
        x0=tile * width,
        y0=height if upper else 0,
        flip_x=upper or sensor.lower_half_mirrored,
        flip_y=upper,
        channel=tile + 1 if upper else 16 - tile,
        detector_height=2 * height,
    )


def _crosstalk(victim: str, source: str) -> float:
    """Nominal crosstalk: below 1e-4, from neighbours on the same side of the CCD most, negative in part."""
    if victim == source:
        return 0.0
    distance = abs(int(victim[2]) - int(source[2]))
    if victim[1] != source[1]:
        return -2e-6 if distance > 1 else 5e-6
    return {1: 8e-5, 2: 3e-5, 3: -1e-5}.get(distance, 4e-6)
