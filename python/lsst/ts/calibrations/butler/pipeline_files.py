"""Which pipeline a job runs: the project's own, or those of cp_pipe and cp_verify where they are at hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..domain.calibrations import PAIR_GAINS, JobKind, pipeline_files
from ..domain.errors import ArchiveError
from ..domain.instruments import Instrument
from ..domain.jobs import PIPELINES
from ..domain.pipeline_names import signal_removal_label, with_label

__all__ = ["FoundPipeline", "PipelineFiles"]

FOLDERS = {
    JobKind.GENERATE: "CP_PIPE_DIR",
    JobKind.GAINS: "CP_PIPE_DIR",
    JobKind.VERIFY: "CP_VERIFY_DIR",
}
"""Environment variables that say where the pipelines of the Rubin software are."""


@dataclass(frozen=True)
class FoundPipeline:
    """A pipeline to run.

    Parameters
    ----------
    address
        As the OCPS gets it; it expands environment variables itself.
    isr_label
        Label of its signal removal, if it has one.
    """

    address: str
    isr_label: str | None

    def options(self, options: str) -> tuple[str, list[str]]:
        """The options of the configuration as this pipeline wants them, and notes on what was changed."""
        return with_label(options, self.isr_label)


class PipelineFiles:
    """Finds pipelines.

    Parameters
    ----------
    instrument
        Whose pipelines.
    environment
        Where ``CP_PIPE_DIR`` and ``CP_VERIFY_DIR`` may be set; None: of this process.
    """

    def __init__(self, instrument: Instrument, environment: Mapping[str, str] | None = None) -> None:
        self._instrument = instrument
        self._environment = os.environ if environment is None else environment

    def find(self, kind: str, calibration: str) -> FoundPipeline:
        """Find the pipeline of a kind of job (``generate``, ``verify``, ``gain``) and a calibration.

        Raises
        ------
        ArchiveError
            A folder is named in the environment and has no such pipeline.
        """
        variable = FOLDERS[JobKind(kind)]
        files = pipeline_files(kind, calibration)
        folder = self._environment.get(variable)
        if not folder:
            subset = f"#{PAIR_GAINS.own_subset}" if kind == JobKind.GAINS else ""
            return FoundPipeline(f"{PIPELINES}/{files[0]}{subset}", "isr")
        for place in (f"pipelines/{self._instrument.name}", "pipelines"):
            for file in files:
                if (path := Path(folder) / place / file).is_file():
                    return self._found(f"${{{variable}}}/{place}/{file}", path, kind)
        raise ArchiveError(
            f"{variable} is {folder}, and there is no {' or '.join(files)} for {self._instrument.name}"
        )

    def _found(self, address: str, path: Path, kind: str) -> FoundPipeline:
        labels, subsets = _read(path)
        if kind == JobKind.GAINS:
            subset = next((name for name in PAIR_GAINS.subsets if name in subsets), None)
            if subset is None:
                raise ArchiveError(f"{path} has none of the subsets {', '.join(PAIR_GAINS.subsets)}")
            address = f"{address}#{subset}"
        return FoundPipeline(address, signal_removal_label(labels))


@cache
def _read(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Task labels and subsets of a pipeline, those that it imports included."""
    from lsst.pipe.base import Pipeline

    try:
        pipeline = Pipeline.from_uri(str(path))
    except Exception as error:
        raise ArchiveError(f"the pipeline {path} cannot be read: {error}") from error
    return frozenset(pipeline.task_labels), frozenset(pipeline.subsets)
