"""The record of a run: its facts, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..domain.calibrations import CALIBRATIONS, StepKind
from ..domain.jobs import JOB_ID, JobRequest
from ..domain.text import one_line
from ..workflow.workflow import Step
from . import facts

__all__ = ["ExposureRecord", "JobRecord", "PartRecord", "RunRecord"]

# Where the pipelines of the simulated observatory were, before it was a package beside this one.
FORMER_PIPELINES = "resource://lsst.ts.calibrations.pipelines"
_PRESENT_PIPELINES = "resource://lsst.ts.simulated_observatory.pipelines"


@dataclass
class ExposureRecord:
    """One exposure and how far it came."""

    taken: facts.ExposureTaken
    """The fact that it was taken."""
    readout_ended: float | None = None
    """TAI unix seconds."""
    physical_filter: str | None = None
    """As of `~lsst.ts.calibrations.journal.facts.ExposureConfirmed`."""
    ingested: bool = False
    """Whether it was confirmed."""
    lost: bool = False
    """Whether it was looked for after the run was resumed, and not found."""
    files: tuple[str, ...] = ()
    """Paths or addresses of the raws, once it is confirmed."""
    group_id: str | None = None
    """As of `~lsst.ts.calibrations.journal.facts.ExposureBegun`; None if it was not announced."""


@dataclass
class JobRecord:
    """One OCPS job and how it ended."""

    submitted: facts.JobSubmitted
    """The fact that it was submitted."""
    exit_code: int | None = None
    """None if it is not known."""
    ended: float | None = None
    """TAI unix seconds; None while it is under way."""


@dataclass
class PartRecord:
    """A part of a run, from its begin or resumption to its last fact, in TAI unix seconds."""

    begin: float
    """Its begin."""
    end: float
    """Its end so far."""


@dataclass
class RunRecord:
    """All that is known of a run, made from its facts alone."""

    configured: facts.RunConfigured | None = None
    """With what the run began."""
    parts: list[PartRecord] = field(default_factory=list)
    """In order."""
    begun: facts.ExposureBegun | None = None
    """The exposure of which it is not known what became of it."""
    exposures: dict[int, ExposureRecord] = field(default_factory=dict)
    """By exposure id."""
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    """By job id."""
    made: dict[str, facts.CalibrationMade] = field(default_factory=dict)
    """Calibrations that were made, by the collection of the job."""
    left_out: dict[str, facts.ExposuresLeftOut] = field(default_factory=dict)
    """Exposures that were not used or are odd, by the collection of the job."""
    verdicts: dict[str, facts.VerdictGiven] = field(default_factory=dict)
    """The last verdict, by calibration."""
    tests: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """The outcomes of tests that were read last, by calibration."""
    curves: list[Mapping[str, Any]] = field(default_factory=list)
    """The photon transfer curves that were measured last."""
    faults: list[str] = field(default_factory=list)
    """What went wrong on purpose in the simulation, in any part."""
    certified: list[facts.Certified] = field(default_factory=list)
    """What was certified."""
    gains: list[Mapping[str, Any]] = field(default_factory=list)
    """The gains that were measured last."""
    not_done: list[facts.StepNotDone] = field(default_factory=list)
    """Steps that were not done since the run began or was resumed."""
    limits_over: set[str] = field(default_factory=set)
    """Options with the time limits that were over since the run began or was resumed."""
    ended: facts.RunEnded | None = None
    """The end of the run, if it has come."""

    @property
    def resumed(self) -> bool:
        """Whether the run was resumed."""
        return len(self.parts) > 1

    @property
    def has_begun(self) -> bool:
        """Whether an exposure was taken, or was about to begin: a resumed run looks for that one."""
        return bool(self.exposures) or self.begun is not None

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
        wanted = (request.kind, request.calibration, request.pipeline, request.config, request.data_query)
        for job in self.jobs.values():
            asked, pipeline = job.submitted, _moved(job.submitted.pipeline)
            same = (asked.kind, asked.calibration, pipeline, asked.config, asked.data_query) == wanted
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
            It is about an exposure or a job that no earlier fact names.
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
                self.limits_over.clear()
                self.ended = None
            case facts.FaultsInjected():
                self.faults += [each for each in fact.faults if each not in self.faults]
            case facts.ExposureBegun():
                self.begun = fact
            case facts.ExposureTaken():
                group = None if self.begun is None else self.begun.group_id
                self.exposures[fact.id] = ExposureRecord(fact, group_id=group)
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
            case facts.TimeLimitOver():
                self.limits_over.add(fact.option)
            case facts.CalibrationMade():
                self.made[fact.collection] = fact
            case facts.ExposuresLeftOut():
                self.left_out[fact.collection] = fact
            case facts.VerdictGiven():
                self.verdicts[fact.calibration] = fact
            case facts.OutcomesRead():
                self.tests[fact.calibration] = fact.tests
            case facts.CurvesMeasured():
                self.curves = list(fact.curves)
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


def _moved(address: str) -> str:
    """Where a pipeline of a journal is now: the simulated ones of before are in a package of their own."""
    if address.startswith(f"{FORMER_PIPELINES}/"):
        return _PRESENT_PIPELINES + address.removeprefix(FORMER_PIPELINES)
    return address
