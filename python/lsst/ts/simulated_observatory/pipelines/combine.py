"""Combined bias, dark and flat from many images (cp_pipe, cpCombine and cpFlatMeasure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import NoWorkFound, PipelineTaskConfig, PipelineTaskConnections, Struct

from .headers import input_keywords
from .images import DetectorImage, Key, MaskPlane, dark_time, origin
from .stacks import ImageHandle, combine_images, metadata_of
from .statistics import clipped_statistics
from .storage_classes import IMAGE
from .tasks import (
    DETECTOR,
    IMAGE_OF_DETECTOR,
    CalibrationOutput,
    CalibrationTask,
    ImageInput,
    ImagesInput,
    StatisticsInput,
    StatisticsOutput,
)

__all__ = [
    "CombineConfig",
    "CombineFlatConfig",
    "CombineFlatTask",
    "CombineTask",
    "FlatLevelConfig",
    "FlatLevelTask",
    "UnusableFlatError",
]

PERCENTILES = (0, 5, 16, 50, 84, 95, 100)


class CombineConnections(
    PipelineTaskConnections,
    dimensions=DETECTOR,
    defaultTemplates={"images": "cpBiasProc", "calibration": "bias"},
):
    """Images of one detector, and their combination."""

    inputExposures = ImagesInput(doc="Images to combine", name="{images}")
    combined = CalibrationOutput(doc="Combined calibration", name="{calibration}", storageClass=IMAGE)


class CombineFlatConnections(
    PipelineTaskConnections,
    dimensions=(*DETECTOR, "physical_filter"),
    defaultTemplates={"images": "cpFlatProc", "calibration": "flat"},
):
    """Flats of one detector and filter, their levels, and their combination, relative to its mean."""

    inputExposures = ImagesInput(doc="Images to combine", name="{images}")
    levels = StatisticsInput(doc="Level of each flat", name="cpFlatLevel", dimensions=IMAGE_OF_DETECTOR)
    combined = CalibrationOutput(
        doc="Combined flat",
        name="{calibration}",
        storageClass=IMAGE,
        dimensions=(*DETECTOR, "physical_filter"),
    )


class FlatLevelConnections(
    PipelineTaskConnections, dimensions=IMAGE_OF_DETECTOR, defaultTemplates={"images": "cpFlatProc"}
):
    """A flat and its level."""

    inputExposure = ImageInput(doc="Flat", name="{images}")
    level = StatisticsOutput(
        doc="Exposure id, mean, sigma, number of pixels", name="cpFlatLevel", dimensions=IMAGE_OF_DETECTOR
    )


class CombineFlatConfig(PipelineTaskConfig, pipelineConnections=CombineFlatConnections):
    """How flats are combined."""

    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    stripMemory = Field[int](doc="Megabytes of pixels in memory at a time.", default=400)


class CombineConfig(CombineFlatConfig, pipelineConnections=CombineConnections):
    """How images are combined."""

    scale = ChoiceField[str](
        doc="What each image is divided by; its weight is the square of it.",
        dtype=str,
        default="unity",
        allowed={"unity": "nothing", "darkTime": "dark time: the result is a rate"},
    )
    measureNoise = Field[bool](
        doc="Measure the noise of a single image around the combination?", default=False
    )


class FlatLevelConfig(PipelineTaskConfig, pipelineConnections=FlatLevelConnections):
    """How the level of a flat is measured."""

    doVignette = Field[bool](doc="Leave out pixels that get little light?", default=False)
    vignetteFraction = Field[float](doc="Little light: less than this part of the median.", default=0.5)
    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    minGood = Field[float](doc="Part of the pixels that must be usable.", default=0.5)


class _CombiningTask(CalibrationTask):
    """Combines images with the options that all combinations have."""

    config: CombineFlatConfig

    def _combined(
        self,
        handles: Sequence[ImageHandle],
        headers: Sequence[Mapping[str, Any]],
        scales: Sequence[float],
        weights: Sequence[float],
        *,
        measure_noise: bool = False,
    ) -> DetectorImage:
        image = combine_images(
            handles,
            headers,
            scales,
            weights,
            measure_noise=measure_noise,
            memory=self.config.stripMemory * 1_000_000,
            threshold=self.config.clip,
            iterations=self.config.nIter,
        )
        _describe(image, headers, scales, self.config.connections.calibration)
        return image


class CombineTask(_CombiningTask):
    """Combines biases, or darks.

    Darks are divided by their dark time and weighted with its square, which is the best weight of a rate
    where the read noise dominates.
    """

    ConfigClass = CombineConfig
    _DefaultName = "combine"
    config: CombineConfig

    def run(self, inputExposures: Sequence[ImageHandle]) -> Struct:
        """Combine images; `NoWorkFound` if a dark has no dark time."""
        headers = metadata_of(inputExposures)
        scales = [1.0] * len(headers)
        if self.config.scale == "darkTime":
            scales = [dark_time(header) for header in headers]
            if min(scales) <= 0.0:
                raise NoWorkFound("a dark without dark time cannot be divided by it")
        weights = [scale**2 for scale in scales]
        noise = self.config.measureNoise
        return Struct(combined=self._combined(inputExposures, headers, scales, weights, measure_noise=noise))


class CombineFlatTask(_CombiningTask):
    """Combines flats of one filter.

    Each flat is divided by its level, and weighted with it: the noise of a flat is that of its photons.
    """

    ConfigClass = CombineFlatConfig
    _DefaultName = "combineFlat"

    def run(self, inputExposures: Sequence[ImageHandle], levels: Sequence[Mapping[str, Any]]) -> Struct:
        """Combine flats; `NoWorkFound` if one of them has no light."""
        headers = metadata_of(inputExposures)
        level = {each["EXPOSURE"]: float(each["MEAN"]) for each in levels}
        scales = [level[header["EXPOSURE"]] for header in headers]
        dark = [header["OBSID"] for header, scale in zip(headers, scales, strict=True) if not scale > 0.0]
        if dark:
            raise NoWorkFound(f"flats without light cannot be combined: {', '.join(dark)}")
        image = self._combined(inputExposures, headers, scales, scales)
        image.metadata[Key.UNITS] = "1"
        return Struct(combined=image)


class UnusableFlatError(RuntimeError):
    """A flat has too few usable pixels for a combined flat."""


class FlatLevelTask(CalibrationTask):
    """Measures the clipped mean of a flat over the whole detector, by which it is divided."""

    ConfigClass = FlatLevelConfig
    _DefaultName = "cpFlatMeasure"
    config: FlatLevelConfig

    def run(self, inputExposure: DetectorImage) -> Struct:
        """Measure one flat; `UnusableFlatError` if it is saturated, say: the rest does not show its level."""
        pixels = inputExposure.usable
        exposure = int(inputExposure.metadata["EXPOSURE"])
        if pixels.size < self.config.minGood * inputExposure.image.size:
            saturated = np.count_nonzero(inputExposure.mask & MaskPlane.SAT)
            raise UnusableFlatError(
                f"flat {exposure} has {pixels.size} usable pixels of {inputExposure.image.size}"
                f" ({saturated} are saturated): no combined flat can be made of it"
            )
        if self.config.doVignette and pixels.size:
            pixels = pixels[pixels > self.config.vignetteFraction * float(np.median(pixels))]
        found = clipped_statistics(pixels, threshold=self.config.clip, iterations=self.config.nIter)
        level = {"EXPOSURE": exposure, "MEAN": found.mean, "SIGMA": found.sigma, "NPIXELS": found.count}
        return Struct(level=level)


def _describe(
    image: DetectorImage, headers: Sequence[Mapping[str, Any]], scales: Sequence[float], kind: str
) -> None:
    """Write into the metadata of a combination what it was made of, and how its pixels are distributed.

    The date is that of the last input: the same images give the same file.
    """
    first = headers[0]
    image.metadata |= origin(first, "TELESCOP", Key.DETECTOR_NAME) | {
        "CALIB_CREATION_DATETIME": max(str(header.get("DATE-END")) for header in headers),
        "INPUT EXPOSURES": [header["EXPOSURE"] for header in headers],
        **input_keywords(headers, scales, kind),
    }
    if kind != "flat":
        for key in ("FILTER", "GRATING"):  # without light, they are what happened to be in
            image.metadata.pop(key, None)
    if len(headers) == 1:
        image.metadata["VARIANCE REASON"] = "the scatter of a single image cannot be known"
    for key, value in first.items():
        if key.startswith((Key.APPLIED_GAIN.format(""), Key.READ_NOISE.format(""))):
            image.metadata[key] = value
    for name in image.amplifiers:
        found = np.percentile(image.pixels(name), PERCENTILES)
        for percentile, value in zip(PERCENTILES, found, strict=True):
            image.metadata[f"LSST CALIB {kind.upper()} {name} DISTRIBUTION {percentile}-PCT"] = float(value)
