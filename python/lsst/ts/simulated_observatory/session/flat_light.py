"""How much light flats get in the simulation: warnings from nominal values, before any flat is taken."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import ImageType, Instrument

from ..cameras.models import AmplifierModel, DetectorModel, detector_model
from ..detector.illumination import LAMP_RATE, throughput
from ..detector.truth import FULL_WELL, LEAST_FULL_WELL

__all__ = ["light_warnings"]

TURNOFF = 90_000.0
"""Signal, electron, up to which a photon transfer curve must be followed: PTC_TURNOFF (DMTN-101, 16)."""

OVERSCAN_NOISE = 1.032
"""Noise of a pixel without its overscan, in units of the read noise: the medians of 64 columns and 48 rows
that are subtracted have a noise of their own."""


def light_warnings(config: CalibrationConfig, instrument: Instrument) -> Iterator[str]:
    """Warn of flats that get too much light, or too little: the simulated lamp is known, the real one is not.

    Parameters
    ----------
    config, instrument
        Of the script.

    Yields
    ------
    warning
        In words.
    """
    images, rate = config.images.get(ImageType.FLAT), _nominal_rate(config.filter, config.grating)
    if images is None or rate is None:
        return
    kept = images.exposure_times[images.n_discard :]
    models = [detector_model(instrument.name, number) for number in config.detectors]
    yield from _saturation_warnings(kept, rate, models)
    if config.do_verify:
        yield from _faint_warnings(kept, rate, models, internal=config.generate_calibrations)
        yield from _curve_warnings(kept, rate) if "PTC" in config.products else ()


def _nominal_rate(filter_: str | int | None, grating: str | int | None) -> float | None:
    """Light of the flat field at the detector mean, electron/s; None if filter or grating are not known.

    For what is not given, or given by its position, the usual is assumed: an r filter and no grating.
    """
    names = (
        filter_ if isinstance(filter_, str) else "SDSSr_65mm",
        grating if isinstance(grating, str) else "empty",
    )
    try:
        return LAMP_RATE * throughput("~".join(names))
    except ValueError:
        return None


def _saturation_warnings(
    times: Iterable[float], rate: float, detectors: Sequence[DetectorModel]
) -> Iterator[str]:
    """Warn of flats, of these exposure times [s], that saturate in this light [electron/s]."""
    full = min(_full_well(amplifier) for model in detectors for amplifier in model.amplifiers) / rate
    if saturated := {time for time in times if time >= full}:
        yield (
            f"flats of {_listed(saturated)} s saturate: {_light(rate)} the first amplifier is full after"
            f" {full:.1f} s"
        )


def _faint_warnings(
    times: Sequence[float], rate: float, detectors: Sequence[DetectorModel], *, internal: bool
) -> Iterator[str]:
    """Warn of flats so faint that their verification will fail; `internal` is with a flat made of them.

    NOISE of a flat asks for a variance of at most the signal s. Charge that repels charge lowers the variance
    by abs(a00) s^2 in first order (Astier et al. 2019, eq. 11), the read noise r raises it by r^2, and a flat
    made of N images, these among them, takes a part of 1/N away. So the test fails below the s of
    (1 - 1/N) (s - abs(a00) s^2 + r^2) = s, with N infinite for a flat from elsewhere. The noise of that flat,
    which is left out, moves this limit up a little.
    """
    share = 1.0 - 1.0 / len(times) if internal else 1.0
    faint = statistics.median(_break_even(model, share) for model in detectors) / rate
    if weak := {time for time in times if time < faint}:
        yield (
            f"flats of {_listed(weak)} s are too faint to pass the test NOISE, in which read noise counts:"
            f" {_light(rate)} it takes {faint:.1f} s or more"
        )


def _curve_warnings(times: Sequence[float], rate: float) -> Iterator[str]:
    """Warn of pairs of flats that do not reach the signal that the verification of their curve asks for."""
    longest = max((times[first] for first, _ in flat_pairs(times).pairs), default=0.0)
    if longest * rate < TURNOFF:
        yield (
            f"the photon transfer curve will fail the test PTC_TURNOFF, which asks for {TURNOFF:.0f}"
            f" electron: {_light(rate)} its longest pair, {longest:g} s, has {longest * rate:.0f}; it takes"
            f" {math.ceil(TURNOFF / rate)} s"
        )


def _full_well(amplifier: AmplifierModel) -> float:
    """Charge from which an amplifier may be full, or counts as saturated, electron."""
    saturation = amplifier.sensor.saturation * amplifier.gain
    return min(saturation, max(FULL_WELL[0] * saturation, LEAST_FULL_WELL))


def _break_even(model: DetectorModel, share: float) -> float:
    """Signal from which half of the amplifiers can pass, electron: the root of the equation above."""
    if share == 0.0:  # one flat alone is compared with itself, and differs nowhere
        return 0.0
    noise = OVERSCAN_NOISE * statistics.median(each.read_noise for each in model.amplifiers)
    left, curvature = 1.0 - share, share * abs(model.data.sensor.a00)
    return (math.sqrt(left**2 + 4.0 * curvature * share * noise**2) - left) / (2.0 * curvature)


def _light(rate: float) -> str:
    return f"with the nominal light ({rate:.0f} electron/s)"


def _listed(times: Iterable[float], most: int = 12) -> str:
    texts = [f"{time:g}" for time in sorted(times)]
    return ", ".join(texts if len(texts) <= most else [*texts[: most - 1], "...", texts[-1]])
