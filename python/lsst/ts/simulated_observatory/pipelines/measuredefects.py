"""Defects: pixels that are too bright in darks or too faint in flats, and the edges of the detector."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lsst.daf.butler import DatasetRef
from lsst.pex.config import ChoiceField, Field
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output
from numpy.typing import NDArray

from .badcolumns import fill_columns
from .images import DetectorImage, MaskPlane
from .records import dimension_record
from .removal import DETECTOR_NAME, dark_time
from .stacks import ImageHandle, Stack
from .statistics import clipped_statistics
from .storage_classes import DEFECTS, IMAGE
from .tables import Defects

__all__ = ["MeasureDefectsTask", "MergeDefectsTask"]

_DETECTOR = ("instrument", "detector")


class MeasureDefectsConnections(
    PipelineTaskConnections, dimensions=_DETECTOR, defaultTemplates={"source": "Dark"}
):
    """Darks or flats of a detector, and the defects that they show."""

    inputExposures = Input(
        doc="Processed images of all types",
        name="cpDefectsProc",
        storageClass=IMAGE,
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
        deferLoad=True,
    )
    outputDefects = Output(
        doc="Defects", name="cpDefectsFrom{source}", storageClass=DEFECTS, dimensions=_DETECTOR
    )


class MergeDefectsConnections(PipelineTaskConnections, dimensions=_DETECTOR):
    """Defects of the darks and of the flats, and all together."""

    darkDefects = Input(
        doc="Hot pixels", name="cpDefectsFromDark", storageClass=DEFECTS, dimensions=_DETECTOR, minimum=0
    )
    flatDefects = Input(
        doc="Cold pixels", name="cpDefectsFromFlat", storageClass=DEFECTS, dimensions=_DETECTOR, minimum=0
    )
    defects = Output(
        doc="Defects", name="defects", storageClass=DEFECTS, dimensions=_DETECTOR, isCalibration=True
    )


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


class MeasureDefectsTask(PipelineTask):
    """Combines darks, or flats, and finds the pixels that differ from their amplifier."""

    ConfigClass = MeasureDefectsConfig
    _DefaultName = "measureDefects"
    config: MeasureDefectsConfig

    def runQuantum(  # noqa: N802
        self,
        butlerQC: QuantumContext,  # noqa: N803
        inputRefs: InputQuantizedConnection,  # noqa: N803
        outputRefs: OutputQuantizedConnection,  # noqa: N803
    ) -> None:
        """Choose the images of the type, and run."""
        chosen = [
            butlerQC.get(ref) for ref in inputRefs.inputExposures if _type(ref) == self.config.imageType
        ]
        if not chosen:
            raise NoWorkFound(f"there is no {self.config.imageType} to find defects in")
        butlerQC.put(self.run(chosen), outputRefs)

    def run(self, inputExposures: Sequence[ImageHandle]) -> Struct:  # noqa: N803
        """Find defects.

        Parameters
        ----------
        inputExposures
            Darks or flats, electron.

        Returns
        -------
        result
            ``outputDefects``.
        """
        images = [handle.get(parameters={"rows": (0, 1)}).metadata for handle in inputExposures]
        shape = tuple(images[0]["IMAGE SHAPE"])
        if self.config.imageType == "dark":
            scales = [dark_time(metadata) for metadata in images]
            weights = [scale**2 for scale in scales]
        else:
            scales = weights = [_level(handle.get()) for handle in inputExposures]
        if not min(scales) > 0.0:
            raise NoWorkFound(f"a {self.config.imageType} without signal or time tells nothing about defects")
        combined = Stack(inputExposures, scales, weights).combine((shape[0], shape[1]))
        mask = np.zeros(shape, dtype=bool)
        for name, amplifier in combined.amplifiers.items():
            mask[amplifier.box] = self._bad(combined.pixels(name))
        metadata = {"imageType": self.config.imageType, "exposures": [each["EXPOSURE"] for each in images]}
        return Struct(outputDefects=Defects.from_mask(images[0][DETECTOR_NAME], mask, metadata))

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


class MergeDefectsTask(PipelineTask):
    """Joins the defects of all sources, and the edges."""

    ConfigClass = MergeDefectsConfig
    _DefaultName = "mergeDefects"
    config: MergeDefectsConfig

    def run(self, darkDefects: Defects | None = None, flatDefects: Defects | None = None) -> Struct:  # noqa: N803
        """Join defects.

        Returns
        -------
        result
            ``defects``.
        """
        sources = [each for each in (darkDefects, flatDefects) if each is not None]
        if not sources:
            raise NoWorkFound("neither darks nor flats were searched for defects")
        mask = sources[0].mask
        for each in sources[1:]:
            mask |= each.mask
        edge = self.config.edge
        if edge:
            mask[:edge] = mask[-edge:] = True
            mask[:, :edge] = mask[:, -edge:] = True
        exposures: Mapping[str, Any] = {
            each.metadata["imageType"]: each.metadata["exposures"] for each in sources
        }
        return Struct(
            defects=Defects.from_mask(sources[0].detector, mask, {"exposures": exposures, "edge": edge})
        )


def _type(ref: DatasetRef) -> str:
    """Observation type of an image."""
    return str(dimension_record(ref, "exposure").observation_type)


def _level(image: DetectorImage) -> float:
    """Clipped mean of a flat."""
    unusable = np.uint16(MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
    return clipped_statistics(image.image[(image.mask & unusable) == 0], threshold=3.0).mean
