"""Combined bias, dark and flat from many images."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from .images import DetectorImage
from .removal import dark_time
from .stacks import ImageHandle, Stack
from .storage_classes import IMAGE, STATISTICS

__all__ = ["CombineConfig", "CombineFlatConfig", "CombineFlatTask", "CombineTask"]

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
    dimensions=("instrument", "detector"),
    defaultTemplates={"images": "cpBiasProc", "calibration": "bias"},
):
    """Images of one detector, and their combination."""

    inputExposures = Input(
        doc="Images to combine",
        name="{images}",
        storageClass=IMAGE,
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    combined = Output(
        doc="Combined calibration",
        name="{calibration}",
        storageClass=IMAGE,
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )


class CombineFlatConnections(
    PipelineTaskConnections,
    dimensions=("instrument", "detector", "physical_filter"),
    defaultTemplates={"images": "cpFlatProc", "calibration": "flat"},
):
    """Flats of one detector and filter, their levels, and their combination."""

    inputExposures = CombineConnections.inputExposures
    levels = Input(
        doc="Level of each flat",
        name="cpFlatLevel",
        storageClass=STATISTICS,
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )
    combined = Output(
        doc="Combined flat",
        name="{calibration}",
        storageClass=IMAGE,
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
    )


class CombineConfig(PipelineTaskConfig, pipelineConnections=CombineConnections):
    """How images are combined."""

    scale = ChoiceField[str](
        doc="What each image is divided by; its weight is the square of it.",
        dtype=str,
        default="unity",
        allowed={"unity": "nothing", "darkTime": "dark time: the result is a rate"},
    )
    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    measureNoise = Field[bool](
        doc="Measure the noise of a single image around the combination?", default=False
    )
    stripMemory = Field[int](doc="Megabytes of pixels in memory at a time.", default=400)


class CombineFlatConfig(PipelineTaskConfig, pipelineConnections=CombineFlatConnections):
    """How flats are combined."""

    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    stripMemory = Field[int](doc="Megabytes of pixels in memory at a time.", default=400)


class CombineTask(PipelineTask):
    """Combines biases, or darks.

    Darks are divided by their dark time and weighted with its square, which is the best weight of a rate
    where the read noise dominates.
    """

    ConfigClass = CombineConfig
    _DefaultName = "combine"
    config: CombineConfig

    def run(self, inputExposures: Sequence[ImageHandle]) -> Struct:  # noqa: N803
        """Combine images.

        Returns
        -------
        result
            ``combined``: the combination, with metadata that say what it was made of.
        """
        headers = _headers(inputExposures)
        scales = [1.0] * len(headers)
        if self.config.scale == "darkTime":
            scales = [dark_time(header) for header in headers]
            if min(scales) <= 0.0:
                raise NoWorkFound("a dark without dark time cannot be divided by it")
        stack = _stack(self.config, inputExposures, scales, [scale**2 for scale in scales])
        image = stack.combine(_shape(headers), measure_noise=self.config.measureNoise)
        describe(image, headers, scales, self.config.connections.calibration)
        for name, noise in stack.noise.items():
            image.metadata[noise_key(name)] = noise
        return Struct(combined=image)


class CombineFlatTask(PipelineTask):
    """Combines flats of one filter.

    Each flat is divided by its level, and weighted with it: the noise of a flat is that of its photons.
    """

    ConfigClass = CombineFlatConfig
    _DefaultName = "combineFlat"
    config: CombineFlatConfig

    def run(self, inputExposures: Sequence[ImageHandle], levels: Sequence[Mapping[str, Any]]) -> Struct:  # noqa: N803
        """Combine flats; see `CombineTask.run`."""
        headers = _headers(inputExposures)
        level = {each["EXPOSURE"]: float(each["MEAN"]) for each in levels}
        scales = [level[header["EXPOSURE"]] for header in headers]
        dark = [header["OBSID"] for header, scale in zip(headers, scales, strict=True) if not scale > 0.0]
        if dark:
            raise NoWorkFound(f"flats without light cannot be combined: {', '.join(dark)}")
        image = _stack(self.config, inputExposures, scales, scales).combine(_shape(headers))
        image.metadata["LSST ISR UNITS"] = "1"
        describe(image, headers, scales, self.config.connections.calibration)
        return Struct(combined=image)


def noise_key(amplifier: str) -> str:
    """Metadata name of the noise of a single image of a combination, in the unit of the images."""
    return f"LSST CALIB NOISE {amplifier}"


def describe(
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
        if key.startswith(("LSST ISR GAIN ", "LSST ISR READNOISE ")):
            image.metadata[key] = value
    for name in image.amplifiers:
        found = np.percentile(image.pixels(name), PERCENTILES)
        for percentile, value in zip(PERCENTILES, found, strict=True):
            image.metadata[f"LSST CALIB {kind.upper()} {name} DISTRIBUTION {percentile}-PCT"] = float(value)


def _headers(handles: Sequence[ImageHandle]) -> list[dict[str, Any]]:
    """Metadata of all images; one row of pixels comes with each."""
    return [handle.get(parameters={"rows": (0, 1)}).metadata for handle in handles]


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
    config: CombineConfig | CombineFlatConfig,
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
