"""Defects: pixels that are too bright in darks or too faint in flats, and the edges (cp_pipe, cpDefects)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    PipelineTaskConfig,
    PipelineTaskConnections,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output
from numpy.typing import NDArray
from scipy import ndimage

from .images import Key, dark_time
from .stacks import ImageHandle, combine_images, metadata_of
from .statistics import clipped_statistics
from .storage_classes import DEFECTS
from .tables import Defects
from .tasks import DETECTOR, CalibrationOutput, CalibrationTask, ImagesInput, dimension_record

__all__ = [
    "MeasureDefectsConfig",
    "MeasureDefectsTask",
    "MergeDefectsConfig",
    "MergeDefectsTask",
    "fill_columns",
]


_DefectsInput = partial(Input, storageClass=DEFECTS, dimensions=DETECTOR, minimum=0)


class MeasureDefectsConnections(
    PipelineTaskConnections, dimensions=DETECTOR, defaultTemplates={"source": "Dark"}
):
    """Darks or flats of a detector, and the defects that they show."""

    inputExposures = ImagesInput(doc="Processed images of all types", name="cpDefectsProc")
    outputDefects = Output(
        doc="Defects", name="cpDefectsFrom{source}", storageClass=DEFECTS, dimensions=DETECTOR
    )


class MergeDefectsConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """Defects of the darks and of the flats, and all together."""

    darkDefects = _DefectsInput(doc="Hot pixels, if there were darks", name="cpDefectsFromDark")
    flatDefects = _DefectsInput(doc="Cold pixels, if there were flats", name="cpDefectsFromFlat")
    defects = CalibrationOutput(doc="Defects", name="defects", storageClass=DEFECTS)


class MeasureDefectsConfig(PipelineTaskConfig, pipelineConnections=MeasureDefectsConnections):
    """What is a defect."""

    imageType = ChoiceField[str](
        doc="Which of the images are used.",
        dtype=str,
        default="dark",
        allowed={"dark": "darks, for hot pixels", "flat": "flats, for cold pixels"},
    )
    hotRate = Field[float](
        doc="Dark current of a hot pixel above its amplifier's mean, electron/s.", default=3.0
    )
    coldFraction = Field[float](doc="Response of a cold pixel, relative to its amplifier.", default=0.9)
    badPixelsInColumn = Field[int](doc="Bad pixels that make a column suspicious, of 2000.", default=50)
    goodPixelsInGap = Field[int](
        doc="Good pixels in a row that stay good in such a column, of 2000.", default=30
    )


class MergeDefectsConfig(PipelineTaskConfig, pipelineConnections=MergeDefectsConnections):
    """What is added to the measured defects."""

    edge = Field[int](doc="Border of the detector that is a defect, pixels.", default=5)


class MeasureDefectsTask(CalibrationTask):
    """Combines darks, or flats, and finds the pixels that differ from their amplifier."""

    ConfigClass = MeasureDefectsConfig
    _DefaultName = "measureDefects"
    config: MeasureDefectsConfig

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        kind = self.config.imageType
        chosen = [
            handle
            for handle, ref in zip(inputs["inputExposures"], refs.inputExposures, strict=True)
            if dimension_record(ref, "exposure").observation_type == kind
        ]
        if not chosen:
            raise NoWorkFound(f"there is no {kind} to find defects in")
        return {"inputExposures": chosen}

    def run(self, inputExposures: Sequence[ImageHandle]) -> Struct:
        """Find defects; `NoWorkFound` if an image has no dark time, or a flat no light."""
        headers, kind = metadata_of(inputExposures), self.config.imageType
        if kind == "dark":
            scales = [dark_time(header) for header in headers]
            weights = [scale**2 for scale in scales]
        else:
            images = (handle.get() for handle in inputExposures)
            scales = weights = [clipped_statistics(each.usable, threshold=3.0).mean for each in images]
        if not min(scales) > 0.0:
            raise NoWorkFound(f"a {kind} without signal or time shows no defects")
        combined = combine_images(inputExposures, headers, scales, weights)
        mask = np.zeros(combined.image.shape, dtype=bool)
        for name, amplifier in combined.amplifiers.items():
            mask[amplifier.box] = self._bad(combined.pixels(name))
        metadata = {"imageType": kind, "exposures": [header["EXPOSURE"] for header in headers]}
        return Struct(outputDefects=Defects.from_mask(headers[0][Key.DETECTOR_NAME], mask, metadata))

    def _bad(self, pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Bad pixels of one amplifier."""
        level = clipped_statistics(pixels).mean
        if self.config.imageType == "dark":
            bad = pixels > level + self.config.hotRate
        else:
            bad = ~(pixels >= self.config.coldFraction * level)
        rows = pixels.shape[0] / 2000.0
        return fill_columns(
            bad,
            suspicious=max(2, round(self.config.badPixelsInColumn * rows)),
            gap=max(2, round(self.config.goodPixelsInGap * rows)),
        )


class MergeDefectsTask(CalibrationTask):
    """Joins the defects of all sources, and the edges."""

    ConfigClass = MergeDefectsConfig
    _DefaultName = "mergeDefects"
    config: MergeDefectsConfig

    def run(self, darkDefects: Defects | None = None, flatDefects: Defects | None = None) -> Struct:
        """Join defects; `NoWorkFound` if there were neither darks nor flats."""
        sources = [each for each in (darkDefects, flatDefects) if each is not None]
        if not sources:
            raise NoWorkFound("neither darks nor flats were searched for defects")
        mask = np.logical_or.reduce([each.mask for each in sources])
        edge = self.config.edge
        if edge:
            mask[:edge] = mask[-edge:] = True
            mask[:, :edge] = mask[:, -edge:] = True
        exposures = {each.metadata["imageType"]: each.metadata["exposures"] for each in sources}
        metadata = {"exposures": exposures, "edge": edge}
        return Struct(defects=Defects.from_mask(sources[0].detector, mask, metadata))


def fill_columns(bad: NDArray[np.bool_], *, suspicious: int, gap: int) -> NDArray[np.bool_]:
    """Fill a column with many bad pixels between the first and the last of them.

    Parameters
    ----------
    bad
        Bad pixels of an amplifier, shape (rows, columns).
    suspicious, gap
        Least number of bad pixels in such a column; so many good pixels in a row stay good, at least 1.

    Returns
    -------
    filled
        Bad pixels, same shape.
    """
    filled = bad.copy()
    columns = np.count_nonzero(bad, axis=0) >= suspicious
    padded = np.pad(bad[:, columns], ((gap, gap), (0, 0)))  # the image must not end within a gap
    filled[:, columns] = ndimage.binary_closing(padded, np.ones((gap, 1)))[gap:-gap]
    return filled
