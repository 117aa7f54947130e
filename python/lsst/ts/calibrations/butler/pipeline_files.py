"""Which pipeline a job runs: those of cp_pipe and cp_verify, or those that the run was given."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ..domain.calibrations import PAIR_GAINS, StepKind, pipeline_files
from ..domain.errors import ArchiveError
from ..domain.instruments import Instrument
from ..domain.jobs import DOCUMENTED_LABEL
from ..domain.text import one_line

__all__ = ["FoundPipeline", "PipelineFiles"]

# Environment variable that names the folder of the package with the pipelines of a job, and the package.
FOLDERS = {
    StepKind.GENERATE: ("CP_PIPE_DIR", "cp_pipe"),
    StepKind.GAINS: ("CP_PIPE_DIR", "cp_pipe"),
    StepKind.VERIFY: ("CP_VERIFY_DIR", "cp_verify"),
}


@dataclass(frozen=True)
class FoundPipeline:
    """A pipeline to run."""

    address: str
    """As the OCPS gets it; it expands environment variables itself."""
    isr_label: str | None
    """Label of its signal removal, if it has one."""


@dataclass(frozen=True)
class PipelineFiles:
    """Finds pipelines."""

    instrument: Instrument
    """Its own pipelines are preferred to those that all instruments share."""
    pipelines: str | None = None
    """Address of a folder that has all of them under their documented names, as the simulated observatory
    has; None: the folders of cp_pipe and cp_verify."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Where ``CP_PIPE_DIR`` and ``CP_VERIFY_DIR`` name these."""

    @property
    def remark(self) -> str | None:
        """Which folders that the environment names are not used; None if none is passed over."""
        names = [name for name in ("CP_PIPE_DIR", "CP_VERIFY_DIR") if self.environment.get(name)]
        if self.pipelines is None or not names:
            return None
        return f"The pipelines are those of {self.pipelines}; not used: {', '.join(names)}."

    def problems(self, jobs: Iterable[tuple[StepKind, str]]) -> list[str]:
        """Look whether there are the pipelines of some jobs.

        Parameters
        ----------
        jobs
            Kind and calibration of each.

        Returns
        -------
        problems
            One sentence for each.
        """
        found = [self._problem(kind, calibration) for kind, calibration in jobs]
        return list(dict.fromkeys(problem for problem in found if problem is not None))

    def _problem(self, kind: StepKind, calibration: str) -> str | None:
        try:
            address = self.find(kind, calibration).address
            if self.pipelines is None or _exists(address):
                return None
        except ArchiveError as error:
            return str(error)
        return (
            f"there is no pipeline {address}: the pipelines are to be in {self.pipelines}"
            " (see TS_CALIBRATIONS_PIPELINES)"
        )

    def find(self, kind: StepKind, calibration: str) -> FoundPipeline:
        """Find the pipeline of a job.

        Parameters
        ----------
        kind, calibration
            Kind of the job, and name of the calibration that it is for.

        Returns
        -------
        pipeline
            Its address, and how its signal removal is called.

        Raises
        ------
        ArchiveError
            The environment does not say where the pipelines are, or there is none for the job.
        """
        files = pipeline_files(kind, calibration)
        if self.pipelines is not None:
            subset = f"#{PAIR_GAINS.own_subset}" if kind is StepKind.GAINS else ""
            return FoundPipeline(f"{self.pipelines}/{files[0]}{subset}", DOCUMENTED_LABEL)
        variable, package = FOLDERS[kind]
        folder = self.environment.get(variable)
        if not folder:
            raise ArchiveError(
                f"{variable} is not set, so that the pipelines of {package} are not found: set it to the"
                f" folder of {package} in the environment of the script"
            )
        for place in (f"pipelines/{self.instrument.name}", "pipelines"):
            for file in files:
                if os.path.isfile(path := Path(folder) / place / file):  # also no, where nobody may look
                    return self._found(f"${{{variable}}}/{place}/{file}", path, kind)
        raise ArchiveError(
            f"{variable} is {one_line(folder)}, and there is no {' or '.join(files)} for"
            f" {self.instrument.name} that can be read"
        )

    def _found(self, address: str, path: Path, kind: StepKind) -> FoundPipeline:
        labels, subsets = _read(path)
        if kind is StepKind.GAINS:
            subset = next((name for name in PAIR_GAINS.subsets if name in subsets), None)
            if subset is None:
                raise ArchiveError(f"{path} has none of the subsets {', '.join(PAIR_GAINS.subsets)}")
            address = f"{address}#{subset}"
        return FoundPipeline(address, _isr_label(labels))


def _isr_label(labels: Collection[str]) -> str | None:
    """The label ``isr``, or the one that ends in ``Isr``; None if there is no such task, or several."""
    if DOCUMENTED_LABEL in labels:
        return DOCUMENTED_LABEL
    found = [label for label in labels if label.endswith("Isr")]
    return found[0] if len(found) == 1 else None


def _exists(address: str) -> bool:
    """Whether there is a pipeline at an address, which may name a part of it."""
    from lsst.resources import ResourcePath

    try:
        return ResourcePath(address).exists()
    except Exception as error:
        raise ArchiveError(f"the pipeline {address} cannot be looked for: {error}") from error


@cache
def _read(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Task labels and subsets of a pipeline, those that it imports included."""
    try:
        from lsst.pipe.base import Pipeline

        pipeline = Pipeline.from_uri(str(path))
    except Exception as error:
        unset = re.search(r"eups://(\w+)", str(error))  # what becomes of $X_DIR that is not set
        why = f"it imports from {unset[1].upper()}_DIR, which is not set" if unset else one_line(error)
        raise ArchiveError(f"the pipeline {path} cannot be read: {why}") from error
    return frozenset(pipeline.task_labels), frozenset(pipeline.subsets)
