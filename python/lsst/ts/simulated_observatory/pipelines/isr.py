"""Instrument signature removal: from a raw image to the image of a detector (ip_isr, isrTaskLSST)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Config, ConfigField, Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output

from lsst.ts.calibrations.domain.instruments import exposure_id

from . import corrections
from .cosmicrays import CosmicRayFinder, TooManyCosmicRaysError
from .images import DetectorImage, MaskPlane
from .metadata import (
    DETECTOR_NAME,
    GAIN,
    IMAGE_NOISE,
    OVERSCAN_LEVEL,
    OVERSCAN_NOISE,
    READ_NOISE,
    UNITS,
    dark_time,
)
from .overscan import FIT_TYPES, OverscanResult, subtract_overscan
from .raws import RawImage
from .storage_classes import CROSSTALK, CURVE, DEFECTS, IMAGE, LINEARIZER, RAW
from .tables import Crosstalk, Defects, Linearizer, PhotonTransferCurve
from .tasks import DETECTOR, EXPOSURE, CalibrationInput, PreparedInputsTask, dimension_record

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


class IsrConnections(PipelineTaskConnections, dimensions=EXPOSURE, defaultTemplates={"image": "isrExp"}):
    """A raw image, the calibrations that the configuration asks for, and the result.

    Crosstalk and linearizer are applied when there are any; all others must be there.

    Parameters
    ----------
    config
        Configuration of the task.
    """

    raw = Input(doc="Raw image", name="raw", storageClass=RAW, dimensions=EXPOSURE)
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
        doc="Image of the detector", name="{image}", storageClass=IMAGE, dimensions=EXPOSURE
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


class IsrTask(PreparedInputsTask):
    """Removes what detector and electronics add to an image."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"
    config: IsrConfig

    def _inputs(self, butler: QuantumContext, refs: InputQuantizedConnection) -> dict[str, Any]:
        """The name of the detector is added: a raw header has only the words of the camera system for it."""
        return {**butler.get(refs), "detector": str(dimension_record(refs.raw, "detector").full_name)}

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
        """Process one raw image; which calibrations are used is a matter of the configuration.

        Parameters
        ----------
        raw
            The raw image, adu.
        bias, dark, flat
            Combined calibrations in the unit of the result, that of the dark per second, or None.
        defects, ptc, crosstalk, linearizer
            Other calibrations of the detector, or None.
        detector
            Full name of the detector, e.g. ``RXX_S00``, for the metadata of the image.

        Returns
        -------
        result
            ``outputExposure``: the image, in electrons if gains are applied, else in adu.
        """
        for name, table in (("crosstalk", crosstalk), ("linearizer", linearizer)):
            if table is None and getattr(self.config, _OPTIONS[name]):
                self.log.info("No %s in the input collections: the image is not corrected for it.", name)
        image = self._assembled(raw, ptc, crosstalk, linearizer)
        image.metadata[DETECTOR_NAME] = detector
        if bias is not None:
            corrections.subtract(image, bias, "bias")
        if dark is not None:
            corrections.subtract(image, dark, "dark", dark_time(raw.header))
        if defects is not None:
            corrections.flag_defects(image, defects)
        if flat is not None:
            corrections.divide(image, flat)
        if self.config.doCosmicRays:
            _flag_cosmic_rays(image)
        if self.config.doInterpolate:
            corrections.interpolate(image, MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
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
        results = {name: self._without_overscan(raw, name) for name in raw.amplifiers}
        pixels = {name: result.pixels for name, result in results.items()}
        saturated = {
            name: plane > self.config.saturation
            for name, plane in pixels.items()
            if self.config.doSaturation and plane.max() > self.config.saturation
        }
        if crosstalk is not None:
            order = [crosstalk.amplifiers.index(name) for name in raw.amplifiers]
            corrections.subtract_crosstalk(
                pixels, np.asarray(crosstalk.coeffs, dtype=np.float64)[np.ix_(order, order)]
            )
        metadata: dict[str, Any] = dict(raw.header)
        metadata["EXPOSURE"] = exposure_id(raw.header["OBSID"])
        metadata["IMAGE SHAPE"] = list(raw.shape)
        metadata[UNITS] = "adu" if ptc is None else "electron"
        for name, plane in pixels.items():
            if linearizer is not None:
                plane = corrections.linearize(plane, linearizer.linearityCoeffs[name])
            gain = 1.0 if ptc is None else ptc.gain[name]
            if gain != 1.0:
                plane *= np.float32(gain)
            pixels[name] = plane
            metadata |= _amplifier_metadata(name, gain, ptc, results[name])
        image = corrections.assemble(
            raw.shape, pixels, {n: each.amplifier for n, each in raw.amplifiers.items()}
        )
        image.metadata = metadata
        for name, where in saturated.items():
            image.flags(name)[image.amplifiers[name].mirrored(where)] |= np.uint16(MaskPlane.SAT)
        return image

    def _without_overscan(self, raw: RawImage, name: str) -> OverscanResult:
        """Subtract the overscan of one amplifier."""
        options = self.config.overscan
        return subtract_overscan(
            raw.amplifiers[name],
            fit_type=options.fitType,
            leading=options.leadingToSkip,
            trailing=options.trailingToSkip,
            parallel=options.doParallelOverscan,
        )


def _amplifier_metadata(
    name: str, gain: float, ptc: PhotonTransferCurve | None, overscan: OverscanResult
) -> dict[str, float]:
    """Gain and noise of an amplifier, under the names that ISR uses."""
    metadata = {}
    noise = overscan.residual_sigma * gain
    if ptc is not None:
        noise = ptc.noise.get(name, math.nan)
        metadata[IMAGE_NOISE.format(name)] = ptc.imageNoise.get(name, math.nan)
    return metadata | {
        GAIN.format(name): gain,
        READ_NOISE.format(name): noise,
        OVERSCAN_LEVEL.format(name): overscan.serial_median,
        OVERSCAN_NOISE.format(name): overscan.residual_sigma,
    }


def _flag_cosmic_rays(image: DetectorImage) -> None:
    """Flag cosmic rays, and write down how many; none, and why, if they cannot be found."""
    try:
        corrections.flag_cosmic_rays(image, CosmicRayFinder())
        image.metadata["COSMIC RAY PIXELS"] = int(np.count_nonzero(image.mask & np.uint16(MaskPlane.CR)))
    except TooManyCosmicRaysError as error:
        image.mask &= np.uint16(0xFFFF ^ MaskPlane.CR)
        image.metadata["COSMIC RAY PIXELS"] = None
        image.metadata["COSMIC RAY REASON"] = str(error)
