"""Verification of photon transfer curves against the camera model, merged over the detectors."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

from ..cameras.models import DetectorModel, detector_model
from .curvecriteria import verified_curve
from .merging import merge_detectors
from .storage_classes import CURVE, STATISTICS
from .tables import PhotonTransferCurve
from .verify import DetectorsTask

__all__ = ["VerifyCurveTask", "VerifyDetectorsTask"]

_DETECTOR = ("instrument", "detector")


class VerifyCurveConnections(PipelineTaskConnections, dimensions=_DETECTOR):
    """The curve of a detector and its statistics.

    The curve is an ordinary input: what is verified is what a job has made, not what is certified.
    """

    inputCurve = Input(
        doc="Photon transfer curve", name="ptc", storageClass=CURVE, dimensions=_DETECTOR, isCalibration=True
    )
    outputStats = Output(
        doc="Statistics and test results",
        name="verifyPtcDetStats",
        storageClass=STATISTICS,
        dimensions=_DETECTOR,
    )


class VerifyDetectorsConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """Statistics of all detectors, and the result."""

    inputStats = Input(
        doc="Statistics of the detectors",
        name="verifyPtcDetStats",
        storageClass=STATISTICS,
        dimensions=_DETECTOR,
        multiple=True,
    )
    outputStats = Output(
        doc="Result of all detectors",
        name="verifyPtcStats",
        storageClass=STATISTICS,
        dimensions=("instrument",),
    )


class VerifyCurveConfig(PipelineTaskConfig, pipelineConnections=VerifyCurveConnections):
    """Nothing to choose."""


class VerifyDetectorsConfig(PipelineTaskConfig, pipelineConnections=VerifyDetectorsConnections):
    """Nothing to choose."""


class VerifyCurveTask(PipelineTask):
    """Tests one photon transfer curve."""

    ConfigClass = VerifyCurveConfig
    _DefaultName = "verifyCurve"

    def runQuantum(  # noqa: N802
        self,
        butlerQC: QuantumContext,  # noqa: N803
        inputRefs: InputQuantizedConnection,  # noqa: N803
        outputRefs: OutputQuantizedConnection,  # noqa: N803
    ) -> None:
        """Look the camera model up, and run."""
        data_id = inputRefs.inputCurve.dataId
        model = detector_model(str(data_id["instrument"]), int(data_id["detector"]))
        butlerQC.put(self.run(butlerQC.get(inputRefs.inputCurve), model), outputRefs)

    def run(self, inputCurve: PhotonTransferCurve, model: DetectorModel) -> Struct:  # noqa: N803
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


class VerifyDetectorsTask(DetectorsTask):
    """Merges the results of all detectors."""

    ConfigClass = VerifyDetectorsConfig
    _DefaultName = "verifyDetectors"

    def run(self, inputStats: Mapping[str, Mapping[str, Any]]) -> Struct:  # noqa: N803
        """Merge; see `merge_detectors`."""
        return Struct(outputStats=merge_detectors(inputStats))
