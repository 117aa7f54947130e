"""Combined bias, dark and flat from many images (cp_pipe, cpCombine and cpFlatMeasure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field, RangeField
from lsst.pipe.base import InputQuantizedConnection, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input
from numpy.typing import NDArray

from .flatlevels import exposure_levels
from .headers import input_keywords
from .images import DetectorImage, Key, MaskPlane, amplifier_value, dark_time, number, origin
from .membermeasurement import Member, measure_member
from .members import Comparison, UnusableSetError, compare_members
from .stacks import ImageHandle, combine_images, common_shape, metadata_of
from .statistics import clipped_statistics, finite_median
from .storage_classes import IMAGE, STATISTICS
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
    "FlatNormConfig",
    "FlatNormTask",
    "describe_combination",
]

OF_FILTER = ("instrument", "physical_filter")
"""Dimensions of what the flats of a filter have in common."""

FROZEN = 0.4
"""Most noise between images of one frame, in units of the read noise of the overscans."""

PERCENTILES = (0, 5, 16, 50, 84, 95, 100)

MEDIAN = 3
"""Exposures of which one can be wrong without effect on their median."""

NO_RATIO = "this detector has a level in no exposure in common with the others"
"""Why the flats of one of several detectors have no levels."""


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
    """Flats of one detector and filter, the levels of the exposures, and their combination."""

    inputExposures = ImagesInput(doc="Images to combine", name="{images}")
    scales = Input(
        doc="Level of each exposure", name="cpFlatNormScales", storageClass=STATISTICS, dimensions=OF_FILTER
    )
    combined = CalibrationOutput(
        doc="Combined flat",
        name="{calibration}",
        storageClass=IMAGE,
        dimensions=(*DETECTOR, "physical_filter"),
    )


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


class CombineFlatConfig(PipelineTaskConfig, pipelineConnections=CombineFlatConnections):
    """How flats are combined."""

    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    minFraction = RangeField(
        doc="Part of the images that must be usable; never less than half.",
        dtype=float,
        default=0.5,
        min=0.5,
        max=1.0,
    )
    minImages = RangeField(
        doc="Number of images that must be usable, never less than three; all, where there are fewer.",
        dtype=int,
        default=3,
        min=3,
    )
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


class FlatNormConfig(PipelineTaskConfig, pipelineConnections=FlatNormConnections):
    """Nothing to choose."""


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
        kind: str,
        scales: Sequence[float],
        power: int,
        *,
        measure_noise: bool = False,
    ) -> DetectorImage:
        """Combine the usable images, divided by scales, with these to a power as weights."""
        members = _measured(handles, headers)
        same, aside = _frozen(members, headers)
        comparison = _compared([_without(each, aside) for each in members], headers, kind, scales)
        for index, reason in (*comparison.unusable.items(), *comparison.odd.items()):
            verb = "is left out" if index in comparison.unusable else "is used and odd"
            self.log.warning("%s %s: %s.", headers[index]["OBSID"], verb, reason)
        names = [str(header["OBSID"]) for header in headers]
        used = comparison.used(names, fraction=self.config.minFraction, least=self.config.minImages)
        kept = [headers[index] for index in used]
        kept_scales = [scales[index] for index in used]
        image = combine_images(
            [handles[index] for index in used],
            kept,
            kept_scales,
            [scale**power for scale in kept_scales],
            noise=np.array([members[index].noise for index in used]),
            measure_noise=measure_noise,
            memory=self.config.stripMemory * 1_000_000,
            threshold=self.config.clip,
            iterations=self.config.nIter,
        )
        where = aside | (same[used].mean(axis=0) > 0.5)
        frozen = [name for name, found in zip(image.amplifiers, where, strict=True) if found]
        for name in frozen:
            self.log.warning("%s is the same in most images: it has no variance.", name)
            _without_variance(image, name)
        describe_combination(image, kept, kept_scales, self.config.connections.calibration)
        if frozen:
            image.metadata["VARIANCE REASON"] = f"the same in most images: {', '.join(frozen)}"
        ids = [int(header["EXPOSURE"]) for header in headers]
        for key, reasons in ((Key.LEFT_OUT, comparison.unusable), (Key.ODD, comparison.odd)):
            image.metadata[f"{key} EXPOSURES"] = [ids[index] for index in reasons]
            image.metadata[f"{key} REASONS"] = list(reasons.values())
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
        """Combine images; `UnusableSetError` if too few are usable."""
        headers = metadata_of(inputExposures)
        kind, scales = "BIAS", [1.0] * len(headers)
        if self.config.scale == "darkTime":
            kind, scales = "DARK", [dark_time(header) for header in headers]
        noise = self.config.measureNoise
        return Struct(combined=self._combined(inputExposures, headers, kind, scales, 2, measure_noise=noise))


class CombineFlatTask(_CombiningTask):
    """Combines flats of one filter.

    Each flat is divided by the level of its exposure, and weighted with it: the noise of a flat is that of
    its photons.
    """

    ConfigClass = CombineFlatConfig
    _DefaultName = "combineFlat"

    def run(self, inputExposures: Sequence[ImageHandle], scales: Mapping[str, Any]) -> Struct:
        """Combine flats; `UnusableSetError` if too few are usable."""
        headers = metadata_of(inputExposures)
        levels = {int(exposure): level for exposure, level in scales["EXPOSURES"].items()}
        found = [levels.get(int(header["EXPOSURE"])) for header in headers]
        known = [each or math.nan for each in found]
        try:
            image = self._combined(inputExposures, headers, "FLAT", known, 1)
        except UnusableSetError as error:
            if not any(found) and any(levels.values()):
                raise UnusableSetError(f"{NO_RATIO}: {error}") from error
            raise
        image.metadata[Key.UNITS] = "1"
        return Struct(combined=image)


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


def _measured(handles: Sequence[ImageHandle], headers: Sequence[Mapping[str, Any]]) -> list[Member]:
    """The images measured by amplifier."""
    if not headers:
        raise UnusableSetError("there are no images")
    common_shape(headers)
    return [measure_member(handle.get()) for handle in handles]


def _compared(
    members: Sequence[Member], headers: Sequence[Mapping[str, Any]], kind: str, scales: Sequence[float]
) -> Comparison:
    """The images compared with each other."""
    is_flat = kind == "FLAT"
    return compare_members(
        members,
        kind,
        times=[number(header.get("EXPTIME")) for header in headers] if is_flat else scales,
        levels=scales if is_flat else None,
        in_electrons=headers[0].get(Key.UNITS) == "electron",
        exposures=[int(header["EXPOSURE"]) for header in headers],
    )


def _frozen(
    members: Sequence[Member], headers: Sequence[Mapping[str, Any]]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Amplifiers that are one frame: by image, those of most images; and those not to compare images by.

    Differences of neighbours in rows are compared with their median over the images: levels do not count.
    Of independent images they scatter by 0.7 of the noise at least (of two or three). The difference of two
    normal values of some sigma has a mean deviation of 2 sigma / sqrt(pi). Where the noise of the overscans
    is not known, only what is exactly alike is one frame.
    """
    names = members[0].amplifiers
    if len(members) < 2:
        return np.zeros((1, len(names)), bool), np.zeros(len(names), bool)
    changes = np.diff(np.array([each.rows for each in members]), axis=-1)
    deviation = np.abs(changes - finite_median(changes))
    known = np.isfinite(deviation)
    with np.errstate(invalid="ignore"):
        mean = np.sum(deviation, axis=(2, 3), where=known) / np.count_nonzero(known, axis=(2, 3))
    overscan, gain = (
        np.array([[amplifier_value(header, key, name) for name in names] for header in headers])
        for key in (Key.OVERSCAN_NOISE, Key.APPLIED_GAIN)
    )
    limit = FROZEN * np.median(np.nan_to_num(overscan * gain), axis=0)
    same = 0.5 * math.sqrt(math.pi) * mean <= limit
    has_noise = np.array([each.noise for each in members]) > limit  # what is clipped is not left aside
    aside = (same & has_noise).mean(axis=0) > 0.5
    return same, aside & (aside.mean() <= 0.5)  # of whole images that are the same, some are copies


