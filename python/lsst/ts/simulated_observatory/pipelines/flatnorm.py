"""Tasks for the levels of flats, one for each exposure (cp_pipe, cpFlatMeasure and cpFlatNorm)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lsst.pex.config import Field
from lsst.pipe.base import InputQuantizedConnection, PipelineTaskConfig, PipelineTaskConnections, Struct

from .flatlevels import exposure_levels
from .images import DetectorImage, MaskPlane
from .statistics import clipped_statistics
from .tasks import IMAGE_OF_DETECTOR, CalibrationTask, ImageInput, StatisticsInput, StatisticsOutput

__all__ = ["OF_FILTER", "FlatLevelConfig", "FlatLevelTask", "FlatNormConfig", "FlatNormTask"]

OF_FILTER = ("instrument", "physical_filter")
"""Dimensions of what the flats of a filter have in common."""

MEDIAN = 3
"""Exposures of which one can be wrong without effect on their median."""


class FlatNormConnections(PipelineTaskConnections, dimensions=OF_FILTER):
    """Levels of the flats of a filter in all detectors, and those of the exposures."""

    levels = StatisticsInput(doc="Level of each flat", name="cpFlatLevel", dimensions=IMAGE_OF_DETECTOR)
    scales = StatisticsOutput(
        doc="Level of each exposure, factor of each detector", name="cpFlatNormScales", dimensions=OF_FILTER
    )


class FlatLevelConnections(
    PipelineTaskConnections, dimensions=IMAGE_OF_DETECTOR, defaultTemplates={"images": "cpFlatProc"}
):
    """A flat and its level."""

    inputExposure = ImageInput(doc="Flat", name="{images}")
    level = StatisticsOutput(
        doc="Exposure id, mean, sigma, number of pixels", name="cpFlatLevel", dimensions=IMAGE_OF_DETECTOR
    )


class FlatNormConfig(PipelineTaskConfig, pipelineConnections=FlatNormConnections):
    """Nothing to choose."""


class FlatLevelConfig(PipelineTaskConfig, pipelineConnections=FlatLevelConnections):
    """How the level of a flat is measured."""

    doVignette = Field[bool](doc="Leave out pixels that get little light?", default=False)
    vignetteFraction = Field[float](doc="Little light: less than this part of the median.", default=0.5)
    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    minGood = Field[float](doc="Part of the pixels that must be usable.", default=0.5)


class FlatNormTask(CalibrationTask):
    """Separates the levels of flats into those of the exposures, and factors of the detectors."""

    ConfigClass = FlatNormConfig
    _DefaultName = "cpFlatNorm"

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        detectors = [int(ref.dataId["detector"]) for ref in refs.levels]
        return {**inputs, "detectors": detectors}

    def run(self, levels: Sequence[Mapping[str, Any]], detectors: Sequence[int]) -> Struct:
        """Separate levels, see `exposure_levels`; what is not known is None."""
        exposures, names = sorted({int(each["EXPOSURE"]) for each in levels}), sorted(set(detectors))
        table = np.full((len(exposures), len(names)), math.nan)
        pixels = np.zeros(table.shape)
        for each, detector in zip(levels, detectors, strict=True):
            place = exposures.index(int(each["EXPOSURE"])), names.index(detector)
            table[place], pixels[place] = each["MEAN"] or math.nan, each["NPIXELS"]
        of_exposures, factors, common = exposure_levels(table, pixels.max(axis=0))
        for name, factor, number_ in zip(names, factors, common, strict=True):
            if len(names) > 1 and math.isfinite(factor) and number_ < MEDIAN:
                self.log.warning(
                    "The ratio of detector %d to the others is known from %d of %d exposures:"
                    " with fewer than %d, one that is wrong is not noticed.",
                    name,
                    number_,
                    len(exposures),
                    MEDIAN,
                )
        return Struct(
            scales={
                key: {
                    name: float(value) if math.isfinite(value) else None
                    for name, value in zip(rows, values, strict=True)
                }
                for key, rows, values in (
                    ("EXPOSURES", exposures, of_exposures),
                    ("DETECTORS", names, factors),
                )
            }
        )


class FlatLevelTask(CalibrationTask):
    """Measures the clipped mean of a flat over the whole detector."""

    ConfigClass = FlatLevelConfig
    _DefaultName = "cpFlatMeasure"
    config: FlatLevelConfig

    def run(self, inputExposure: DetectorImage) -> Struct:
        """Measure one flat; its mean is None if it is saturated, say: the rest does not show its level."""
        pixels = inputExposure.usable
        exposure = int(inputExposure.metadata["EXPOSURE"])
        if pixels.size < self.config.minGood * inputExposure.image.size:
            saturated = np.count_nonzero(inputExposure.mask & MaskPlane.SAT)
            reason = f"{pixels.size} usable pixels of {inputExposure.image.size}, {saturated} are saturated"
            self.log.warning("Flat %d has no level: %s.", exposure, reason)
            return Struct(
                level={"EXPOSURE": exposure, "MEAN": None, "SIGMA": None, "NPIXELS": 0, "REASON": reason}
            )
        if self.config.doVignette and pixels.size:
            pixels = pixels[pixels > self.config.vignetteFraction * float(np.median(pixels))]
        found = clipped_statistics(pixels, threshold=self.config.clip, iterations=self.config.nIter)
        level = {"EXPOSURE": exposure, "MEAN": found.mean, "SIGMA": found.sigma, "NPIXELS": found.count}
        return Struct(level=level)
