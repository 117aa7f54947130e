"""Photon transfer curve from pairs of flats (cp_pipe, cpExtractPtcTask and cpPtcSolve)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output
from numpy.typing import NDArray

from lsst.ts.calibrations.domain.instruments import brighter_fatter_correction

from .covariancefit import covariance_model, fit_covariances
from .curvepoints import LEVEL, variance_model
from .flatpairs import Flat, PairMeasurement, measure_pair, pair_flats
from .images import DetectorImage, Key, MaskPlane, amplifier_value, origin
from .pairchecks import NOT_NORMAL
from .ptcfit import CurveFit, fit_curve
from .storage_classes import CURVE, IMAGE
from .tables import PhotonTransferCurve
from .tasks import (
    DETECTOR,
    IMAGE_OF_DETECTOR,
    CalibrationInput,
    CalibrationOutput,
    CalibrationTask,
    ImagesInput,
    dimension_record,
)

__all__ = ["ExtractPairsConfig", "ExtractPairsTask", "SolveConfig", "SolveTask"]


_MEASURED = (
    "gainList",
    "rawMeans",
    "rawVars",
    "rawDeltas",
    "covariances",
    "pixelCounts",
    "overscanNoise",
    "overscanMedianLevelList",
    "rawExpTimes",
    "inputExpIdPairs",
    "inputExpPairMjdStartList",
)
"""What a curve takes over from the pairs."""

IMAGE_NOISE = 1.032
"""Noise of an image without light in units of that of its overscan, see `ExtractPairsConfig`."""


class ExtractPairsConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """All flats of a detector, and one result for each pair, found under the id of either flat.

    The gain of a pair is as measured; its noise is that of the overscan, in electrons by the gain corrected
    for the brighter-fatter effect, as far as that correction reaches. Amplifiers that cannot be measured have
    NaN, and a reason.
    """

    inputExposures = ImagesInput(doc="Flats, adu", name="cpPtcProc")
    outputPairs = Output(
        doc="Measurements of a pair of flats",
        name="cpPtcExtract",
        storageClass=CURVE,
        dimensions=IMAGE_OF_DETECTOR,
        multiple=True,
    )


class ExtractPairsConfig(PipelineTaskConfig, pipelineConnections=ExtractPairsConnections):
    """How pairs are measured."""

    exposureTimeTolerance = Field[float](
        doc="Largest difference of exposure times in a pair, s.", default=5e-3
    )
    edgeFraction = Field[float](
        doc="Border of an amplifier that is not used, as a part of its width (20 of 509 pixels).",
        default=0.04,
    )
    minGoodFraction = Field[float](doc="Least part of an amplifier's pixels that must be good.", default=0.01)
    nSigmaClip = Field[float](doc="Clipping of the difference, in sigma.", default=5.5)
    maximumRangeCovariancesAstier = Field[int](
        doc="Lags of the covariances in each direction; fewer on small amplifiers. 1: the variance alone.",
        default=8,
        check=lambda side: side >= 1,
    )
    doSubtractLongRange = Field[bool](
        doc="Subtract the variance on large scales, by which a gradient of the light changes within a pair?",
        default=True,
    )
    imageNoise = Field[float](
        doc="Noise of an image without light in units of that of its overscan: the medians of 58 columns and "
        "42 rows add theirs, sqrt(1 + pi / 2 (1 / 58 + 1 / 42)).",
        default=IMAGE_NOISE,
    )


class ExtractPairsTask(CalibrationTask):
    """Measures mean, variance, covariances and gain of each amplifier in each pair of flats."""

    ConfigClass = ExtractPairsConfig
    _DefaultName = "cpExtract"
    config: ExtractPairsConfig

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Read two flats at a time, and store each result for both of them; `NoWorkFound` without a pair."""
        handles = {int(ref.dataId["exposure"]): butlerQC.get(ref) for ref in inputRefs.inputExposures}
        outputs = {int(ref.dataId["exposure"]): ref for ref in outputRefs.outputPairs}
        records = [dimension_record(ref, "exposure") for ref in inputRefs.inputExposures]
        flats = [
            Flat(int(record.id), float(record.exposure_time), str(record.physical_filter))
            for record in records
            if record.observation_type == "flat"
        ]
        pairs = pair_flats(flats, self.config.exposureTimeTolerance)
        if not pairs:
            raise NoWorkFound(
                "no two flats have the same exposure time and filter: there is no pair to measure"
            )
        left_out = sorted(set(handles) - {exposure for pair in pairs for exposure in pair})
        if left_out:
            self.log.warning("These exposures are in no pair of flats: %s.", ", ".join(map(str, left_out)))
        for pair in pairs:
            curve = self.run(*(handles[exposure].get() for exposure in pair)).outputPair
            for exposure in pair:
                butlerQC.put(curve, outputs[exposure])

    def run(self, first: DetectorImage, second: DetectorImage) -> Struct:
        """Measure one pair: two flats of one exposure time, adu; `outputPair` is the result."""
        metadata = first.metadata
        manufacturer = str(metadata["CCD_MANU"]).upper()
        curve = PhotonTransferCurve(
            detector=metadata[Key.DETECTOR_NAME],
            gain={},
            metadata=origin(metadata, "DATE-BEG"),
        )
        both = (first.metadata, second.metadata)
        ids = (int(metadata["EXPOSURE"]), int(second.metadata["EXPOSURE"]))
        begin = float(np.min([float(each.get("MJD-BEG") or math.nan) for each in both]))
        for name in first.amplifiers:
            noise, level = (
                0.5 * sum(amplifier_value(each, key, name) for each in both)
                for key in (Key.OVERSCAN_NOISE, Key.OVERSCAN_LEVEL)
            )
            found = self._measure(first, second, name, noise)
            curve.gain[name], curve.gainList[name] = found.gain, [found.gain]
            corrected = found.gain * brighter_fatter_correction(manufacturer, found.mean)
            curve.noise[name] = noise * corrected
            if found.reason:
                curve.reasons[name] = found.reason
            curve.rawMeans[name] = [found.mean]
            curve.rawVars[name] = [found.variance]
            curve.covariances[name] = [found.covariances.tolist()]
            curve.pixelCounts[name] = [found.pixels]
            curve.rawDeltas[name] = [found.delta]
            curve.usedPoints[name] = [math.isfinite(found.variance)]
            curve.overscanNoise[name], curve.overscanMedianLevelList[name] = [noise], [level]
            curve.rawExpTimes[name], curve.inputExpIdPairs[name] = [float(metadata["EXPTIME"])], [ids]
            curve.inputExpPairMjdStartList[name] = [begin]
        return Struct(outputPair=curve)

    def _measure(
        self, first: DetectorImage, second: DetectorImage, name: str, noise: float
    ) -> PairMeasurement:
        """Measure one amplifier on the pixels that are good in both flats."""
        amplifier = first.amplifiers[name]
        edge = round(self.config.edgeFraction * amplifier.width)
        inner = (slice(edge, amplifier.height - edge), slice(edge, amplifier.width - edge))
        planes = np.uint16(MaskPlane.SUSPECT | MaskPlane.BAD | MaskPlane.NO_DATA | MaskPlane.SAT)
        flags = (first.flags(name) | second.flags(name))[inner]
        good = (flags & planes) == 0
        if np.count_nonzero(good) < self.config.minGoodFraction * amplifier.width * amplifier.height:
            good[:] = False
        return measure_pair(
            first.pixels(name)[inner],
            second.pixels(name)[inner],
            good,
            noise * self.config.imageNoise,
            side=self.config.maximumRangeCovariancesAstier,
            threshold=self.config.nSigmaClip,
            saturated=_part_saturated(flags),
            subtract_long_range=self.config.doSubtractLongRange,
        )


