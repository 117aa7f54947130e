"""Instrument signature removal: from a raw image to the image of a detector (ip_isr, isrTaskLSST)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Config, ConfigField, Field
from lsst.pipe.base import InputQuantizedConnection, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from lsst.ts.calibrations.domain.instruments import exposure_id

from .corrections import (
    FIT_TYPES,
    OverscanResult,
    assemble,
    interpolate,
    linearize,
    subtract_crosstalk,
    subtract_overscan,
)
from .cosmicrays import CosmicRayFinder, TooManyCosmicRaysError
from .images import DetectorImage, Key, MaskPlane, dark_time
from .raws import RawImage
from .statistics import clipped_statistics
from .storage_classes import CROSSTALK, CURVE, DEFECTS, IMAGE, LINEARIZER, RAW
from .tables import Crosstalk, Defects, Linearizer, PhotonTransferCurve
from .tasks import DETECTOR, IMAGE_OF_DETECTOR, CalibrationInput, CalibrationTask, dimension_record

__all__ = ["IsrConfig", "IsrConnections", "IsrTask", "OverscanConfig"]

_OPTIONS = {
    "bias": "doBias",
    "dark": "doDark",
    "flat": "doFlat",
    "defects": "doDefect",
    "ptc": "doApplyGains",
    "crosstalk": "doCrosstalk",
    "linearizer": "doLinearize",
}
"""The option that needs each calibration."""

_UNUSABLE = np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)


class IsrConnections(
    PipelineTaskConnections, dimensions=IMAGE_OF_DETECTOR, defaultTemplates={"image": "isrExp"}
):
    """A raw image, the calibrations that the configuration asks for, and the result.

    Crosstalk and linearizer are applied when there are any; all others must be there.

    Parameters
    ----------
    config
        Configuration of the task.
    """

    raw = Input(doc="Raw image", name="raw", storageClass=RAW, dimensions=IMAGE_OF_DETECTOR)
    bias = CalibrationInput(doc="Combined bias", name="bias", storageClass=IMAGE)
    dark = CalibrationInput(doc="Combined dark", name="dark", storageClass=IMAGE)
    flat = CalibrationInput(
        doc="Combined flat", name="flat", storageClass=IMAGE, dimensions=(*DETECTOR, "physical_filter")
    )
    defects = CalibrationInput(doc="Defects", name="defects", storageClass=DEFECTS)
    ptc = CalibrationInput(doc="Gains and noise", name="ptc", storageClass=CURVE)
    crosstalk = CalibrationInput(doc="Crosstalk", name="crosstalk", storageClass=CROSSTALK, minimum=0)
    linearizer = CalibrationInput(doc="Linearity", name="linearizer", storageClass=LINEARIZER, minimum=0)
    outputExposure = Output(
        doc="Image, in electrons if gains are applied, else in adu",
        name="{image}",
        storageClass=IMAGE,
        dimensions=IMAGE_OF_DETECTOR,
    )

    def __init__(self, *, config: Any = None) -> None:
        for calibration, option in _OPTIONS.items():
            if not getattr(config, option):
                delattr(self, calibration)


class OverscanConfig(Config):
    """How the overscan is subtracted."""

    fitType = ChoiceField[str](
        doc="How the level of a line is found.",
        dtype=str,
        default="MEDIAN_PER_ROW",
        allowed={name: f"{name.lower().replace('_', ' ')}" for name in FIT_TYPES},
    )
    leadingToSkip = Field[int](doc="Lines not used where an overscan begins.", default=3)
    trailingToSkip = Field[int](doc="Lines not used where an overscan ends.", default=3)
    doParallelOverscan = Field[bool](doc="Subtract the parallel overscan, too?", default=True)


class IsrConfig(PipelineTaskConfig, pipelineConnections=IsrConnections):
    """What to correct."""

    overscan = ConfigField[OverscanConfig](doc="Overscan subtraction.", dtype=OverscanConfig)
    doSaturation = Field[bool](doc="Flag saturated pixels?", default=True)
    saturation = Field[float](doc="Signal (adu) from which a pixel is saturated.", default=120_000.0)
    doCrosstalk = Field[bool](doc="Subtract crosstalk, where it is known?", default=True)
    doLinearize = Field[bool](doc="Correct non-linearity, where it is known?", default=True)
    doApplyGains = Field[bool](doc="Convert to electrons, with the gains of the ptc?", default=True)
    doBias = Field[bool](doc="Subtract the combined bias?", default=True)
    doDark = Field[bool](doc="Subtract the combined dark?", default=True)
    doDefect = Field[bool](doc="Flag defects?", default=True)
    doFlat = Field[bool](doc="Divide by the combined flat?", default=False)
    doInterpolate = Field[bool](doc="Interpolate over defects and saturated pixels?", default=False)
    doCosmicRays = Field[bool](doc="Flag cosmic rays?", default=False)


class IsrTask(CalibrationTask):
    """Removes what detector and electronics add to an image."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"
    config: IsrConfig

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        """The name of the detector is added: a raw header has only the words of the camera system for it."""
        return {**inputs, "detector": str(dimension_record(refs.raw, "detector").full_name)}

    def run(
        self,
        raw: RawImage,
        bias: DetectorImage | None = None,
        dark: DetectorImage | None = None,
        flat: DetectorImage | None = None,
        defects: Defects | None = None,
        ptc: PhotonTransferCurve | None = None,
        crosstalk: Crosstalk | None = None,
        linearizer: Linearizer | None = None,
        detector: str = "",
    ) -> Struct:
        """Process one raw image; which calibrations are used is a matter of the configuration."""
        for name, table in (("crosstalk", crosstalk), ("linearizer", linearizer)):
            if table is None and getattr(self.config, _OPTIONS[name]):
                self.log.info("No %s in the input collections: the image is not corrected for it.", name)
        image = self._assembled(raw, ptc, crosstalk, linearizer)
        image.metadata[Key.DETECTOR_NAME] = detector
        if bias is not None:
            _subtract(image, bias, "bias")
        if dark is not None:
            _subtract(image, dark, "dark", dark_time(raw.header))
            for name in image.amplifiers:
                image.metadata[Key.DARK_RATE.format(name)] = float(np.median(dark.pixels(name)[::7]))
        if defects is not None:
            _flag_defects(image, defects)
        if flat is not None:
            _divide(image, flat)
        if self.config.doCosmicRays:
            _flag_cosmic_rays(image)
        if self.config.doInterpolate:
            interpolate(image, MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
        return Struct(outputExposure=image)

    def _assembled(
        self,
        raw: RawImage,
        ptc: PhotonTransferCurve | None,
        crosstalk: Crosstalk | None,
        linearizer: Linearizer | None,
    ) -> DetectorImage:
        """Process the amplifiers and assemble them.

        Overscan, crosstalk and linearity are treated in adu; the gain is applied last. The overscan has no
        crosstalk and the gain is one factor for each amplifier, so the order of these steps makes no
        difference.
        """
        options = self.config.overscan
        results = {
            name: subtract_overscan(
                amplifier,
                fit_type=options.fitType,
                leading=options.leadingToSkip,
                trailing=options.trailingToSkip,
                parallel=options.doParallelOverscan,
            )
            for name, amplifier in raw.amplifiers.items()
        }
        pixels = {name: result.pixels for name, result in results.items()}
        saturated = {
            name: plane > self.config.saturation
            for name, plane in pixels.items()
            if self.config.doSaturation and plane.max() > self.config.saturation
        }
        if crosstalk is not None:
            order = [crosstalk.amplifiers.index(name) for name in raw.amplifiers]
            by_source = np.asarray(crosstalk.coeffs, dtype=np.float64)[np.ix_(order, order)]
            subtract_crosstalk(pixels, by_source.T)
        metadata: dict[str, Any] = dict(raw.header)
        metadata["EXPOSURE"] = exposure_id(raw.header["OBSID"])
        metadata["IMAGE SHAPE"] = list(raw.shape)
        metadata[Key.UNITS] = "adu" if ptc is None else "electron"
        for name, plane in pixels.items():
            if linearizer is not None:
                plane = linearize(plane, linearizer.linearityCoeffs[name])
            gain = 1.0 if ptc is None else ptc.gain[name]
            if gain != 1.0:
                plane *= np.float32(gain)
            pixels[name] = plane
            metadata |= _amplifier_metadata(name, gain, ptc, results[name])
        image = assemble(raw.shape, pixels, {n: each.amplifier for n, each in raw.amplifiers.items()})
        image.metadata = metadata
        for name, where in saturated.items():
            image.flags(name)[image.amplifiers[name].mirrored(where)] |= np.uint16(MaskPlane.SAT)
        return image


def _amplifier_metadata(
    name: str, gain: float, ptc: PhotonTransferCurve | None, overscan: OverscanResult
) -> dict[str, float]:
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
    }


