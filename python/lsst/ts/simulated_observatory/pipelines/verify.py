"""Tasks of verification: tests of images or curves, and results of exposures and runs merged from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsst.pex.config import ChoiceField, Config, ConfigField, Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input

from ..cameras.models import DetectorModel, detector_model
from . import criteria
from .cosmicrays import CosmicRayFinder
from .curvecriteria import verified_curve
from .images import DetectorImage
from .merging import exp_merge, run_merge
from .metadata import OVERSCAN_NOISE, amplifier_value
from .storage_classes import CURVE
from .tables import PhotonTransferCurve
from .tasks import (
    DETECTOR,
    EXPOSURE,
    ImageInput,
    PreparedInputsTask,
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


class VerifyDetectorConnections(PipelineTaskConnections, dimensions=EXPOSURE, defaultTemplates=_TEMPLATES):
    """A processed image and its statistics."""

    inputExposure = ImageInput(doc="Image to verify", name="verify{calibration}Proc")
    outputStats = StatisticsOutput(
        doc="Statistics and test results", name="verify{calibration}DetStats", dimensions=EXPOSURE
    )


class VerifyExposureConnections(
    PipelineTaskConnections, dimensions=("instrument", "exposure"), defaultTemplates=_TEMPLATES
):
    """Statistics of all detectors, and the result of the exposure."""

    inputStats = StatisticsInput(
        doc="Statistics of the detectors", name="verify{calibration}DetStats", dimensions=EXPOSURE
    )
    outputStats = StatisticsOutput(
        doc="Result of the exposure",
        name="verify{calibration}ExpStats",
        dimensions=("instrument", "exposure"),
    )


class VerifyRunConnections(PipelineTaskConnections, dimensions=("instrument",), defaultTemplates=_TEMPLATES):
    """Results of all exposures, and the result of the run."""

    inputStats = StatisticsInput(
        doc="Results of the exposures",
        name="verify{calibration}ExpStats",
        dimensions=("instrument", "exposure"),
    )
    outputStats = StatisticsOutput(
        doc="Result of the run", name="verify{calibration}Stats", dimensions=("instrument",)
    )


class VerifyCurveConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """The curve of a detector and its statistics.

    The curve is an ordinary input: what is verified is what a job has made, not what is certified.
    """

    inputCurve = Input(
        doc="Photon transfer curve", name="ptc", storageClass=CURVE, dimensions=DETECTOR, isCalibration=True
    )
    outputStats = StatisticsOutput(
        doc="Statistics and test results", name="verifyPtcDetStats", dimensions=DETECTOR
    )


class VerifyDetectorsConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """Statistics of the curves of all detectors, and the result."""

    inputStats = StatisticsInput(
        doc="Statistics of the detectors", name="verifyPtcDetStats", dimensions=DETECTOR
    )
    outputStats = StatisticsOutput(
        doc="Result of all detectors", name="verifyPtcStats", dimensions=("instrument",)
    )


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


class VerifyDetectorTask(PipelineTask):
    """Measures and tests one image."""

    ConfigClass = VerifyDetectorConfig
    _DefaultName = "verifyDetector"
    config: VerifyDetectorConfig

    def run(self, inputExposure: DetectorImage) -> Struct:
        """Measure and test one image.

        Parameters
        ----------
        inputExposure
            Processed image, electron.

        Returns
        -------
        result
            ``outputStats``: AMP, METADATA, CATALOG, DET, VERIFY, SUCCESS, as cp_verify has them.
        """
        detector: dict[str, float] = {}
        detector_tests: dict[str, bool] = {}
        metadata: dict[str, Any] = {}
        if self.config.imageType == "FLAT":
            amplifiers, detector = criteria.measure_flat(inputExposure)
            amplifier_tests, detector_tests = criteria.verify_flat(amplifiers, detector)
        elif self.config.imageType == "DEFECTS":
            amplifiers = criteria.measure_defects(inputExposure)
            amplifier_tests = criteria.verify_defects(amplifiers)
        else:
            amplifiers = criteria.measure_dark_image(
                inputExposure, self._finder(), corner=self.config.imageType == "BIAS"
            )
            amplifier_tests = criteria.verify_dark_image(amplifiers, inputExposure.metadata)
            metadata["READ_NOISE_ADU"] = {
                name: amplifier_value(inputExposure.metadata, OVERSCAN_NOISE, name)
                for name in inputExposure.amplifiers
            }
        success = all(tests["SUCCESS"] for tests in amplifier_tests.values())
        success &= detector_tests.get("SUCCESS", True)
        return Struct(
            outputStats={
                "AMP": amplifiers,
                "METADATA": metadata,
                "CATALOG": {},
                "DET": detector,
                "VERIFY": {"AMP": amplifier_tests, "DET": detector_tests},
                "SUCCESS": success,
            }
        )

    def _finder(self) -> CosmicRayFinder:
        repair = self.config.repair
        return CosmicRayFinder(threshold=repair.minSigma, minimum_charge=repair.min_DN, psf_fwhm=repair.fwhm)


class VerifyCurveTask(PreparedInputsTask):
    """Tests one photon transfer curve against the camera model."""

    ConfigClass = VerifyCurveConfig
    _DefaultName = "verifyCurve"

    def _inputs(self, butler: QuantumContext, refs: InputQuantizedConnection) -> dict[str, Any]:
        data_id = refs.inputCurve.dataId
        model = detector_model(str(data_id["instrument"]), int(data_id["detector"]))
        return {**butler.get(refs), "model": model}

    def run(self, inputCurve: PhotonTransferCurve, model: DetectorModel) -> Struct:
        """Test one curve.

        Parameters
        ----------
        inputCurve
            Photon transfer curve of a detector.
        model
            Its camera model.

        Returns
        -------
        result
            ``outputStats``: AMP, METADATA, CATALOG, DET, VERIFY, SUCCESS, as cp_verify has them.
        """
        return Struct(outputStats=verified_curve(inputCurve, model))


class _DetectorsTask(PreparedInputsTask):
    """Merges the results of detectors, which it calls by their names."""

    def _inputs(self, butler: QuantumContext, refs: InputQuantizedConnection) -> dict[str, Any]:
        names = [str(dimension_record(ref, "detector").full_name) for ref in refs.inputStats]
        return {"inputStats": dict(zip(names, butler.get(refs.inputStats), strict=True))}

    def run(self, inputStats: Mapping[str, Mapping[str, Any]]) -> Struct:
        """Merge the results of detectors.

        Parameters
        ----------
        inputStats
            ``verify<X>DetStats`` by detector name.

        Returns
        -------
        result
            ``outputStats``: see `exp_merge`.
        """
        return Struct(outputStats=exp_merge(inputStats, scatter=self._scatter()))

    def _scatter(self) -> bool:
        """Whether to test the scatter of the detectors' means."""
        return False


