"""The record of a run: its facts, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..domain.calibrations import CALIBRATIONS
from ..domain.jobs import JOB_ID, JobRequest
from ..domain.text import one_line
from ..workflow.workflow import Step, StepKind
from . import facts

__all__ = ["ExposureRecord", "JobRecord", "PartRecord", "RunRecord"]


FORMER_PIPELINES = "resource://lsst.ts.calibrations.pipelines/"
"""Where the pipelines of the simulated observatory were, before it was a package beside this one."""

MOVED_PIPELINES = "resource://lsst.ts.simulated_observatory.pipelines/"
"""Where they are now."""


@dataclass
class ExposureRecord:
    """One exposure and how far it came.

    Parameters
    ----------
    taken
        The fact that it was taken.
    readout_ended
        End of the readout, TAI unix seconds.
    physical_filter, files
        As of `~lsst.ts.calibrations.journal.facts.ExposureConfirmed`.
    ingested
        Whether it was confirmed.
    lost
        Whether it was looked for after the run was resumed, and not found.
    """

    taken: facts.ExposureTaken
    readout_ended: float | None = None
    physical_filter: str | None = None
    ingested: bool = False
    lost: bool = False
    files: tuple[str, ...] = ()


@dataclass
class JobRecord:
    """One OCPS job and how it ended.

    Parameters
    ----------
    submitted
        The fact that it was submitted.
    exit_code, ended
        Exit code, None if it is not known, and end, TAI unix seconds; None while it is under way.
    """

    submitted: facts.JobSubmitted
    exit_code: int | None = None
    ended: float | None = None


@dataclass
class PartRecord:
    """A part of a run.

    Parameters
    ----------
    begin, end
        From its begin, or from its resumption, to its last fact, TAI unix seconds.
    """

    begin: float
    end: float


@dataclass
class RunRecord:
    """All that is known of a run, made from its facts alone.

    Parameters
    ----------
    configured
        With what the run began.
    parts
        Its parts, in order.
    begun
        The exposure of which it is not known what became of it.
    exposures, jobs
        By their ids.
    made
        Calibrations that were made, by the collection of the job.
    verdicts
        The last verdict, by calibration.
    certified, gains, not_done
        What was certified, which gains were measured, and which steps were not done.
    ended
        The end of the run, if it has come.
    """

    configured: facts.RunConfigured | None = None
    parts: list[PartRecord] = field(default_factory=list)
    begun: facts.ExposureBegun | None = None
    exposures: dict[int, ExposureRecord] = field(default_factory=dict)
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    made: dict[str, facts.CalibrationMade] = field(default_factory=dict)
    verdicts: dict[str, facts.VerdictGiven] = field(default_factory=dict)
    certified: list[facts.Certified] = field(default_factory=list)
    gains: list[Mapping[str, Any]] = field(default_factory=list)
    not_done: list[facts.StepNotDone] = field(default_factory=list)
    ended: facts.RunEnded | None = None

    @property
    def resumed(self) -> bool:
        """Whether the run was resumed."""
        return len(self.parts) > 1

    def held(self, image_type: str) -> dict[int, ExposureRecord]:
        """Find the exposures of a type that the run has.

        Parameters
        ----------
        image_type
            Type of the images.

        Returns
        -------
        exposures
            By their place among the images of the type, without those that are lost.
        """
        return {
            each.taken.position: each
            for each in self.exposures.values()
            if each.taken.image_type == image_type and not each.lost
        }

    def successful_job(self, request: JobRequest) -> JobRecord | None:
        """Find a job that did what another one would do.

        Parameters
        ----------
        request
            What would be asked for.

        Returns
        -------
        job
            One that was submitted with the same words and ended with exit code 0; None if there is none.
        """
        for job in self.jobs.values():
            asked = job.submitted
            same = _same_pipeline(asked.pipeline, request.pipeline) and all(
                getattr(asked, name) == getattr(request, name)
                for name in ("kind", "calibration", "config", "data_query")
            )
            if same and job.exit_code == 0:
                return job
        return None

    def is_done(self, step: Step) -> bool:
        """Look whether a step has succeeded.

        Parameters
        ----------
        step
            A step of the workflow.

        Returns
        -------
        is_done
            Whether its calibration was made, judged as a whole, or certified; or whether gains were measured.
        """
        name = step.calibration
        match step.kind:
            case StepKind.GENERATE:
                return any(each.calibration == name for each in self.made.values())
            case StepKind.VERIFY:
                return name in self.verdicts and self.verdicts[name].complete
            case StepKind.CERTIFY:
                dataset_type = CALIBRATIONS[name].dataset_type
                return any(each.dataset_type == dataset_type for each in self.certified)
            case StepKind.GAINS:
                return bool(self.gains)

    def apply(self, fact: facts.Fact) -> None:
        """Add a fact.

        Parameters
        ----------
        fact
            What happened next.

        Raises
        ------
        ValueError
            It is about something of which no earlier fact tells.
        """
        if isinstance(fact, (facts.RunConfigured, facts.RunResumed)):
            self.parts.append(PartRecord(fact.time, fact.time))
        for part in self.parts[-1:]:
            part.end = max(part.end, fact.time)
        try:
            self._apply(fact)
        except KeyError as error:
            raise ValueError(f"{type(fact).__name__} of {error}, which is not known") from error

    def _apply(self, fact: facts.Fact) -> None:
        match fact:
            case facts.RunConfigured():
                self.configured = fact
            case facts.RunResumed():
                self.not_done.clear()
                self.ended = None
            case facts.ExposureBegun():
                self.begun = fact
            case facts.ExposureTaken():
                self.exposures[fact.id] = ExposureRecord(fact)
                self.begun = None
            case facts.ReadoutEnded():
                self.exposures[fact.id].readout_ended = fact.time
            case facts.ExposureConfirmed():
                exposure = self.exposures[fact.id]
                exposure.ingested = True
                exposure.physical_filter = fact.physical_filter
                exposure.files = tuple(fact.files)
            case facts.ExposureLost():
                self.exposures[fact.id].lost = True
            case facts.JobSubmitted():
                if not JOB_ID.fullmatch(fact.job_id):
                    raise ValueError(f"{one_line(repr(fact.job_id), 80)} is no id of a job")
                self.jobs[fact.job_id] = JobRecord(fact)
            case facts.JobEnded():
                self.jobs[fact.job_id].exit_code = fact.exit_code
                self.jobs[fact.job_id].ended = fact.time
            case facts.CalibrationMade():
                self.made[fact.collection] = fact
            case facts.VerdictGiven():
                self.verdicts[fact.calibration] = fact
            case facts.GainsMeasured():
                self.gains = list(fact.gains)
            case facts.Certified():
                self.certified.append(fact)
            case facts.StepNotDone():
                self.not_done.append(fact)
            case facts.RunEnded():
                self.ended = fact
            case _:
                raise NotImplementedError(f"no rule for {type(fact).__name__}")


def _same_pipeline(journaled: str, present: str) -> bool:
    """Whether the address of a pipeline in a journal, perhaps one of before it was moved, is that of now."""
    if journaled.startswith(FORMER_PIPELINES):
        journaled = MOVED_PIPELINES + journaled.removeprefix(FORMER_PIPELINES)
    return journaled == present
