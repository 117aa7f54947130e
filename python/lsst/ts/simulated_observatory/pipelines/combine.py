"""Combined bias, dark and flat from many images (cp_pipe, cpCombine and cpFlatMeasure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct

from .images import DetectorImage, MaskPlane
from .metadata import COMBINED_NOISE, GAIN, READ_NOISE, UNITS, dark_time
from .stacks import ImageHandle, Stack, metadata_of
from .statistics import clipped_statistics
from .storage_classes import IMAGE
from .tasks import (
    DETECTOR,
    EXPOSURE,
    CalibrationOutput,
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

_PASSED_ON = (
    "INSTRUME",
    "TELESCOP",
    "CCD_MANU",
    "LSST_NUM",
    "DETECTOR NAME",
    "FILTER",
    "GRATING",
    "SEQNAME",
    "SEQFILE",
)
"""Metadata of the first input that a combination has, too."""


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
    """Flats of one detector and filter, their levels, and their combination."""

    inputExposures = ImagesInput(doc="Images to combine", name="{images}")
    levels = StatisticsInput(doc="Level of each flat", name="cpFlatLevel", dimensions=EXPOSURE)
    combined = CalibrationOutput(
        doc="Combined flat",
        name="{calibration}",
        storageClass=IMAGE,
        dimensions=(*DETECTOR, "physical_filter"),
    )


class FlatLevelConnections(
    PipelineTaskConnections, dimensions=EXPOSURE, defaultTemplates={"images": "cpFlatProc"}
):
    """A flat and its level."""

    inputExposure = ImageInput(doc="Flat", name="{images}")
    level = StatisticsOutput(doc="Level", name="cpFlatLevel", dimensions=EXPOSURE)


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


class CombineTask(PipelineTask):
    """Combines biases, or darks.

    Darks are divided by their dark time and weighted with its square, which is the best weight of a rate
    where the read noise dominates.
    """

    ConfigClass = CombineConfig
    _DefaultName = "combine"
    config: CombineConfig

    def run(self, inputExposures: Sequence[ImageHandle]) -> Struct:
        """Combine images.

        Parameters
        ----------
        inputExposures
            Processed images of one detector.

        Returns
        -------
        result
            ``combined``: the combination, with metadata that say what it was made of.

        Raises
        ------
        NoWorkFound
            A dark has no dark time.
        RuntimeError
            The images differ in size.
        """
        headers = metadata_of(inputExposures)
        scales = [1.0] * len(headers)
        if self.config.scale == "darkTime":
            scales = [dark_time(header) for header in headers]
            if min(scales) <= 0.0:
                raise NoWorkFound("a dark without dark time cannot be divided by it")
        stack = _stack(self.config, inputExposures, scales, [scale**2 for scale in scales])
        image = stack.combine(_shape(headers), measure_noise=self.config.measureNoise)
        _describe(image, headers, scales, self.config.connections.calibration)
        for name, noise in stack.noise.items():
            image.metadata[COMBINED_NOISE.format(name)] = noise
        return Struct(combined=image)


class CombineFlatTask(PipelineTask):
    """Combines flats of one filter.

    Each flat is divided by its level, and weighted with it: the noise of a flat is that of its photons.
    """

    ConfigClass = CombineFlatConfig
    _DefaultName = "combineFlat"
    config: CombineFlatConfig

    def run(self, inputExposures: Sequence[ImageHandle], levels: Sequence[Mapping[str, Any]]) -> Struct:
        """Combine flats.

        Parameters
        ----------
        inputExposures
            Processed flats of one detector and filter.
        levels
            What `FlatLevelTask` made of each of them.

        Returns
        -------
        result
            ``combined``: the combination, relative to its mean, with metadata that say what it was made of.

        Raises
        ------
        NoWorkFound
            There is a flat without light.
        RuntimeError
            The images differ in size.
        """
        headers = metadata_of(inputExposures)
        level = {each["EXPOSURE"]: float(each["MEAN"]) for each in levels}
        scales = [level[header["EXPOSURE"]] for header in headers]
        dark = [header["OBSID"] for header, scale in zip(headers, scales, strict=True) if not scale > 0.0]
        if dark:
            raise NoWorkFound(f"flats without light cannot be combined: {', '.join(dark)}")
        image = _stack(self.config, inputExposures, scales, scales).combine(_shape(headers))
        image.metadata[UNITS] = "1"
        _describe(image, headers, scales, self.config.connections.calibration)
        return Struct(combined=image)


class UnusableFlatError(RuntimeError):
    """A flat has too few usable pixels for a combined flat."""


class FlatLevelTask(PipelineTask):
    """Measures the clipped mean of a flat over the whole detector, by which it is divided."""

    ConfigClass = FlatLevelConfig
    _DefaultName = "cpFlatMeasure"
    config: FlatLevelConfig

    def run(self, inputExposure: DetectorImage) -> Struct:
        """Measure one flat.

        Parameters
        ----------
        inputExposure
            Processed flat.

        Returns
        -------
        result
            ``level``: exposure id, mean, sigma and number of pixels.

        Raises
        ------
        UnusableFlatError
            Too few pixels are usable, as in a flat that is saturated: the others say nothing of its level.
        """
        unusable = np.uint16(MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
        pixels = inputExposure.image[(inputExposure.mask & unusable) == 0]
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
    passed = {key: first[key] for key in first if key in _PASSED_ON or key.startswith("SIMULAT")}
    image.metadata |= passed | {
        "OBSTYPE": kind,
        "CALIB_CREATION_DATETIME": max(str(header.get("DATE-END")) for header in headers),
        "INPUT EXPOSURES": [header["EXPOSURE"] for header in headers],
        "INPUT DATES": [header.get("DATE-BEG") for header in headers],
        "INPUT EXPOSURE TIMES": [header.get("EXPTIME") for header in headers],
        "INPUT SCALES": [float(scale) for scale in scales],
    }
    for key, value in first.items():
        if key.startswith((GAIN.format(""), READ_NOISE.format(""))):
            image.metadata[key] = value
    for name in image.amplifiers:
        found = np.percentile(image.pixels(name), PERCENTILES)
        for percentile, value in zip(PERCENTILES, found, strict=True):
            image.metadata[f"LSST CALIB {kind.upper()} {name} DISTRIBUTION {percentile}-PCT"] = float(value)


def _shape(headers: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Rows and columns that all images have.

    Raises
    ------
    RuntimeError
        They differ.
    """
    shapes = {tuple(header["IMAGE SHAPE"]) for header in headers}
    if len(shapes) != 1:
        raise RuntimeError(f"images of different sizes cannot be combined: {sorted(shapes)}")
    rows, columns = shapes.pop()
    return int(rows), int(columns)


def _stack(
    config: CombineFlatConfig,
    handles: Sequence[ImageHandle],
    scales: Sequence[float],
    weights: Sequence[float],
) -> Stack:
    """The stack, with the options of a configuration."""
    if not all(math.isfinite(scale) for scale in scales):
        raise RuntimeError("an image has no finite scale")
    return Stack(
        handles,
        scales,
        weights,
        memory=config.stripMemory * 1_000_000,
        threshold=config.clip,
        iterations=config.nIter,
    )
