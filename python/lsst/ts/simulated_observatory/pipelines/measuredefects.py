"""Defects: what is too bright in darks or not as the rest in flats, and the edges (cp_pipe, cpDefects)."""

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

from .defectmembers import flat_levels, measure_levels, unusable_darks, unusable_flats
from .defectsearch import DefectLimits, find_defects
from .images import DetectorImage, Key, dark_time
from .stacks import ImageHandle, combine_images, metadata_of
from .storage_classes import DEFECTS
from .tables import Defects
from .tasks import DETECTOR, CalibrationOutput, CalibrationTask, ImagesInput, dimension_record

__all__ = [
    "MeasureDefectsConfig",
    "MeasureDefectsTask",
    "MergeDefectsConfig",
    "MergeDefectsTask",
    "UnusableImagesError",
]


_LEFT_OUT = ("LEFT OUT EXPOSURES", "LEFT OUT REASONS")

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
    brightFraction = Field[float](doc="Response of a bright pixel, relative to its amplifier.", default=1.04)
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
        """Find defects; `UnusableImagesError` if no image can show any."""
        headers, kind = metadata_of(inputExposures), self.config.imageType
        names = list(inputExposures[0].get(parameters={"rows": (0, 1)}).amplifiers)
        levels = np.stack([measure_levels(handle.get()) for handle in inputExposures], axis=1)
        if kind == "dark":
            scales = np.array([dark_time(header) for header in headers])
            unusable = unusable_darks(levels, scales.tolist(), names, self.config.hotRate)
        else:
            scales, unusable = flat_levels(levels), unusable_flats(levels, names)
        exposures = [header["EXPOSURE"] for header in headers]
        kept = [n for n in range(len(headers)) if n not in unusable]
        reasons = [f"{exposures[n]}: {unusable[n]}" for n in sorted(unusable)]
        if not kept:
            raise UnusableImagesError(f"no {kind} can show defects: {'; '.join(reasons)}")
        for reason in reasons:
            self.log.warning("This %s is left out: %s.", kind, reason)
        combined = combine_images(
            [inputExposures[n] for n in kept],
            [headers[n] for n in kept],
            scales[kept].tolist(),
            (scales[kept] ** (2 if kind == "dark" else 1)).tolist(),
        )
        combined.metadata[Key.DETECTOR_NAME] = headers[0][Key.DETECTOR_NAME]
        found = self.find(combined, levels[:, kept], [exposures[n] for n in kept])
        found.metadata |= {
            "LEFT OUT EXPOSURES": [exposures[n] for n in sorted(unusable)],
            "LEFT OUT REASONS": [unusable[n] for n in sorted(unusable)],
        }
        return Struct(outputDefects=found)

    def find(self, combined: DetectorImage, levels: NDArray[np.float64], exposures: Sequence[int]) -> Defects:
        """Find the defects that a combination shows.

        Parameters
        ----------
        combined
            Darks, electron/s, or flats, relative to the level of the detector.
        levels
            Of images that were combined, see `measure_levels`; shape (3, images, amplifiers).
        exposures
            Ids of the combined exposures.

        Returns
        -------
        defects
            With none of the images left out.
        """
        kind = self.config.imageType
        mask, metadata = find_defects(combined, levels, kind, self._limits)
        metadata |= {"imageType": kind, "exposures": list(exposures)} | {key: [] for key in _LEFT_OUT}
        return Defects.from_mask(combined.metadata[Key.DETECTOR_NAME], mask, metadata)

    @property
    def _limits(self) -> DefectLimits:
        """What is a defect."""
        config = self.config
        return DefectLimits(
            hot_rate=config.hotRate,
            cold_fraction=config.coldFraction,
            bright_fraction=config.brightFraction,
            column=config.badPixelsInColumn,
            gap=config.goodPixelsInGap,
        )


class UnusableImagesError(RuntimeError):
    """None of the darks, or of the flats, can show defects."""


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
        amplifiers = {name: each for one in sources for name, each in one.metadata["amplifiers"].items()}
        boxes = [tuple(each["box"]) for each in amplifiers.values()]
        for x0, y0, width, height in boxes:  # each is one defect
            mask[y0 : y0 + height, x0 : x0 + width] = False
        metadata = {
            "exposures": {each.metadata["imageType"]: each.metadata["exposures"] for each in sources},
            **{key: [value for each in sources for value in each.metadata[key]] for key in _LEFT_OUT},
            "amplifiers": {name: each["reason"] for name, each in amplifiers.items()},
            "limits": {each.metadata["imageType"]: each.metadata["limits"] for each in sources},
            "edge": edge,
        }
        defects = Defects.from_mask(sources[0].detector, mask, metadata)
        defects.boxes[:0] = boxes
        return Struct(defects=defects)
