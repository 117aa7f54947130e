"""What the tasks of the pipelines share: usual connections, and inputs that are not simply datasets."""

from __future__ import annotations

from functools import partial
from typing import Any

from lsst.daf.butler import DatasetRef, DimensionRecord
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
)
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from .storage_classes import IMAGE, STATISTICS

__all__ = [
    "DETECTOR",
    "EXPOSURE",
    "CalibrationInput",
    "CalibrationOutput",
    "ImageInput",
    "ImagesInput",
    "PreparedInputsTask",
    "StatisticsInput",
    "StatisticsOutput",
    "dimension_record",
]

EXPOSURE = ("instrument", "exposure", "detector")
"""Dimensions of one image of a detector."""

DETECTOR = ("instrument", "detector")
"""Dimensions of what a detector has for itself."""

ImageInput = partial(Input, storageClass=IMAGE, dimensions=EXPOSURE)
"""A processed image."""

ImagesInput = partial(ImageInput, multiple=True, deferLoad=True)
"""Processed images, each of which is read when it is needed."""

StatisticsInput = partial(Input, storageClass=STATISTICS, multiple=True)
"""Results of many quanta."""

StatisticsOutput = partial(Output, storageClass=STATISTICS)
"""A nested dictionary."""

CalibrationInput = partial(PrerequisiteInput, dimensions=DETECTOR, isCalibration=True)
"""A certified calibration of a detector."""

CalibrationOutput = partial(Output, dimensions=DETECTOR, isCalibration=True)
"""A calibration of a detector that can be certified."""


class PreparedInputsTask(PipelineTask):
    """Base class of tasks whose `run` gets something else than the datasets of their quantum."""

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Prepare the inputs, run, and store the result.

        Parameters
        ----------
        butlerQC
            Butler for the datasets of this quantum.
        inputRefs, outputRefs
            References of its datasets.
        """
        butlerQC.put(self.run(**self._inputs(butlerQC, inputRefs)), outputRefs)

    def _inputs(self, butler: QuantumContext, refs: InputQuantizedConnection) -> dict[str, Any]:
        """Arguments of `run`."""
        raise NotImplementedError


def dimension_record(ref: DatasetRef, dimension: str) -> DimensionRecord:
    """Record of one dimension of a dataset.

    Parameters
    ----------
    ref
        Reference of the dataset.
    dimension
        E.g. ``exposure``.

    Returns
    -------
    record
        What the Butler knows of the exposure, say.

    Raises
    ------
    RuntimeError
        The data ID was not expanded: quantum graphs have expanded data IDs only.
    """
    record = ref.dataId.records[dimension]
    if record is None:
        raise RuntimeError(f"{ref} has no record of its {dimension}")
    return record