def _part_saturated(flags: NDArray[np.uint16]) -> float:
    """Part of the pixels that saturate, of those that are no defects."""
    others = flags[(flags & MaskPlane.BAD) == 0]
    return float(np.mean((others & MaskPlane.SAT) != 0)) if others.size else 0.0


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
        pairs = list({pair.pairs[0]: pair for pair in inputPairs}.values())
        pairs.sort(key=lambda pair: (min(pair.rawExpTimes.values()), pair.pairs))
        curve = PhotonTransferCurve(
            detector=pairs[0].detector,
            gain={},
            ptcFitType=self.config.ptcFitType,
            metadata=dict(pairs[0].metadata),
        )
        for name in pairs[0].gain:
            for measured in _MEASURED:
                getattr(curve, measured)[name] = [getattr(pair, measured)[name][0] for pair in pairs]
            noise, gain = (
                amplifier_value(bias.metadata, key, name) for key in (Key.COMBINED_NOISE, Key.APPLIED_GAIN)
            )
            unlike = [pair.rawMeans[name][0] for pair in pairs if NOT_NORMAL in pair.reasons.get(name, "")]
            self._fit(curve, name, noise / gain if gain else math.nan, min(unlike, default=math.inf))
        return Struct(outputCurve=curve)

    def _fit(self, curve: PhotonTransferCurve, name: str, image_noise: float, unlike: float) -> None:
        """Fit one amplifier, and enter the result into the curve.

        What jumps in the faintest pair (``unlike`` is the least mean of those that do) jumps in the bright
        ones, too, where it is not seen beside the photons and makes the gain some per cent too small.
        """
        overscan = _median(curve.overscanNoise[name])
        measured = image_noise if math.isfinite(image_noise) else IMAGE_NOISE * overscan
        fit = fit_curve(
            curve.rawMeans[name],
            curve.rawVars[name],
            curve.pixelCounts[name],
            measured,
            rejection=self.config.sigmaCutPtcOutliers,
            noise_precision=self.config.noisePrecision,
        )
        faintest = np.min(np.asarray(curve.rawMeans[name])[fit.used], initial=math.inf)
        if unlike < (1.0 - LEVEL) * faintest:  # no pair of this level is good
            reason = f"{NOT_NORMAL} in the faintest pair: its pixels may be stuck or jump in all pairs"
            fit = replace(fit.without_result(reason), used=np.zeros_like(fit.used))
        curve.ptcTurnoff[name], curve.ptcTurnoffSamplingError[name] = fit.turnoff, fit.turnoff_error
        curve.usedPoints[name] = [bool(used) for used in fit.used]
        if self.config.ptcFitType != "EXPAPPROXIMATION":
            fit = self._fit_covariances(curve, name, fit)
        else:
            means = np.asarray(curve.rawMeans[name])
            model = variance_model(means, fit.gain, fit.a00, fit.noise)
            curve.finalModelVars[name] = np.where(fit.used, model, math.nan).tolist()
        curve.ptcFitPars[name] = [fit.a00, fit.gain, (fit.noise * fit.gain) ** 2]
        noise_error = 2.0 * fit.noise * fit.noise_error * fit.gain**2
        curve.ptcFitParsError[name] = [fit.a00_error, fit.gain_error, noise_error]
        curve.gain[name], curve.gainErr[name] = fit.gain, fit.gain_error
        curve.a00[name], curve.a00Err[name] = fit.a00, fit.a00_error
        curve.ptcFitChiSq[name], curve.ptcFitDof[name] = fit.chi_square, fit.dof
        if fit.reason:
            curve.reasons[name] = fit.reason
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
        curve.noiseMatrix[name] = (fit.noise_matrix * fit.gain**2).tolist()
        means = np.asarray(curve.rawMeans[name])
        model = covariance_model(means, fit.gain, fit.a, fit.a * fit.b) + fit.noise_matrix
        curve.covariancesModel[name] = model.tolist()
        curve.finalModelVars[name] = np.where(fit.used, model[:, 0, 0], math.nan).tolist()
        return fit


def _read_noise(overscan: Sequence[float], fit: CurveFit, measured: float) -> tuple[float, float]:
    """Read noise and its error, electron.

    The noise of the curve is that of images, to which the subtraction of the overscan adds noise of its own:
    it is brought to that of the overscan (adu, of all pairs) with the ratio that images without light have,
    whose noise was measured (adu).
    """
    noise, known = _median(overscan), [each for each in overscan if math.isfinite(each)]
    error = float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    if fit.noise_fitted:
        ratio = noise / measured
        noise, error = fit.noise * ratio, fit.noise_error * ratio
    return noise * fit.gain, math.hypot(error * fit.gain, noise * fit.gain_error)


def _median(values: Sequence[float]) -> float:
    """Median of what is finite; NaN for nothing."""
    known = [each for each in values if math.isfinite(each)]
    return float(np.median(known)) if known else math.nan
