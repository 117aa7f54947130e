"""The record of a run: its facts, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

from . import facts

__all__ = ["ExposureRecord", "JobRecord", "RunRecord"]


@dataclass
class ExposureRecord:
    """One exposure and how far it came."""

    taken: facts.ExposureTaken
    readout_ended: float | None = None
    physical_filter: str | None = None
    ingested: bool = False
    files: tuple[str, ...] = ()


@dataclass
class JobRecord:
    """One OCPS job and how it ended."""

    submitted: facts.JobSubmitted
    exit_code: int | None = None
    ended: float | None = None


@dataclass
class RunRecord:
    """All that is known of a run, made from its facts alone."""

    configured: facts.RunConfigured | None = None
    exposures: dict[int, ExposureRecord] = field(default_factory=dict)
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    verdicts: dict[str, facts.VerdictGiven] = field(default_factory=dict)
    certified: list[facts.Certified] = field(default_factory=list)
    gains: list[Mapping[str, Any]] = field(default_factory=list)
    not_done: list[facts.StepNotDone] = field(default_factory=list)
    ended: facts.RunEnded | None = None

    @singledispatchmethod
    def apply(self, fact: facts.Fact) -> None:
        """Take up one fact."""
        raise NotImplementedError(f"no rule for {type(fact).__name__}")

    @apply.register
    def _(self, fact: facts.RunConfigured) -> None:
        self.configured = fact

    @apply.register
    def _(self, fact: facts.ExposureTaken) -> None:
        self.exposures[fact.id] = ExposureRecord(fact)

    @apply.register
    def _(self, fact: facts.ReadoutEnded) -> None:
        self.exposures[fact.id].readout_ended = fact.time

    @apply.register
    def _(self, fact: facts.ExposureConfirmed) -> None:
        exposure = self.exposures[fact.id]
        exposure.ingested = True
        exposure.physical_filter = fact.physical_filter
        exposure.files = tuple(fact.files)

    @apply.register
    def _(self, fact: facts.JobSubmitted) -> None:
        self.jobs[fact.job_id] = JobRecord(fact)

    @apply.register
    def _(self, fact: facts.JobEnded) -> None:
        self.jobs[fact.job_id].exit_code = fact.exit_code
        self.jobs[fact.job_id].ended = fact.time

    @apply.register
    def _(self, fact: facts.VerdictGiven) -> None:
        self.verdicts[fact.calibration] = fact

    @apply.register
    def _(self, fact: facts.GainsMeasured) -> None:
        self.gains.extend(fact.gains)

    @apply.register
    def _(self, fact: facts.Certified) -> None:
        self.certified.append(fact)

    @apply.register
    def _(self, fact: facts.StepNotDone) -> None:
        self.not_done.append(fact)

    @apply.register
    def _(self, fact: facts.RunEnded) -> None:
        self.ended = fact
