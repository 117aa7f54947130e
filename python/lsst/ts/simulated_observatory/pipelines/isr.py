"""Instrument signature removal: from a raw image to the image of a detector (ip_isr, isrTaskLSST)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Config, ConfigField, Field
from lsst.pipe.base import InputQuantizedConnection, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from lsst.ts.calibrations.domain.instruments import exposure_id

from ..cameras.models import detector_model
from .corrections import interpolate
from .images import DetectorImage, Key, MaskPlane, dark_time
from .overscan import FIT_TYPES, OverscanResult, subtract_overscan
from .raws import RawImage
from .removal import (
    assemble_amplifiers,
    divide_by_flat,
    flag_cosmic_rays,
    flag_defects,
    flag_not_finite,
    saturation_levels,
    subtract_calibration,
)
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
    saturation = Field[float](
        doc="Signal (adu) from which a pixel of any amplifier is saturated, instead of the camera model's.",
        optional=True,
    )
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
        """Add the name of the detector, which raw headers do not have, and levels of the camera model."""
        data_id = refs.raw.dataId
        model = detector_model(str(data_id["instrument"]), int(data_id["detector"]))
        return {
            **inputs,
            "detector": str(dimension_record(refs.raw, "detector").full_name),
            "saturation": {each.name: each.sensor.saturation for each in model.amplifiers},
        }

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
        saturation: Mapping[str, float] | None = None,
    ) -> Struct:
        """Process one raw image; which calibrations are used is a matter of the configuration."""
        for name, table in (("crosstalk", crosstalk), ("linearizer", linearizer)):
            if table is None and getattr(self.config, _OPTIONS[name]):
                self.log.info("No %s in the input collections: the image is not corrected for it.", name)
        results = self._without_overscan(raw, saturation or {}, ptc)
        image = assemble_amplifiers(raw, results, ptc, crosstalk, linearizer)
        image.metadata |= {"EXPOSURE": exposure_id(raw.header["OBSID"]), Key.DETECTOR_NAME: detector}
        if bias is not None:
            subtract_calibration(image, bias, "bias")
        if dark is not None:
            subtract_calibration(image, dark, "dark", dark_time(raw.header, missing=math.nan))
            for name in image.amplifiers:
                image.metadata[Key.DARK_RATE.format(name)] = float(np.median(dark.pixels(name)[::7]))
        if defects is not None:
            flag_defects(image, defects)
        if flat is not None:
            divide_by_flat(image, flat)
        flag_not_finite(image)
        if self.config.doCosmicRays:
            flag_cosmic_rays(image)
        if self.config.doInterpolate:
            interpolate(image, MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
        return Struct(outputExposure=image)

    def _without_overscan(
        self, raw: RawImage, levels: Mapping[str, float], ptc: PhotonTransferCurve | None
    ) -> dict[str, OverscanResult]:
        """Amplifiers without their bias level, and what is saturated in them."""
        options, one_level = self.config.overscan, self.config.saturation
        if one_level is not None:
            levels = dict.fromkeys(raw.amplifiers, one_level)
        if self.config.doSaturation:
            levels = saturation_levels(raw.amplifiers, levels, ptc)
        return {
            name: subtract_overscan(
                amplifier,
                fit_type=options.fitType,
                leading=options.leadingToSkip,
                trailing=options.trailingToSkip,
                parallel=options.doParallelOverscan,
                saturation=levels[name] if self.config.doSaturation else math.inf,
            )
            for name, amplifier in raw.amplifiers.items()
        }
