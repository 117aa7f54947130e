"""Verification: statistics and tests of single images, merged to those of exposures and of the run."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Mapping
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
from lsst.pipe.base.connectionTypes import Input, Output

from .cosmicrays import CosmicRayFinder
from .criteria import measure_dark_image, measure_flat, read_noise_adu, verify_dark_image, verify_flat
from .defectcriteria import measure_defects, verify_defects
from .images import DetectorImage
from .merging import merge_detectors, merge_exposures
from .records import dimension_record
from .storage_classes import IMAGE, STATISTICS

__all__ = ["DetectorsTask", "VerifyDetectorTask", "VerifyExposureTask", "VerifyRunTask"]

_IMAGE = ("instrument", "exposure", "detector")
_TEMPLATES = {"calibration": "Bias"}


class VerifyDetectorConnections(PipelineTaskConnections, dimensions=_IMAGE, defaultTemplates=_TEMPLATES):
    """A processed image and its statistics."""

    inputExposure = Input(
        doc="Image to verify", name="verify{calibration}Proc", storageClass=IMAGE, dimensions=_IMAGE
    )
    outputStats = Output(
        doc="Statistics and test results",
        name="verify{calibration}DetStats",
        storageClass=STATISTICS,
        dimensions=_IMAGE,
    )


class VerifyExposureConnections(
    PipelineTaskConnections, dimensions=("instrument", "exposure"), defaultTemplates=_TEMPLATES
):
    """Statistics of all detectors, and the result of the exposure."""

    inputStats = Input(
        doc="Statistics of the detectors",
        name="verify{calibration}DetStats",
        storageClass=STATISTICS,
        dimensions=_IMAGE,
        multiple=True,
    )
    outputStats = Output(
        doc="Result of the exposure",
        name="verify{calibration}ExpStats",
        storageClass=STATISTICS,
        dimensions=("instrument", "exposure"),
    )


class VerifyRunConnections(PipelineTaskConnections, dimensions=("instrument",), defaultTemplates=_TEMPLATES):
    """Results of all exposures, and the result of the run."""

    inputStats = Input(
        doc="Results of the exposures",
        name="verify{calibration}ExpStats",
        storageClass=STATISTICS,
        dimensions=("instrument", "exposure"),
        multiple=True,
    )
    outputStats = Output(
        doc="Result of the run",
        name="verify{calibration}Stats",
        storageClass=STATISTICS,
        dimensions=("instrument",),
    )


class CosmicRayConfig(Config):
    """How cosmic rays are found."""

    minSigma = Field[float](doc="Height above the background, in sigma.", default=6.0)
    min_DN = Field[float](doc="Smallest charge of an event, electron.", default=150.0)
    fwhm = Field[float](doc="Width of a point source, pixels.", default=3.0)

    def finder(self) -> CosmicRayFinder:
        """The finder with these settings."""
        return CosmicRayFinder(threshold=self.minSigma, minimum_charge=self.min_DN, psf_fwhm=self.fwhm)


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


class VerifyDetectorTask(PipelineTask):
    """Measures and tests one image."""

    ConfigClass = VerifyDetectorConfig
    _DefaultName = "verifyDetector"
    config: VerifyDetectorConfig

    def run(self, inputExposure: DetectorImage) -> Struct:  # noqa: N803
        """Measure and test one image.

        Returns
        -------
        result
            ``outputStats``: AMP, METADATA, CATALOG, DET, VERIFY, SUCCESS, as cp_verify has them.
        """
        detector: dict[str, float] = {}
        detector_tests: dict[str, bool] = {}
        metadata: dict[str, Any] = {}
        if self.config.imageType == "FLAT":
            amplifiers, detector = measure_flat(inputExposure)
            amplifier_tests, detector_tests = verify_flat(amplifiers, detector)
        elif self.config.imageType == "DEFECTS":
            amplifiers = measure_defects(inputExposure)
            amplifier_tests = verify_defects(amplifiers)
        else:
            amplifiers = measure_dark_image(
                inputExposure, self.config.repair.finder(), corner=self.config.imageType == "BIAS"
            )
            amplifier_tests = verify_dark_image(amplifiers, inputExposure.metadata)
            metadata["READ_NOISE_ADU"] = {
                name: read_noise_adu(inputExposure.metadata, name) for name in inputExposure.amplifiers
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


class DetectorsTask(PipelineTask):
    """Base class of tasks that merge the results of detectors, which they call by their names."""

    def runQuantum(  # noqa: N802
        self,
        butlerQC: QuantumContext,  # noqa: N803
        inputRefs: InputQuantizedConnection,  # noqa: N803
        outputRefs: OutputQuantizedConnection,  # noqa: N803
    ) -> None:
        """Name the detectors, and run."""
        names = [str(dimension_record(ref, "detector").full_name) for ref in inputRefs.inputStats]
        statistics = dict(zip(names, butlerQC.get(inputRefs.inputStats), strict=True))
        butlerQC.put(self.run(statistics), outputRefs)


class VerifyExposureTask(DetectorsTask):
    """Merges the results of the detectors of an exposure."""

    ConfigClass = VerifyExposureConfig
    _DefaultName = "verifyExposure"
    config: VerifyExposureConfig

    def run(self, inputStats: Mapping[str, Mapping[str, Any]]) -> Struct:  # noqa: N803
        """Merge; see `merge_detectors`."""
        return Struct(outputStats=merge_detectors(inputStats, scatter=self.config.doScatter))


class VerifyRunTask(PipelineTask):
    """Merges the results of all exposures."""

    ConfigClass = VerifyRunConfig
    _DefaultName = "verifyRun"
    config: VerifyRunConfig

    def runQuantum(  # noqa: N802
        self,
        butlerQC: QuantumContext,  # noqa: N803
        inputRefs: InputQuantizedConnection,  # noqa: N803
        outputRefs: OutputQuantizedConnection,  # noqa: N803
    ) -> None:
        """Name the exposures, and run."""
        exposures = [int(ref.dataId["exposure"]) for ref in inputRefs.inputStats]
        statistics = dict(zip(exposures, butlerQC.get(inputRefs.inputStats), strict=True))
        butlerQC.put(self.run(statistics), outputRefs)

    def run(self, inputStats: Mapping[int, Mapping[str, Any]]) -> Struct:  # noqa: N803
        """Merge; see `merge_exposures`."""
        return Struct(outputStats=merge_exposures(inputStats))
