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
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput

from .storage_classes import IMAGE, RESULTS, STATISTICS

__all__ = [
    "DETECTOR",
    "EXPOSURE",
    "IMAGE_OF_DETECTOR",
    "CalibrationInput",
    "CalibrationOutput",
    "CalibrationTask",
    "ImageInput",
    "ImagesInput",
    "ResultsInput",
    "ResultsOutput",
    "StatisticsInput",
    "StatisticsOutput",
    "dimension_record",
]

EXPOSURE = ("instrument", "exposure")
"""Dimensions of what an exposure has for itself."""

DETECTOR = ("instrument", "detector")
"""Dimensions of what a detector has for itself."""

IMAGE_OF_DETECTOR = ("instrument", "exposure", "detector")
"""Dimensions of one image of a detector."""

ImageInput = partial(Input, storageClass=IMAGE, dimensions=IMAGE_OF_DETECTOR)
"""A processed image."""

ImagesInput = partial(ImageInput, multiple=True, deferLoad=True)
"""Processed images, each of which is read when it is needed."""

StatisticsInput = partial(Input, storageClass=STATISTICS, multiple=True)
"""Results of many quanta."""

StatisticsOutput = partial(Output, storageClass=STATISTICS)
"""A nested dictionary."""

ResultsInput = partial(Input, storageClass=RESULTS, multiple=True)
"""Tables."""

ResultsOutput = partial(Output, storageClass=RESULTS)
"""A table."""

CalibrationInput = partial(PrerequisiteInput, dimensions=DETECTOR, isCalibration=True)
"""A certified calibration of a detector."""

CalibrationOutput = partial(Output, dimensions=DETECTOR, isCalibration=True)
"""A calibration of a detector that can be certified."""


class CalibrationTask(PipelineTask):
    """Base class of the tasks, whose `run` may get something else than the datasets of their quantum."""

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Prepare the inputs, run, and store the result.

        Parameters
        ----------
        butlerQC, inputRefs, outputRefs
            Butler for the datasets of this quantum, and references of them.

        Raises
        ------
        NoWorkFound
            There is nothing to do with these inputs.
        """
        inputs = self._prepared(butlerQC.get(inputRefs), inputRefs)
        butlerQC.put(self.run(**inputs), outputRefs)

    def run(self, *args: Any, **kwargs: Any) -> Struct:
        """Do the work of a quantum.

        Parameters
        ----------
        *args, **kwargs
            Inputs by the names of the connections of the task, which say what they are.

        Returns
        -------
        outputs
            By the names of the connections as well.

        Raises
        ------
        NoWorkFound
            There is nothing to do with these inputs.
        RuntimeError
            The inputs do not fit together, or one of them cannot be used.
        """
        raise NotImplementedError

    def _prepared(self, inputs: dict[str, Any], refs: InputQuantizedConnection) -> dict[str, Any]:
        """Arguments of `run`, from the datasets and their references."""
        return inputs


def dimension_record(ref: DatasetRef, dimension: str) -> DimensionRecord:
    """Record of one dimension of a dataset.

    Parameters
    ----------
    ref, dimension
        Reference of the dataset, and e.g. ``exposure``.

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
