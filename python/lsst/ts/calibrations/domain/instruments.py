"""The instruments that the scripts serve, as data, and the names of their images.

This is all that a simulated observatory needs to know of the scripts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

__all__ = [
    "AMPLIFIERS",
    "INSTRUMENTS",
    "LATISS",
    "LSSTCAM",
    "LSSTCOMCAM",
    "SLOTS",
    "ImageType",
    "Instrument",
    "brighter_fatter_correction",
    "day_obs",
    "exposure_id",
    "physical_filter",
]


class ImageType(StrEnum):
    """Kinds of calibration images, in the order in which they are taken."""

    BIAS = "BIAS"
    DARK = "DARK"
    FLAT = "FLAT"


AMPLIFIERS = tuple(f"C{half}{number}" for half in range(2) for number in range(8))
"""C00 to C07 and C10 to C17: the sixteen amplifiers of the detectors of all Rubin cameras."""

SLOTS = tuple(f"S{row}{column}" for row in range(3) for column in range(3))
"""S00 to S22: the places in a raft, in the order of the detector ids."""

_CORNER_RAFTS = {"R00", "R04", "R40", "R44"}  # of LSSTCam: they guide and sense the wavefront
_SCIENCE_RAFTS = sorted({f"R{row}{column}" for row in range(5) for column in range(5)} - _CORNER_RAFTS)
# Rafts of LSSTCam whose CCDs are made by e2v; the others are by ITL (obs_lsst, policy/lsstCam).
_E2V_RAFTS = frozenset(f"R{row}{column}" for row in (1, 2, 3) for column in range(5)) - {"R10", "R20"}
# Per cent by which a gain from a pair is too high per adu of mean signal, by manufacturer (DM-35790).
_BRIGHTER_FATTER_SLOPES = {"ITL": 0.00027, "E2V": 0.00046}


# Mean signal [adu] up to which that is linear: at 46 kadu it is 1 per cent too much, at 107 kadu 7.
_LINEAR_CORRECTION_LIMIT = 40_000.0


def brighter_fatter_correction(manufacturer: str, mean: float) -> float:
    """Factor that takes the brighter-fatter effect out of a gain that a pair of flats has given.

    The effect lowers the variance of bright flats, so that a gain from mean and variance reads high. The
    correction is linear in the signal (cp_verify, verifyGain; DMTN-101 section 6.2): good to 0.3 per cent
    at 15 kadu, and none beyond `_LINEAR_CORRECTION_LIMIT`.

    Parameters
    ----------
    manufacturer, mean
        Of the detector, ITL or E2V, and mean signal of the pair, adu.

    Returns
    -------
    factor : float
        NaN beyond the range of the correction.
    """
    if not mean <= _LINEAR_CORRECTION_LIMIT:
        return math.nan
    return 1.0 - _BRIGHTER_FATTER_SLOPES[manufacturer] * mean / 100.0


@dataclass(frozen=True)
class Instrument:
    """What a script must know of an instrument."""

    name: str
    """Name in the Butler, e.g. ``LATISS``."""
    camera: str
    """SAL name of the camera."""
    camera_class: str
    """Class of ts_observatory_control that takes its images, below ``lsst.ts.observatory.control``."""
    header_service: str
    """SAL name of its header service."""
    oods: str
    """SAL name of its OODS."""
    spectrograph: str | None
    """SAL name of the component that holds filters and gratings; None if the camera has the filters itself,
    and there are no gratings."""
    ocps_index: int
    """SAL index of the OCPS that processes its images."""
    code: str
    """Two letters that begin its image names, e.g. ``AT``."""
    detectors: Mapping[int, str]
    """Detector names by Butler detector id."""
    repository: str
    """Default Butler repository."""
    amplifiers: tuple[str, ...] = AMPLIFIERS
    """Names of the amplifiers that every detector has."""
    readout_time: float = 2.0
    """Seconds from the end of an exposure to its endReadout."""
    shutter_time: float = 1.0
    """Seconds that opening and closing the shutter add to an exposure."""
    states_for_flats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Summary states that components of the telescope may have while flats are taken, by SAL name."""
    e2v_rafts: Set[str] = frozenset()
    """Rafts whose CCDs are made by e2v; those of all others are made by ITL."""

    @property
    def components(self) -> tuple[str, ...]:
        """SAL names of all components that take part in an exposure."""
        return tuple(filter(None, (self.camera, self.spectrograph, self.header_service, self.oods)))

    def corrected_gain(self, detector: int, gain: float, mean: float, a00: float | None = None) -> float:
        """Gain that a pair of flats would give without the brighter-fatter effect.

        With a00 of a photon transfer curve the correction is that of the curve (Astier et al. 2019, A&A 629,
        A36, equation 16); without, that of `brighter_fatter_correction`.

        Parameters
        ----------
        detector
            Butler detector id.
        gain, mean
            Gain as measured, electron/adu, and mean signal of the pair, adu.
        a00
            Brighter-fatter coefficient, 1/electron; None if it is not known.

        Returns
        -------
        gain
            Corrected, electron/adu; NaN beyond the range of the correction.
        """
        if a00 is not None and math.isfinite(a00):
            return _without_brighter_fatter(gain, mean, a00)
        return gain * brighter_fatter_correction(self._manufacturer(detector), mean)

    def detector_size(self, detector: int) -> tuple[int, int]:
        """Columns and rows of a detector without its overscans.

        Parameters
        ----------
        detector
            Butler detector id.

        Returns
        -------
        columns, rows
            Of its imaging area.
        """
        return (4096, 4004) if self._manufacturer(detector) == "E2V" else (4072, 4000)

    def _manufacturer(self, detector: int) -> str:
        return "E2V" if self.detectors[detector].partition("_")[0] in self.e2v_rafts else "ITL"

    @property
    def calibration_collection(self) -> str:
        """Collection of the calibrations in use, e.g. ``LATISS/calib``."""
        return f"{self.name}/calib"

    @property
    def raw_collection(self) -> str:
        """Collection of the raw images."""
        return f"{self.name}/raw/all"


