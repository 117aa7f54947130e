"""Gain and covariances of every pair of flats (cp_pipe, cpExtractPtcTask)."""

from __future__ import annotations

import numpy as np
from lsst.pex.config import Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Output

from lsst.ts.calibrations.domain.instruments import BRIGHTER_FATTER_SLOPES

from .flatpairs import Flat, PairMeasurement, measure_pair, pair_flats
from .images import DetectorImage, MaskPlane
from .metadata import DETECTOR_NAME, OVERSCAN_NOISE, amplifier_value, origin
from .storage_classes import CURVE
from .tables import PhotonTransferCurve
from .tasks import DETECTOR, IMAGE_OF_DETECTOR, CalibrationTask, ImagesInput, dimension_record

__all__ = ["ExtractPairsConfig", "ExtractPairsTask"]


class ExtractPairsConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """All flats of a detector, and one result for each pair, found under the id of either flat.

    The gain of a pair is as measured; its noise is that of the overscan, in electrons by the gain corrected
    for the brighter-fatter effect. Amplifiers without light have NaN.
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
        slope = BRIGHTER_FATTER_SLOPES[str(metadata["CCD_MANU"]).upper()]
        curve = PhotonTransferCurve(
            detector=metadata[DETECTOR_NAME],
            gain={},
            rawExpTimes=[float(metadata["EXPTIME"])],
            inputExpIdPairs=[(int(metadata["EXPOSURE"]), int(second.metadata["EXPOSURE"]))],
            metadata=origin(metadata, "DATE-BEG"),
        )
        for name in first.amplifiers:
            noise = 0.5 * sum(
                amplifier_value(image.metadata, OVERSCAN_NOISE, name) for image in (first, second)
            )
            found = self._measure(first, second, name, noise)
            curve.gain[name] = found.gain
            # The gain without the brighter-fatter effect, linear in the signal (cp_verify, verifyGain).
            curve.noise[name] = noise * (found.gain * (1.0 - slope * found.mean / 100.0))
            curve.rawMeans[name] = [found.mean]
            curve.rawVars[name] = [found.variance]
            curve.covariances[name] = [found.covariances.tolist()]
            curve.pixelCounts[name] = [found.pixels]
            curve.overscanNoise[name] = [noise]
        return Struct(outputPair=curve)

    def _measure(
        self, first: DetectorImage, second: DetectorImage, name: str, noise: float
    ) -> PairMeasurement:
        """Measure one amplifier on the pixels that are good in both flats."""
        amplifier = first.amplifiers[name]
        edge = round(self.config.edgeFraction * amplifier.width)
        inner = (slice(edge, amplifier.height - edge), slice(edge, amplifier.width - edge))
        planes = np.uint16(MaskPlane.SUSPECT | MaskPlane.BAD | MaskPlane.NO_DATA | MaskPlane.SAT)
        good = ((first.flags(name) | second.flags(name))[inner] & planes) == 0
        if np.count_nonzero(good) < self.config.minGoodFraction * amplifier.width * amplifier.height:
            good[:] = False
        return measure_pair(
            first.pixels(name)[inner],
            second.pixels(name)[inner],
            good,
            noise,
            side=self.config.maximumRangeCovariancesAstier,
            threshold=self.config.nSigmaClip,
        )
