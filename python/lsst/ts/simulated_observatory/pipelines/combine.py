"""Combined bias, dark and flat from many images (cp_pipe, cpCombine)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field, RangeField
from lsst.pipe.base import PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input
from numpy.typing import NDArray

from .flatnorm import OF_FILTER
from .headers import input_keywords
from .images import DetectorImage, Key, MaskPlane, amplifier_value, dark_time, number, origin
from .membermeasurement import Member, measure_member
from .members import Comparison, UnusableSetError, compare_members
from .stacks import ImageHandle, combine_images, common_shape, metadata_of
from .statistics import finite_median
from .storage_classes import IMAGE, STATISTICS
from .tasks import (
    DETECTOR,
    CalibrationOutput,
    CalibrationTask,
    ImagesInput,
)

__all__ = [
    "CombineConfig",
    "CombineFlatConfig",
    "CombineFlatTask",
    "CombineTask",
    "describe_combination",
]

FROZEN = 0.4
"""Most noise between images of one frame, in units of the read noise of the overscans."""

HEAVY = 2.0 / 3.0
"""Part of the weight of a combination from which one image is hardly checked by the others."""

PERCENTILES = (0, 5, 16, 50, 84, 95, 100)

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
        same, aside = _frozen(members, headers, kind, np.asarray(scales))
        comparison = _compared([_without(each, aside) for each in members], headers, kind, scales)
        for index, reason in (*comparison.unusable.items(), *comparison.odd.items()):
            verb = "is left out" if index in comparison.unusable else "is used and odd"
            self.log.warning("%s %s: %s.", headers[index]["OBSID"], verb, reason)
        names = [str(header["OBSID"]) for header in headers]
        used = comparison.used(names, fraction=self.config.minFraction, least=self.config.minImages)
        kept = [headers[index] for index in used]
        kept_scales = [scales[index] for index in used]
        weights = [scale**power for scale in kept_scales]
        heaviest, total = int(np.argmax(weights)), sum(weights)
        if len(used) > 1 and weights[heaviest] > HEAVY * total:
            obs_id, part = kept[heaviest]["OBSID"], 100.0 * weights[heaviest] / total
            self.log.warning("%s has %.0f %% of the weight: others hardly check it.", obs_id, part)
        image = combine_images(
            [handles[index] for index in used],
            kept,
            kept_scales,
            weights,
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
    members: Sequence[Member], headers: Sequence[Mapping[str, Any]], kind: str, scales: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Amplifiers that are one frame: by image, those of most images; and those not to compare images by.

    Differences of neighbours in rows are compared with their median over the images: levels do not count.
    Of independent images they scatter by 0.7 of the noise at least (of two or three). The difference of two
    normal values of some sigma has a mean deviation of 2 sigma / sqrt(pi). The frame may be the same before
    or after images are divided by their scales. Where the noise of the overscans is not known, only what is
    exactly alike is one frame; flats in electrons have that of their photons as well.
    """
    names = members[0].amplifiers
    if len(members) < 2:
        return np.zeros((1, len(names)), bool), np.zeros(len(names), bool)
    changes = np.diff(np.array([each.rows for each in members]), axis=-1)
    mean = np.fmin(_deviation(changes, np.ones(len(members))), _deviation(changes, scales))
    overscan, gain = (
        np.array([[amplifier_value(header, key, name) for name in names] for header in headers])
        for key in (Key.OVERSCAN_NOISE, Key.APPLIED_GAIN)
    )
    photons = np.zeros(mean.shape)
    if kind == "FLAT" and headers[0].get(Key.UNITS) == "electron":
        photons = np.maximum(np.nan_to_num([each.level for each in members]), 0.0)
    limit = FROZEN * np.sqrt(np.median(np.nan_to_num(overscan * gain), axis=0) ** 2 + photons)
    same = 0.5 * math.sqrt(math.pi) * mean <= limit
    has_noise = np.array([each.noise for each in members]) > limit  # what is clipped is not left aside
    aside = (same & has_noise).mean(axis=0) > 0.5
    return same, aside & (aside.mean() <= 0.5)  # of whole images that are the same, some are copies


def _deviation(changes: NDArray[Any], scales: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean deviation of images from the median of all, divided by scales; shape (images, amplifiers)."""
    by = scales[:, None, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.abs(changes - by * finite_median(changes / by))
        known = np.isfinite(deviation)
        known &= np.count_nonzero(known, axis=0) > 1  # one alone is the median
        found = np.sum(deviation, axis=(2, 3), where=known) / np.count_nonzero(known, axis=(2, 3))
    return np.asarray(found)


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