def _subtract(image: DetectorImage, calibration: DetectorImage, name: str, factor: float = 1.0) -> None:
    """Subtract a combined calibration, times a factor such as the dark time (s)."""
    _check_size(image, calibration, name)
    if calibration.unit != image.unit:
        raise RuntimeError(
            f"the combined {name} is in {calibration.unit}, the exposure in {image.unit}:"
            " make both with the same isr:doApplyGains"
        )
    image.image -= calibration.image if factor == 1.0 else calibration.image * np.float32(factor)
    image.mask |= calibration.mask & _UNUSABLE


def _divide(image: DetectorImage, flat: DetectorImage) -> None:
    """Divide by a combined flat. Where the flat is not positive, there are no data."""
    _check_size(image, flat, "flat")
    dark = ~(flat.image > 0.0)
    image.image /= np.where(dark, np.float32(1.0), flat.image)
    inputs = flat.metadata.get("INPUT EXPOSURES") or ()
    if image.metadata.get("EXPOSURE") in inputs:
        image.metadata[Key.FLAT_INPUTS] = len(inputs)
    image.mask |= flat.mask & _UNUSABLE
    image.mask[dark] |= np.uint16(MaskPlane.NO_DATA)


def _check_size(image: DetectorImage, calibration: DetectorImage, name: str) -> None:
    if calibration.image.shape != image.image.shape:
        raise RuntimeError(
            f"the combined {name} has {calibration.image.shape} pixels, "
            f"the exposure {image.image.shape}: both must be of the same detector and scale"
        )


def _flag_defects(image: DetectorImage, defects: Defects) -> None:
    if tuple(defects.shape) != image.image.shape:
        raise RuntimeError(
            f"the defects are those of an image of {tuple(defects.shape)} pixels, "
            f"the exposure has {image.image.shape}"
        )
    image.mask[defects.mask] |= np.uint16(MaskPlane.BAD)


def _flag_cosmic_rays(image: DetectorImage) -> None:
    """Flag cosmic rays, and write down how many; none, and why, if they cannot be found."""
    cosmic_ray, finder = np.uint16(MaskPlane.CR), CosmicRayFinder()
    try:
        for name in image.amplifiers:
            pixels, flags = image.pixels(name), image.flags(name)
            unusable = (flags & _UNUSABLE) != 0
            good = clipped_statistics(pixels[~unusable])
            flags[finder.find(pixels, good.mean, good.sigma) & ~unusable] |= cosmic_ray
        image.metadata["COSMIC RAY PIXELS"] = int(np.count_nonzero(image.mask & cosmic_ray))
    except TooManyCosmicRaysError as error:
        image.mask &= ~cosmic_ray
        image.metadata["COSMIC RAY PIXELS"] = None
        image.metadata["COSMIC RAY REASON"] = str(error)