def _without_brighter_fatter(measured: float, mean: float, a00: float) -> float:
    """Solve g = measured x (exp(x) - 1) / x, x = 2 a00 g mean; NaN if there is no solution."""
    gain = measured
    for _ in range(100):
        x = 2.0 * a00 * gain * mean
        if not abs(x) < 2.0:
            return math.nan
        before, gain = gain, measured * (math.expm1(x) / x if x else 1.0)
        if abs(gain - before) <= 1e-12 * abs(measured):
            return gain
    return math.nan


LATISS = Instrument(
    name="LATISS",
    camera="ATCamera",
    camera_class="auxtel.latiss.LATISS",
    header_service="ATHeaderService",
    oods="ATOODS",
    spectrograph="ATSpectrograph",
    ocps_index=1,
    code="AT",
    detectors={0: "RXX_S00"},
    repository="/repo/LATISS",
)

LSSTCOMCAM = Instrument(
    name="LSSTComCam",
    camera="CCCamera",
    camera_class="maintel.comcam.ComCam",
    header_service="CCHeaderService",
    oods="CCOODS",
    spectrograph=None,
    ocps_index=2,
    code="CC",
    detectors={number: f"R22_{slot}" for number, slot in enumerate(SLOTS)},
    repository="/repo/LSSTComCam",
)

LSSTCAM = Instrument(
    name="LSSTCam",
    camera="MTCamera",
    camera_class="maintel.lsstcam.LSSTCam",
    header_service="MTHeaderService",
    oods="MTOODS",
    spectrograph=None,
    ocps_index=3,
    code="MC",
    detectors=dict(enumerate(f"{raft}_{slot}" for raft in _SCIENCE_RAFTS for slot in SLOTS)),
    repository="/repo/LSSTCam",
    # The dome trajectory tells how far the dome vignettes; the dome itself may rest.
    states_for_flats={"MTDomeTrajectory": ("ENABLED",), "MTDome": ("DISABLED", "ENABLED")},
    e2v_rafts=_E2V_RAFTS,
)

INSTRUMENTS: Mapping[str, Instrument] = {each.name: each for each in (LATISS, LSSTCOMCAM, LSSTCAM)}
"""All instruments by name."""


_IMAGE_NAME = re.compile(r"(?P<code>[A-Z]{2})_(?P<controller>[A-Z])_(?P<day>[0-9]{8})_(?P<sequence>[0-9]{6})")
_EMPTY_PLACE = re.compile(r"^empty_\d+$")  # of a wheel: the Butler knows it without its number


def day_obs(seconds: float) -> int:
    """Give the observing day of a time: the TAI date twelve hours before.

    Parameters
    ----------
    seconds
        TAI unix seconds.

    Returns
    -------
    day
        YYYYMMDD.
    """
    return int((datetime.fromtimestamp(seconds, UTC) - timedelta(hours=12)).strftime("%Y%m%d"))


def exposure_id(name: str) -> int:
    """Give the exposure id of an image: the day followed by five digits of sequence number.

    Parameters
    ----------
    name
        Image name, e.g. ``AT_O_20250115_000007``.

    Returns
    -------
    id
        E.g. 2025011500007.

    Raises
    ------
    ValueError
        The name is not an image name, or its sequence number has more than five digits.
    """
    match = _IMAGE_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name[:80]!r} is not an image name like AT_O_20250115_000007")
    sequence = int(match["sequence"])
    if sequence >= 100_000:
        raise ValueError(f"{name!r}: a sequence number above 99999 has no exposure id")
    return int(match["day"]) * 100_000 + sequence


def physical_filter(filter_: str, grating: str | None) -> str:
    """Name filter and grating as the Butler does.

    Parameters
    ----------
    filter_, grating
        Names as the instrument has them; no grating where the camera has none.

    Returns
    -------
    name
        E.g. ``SDSSr_65mm~empty``, or ``r_57`` where there are no gratings.
    """
    if grating is None:
        return filter_
    return "~".join(_EMPTY_PLACE.sub("empty", name) for name in (filter_, grating))