def _without(member: Member, aside: NDArray[np.bool_]) -> Member:
    """What was measured of an image, as if some amplifiers were defects."""
    values = {each.name: getattr(member, each.name).copy() for each in fields(member)[1:]}
    for each in values.values():
        each[aside] = math.nan
    return Member(member.amplifiers, **values)


def _without_variance(image: DetectorImage, name: str) -> None:
    """Take variance and noise of an amplifier for unknown, and flag it; in place."""
    assert image.variance is not None
    box = image.amplifiers[name].box
    image.variance[box] = math.nan
    image.mask[box] |= np.uint16(MaskPlane.BAD)
    if (key := Key.COMBINED_NOISE.format(name)) in image.metadata:
        image.metadata[key] = math.nan


def describe_combination(
    image: DetectorImage, headers: Sequence[Mapping[str, Any]], scales: Sequence[float], kind: str
) -> None:
    """Write into the metadata of a combination what it was made of, and how its pixels are distributed.

    The date is that of the last input: the same images give the same file.

    Parameters
    ----------
    image
        The combination.
    headers, scales
        Metadata of the images, and by what they were divided.
    kind
        Dataset type of the combination.
    """
    first, keywords = headers[0], input_keywords(headers, scales, kind)
    image.metadata |= origin(first, "TELESCOP", Key.DETECTOR_NAME) | {
        "CALIB_CREATION_DATETIME": keywords["DATE-END"],
        "INPUT EXPOSURES": [header["EXPOSURE"] for header in headers],
        **keywords,
    }
    if kind != "flat":
        for key in ("FILTER", "GRATING"):  # without light, they are what happened to be in
            image.metadata.pop(key, None)
    if len(headers) == 1:
        image.metadata["VARIANCE REASON"] = "the scatter of a single image cannot be known"
    for key, value in first.items():
        if key.startswith((Key.APPLIED_GAIN.format(""), Key.READ_NOISE.format(""))):
            image.metadata[key] = value
    for key in (Key.LEFT_OUT, Key.ODD):
        image.metadata |= {f"{key} EXPOSURES": [], f"{key} REASONS": []}
    for name in image.amplifiers:
        good = image.pixels(name)[(image.flags(name) & np.uint16(MaskPlane.BAD)) == 0]
        found = np.percentile(good, PERCENTILES).tolist() if good.size else [None] * len(PERCENTILES)
        for percentile, value in zip(PERCENTILES, found, strict=True):
            image.metadata[f"LSST CALIB {kind.upper()} {name} DISTRIBUTION {percentile}-PCT"] = value
