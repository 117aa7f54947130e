"""The camera model: amplifiers and detectors with their geometry and nominal properties."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from . import CAMERAS
from .camera_data import DetectorData, SensorData

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Amplifier", "AmplifierModel", "DetectorModel", "detector_model"]

_MINIMUM_SIDE = 15
"""Shortest side of an imaging area, pixels, to which a scale may reduce it."""


@dataclass(frozen=True)
class Amplifier:
    """Where an amplifier lies in the assembled and trimmed image, origin at the lower left as in the Butler.

    Parameters
    ----------
    name
        E.g. ``C05``.
    x0, y0, width, height
        Its box, pixels.
    flip_x, flip_y
        Whether the raw image was mirrored to lie here: the pixel read first is then at the right, at the top.
    """

    name: str
    x0: int
    y0: int
    width: int
    height: int
    flip_x: bool = False
    flip_y: bool = False

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.y0, self.y0 + self.height), slice(self.x0, self.x0 + self.width)

    def mirrored(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels as read out, mirrored as they lie in the image; or the other way round.

        Parameters
        ----------
        pixels
            Shape (height, width).

        Returns
        -------
        pixels
            A view of the same shape.
        """
        return pixels[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]

    def corner(self, side: int) -> tuple[slice, slice]:
        """Square at the readout corner, at most half the amplifier.

        Parameters
        ----------
        side
            Its side, pixels.

        Returns
        -------
        rows, columns : slice
        """
        tall, wide = min(side, self.height // 2), min(side, self.width // 2)
        y0 = self.y0 + self.height - tall if self.flip_y else self.y0
        x0 = self.x0 + self.width - wide if self.flip_x else self.x0
        return slice(y0, y0 + tall), slice(x0, x0 + wide)


@dataclass(frozen=True, kw_only=True)
class AmplifierModel(Amplifier):
    """One amplifier: its place, its nominal properties, and the geometry of its raw image.

    A raw amplifier image has the pixel that is read first in row 0, column 0.

    Parameters
    ----------
    gain, read_noise
        electron/adu and electron.
    channel, sensor
        Place in the raw file, from 1; kind of the CCD at its real size: saturation, overscans, ...
    """

    gain: float
    read_noise: float
    channel: int
    sensor: SensorData

    @property
    def segment(self) -> str:
        """Name of its extension in a raw file, e.g. ``Segment05``."""
        return f"Segment{self.name[1:]}"

    @property
    def raw_shape(self) -> tuple[int, int]:
        """Rows and columns of the raw image."""
        sensor = self.sensor
        return self.height + sensor.parallel_overscan, sensor.prescan + self.width + sensor.serial_overscan

    @property
    def imaging(self) -> tuple[slice, slice]:
        """Rows and columns of the imaging area in the raw image."""
        return slice(0, self.height), slice(self.sensor.prescan, self.sensor.prescan + self.width)

    @property
    def data_section(self) -> str:
        """Imaging area in the raw image, as ``DATASEC`` has it (from 1, columns first)."""
        return f"[{self.sensor.prescan + 1}:{self.sensor.prescan + self.width},1:{self.height}]"

    @property
    def detector_section(self) -> str:
        """Place in the detector, as ``DETSEC`` has it.

        The camera counts rows from the top of the Butler's images downwards, and the first pixel of the raw
        image comes first, which gives the mirroring.
        """
        columns = (self.x0 + 1, self.x0 + self.width)[:: -1 if self.flip_x else 1]
        rows = (2 * self.height - self.y0, self.height - self.y0 + 1)[:: -1 if self.flip_y else 1]
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
    def width(self) -> int:
        """Columns of the assembled and trimmed image."""
        return max(amplifier.x0 + amplifier.width for amplifier in self.amplifiers)

    @property
    def height(self) -> int:
        """Rows of the assembled and trimmed image."""
        return 2 * self.amplifiers[0].height

    def amplifier(self, name: str) -> AmplifierModel:
        """Find an amplifier.

        Parameters
        ----------
        name
            E.g. ``C05``.

        Returns
        -------
        amplifier : AmplifierModel

        Raises
        ------
        ValueError
            There is none of this name.
        """
        by_name = {amplifier.name: amplifier for amplifier in self.amplifiers}
        if name not in by_name:
            raise ValueError(f"detector {self.name} has no amplifier {name!r}; it has {', '.join(by_name)}")
        return by_name[name]


@cache
def detector_model(instrument_name: str, detector_id: int, scale: int = 1) -> DetectorModel:
    """Camera model of a detector: always the same one.

    Parameters
    ----------
    instrument_name, detector_id
        As in the Butler.
    scale
        Whole number by which both sides of the imaging area of each amplifier are divided; pixels stay 10 um.

    Returns
    -------
    model : DetectorModel

    Raises
    ------
    ValueError
        Unknown instrument or detector, or a scale that leaves too few pixels.
    """
    camera = CAMERAS.get(instrument_name)
    if camera is None or detector_id not in camera.detectors:
        ids = {name: each.detectors for name, each in CAMERAS.items()}
        known = "; ".join(f"{name}: {min(each)} to {max(each)}" for name, each in ids.items())
        raise ValueError(f"no camera model for detector {detector_id} of {instrument_name}; known: {known}")
    data = camera.detectors[detector_id]
    largest = min(data.sensor.width, data.sensor.height) // _MINIMUM_SIDE
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
    upper, tile = name[1] == "1", int(name[2])
    width, height = data.sensor.width // scale, data.sensor.height // scale
    gain, read_noise = data.amplifiers[name]
    return AmplifierModel(
        name=name,
        x0=tile * width,
        y0=height if upper else 0,
        width=width,
        height=height,
        flip_x=upper or data.sensor.lower_half_mirrored,
        flip_y=upper,
        gain=gain,
        read_noise=read_noise,
        channel=tile + 1 if upper else 16 - tile,
        sensor=data.sensor,
    )


def _crosstalk(victim: str, source: str) -> float:
    """Nominal crosstalk: below 1e-4, from neighbours on the same side of the CCD most, negative in part.

    More goes to the next amplifier than to the one before, so that a transposed table is wrong.
    """
    if victim == source:
        return 0.0
    step = int(victim[2]) - int(source[2])
    distance = abs(step)
    if victim[1] == source[1] and step == -1:
        return 5e-5
    if victim[1] != source[1]:
        return -2e-6 if distance > 1 else 5e-6
    return {1: 8e-5, 2: 3e-5, 3: -1e-5}.get(distance, 4e-6)
