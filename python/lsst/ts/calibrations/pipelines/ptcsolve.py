"""Photon transfer curve from all pairs of flats."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from .calibrations import PhotonTransferCurve
from .combine import noise_key
from .images import DetectorImage
from .ptcfit import fit_curve
from .storage import CURVE, IMAGE

__all__ = ["SolveConfig", "SolveTask"]

_DETECTOR = ("instrument", "detector")


class SolveConnections(PipelineTaskConnections, dimensions=_DETECTOR):
    """All pairs of a detector, and the curve."""

    inputPairs = Input(
        doc="Measurements of the pairs",
        name="cpPtcExtract",
        storageClass=CURVE,
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )
    bias = PrerequisiteInput(
        doc="Combined bias, which knows the noise of images without light",
        name="bias",
        storageClass=IMAGE,
        dimensions=_DETECTOR,
        isCalibration=True,
    )
    outputCurve = Output(
        doc="Photon transfer curve", name="ptc", storageClass=CURVE, dimensions=_DETECTOR, isCalibration=True
    )

    def getTemporalBoundsConnections(self) -> Iterable[str]:  # noqa: N802
        """The bias is that of the time of the flats."""
        return ("inputPairs",)


class SolveConfig(PipelineTaskConfig, pipelineConnections=SolveConnections):
    """How the curve is fitted."""

    sigmaCutPtcOutliers = Field[float](doc="Misfit of a pair that is rejected, in sigma.", default=5.0)


class SolveTask(PipelineTask):
    """Fits gain and brighter-fatter coefficient to the curve of each amplifier."""

    ConfigClass = SolveConfig
    _DefaultName = "cpPtcSolve"
    config: SolveConfig

    def run(self, inputPairs: Sequence[PhotonTransferCurve], bias: DetectorImage) -> Struct:  # noqa: N803
        """Fit all amplifiers.

        Parameters
        ----------
        inputPairs
            Of one pair each; a pair that is given twice, once for each of its flats, counts once.
        bias
            Combined bias of this detector.

        Returns
        -------
        result
            ``outputCurve``: the `PhotonTransferCurve`.
        """
        pairs = list({pair.inputExpIdPairs[0]: pair for pair in inputPairs}.values())
        pairs.sort(key=lambda pair: (pair.rawExpTimes[0], pair.inputExpIdPairs[0]))
        curve = PhotonTransferCurve(
            detector=pairs[0].detector,
            gain={},
            rawExpTimes=[pair.rawExpTimes[0] for pair in pairs],
            inputExpIdPairs=[pair.inputExpIdPairs[0] for pair in pairs],
            metadata=dict(pairs[0].metadata),
        )
        for name in pairs[0].gain:
            self._fit(curve, pairs, name, _noise_adu(bias.metadata, name))
        return Struct(outputCurve=curve)

    def _fit(
        self, curve: PhotonTransferCurve, pairs: Sequence[PhotonTransferCurve], name: str, image_noise: float
    ) -> None:
        """Fit one amplifier, and enter the result into the curve."""
        curve.rawMeans[name] = [pair.rawMeans[name][0] for pair in pairs]
        curve.rawVars[name] = [pair.rawVars[name][0] for pair in pairs]
        curve.pixelCounts[name] = [pair.pixelCounts[name][0] for pair in pairs]
        curve.overscanNoise[name] = [pair.overscanNoise[name][0] for pair in pairs]
        overscan = float(np.median(curve.overscanNoise[name]))
        fit = fit_curve(
            curve.rawMeans[name],
            curve.rawVars[name],
            curve.pixelCounts[name],
            image_noise if math.isfinite(image_noise) else overscan,
            rejection=self.config.sigmaCutPtcOutliers,
        )
        curve.gain[name], curve.gainErr[name] = fit.gain, fit.gain_error
        curve.a00[name], curve.a00Err[name] = fit.a00, fit.a00_error
        curve.ptcTurnoff[name] = fit.turnoff
        curve.usedPoints[name] = [bool(used) for used in fit.used]
        curve.noise[name] = overscan * fit.gain
        curve.imageNoise[name] = image_noise * fit.gain


def _noise_adu(bias: dict[str, Any], amplifier: str) -> float:
    """Noise of a single bias, adu; NaN if the combined bias does not know it."""
    noise, gain = bias.get(noise_key(amplifier)), bias.get(f"LSST ISR GAIN {amplifier}")
    return math.nan if noise is None or not gain else float(noise) / float(gain)
