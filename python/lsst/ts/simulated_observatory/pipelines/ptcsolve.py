"""Photon transfer curve from all pairs of flats (cp_pipe, cpPtcSolve)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import NoWorkFound, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input

from .covariancefit import fit_covariances
from .images import DetectorImage
from .metadata import APPLIED_GAIN, COMBINED_NOISE, amplifier_value
from .ptcfit import CurveFit, fit_curve
from .storage_classes import CURVE, IMAGE
from .tables import PhotonTransferCurve
from .tasks import DETECTOR, IMAGE_OF_DETECTOR, CalibrationInput, CalibrationOutput, CalibrationTask

__all__ = ["SolveConfig", "SolveTask"]


class SolveConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """All pairs of a detector, and the curve."""

    inputPairs = Input(
        doc="Measurements of the pairs",
        name="cpPtcExtract",
        storageClass=CURVE,
        dimensions=IMAGE_OF_DETECTOR,
        multiple=True,
    )
    bias = CalibrationInput(
        doc="Combined bias, which has the noise of images without light", name="bias", storageClass=IMAGE
    )
    outputCurve = CalibrationOutput(doc="Photon transfer curve", name="ptc", storageClass=CURVE)

    def getTemporalBoundsConnections(self) -> Iterable[str]:
        """The bias is that of the time of the flats."""
        return ("inputPairs",)


class SolveConfig(PipelineTaskConfig, pipelineConnections=SolveConnections):
    """How the curve is fitted."""

    ptcFitType = ChoiceField[str](
        doc="Model of the curve.",
        dtype=str,
        default="EXPAPPROXIMATION",
        allowed={
            "EXPAPPROXIMATION": "variances: equation 16 of Astier et al. 2019",
            "FULLCOVARIANCE": "variances and covariances: equation 20 of Astier et al. 2019",
            "FULLCOVARIANCE_NO_B": "the same with b = 0",
        },
    )
    sigmaCutPtcOutliers = Field[float](doc="Misfit of a pair that is rejected, in sigma.", default=5.0)
    noisePrecision = Field[float](
        doc="The noise is fitted if the pairs determine it with a smaller relative error; else it is held.",
        default=0.01,
    )
    noiseAgreement = Field[float](
        doc="Relative difference of fitted and measured noise from which there is a warning.", default=0.05
    )


class SolveTask(CalibrationTask):
    """Fits gain and brighter-fatter coefficient to the curve of each amplifier."""

    ConfigClass = SolveConfig
    _DefaultName = "cpPtcSolve"
    config: SolveConfig

    def run(self, inputPairs: Sequence[PhotonTransferCurve], bias: DetectorImage) -> Struct:
        """Fit all amplifiers; a pair that is given twice, once for each of its flats, counts once."""
        pairs = list({pair.inputExpIdPairs[0]: pair for pair in inputPairs}.values())
        pairs.sort(key=lambda pair: (pair.rawExpTimes[0], pair.inputExpIdPairs[0]))
        curve = PhotonTransferCurve(
            detector=pairs[0].detector,
            gain={},
            ptcFitType=self.config.ptcFitType,
            rawExpTimes=[pair.rawExpTimes[0] for pair in pairs],
            inputExpIdPairs=[pair.inputExpIdPairs[0] for pair in pairs],
            metadata=dict(pairs[0].metadata),
        )
        for name in pairs[0].gain:
            for measured in ("rawMeans", "rawVars", "covariances", "pixelCounts", "overscanNoise"):
                getattr(curve, measured)[name] = [getattr(pair, measured)[name][0] for pair in pairs]
            self._fit(curve, name, _noise_adu(bias.metadata, name))
        return Struct(outputCurve=curve)

    def _fit(self, curve: PhotonTransferCurve, name: str, image_noise: float) -> None:
        """Fit one amplifier, and enter the result into the curve."""
        overscan = float(np.median(curve.overscanNoise[name]))
        measured = image_noise if math.isfinite(image_noise) else overscan
        fit = fit_curve(
            curve.rawMeans[name],
            curve.rawVars[name],
            curve.pixelCounts[name],
            measured,
            rejection=self.config.sigmaCutPtcOutliers,
            noise_precision=self.config.noisePrecision,
        )
        curve.ptcTurnoff[name], curve.ptcTurnoffSamplingError[name] = fit.turnoff, fit.turnoff_error
        curve.usedPoints[name] = [bool(used) for used in fit.used]
        if self.config.ptcFitType != "EXPAPPROXIMATION":
            fit = self._fit_covariances(curve, name, fit)
        curve.gain[name], curve.gainErr[name] = fit.gain, fit.gain_error
        curve.a00[name], curve.a00Err[name] = fit.a00, fit.a00_error
        curve.imageNoise[name] = image_noise * fit.gain
        curve.noise[name], curve.noiseErr[name] = _read_noise(curve.overscanNoise[name], fit, measured)
        if abs(fit.noise - measured) > self.config.noiseAgreement * measured:
            self.log.warning(
                "Amplifier %s of %s: the curve has a noise of %.2f adu, images without light have %.2f adu.",
                *(name, curve.detector, fit.noise, measured),
            )

    def _fit_covariances(self, curve: PhotonTransferCurve, name: str, start: CurveFit) -> CurveFit:
        """Fit the covariances of one amplifier, and enter their coefficients into the curve."""
        covariances = np.asarray(curve.covariances[name], dtype=np.float64)
        if covariances.shape[-1] < 2:
            raise NoWorkFound(
                f"{self.config.ptcFitType} needs covariances, and cpExtract has measured variances alone: "
                "set cpExtract:maximumRangeCovariancesAstier to more than 1, or use larger images"
            )
        fit = fit_covariances(
            np.asarray(curve.rawMeans[name]),
            covariances,
            np.asarray(curve.pixelCounts[name]),
            start,
            with_b=self.config.ptcFitType == "FULLCOVARIANCE",
        )
        curve.aMatrix[name], curve.bMatrix[name] = fit.a.tolist(), fit.b.tolist()
        return fit


def _read_noise(overscan: Sequence[float], fit: CurveFit, measured: float) -> tuple[float, float]:
    """Read noise and its error, electron.

    The noise of the curve is that of images, to which the subtraction of the overscan adds noise of its own:
    it is brought to that of the overscan (adu, of all pairs) with the ratio that images without light have,
    whose noise was measured (adu).
    """
    noise = float(np.median(overscan))
    error = float(np.std(overscan)) / math.sqrt(len(overscan))
    if fit.noise_fitted:
        ratio = noise / measured
        noise, error = fit.noise * ratio, fit.noise_error * ratio
    return noise * fit.gain, math.hypot(error * fit.gain, noise * fit.gain_error)


def _noise_adu(bias: dict[str, Any], amplifier: str) -> float:
    """Noise of a single bias, adu; NaN if the combined bias does not know it."""
    noise, gain = (amplifier_value(bias, key, amplifier) for key in (COMBINED_NOISE, APPLIED_GAIN))
    return noise / gain if gain else math.nan
