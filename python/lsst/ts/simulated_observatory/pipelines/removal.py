"""The steps of instrument signature removal, in their order, on one image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsst.ts.calibrations.domain.instruments import exposure_id

from .corrections import assemble, interpolate, linearize, subtract_crosstalk
from .cosmicrays import CosmicRayFinder, TooManyCosmicRaysError
from .images import DetectorImage, MaskPlane
from .overscan import OverscanResult, subtract_overscan
from .raws import RawImage
from .statistics import clipped_statistics
from .tables import Crosstalk, Defects, Linearizer, PhotonTransferCurve

if TYPE_CHECKING:
    from .isr import IsrConfig

__all__ = ["DETECTOR_NAME", "SignalRemoval", "dark_time", "flag_cosmic_rays", "image_noise_key", "units"]

UNITS = "LSST ISR UNITS"

DETECTOR_NAME = "DETECTOR NAME"
"""Metadata name of the full name of the detector in the Butler."""


def units(image: DetectorImage) -> str:
    """Unit of an image: ``adu`` or ``electron``."""
    return str(image.metadata.get(UNITS, "adu"))


def dark_time(metadata: Mapping[str, Any]) -> float:
    """Seconds in which dark current was collected; never shorter than the exposure."""
    return max(float(metadata.get("DARKTIME") or 0.0), float(metadata.get("EXPTIME") or 0.0))


def image_noise_key(amplifier: str) -> str:
    """Metadata name of the nominal noise of an image without light."""
    return f"LSST ISR IMAGENOISE {amplifier}"


def flag_cosmic_rays(image: DetectorImage, finder: CosmicRayFinder) -> None:
    """Flag cosmic rays in the mask, amplifier by amplifier; in place.

    Raises
    ------
    TooManyCosmicRaysError
        The image is not one in which cosmic rays can be told from something else.
    """
    for name in image.amplifiers:
        pixels, flags = image.pixels(name), image.flags(name)
        unusable = (flags & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)) != 0
        good = clipped_statistics(pixels[~unusable])
        struck = finder.find(pixels, good.mean, good.sigma)
        flags[struck & ~unusable] |= np.uint16(MaskPlane.CR)


class SignalRemoval:
    """One raw image on its way to an image of the detector.

    Overscan, crosstalk and linearity are treated in adu; the gain is applied last before assembly. The
    overscan has no crosstalk and the gain is one factor for each amplifier, so the order of these steps
    makes no difference.

    Parameters
    ----------
    config
        What to do.
    raw
        Raw image.
    ptc, crosstalk, linearizer
        Calibrations of the amplifiers, or None.
    """

    def __init__(
        self,
        config: IsrConfig,
        raw: RawImage,
        *,
        ptc: PhotonTransferCurve | None,
        crosstalk: Crosstalk | None,
        linearizer: Linearizer | None,
    ) -> None:
        self.config = config
        self.raw = raw
        self.ptc = ptc
        self.crosstalk = crosstalk
        self.linearizer = linearizer
        self.metadata: dict[str, Any] = dict(raw.header)
        self.metadata["EXPOSURE"] = exposure_id(raw.header["OBSID"])
        self.metadata["IMAGE SHAPE"] = list(raw.shape)
        self.metadata[UNITS] = "adu" if ptc is None else "electron"

    def amplifiers_to_image(self) -> DetectorImage:
        """Process the amplifiers and assemble them."""
        results = {name: self._overscan(name) for name in self.raw.amplifiers}
        pixels = {name: result.pixels for name, result in results.items()}
        saturated = {
            name: plane > self.config.saturation
            for name, plane in pixels.items()
            if self.config.doSaturation and plane.max() > self.config.saturation
        }
        if self.crosstalk is not None:
            subtract_crosstalk(pixels, self._coefficients(self.crosstalk))
        for name, plane in pixels.items():
            if self.linearizer is not None:
                plane = linearize(plane, self.linearizer.linearityCoeffs[name])
            gain = 1.0 if self.ptc is None else self.ptc.gain[name]
            if gain != 1.0:
                plane *= np.float32(gain)
            pixels[name] = plane
            self._record(name, gain, results[name])
        image = assemble(self.raw.shape, pixels, {n: r.amplifier for n, r in self.raw.amplifiers.items()})
        image.metadata = self.metadata
        for name, where in saturated.items():
            amplifier = image.amplifiers[name]
            flipped = where[:: -1 if amplifier.flip_y else 1, :: -1 if amplifier.flip_x else 1]
            image.flags(name)[flipped] |= np.uint16(MaskPlane.SAT)
        return image

    def subtract(self, image: DetectorImage, calibration: DetectorImage, name: str, factor: float) -> None:
        """Subtract a combined calibration, times a factor; in place."""
        self._check(image, calibration, name)
        image.image -= calibration.image if factor == 1.0 else calibration.image * np.float32(factor)
        image.mask |= calibration.mask & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)

    def divide(self, image: DetectorImage, flat: DetectorImage) -> None:
        """Divide by a combined flat; in place. Where the flat is not positive, there are no data."""
        self._check(image, flat, "flat", same_units=False)
        dark = ~(flat.image > 0.0)
        image.image /= np.where(dark, np.float32(1.0), flat.image)
        image.mask |= flat.mask & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)
        image.mask[dark] |= np.uint16(MaskPlane.NO_DATA)

    def flag(self, image: DetectorImage, defects: Defects | None) -> None:
        """Flag defects; in place."""
        if defects is None:
            return
        if tuple(defects.shape) != image.image.shape:
            raise RuntimeError(
                f"the defects are those of an image of {tuple(defects.shape)} pixels, "
                f"the exposure has {image.image.shape}"
            )
        for x0, y0, width, height in defects.boxes:
            image.mask[y0 : y0 + height, x0 : x0 + width] |= np.uint16(MaskPlane.BAD)

    def finish(self, image: DetectorImage) -> None:
        """Flag cosmic rays and interpolate, as configured; in place."""
        if self.config.doCosmicRays:
            try:
                flag_cosmic_rays(image, CosmicRayFinder())
                self.metadata["COSMIC RAY PIXELS"] = int(
                    np.count_nonzero(image.mask & np.uint16(MaskPlane.CR))
                )
            except TooManyCosmicRaysError as error:
                image.mask &= np.uint16(0xFFFF ^ MaskPlane.CR)
                self.metadata["COSMIC RAY PIXELS"] = None
                self.metadata["COSMIC RAY REASON"] = str(error)
        if self.config.doInterpolate:
            interpolate(image, MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)

    def _overscan(self, name: str) -> OverscanResult:
        """Subtract the overscan of one amplifier."""
        options = self.config.overscan
        return subtract_overscan(
            self.raw.amplifiers[name],
            fit_type=options.fitType,
            leading=options.leadingToSkip,
            trailing=options.trailingToSkip,
            parallel=options.doParallelOverscan,
        )

    def _coefficients(self, crosstalk: Crosstalk) -> NDArray[np.float64]:
        """Crosstalk coefficients in the order of the raw amplifiers."""
        order = [crosstalk.amplifiers.index(name) for name in self.raw.amplifiers]
        return np.asarray(crosstalk.coeffs, dtype=np.float64)[np.ix_(order, order)]

    def _record(self, name: str, gain: float, overscan: OverscanResult) -> None:
        """Write down gain and noise of an amplifier, under the names that ISR uses."""
        noise = overscan.residual_sigma * gain
        if self.ptc is not None:
            noise = self.ptc.noise.get(name, math.nan)
            self.metadata[image_noise_key(name)] = self.ptc.imageNoise.get(name, math.nan)
        self.metadata[f"LSST ISR GAIN {name}"] = gain
        self.metadata[f"LSST ISR READNOISE {name}"] = noise
        self.metadata[f"LSST ISR OVERSCAN SERIAL MEDIAN {name}"] = overscan.serial_median
        self.metadata[f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}"] = overscan.residual_sigma

    def _check(
        self, image: DetectorImage, calibration: DetectorImage, name: str, same_units: bool = True
    ) -> None:
        """Refuse a calibration of another size or unit."""
        if calibration.image.shape != image.image.shape:
            raise RuntimeError(
                f"the combined {name} has {calibration.image.shape} pixels, "
                f"the exposure {image.image.shape}: both must be of the same detector and scale"
            )
        if same_units and units(calibration) != units(image):
            raise RuntimeError(
                f"the combined {name} is in {units(calibration)}, the exposure in {units(image)}: "
                "make both with the same isr:doApplyGains"
            )
