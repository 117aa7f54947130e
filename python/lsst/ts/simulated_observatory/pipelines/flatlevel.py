"""Level of single flats, by which they are divided before they are combined."""

# ruff: noqa: N815, connection and option names are those of the Rubin pipelines
# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

import numpy as np
from lsst.pex.config import Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from lsst.pipe.base.connectionTypes import Input, Output

from .images import DetectorImage, MaskPlane
from .statistics import clipped_statistics
from .storage_classes import IMAGE, STATISTICS

__all__ = ["FlatLevelConfig", "FlatLevelTask", "UnusableFlatError"]

_IMAGE = ("instrument", "exposure", "detector")


class UnusableFlatError(RuntimeError):
    """A flat has too few usable pixels for a combined flat."""


class FlatLevelConnections(
    PipelineTaskConnections, dimensions=_IMAGE, defaultTemplates={"images": "cpFlatProc"}
):
    """A flat and its level."""

    inputExposure = Input(doc="Flat", name="{images}", storageClass=IMAGE, dimensions=_IMAGE)
    level = Output(doc="Level", name="cpFlatLevel", storageClass=STATISTICS, dimensions=_IMAGE)


class FlatLevelConfig(PipelineTaskConfig, pipelineConnections=FlatLevelConnections):
    """How the level of a flat is measured."""

    doVignette = Field[bool](doc="Leave out pixels that get little light?", default=False)
    vignetteFraction = Field[float](doc="Little light: less than this part of the median.", default=0.5)
    clip = Field[float](doc="Clipping, in sigma.", default=3.0)
    nIter = Field[int](doc="How often to clip.", default=3)
    minGood = Field[float](doc="Part of the pixels that must be usable.", default=0.5)


class FlatLevelTask(PipelineTask):
    """Measures the clipped mean of a flat over the whole detector."""

    ConfigClass = FlatLevelConfig
    _DefaultName = "cpFlatMeasure"
    config: FlatLevelConfig

    def run(self, inputExposure: DetectorImage) -> Struct:  # noqa: N803
        """Measure one flat.

        Returns
        -------
        result
            ``level``: exposure id, mean, sigma and number of pixels.

        Raises
        ------
        UnusableFlatError
            Too few pixels are usable, as in a flat that is saturated: the others tell nothing of its level.
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
        return Struct(
            level={
                "EXPOSURE": exposure,
                "MEAN": found.mean,
                "SIGMA": found.sigma,
                "NPIXELS": found.count,
            }
        )
