"""Exposures of an earlier night, of which reference calibrations are made or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import NamedTuple

from lsst.ts.calibrations.domain.instruments import ImageType, exposure_id

from ..cameras import CAMERAS
from ..cameras.image_names import image_name
from ..cameras.models import DetectorModel
from ..components.images import OVERHEAD
from ..detector.exposure import ExposureRequest
from ..detector.header import HeaderValue, primary_header
from ..detector.illumination import throughput
from .reference import ReferenceRequest

__all__ = ["ReferenceExposure", "reference_exposures"]

NIGHT = date(2024, 12, 1)
"""Observing day of the reference exposures: before any simulated night."""

HOUR = 18
"""TAI hour of the first of them."""

DARK_TIME = 30.0
"""Seconds of a reference dark."""

FLAT_TIME = 20.0
"""Seconds of a reference flat in the r filter; flats of 5 s would be too noisy a reference."""

PTC_TIMES = (0.4, 0.8, 1.6, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0, 32.0)
"""Seconds, in the r filter, of the pairs of the photon transfer curve: from the read noise to 97 000 adu."""

MANY = 2
"""Detectors beyond which small ones get no more exposures than larger ones: it would take too long."""


class _Counts(NamedTuple):
    """How many exposures of each kind; small detectors need more for the same precision."""

    bias: int
    dark: int
    flat: int
    pairs: int


@dataclass(frozen=True)
class ReferenceExposure:
    """One exposure: with the lamp for flats and in the dark for all others."""

    name: str
    """E.g. ``AT_O_20241201_000001``."""
    use: str
    """Dataset type of what it is for: ``bias``, ``dark``, ``flat`` or ``ptc``."""
    image_type: ImageType
    """Its type."""
    exposure_time: float
    """s."""
    begin: float
    """TAI unix seconds."""

    @property
    def id(self) -> int:
        """As in the Butler."""
        return exposure_id(self.name)

    def request(self, about: ReferenceRequest, model: DetectorModel, path: str) -> ExposureRequest:
        """What makes its pixels.

        Parameters
        ----------
        about, model, path
            The reference calibrations; detector; file to write.

        Returns
        -------
        request
            For the simulated detector.
        """
        return ExposureRequest(
            instrument=model.instrument,
            detector=model.id,
            scale=model.scale,
            seed=about.seed,
            exposure_id=self.id,
            exposure_time=self.exposure_time,
            dark_time=self.exposure_time + OVERHEAD,
            shutter_open=self.image_type is ImageType.FLAT,
            physical_filter=about.optics.physical_filter,
            faults=(),
            path=path,
        )

    def header(
        self,
        about: ReferenceRequest,
        model: DetectorModel,
        keywords: Mapping[str, HeaderValue] = MappingProxyType({}),
    ) -> dict[str, HeaderValue]:
        """Primary header of its raw file.

        Parameters
        ----------
        about, model, keywords
            The reference calibrations; detector; further keywords.

        Returns
        -------
        header
            Values by keyword.
        """
        optics = about.optics
        return primary_header(
            model=model,
            image_name=self.name,
            image_type=self.image_type.value,
            exposure_time=self.exposure_time,
            dark_time=self.exposure_time + OVERHEAD,
            begin_tai=self.begin,
            end_tai=self.begin + self.exposure_time,
            seed=about.seed,
            keywords={
                "FILTER": optics.filter,
                "FILTBAND": CAMERAS[model.instrument].find_filter(optics.filter).band,
                "GRATING": optics.grating,
                "GROUPID": self.name,
                "PROGRAM": "reference",
                **keywords,
            },
        )


def reference_exposures(request: ReferenceRequest) -> list[ReferenceExposure]:
    """Plan the exposures: biases, darks, flats to combine, pairs of flats for the photon transfer curve.

    Parameters
    ----------
    request
        Which reference calibrations.

    Returns
    -------
    exposures
        In the order in which they are taken.
    """
    counts, brightness = _counts(request), throughput(request.optics.physical_filter)
    shots = [
        *[("bias", ImageType.BIAS, 0.0)] * counts.bias,
        *[("dark", ImageType.DARK, DARK_TIME)] * counts.dark,
        *[("flat", ImageType.FLAT, FLAT_TIME / brightness)] * counts.flat,
        *(("ptc", ImageType.FLAT, time / brightness) for time in PTC_TIMES for _ in range(2 * counts.pairs)),
    ]
    instrument, exposures = request.instrument, []
    begin = datetime(NIGHT.year, NIGHT.month, NIGHT.day, HOUR, tzinfo=UTC).timestamp()
    for number, (use, image_type, time) in enumerate(shots, 1):
        name = image_name(instrument.code, int(NIGHT.strftime("%Y%m%d")), number)
        exposures.append(ReferenceExposure(name, use, image_type, time, begin))
        begin += time + instrument.readout_time + instrument.shutter_time
    return exposures


def _counts(request: ReferenceRequest) -> _Counts:
    if request.scale == 1:
        return _Counts(bias=50, dark=30, flat=30, pairs=1)
    if request.scale <= 4 or len(request.detectors) > MANY:
        return _Counts(bias=50, dark=30, flat=50, pairs=3)
    return _Counts(bias=100, dark=50, flat=50, pairs=6)
