"""The steps of instrument signature removal (ip_isr, isrTaskLSST): what calibrations do to an image.

What a calibration does not know, of a pixel or of an amplifier, is flagged in the image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .corrections import assemble, linearize, subtract_crosstalk
from .cosmicrays import CosmicRayFinder, TooManyCosmicRaysError
from .curvepoints import variance_model
from .images import DetectorImage, Key, MaskPlane
from .overscan import OverscanResult
from .ptcfit import SATURATED
from .raws import RawImage
from .statistics import clipped_statistics
from .tables import Crosstalk, Defects, Linearizer, PhotonTransferCurve

__all__ = [
    "assemble_amplifiers",
    "divide_by_flat",
    "flag_cosmic_rays",
    "flag_defects",
    "flag_not_finite",
    "saturation_levels",
    "subtract_calibration",
]

RESPONSES = (0.1, 10.0)
"""Pixels of a flat outside, relative to its mean, have no response by which a signal can be divided."""

_UNKNOWN = np.uint16(MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
"""Pixels that a combined calibration has not measured."""

_NO_DATA = np.uint16(MaskPlane.NO_DATA)
_BAD = np.uint16(MaskPlane.BAD)


def saturation_levels(
    amplifiers: Iterable[str], levels: Mapping[str, float], curve: PhotonTransferCurve | None = None
) -> dict[str, float]:
    """Signal from which the pixels of each amplifier are saturated.

    A curve shows it where pairs brighter than its turnoff lack variance: the mean of such a pair, part of
    whose pixels saturate, is below the full well, and pixels at the turnoff are good. One that was not
    measured, or is off otherwise, says nothing.

    Parameters
    ----------
    amplifiers, levels
        Names, and the levels of the camera model, adu.
    curve
        Photon transfer curve of the detector, if there is one.

    Returns
    -------
    levels
        adu, by name: that of the camera model, or, if that is lower, the middle between the turnoff and the
        next mean of a saturated pair.

    Raises
    ------
    RuntimeError
        There is no level of an amplifier.
    """
    found = {}
    for name in amplifiers:
        if not levels.get(name, math.nan) > 0.0:
            raise RuntimeError(f"there is no level of saturation of amplifier {name}")
        turnoff, saturated = (math.nan, math.nan) if curve is None else _saturated(curve, name)
        middle = 0.5 * (turnoff + saturated)
        found[name] = min(levels[name], middle) if math.isfinite(middle) else levels[name]
    return found


def _saturated(curve: PhotonTransferCurve, name: str) -> tuple[float, float]:
    """Turnoff of an amplifier, and the least mean of a saturated pair above it, adu; NaN if there is none."""
    turnoff, gain, a00 = (each.get(name, math.nan) for each in (curve.ptcTurnoff, curve.gain, curve.a00))
    means, variances = (np.asarray(each.get(name, ()), float) for each in (curve.rawMeans, curve.rawVars))
    if variances.shape != means.shape:
        return turnoff, math.nan
    low = variances < (1.0 - SATURATED) * variance_model(means, gain, a00, 0.0)
    return turnoff, float(np.min(means[low & (means > turnoff)], initial=math.inf))


def assemble_amplifiers(
    raw: RawImage,
    results: Mapping[str, OverscanResult],
    ptc: PhotonTransferCurve | None = None,
    crosstalk: Crosstalk | None = None,
    linearizer: Linearizer | None = None,
) -> DetectorImage:
    """Process the amplifiers and put them together.

    Overscan, crosstalk and linearity are treated in adu; the gain is applied last. The overscan has no
    crosstalk and the gain is one factor for each amplifier, so the order of these steps makes no difference.

    Parameters
    ----------
    raw, results
        Raw image, and its amplifiers without their bias level.
    ptc, crosstalk, linearizer
        What to apply, if there is any. An amplifier without a positive gain, or that one of them does not
        have, has no data. What it adds to others is not known, and taken for nothing.

    Returns
    -------
    image
        In adu, or in electrons if there are gains.
    """
    pixels = {name: result.pixels for name, result in results.items()}
    if crosstalk is not None:
        subtract_crosstalk(pixels, _crosstalk_of(crosstalk, list(results)))
    metadata = {**raw.header, "IMAGE SHAPE": list(raw.shape), Key.UNITS: "adu" if ptc is None else "electron"}
    for name, plane in pixels.items():
        if linearizer is not None:
            plane = linearize(plane, linearizer.linearityCoeffs.get(name, (math.nan,)))
        gain = 1.0 if ptc is None else ptc.gain.get(name, math.nan)
        if not (gain > 0.0 and math.isfinite(gain)):
            gain = math.nan
        if gain != 1.0:
            plane *= np.float32(gain)
        pixels[name] = plane
        metadata |= _amplifier_metadata(name, gain, ptc, results[name])
    image = assemble(raw.shape, pixels, {name: each.amplifier for name, each in raw.amplifiers.items()})
    image.metadata = metadata
    for name, result in results.items():
        if result.saturated.any():
            saturated = image.amplifiers[name].mirrored(result.saturated)
            image.flags(name)[saturated] |= np.uint16(MaskPlane.SAT)
    return image


def _crosstalk_of(crosstalk: Crosstalk, names: Sequence[str]) -> NDArray[np.float64]:
    """Coefficients [target, source] of some amplifiers: NaN for a target that the table does not have."""
    known = np.array([name in crosstalk.amplifiers for name in names])
    order = [crosstalk.amplifiers.index(name) for name in np.array(names)[known]]
    found = np.zeros((len(names), len(names)))
    found[np.ix_(known, known)] = np.asarray(crosstalk.coeffs, dtype=np.float64)[np.ix_(order, order)].T
    found[~known] = math.nan
    return found


def _amplifier_metadata(
    name: str, gain: float, ptc: PhotonTransferCurve | None, overscan: OverscanResult
) -> dict[str, Any]:
    """Gain and noise of an amplifier, under the names that ISR uses."""
    metadata = {}
    noise = overscan.residual_sigma * gain
    if ptc is not None:
        noise = ptc.noise.get(name, math.nan)
        metadata[Key.IMAGE_NOISE.format(name)] = ptc.imageNoise.get(name, math.nan)
    return metadata | {
        Key.APPLIED_GAIN.format(name): gain,
        Key.READ_NOISE.format(name): noise,
        Key.OVERSCAN_LEVEL.format(name): overscan.serial_median,
        Key.OVERSCAN_NOISE.format(name): overscan.residual_sigma,
        Key.LEVEL_ERROR.format(name): overscan.level_error * gain,
    }


def subtract_calibration(
    image: DetectorImage, calibration: DetectorImage, name: str, factor: float = 1.0
) -> None:
    """Subtract a combined calibration, in place.

    Parameters
    ----------
    image, calibration, name
        Both in the same unit; e.g. ``bias``.
    factor
        By which the calibration is multiplied, such as the dark time (s).

    Raises
    ------
    RuntimeError
        They differ in size or unit.
    """
    _check_size(image, calibration, name)
    if calibration.unit != image.unit:
        raise RuntimeError(
            f"the combined {name} is in {calibration.unit}, the exposure in {image.unit}:"
            " make both with the same isr:doApplyGains"
        )
    image.image -= calibration.image if factor == 1.0 else calibration.image * np.float32(factor)
    _flag_unknown(image, calibration)


def divide_by_flat(image: DetectorImage, flat: DetectorImage) -> None:
    """Divide by a combined flat, in place. Where the flat is outside `RESPONSES`, there are no data.

    Parameters
    ----------
    image, flat
        The flat is relative to the mean response.

    Raises
    ------
    RuntimeError
        They differ in size.
    """
    _check_size(image, flat, "flat")
    known = (flat.image >= RESPONSES[0]) & (flat.image <= RESPONSES[1])
    image.image /= np.where(known, flat.image, np.float32(1.0))
    inputs = flat.metadata.get("INPUT EXPOSURES") or ()
    if image.metadata.get("EXPOSURE") in inputs:
        image.metadata[Key.FLAT_INPUTS] = len(inputs)
    _flag_unknown(image, flat)
    image.mask[~known] |= _NO_DATA


def _flag_unknown(image: DetectorImage, calibration: DetectorImage) -> None:
    """Flag what a calibration has not measured; a pixel that saturates in it is bad and not saturated."""
    where = np.flatnonzero((calibration.mask & _UNKNOWN) != 0)  # few: all would take longer
    image.mask.flat[where] |= calibration.mask.flat[where] & _NO_DATA | _BAD


def _check_size(image: DetectorImage, calibration: DetectorImage, name: str) -> None:
    if calibration.image.shape != image.image.shape:
        raise RuntimeError(
            f"the combined {name} has {calibration.image.shape} pixels, "
            f"the exposure {image.image.shape}: both must be of the same detector and scale"
        )


def flag_defects(image: DetectorImage, defects: Defects) -> None:
    """Flag defects, in place.

    Parameters
    ----------
    image, defects
        Of the same detector.

    Raises
    ------
    RuntimeError
        They differ in size.
    """
    if tuple(defects.shape) != image.image.shape:
        raise RuntimeError(
            f"the defects are those of an image of {tuple(defects.shape)} pixels, "
            f"the exposure has {image.image.shape}"
        )
    image.mask[defects.mask] |= _BAD


def flag_not_finite(image: DetectorImage) -> None:
    """Flag pixels that are no number: they have no data. In place.

    Parameters
    ----------
    image
        The image, to which any calibration may have brought them.
    """
    finite = np.isfinite(image.image)
    if not finite.all():
        image.mask[~finite] |= _NO_DATA


def flag_cosmic_rays(image: DetectorImage) -> None:
    """Flag cosmic rays, and write down how many; none, and why, if they cannot be found. In place.

    Parameters
    ----------
    image
        What is bad in it, saturated or without data is no cosmic ray.
    """
    cosmic_ray, finder = np.uint16(MaskPlane.CR), CosmicRayFinder()
    try:
        for name in image.amplifiers:
            pixels, flags = image.pixels(name), image.flags(name)
            unusable: NDArray[np.bool_] = (flags & _UNKNOWN) != 0
            good = clipped_statistics(pixels[~unusable])
            flags[finder.find(pixels, good.mean, good.sigma, unusable)] |= cosmic_ray
        image.metadata["COSMIC RAY PIXELS"] = int(np.count_nonzero(image.mask & cosmic_ray))
    except TooManyCosmicRaysError as error:
        image.mask &= ~cosmic_ray
        image.metadata["COSMIC RAY PIXELS"] = None
        image.metadata["COSMIC RAY REASON"] = str(error)
