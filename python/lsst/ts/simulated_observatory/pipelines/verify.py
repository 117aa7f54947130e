"""Tasks of verification: tests of images or curves, and results of exposures and runs merged from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from astropy.table import Table
from lsst.pex.config import ChoiceField, Config, ConfigField, Field
from lsst.pipe.base import InputQuantizedConnection, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input

from ..cameras.models import DetectorModel, detector_model
from .cosmicrays import CosmicRayFinder
from .criteria import verified_image
from .curvecriteria import verified_curve
from .defectcriteria import verified_defects
from .images import DetectorImage
from .merging import exp_merge, run_merge
from .resulttables import head_of, merged_results, results_table
from .storage_classes import CURVE, IMAGE
from .tables import PhotonTransferCurve
from .tasks import (
    DETECTOR,
    EXPOSURE,
    IMAGE_OF_DETECTOR,
    CalibrationInput,
    CalibrationTask,
    ImageInput,
    ResultsInput,
    ResultsOutput,
    StatisticsInput,
    StatisticsOutput,
    dimension_record,
)

__all__ = [
    "VerifyCurveTask",
    "VerifyDetectorTask",
    "VerifyDetectorsTask",
    "VerifyExposureTask",
    "VerifyRunTask",
]

_TEMPLATES = {"calibration": "Bias"}
_RUN = ("instrument",)


class VerifyDetectorConnections(
    PipelineTaskConnections, dimensions=IMAGE_OF_DETECTOR, defaultTemplates=_TEMPLATES
):
    """A processed image, in electrons, and its statistics as cp_verify has them.

    In combined dark and flat it is seen which defects the list leaves; verification of other images has none.

    Parameters
    ----------
    config
        Configuration of the task.
    """

    inputExposure = ImageInput(doc="Image", name="verify{calibration}Proc")
    dark = CalibrationInput(doc="Combined dark", name="dark", storageClass=IMAGE, minimum=0)
    flat = CalibrationInput(
        doc="Combined flat",
        name="flat",
        storageClass=IMAGE,
        dimensions=(*DETECTOR, "physical_filter"),
        minimum=0,
    )
    outputStats = StatisticsOutput(
        doc="Results", name="verify{calibration}DetStats", dimensions=IMAGE_OF_DETECTOR
    )

    def __init__(self, *, config: Any = None) -> None:
        if config.imageType != "DEFECTS":
            del self.dark, self.flat


class VerifyExposureConnections(PipelineTaskConnections, dimensions=EXPOSURE, defaultTemplates=_TEMPLATES):
    """Statistics of all detectors, and the result of the exposure."""

    inputStats = StatisticsInput(
        doc="By detector", name="verify{calibration}DetStats", dimensions=IMAGE_OF_DETECTOR
    )
    outputStats = StatisticsOutput(doc="Result", name="verify{calibration}ExpStats", dimensions=EXPOSURE)
    outputResults = ResultsOutput(doc="Table", name="verify{calibration}ExpResults", dimensions=EXPOSURE)


class VerifyRunConnections(PipelineTaskConnections, dimensions=_RUN, defaultTemplates=_TEMPLATES):
    """Results of all exposures, and the result of the run."""

    inputStats = StatisticsInput(doc="By exposure", name="verify{calibration}ExpStats", dimensions=EXPOSURE)
    inputResults = ResultsInput(doc="Tables", name="verify{calibration}ExpResults", dimensions=EXPOSURE)
    outputStats = StatisticsOutput(doc="Result", name="verify{calibration}Stats", dimensions=_RUN)
    outputResults = ResultsOutput(doc="Table", name="verify{calibration}Results", dimensions=_RUN)


class VerifyCurveConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """The curve of a detector and its statistics.

    The curve is an ordinary input: what is verified is what a job has made, not what is certified.
    """

    inputCurve = Input(
        doc="Photon transfer curve", name="ptc", storageClass=CURVE, dimensions=DETECTOR, isCalibration=True
    )
    outputStats = StatisticsOutput(doc="Results", name="verifyPtcDetStats", dimensions=DETECTOR)


class VerifyDetectorsConnections(PipelineTaskConnections, dimensions=_RUN):
    """Statistics of the curves of all detectors, and the result."""

    inputStats = StatisticsInput(doc="By detector", name="verifyPtcDetStats", dimensions=DETECTOR)
    outputStats = StatisticsOutput(doc="Result", name="verifyPtcStats", dimensions=_RUN)
    outputResults = ResultsOutput(doc="Table", name="verifyPtcResults", dimensions=_RUN)


class CosmicRayConfig(Config):
    """How cosmic rays are found."""

    minSigma = Field[float](doc="Height above the background, in sigma.", default=6.0)
    min_DN = Field[float](doc="Smallest charge of an event, electron.", default=150.0)
    fwhm = Field[float](doc="Width of a point source, pixels.", default=3.0)


class VerifyDetectorConfig(PipelineTaskConfig, pipelineConnections=VerifyDetectorConnections):
    """What to measure and to test."""

    imageType = ChoiceField[str](
        doc="Which tests are made.",
        dtype=str,
        default="BIAS",
        allowed={
            "BIAS": "those of a bias",
            "DARK": "those of a dark",
            "FLAT": "those of a flat",
            "DEFECTS": "those of a flat in which defects are flagged",
        },
    )
    repair = ConfigField[CosmicRayConfig](doc="Cosmic rays.", dtype=CosmicRayConfig)


class VerifyExposureConfig(PipelineTaskConfig, pipelineConnections=VerifyExposureConnections):
    """What to test in an exposure."""

    doScatter = Field[bool](doc="Test the scatter of the detectors' means (flats)?", default=False)


class VerifyRunConfig(PipelineTaskConfig, pipelineConnections=VerifyRunConnections):
    """Nothing to choose."""


class VerifyCurveConfig(PipelineTaskConfig, pipelineConnections=VerifyCurveConnections):
    """Nothing to choose."""


class VerifyDetectorsConfig(PipelineTaskConfig, pipelineConnections=VerifyDetectorsConnections):
    """Nothing to choose."""


class VerifyDetectorTask(CalibrationTask):
    """Measures and tests one image."""

    ConfigClass = VerifyDetectorConfig
    _DefaultName = "verifyDetector"
    config: VerifyDetectorConfig

    def run(
        self,
        inputExposure: DetectorImage,
        dark: DetectorImage | None = None,
        flat: DetectorImage | None = None,
    ) -> Struct:
        """Measure and test one image, see `verified_image` and `verified_defects`."""
        if self.config.imageType == "DEFECTS":
            return Struct(outputStats=verified_defects(inputExposure, dark=dark, flat=flat))
        repair = self.config.repair
        finder = CosmicRayFinder(
            threshold=repair.minSigma, minimum_charge=repair.min_DN, psf_fwhm=repair.fwhm
        )
        return Struct(outputStats=verified_image(inputExposure, self.config.imageType, finder))


class VerifyCurveTask(CalibrationTask):
    """Tests one photon transfer curve against the camera model."""

    ConfigClass = VerifyCurveConfig
    _DefaultName = "verifyCurve"

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        data_id = refs.inputCurve.dataId
        model = detector_model(str(data_id["instrument"]), int(data_id["detector"]))
        return {**inputs, "model": model}

    def run(self, inputCurve: PhotonTransferCurve, model: DetectorModel) -> Struct:
        """Test one curve, see `verified_curve`."""
        return Struct(outputStats=verified_curve(inputCurve, model))


class _MergingTask(CalibrationTask):
    """Merges the results of detectors, which it calls by their names."""

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        names = [str(dimension_record(ref, "detector").full_name) for ref in refs.inputStats]
        return {
            "inputStats": dict(zip(names, inputs["inputStats"], strict=True)),
            "heads": [head_of(ref) for ref in refs.inputStats],
        }


class VerifyDetectorsTask(_MergingTask):
    """Merges the results of the curves of all detectors."""

    ConfigClass = VerifyDetectorsConfig
    _DefaultName = "verifyDetectors"

    def run(self, inputStats: Mapping[str, Mapping[str, Any]], heads: Sequence[Mapping[str, Any]]) -> Struct:
        """Merge the results of detectors, see `exp_merge` and `results_table`."""
        table = results_table("PTC", heads, inputStats.values())
        return Struct(outputStats=exp_merge(inputStats), outputResults=table)


class VerifyExposureTask(_MergingTask):
    """Merges the results of the detectors of an exposure."""

    ConfigClass = VerifyExposureConfig
    _DefaultName = "verifyExposure"
    config: VerifyExposureConfig

    def run(self, inputStats: Mapping[str, Mapping[str, Any]], heads: Sequence[Mapping[str, Any]]) -> Struct:
        """Merge the results of detectors, and test their scatter if the configuration says so."""
        stage = str(self.config.connections.calibration).upper()
        table = results_table(stage, heads, inputStats.values())
        return Struct(outputStats=exp_merge(inputStats, scatter=self.config.doScatter), outputResults=table)


class VerifyRunTask(CalibrationTask):
    """Merges the results of all exposures."""

    ConfigClass = VerifyRunConfig
    _DefaultName = "verifyRun"

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        exposures = [int(ref.dataId["exposure"]) for ref in refs.inputStats]
        return {**inputs, "inputStats": dict(zip(exposures, inputs["inputStats"], strict=True))}

    def run(self, inputStats: Mapping[int, Mapping[str, Any]], inputResults: Sequence[Table]) -> Struct:
        """Merge the results of exposures, see `run_merge`."""
        return Struct(outputStats=run_merge(inputStats), outputResults=merged_results(inputResults))
