"""Instrument signature removal: from a raw image to the image of a detector."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from typing import Any

from lsst.pex.config import ChoiceField, Config, ConfigField, Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from .images import DetectorImage
from .overscan import FIT_TYPES
from .raws import RawImage
from .records import dimension_record
from .removal import DETECTOR_NAME, SignalRemoval, dark_time
from .storage_classes import CROSSTALK, CURVE, DEFECTS, IMAGE, LINEARIZER, RAW
from .tables import Crosstalk, Defects, Linearizer, PhotonTransferCurve

__all__ = ["IsrConfig", "IsrConnections", "IsrTask", "OverscanConfig"]

_IMAGE = ("instrument", "exposure", "detector")
_DETECTOR = ("instrument", "detector")
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


class IsrConnections(PipelineTaskConnections, dimensions=_IMAGE, defaultTemplates={"image": "isrExp"}):
    """A raw image, the calibrations that the configuration asks for, and the result.

    Crosstalk and linearizer are applied when there are any; all others must be there.
    """

    raw = Input(doc="Raw image", name="raw", storageClass=RAW, dimensions=_IMAGE)
    bias = PrerequisiteInput(
        doc="Combined bias", name="bias", storageClass=IMAGE, dimensions=_DETECTOR, isCalibration=True
    )
    dark = PrerequisiteInput(
        doc="Combined dark", name="dark", storageClass=IMAGE, dimensions=_DETECTOR, isCalibration=True
    )
    flat = PrerequisiteInput(
        doc="Combined flat",
        name="flat",
        storageClass=IMAGE,
        dimensions=(*_DETECTOR, "physical_filter"),
        isCalibration=True,
    )
    defects = PrerequisiteInput(
        doc="Defects", name="defects", storageClass=DEFECTS, dimensions=_DETECTOR, isCalibration=True
    )
    ptc = PrerequisiteInput(
        doc="Gains and noise", name="ptc", storageClass=CURVE, dimensions=_DETECTOR, isCalibration=True
    )
    crosstalk = PrerequisiteInput(
        doc="Crosstalk",
        name="crosstalk",
        storageClass=CROSSTALK,
        dimensions=_DETECTOR,
        isCalibration=True,
        minimum=0,
    )
    linearizer = PrerequisiteInput(
        doc="Linearity",
        name="linearizer",
        storageClass=LINEARIZER,
        dimensions=_DETECTOR,
        isCalibration=True,
        minimum=0,
    )
    outputExposure = Output(
        doc="Image of the detector", name="{image}", storageClass=IMAGE, dimensions=_IMAGE
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


class IsrTask(PipelineTask):
    """Removes what detector and electronics add to an image."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"
    config: IsrConfig

    def runQuantum(  # noqa: N802
        self,
        butlerQC: QuantumContext,  # noqa: N803
        inputRefs: InputQuantizedConnection,  # noqa: N803
        outputRefs: OutputQuantizedConnection,  # noqa: N803
    ) -> None:
        """Name the detector, which a raw header knows only by the words of the camera system, and run."""
        name = str(dimension_record(inputRefs.raw, "detector").full_name)
        butlerQC.put(self.run(**butlerQC.get(inputRefs), detector=name), outputRefs)

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

        The full name of the detector, e.g. ``RXX_S00``, goes into the metadata of the image.

        Returns
        -------
        result
            ``outputExposure``: the image, in electrons if gains are applied, else in adu.
        """
        for name, table in (("crosstalk", crosstalk), ("linearizer", linearizer)):
            if table is None and getattr(self.config, _OPTIONS[name]):
                self.log.info("No %s in the input collections: the image is not corrected for it.", name)
        removal = SignalRemoval(self.config, raw, ptc=ptc, crosstalk=crosstalk, linearizer=linearizer)
        image = removal.amplifiers_to_image()
        image.metadata[DETECTOR_NAME] = detector
        if bias is not None:
            removal.subtract(image, bias, "bias", 1.0)
        if dark is not None:
            removal.subtract(image, dark, "dark", dark_time(raw.header))
        removal.flag(image, defects)
        if flat is not None:
            removal.divide(image, flat)
        removal.finish(image)
        return Struct(outputExposure=image)