class VerifyDetectorsTask(_DetectorsTask):
    """Merges the results of the curves of all detectors."""

    ConfigClass = VerifyDetectorsConfig
    _DefaultName = "verifyDetectors"


class VerifyExposureTask(_DetectorsTask):
    """Merges the results of the detectors of an exposure."""

    ConfigClass = VerifyExposureConfig
    _DefaultName = "verifyExposure"
    config: VerifyExposureConfig

    def _scatter(self) -> bool:
        return self.config.doScatter


class VerifyRunTask(PreparedInputsTask):
    """Merges the results of all exposures."""

    ConfigClass = VerifyRunConfig
    _DefaultName = "verifyRun"

    def _inputs(self, butler: QuantumContext, refs: InputQuantizedConnection) -> dict[str, Any]:
        exposures = [int(ref.dataId["exposure"]) for ref in refs.inputStats]
        return {"inputStats": dict(zip(exposures, butler.get(refs.inputStats), strict=True))}

    def run(self, inputStats: Mapping[int, Mapping[str, Any]]) -> Struct:
        """Merge the results of exposures.

        Parameters
        ----------
        inputStats
            ``verify<X>ExpStats`` by exposure id.

        Returns
        -------
        result
            ``outputStats``: see `run_merge`.
        """
        return Struct(outputStats=run_merge(inputStats))
