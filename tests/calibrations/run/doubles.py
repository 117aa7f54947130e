"""Stand-ins of what processing works with, and processing with what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lsst.ts.calibrations.butler.certification import Certification
from lsst.ts.calibrations.butler.exposures import ArchivedExposure
from lsst.ts.calibrations.butler.members import Members
from lsst.ts.calibrations.butler.pairgains import PairGain
from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.errors import CertificationError
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS, ImageType
from lsst.ts.calibrations.domain.jobs import JobRequest
from lsst.ts.calibrations.journal.facts import (
    ExposureTaken,
    StepNotDone,
)
from lsst.ts.calibrations.run.context import RunContext
from lsst.ts.calibrations.run.processing import Processing
from lsst.ts.calibrations.run.step_work import StepWork
from lsst.ts.calibrations.verification import KnownBad, VerificationResults, read_calibration, read_exposures
from lsst.ts.calibrations.workflow.workflow import make_workflow
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.pipelines import PIPELINES

FIRST = 2025011500001
EXPOSURES = tuple(range(FIRST, FIRST + 4))
HEALTHY: Mapping[str, Sequence[str]] = {}
EXPECTED = {"RXX_S00": frozenset(AMPLIFIERS)}
HALF = {name: ["NOISE"] for name in AMPLIFIERS[:8]}


class ScriptedOcps:
    """Jobs that take a minute and end as the test says."""

    def __init__(self, outcomes: Mapping[str, int | Exception] | None = None) -> None:
        self.outcomes = outcomes or {}
        self.requests: list[JobRequest] = []
        self.timeouts: list[float] = []
        self.aborted: list[str] = []
        self.seconds: dict[str, float] = {}
        """How long a job takes, by name, where that is not a minute."""
        self.job_id = "job{}"
        """What the ids of jobs are like, of which it is told the number."""

    async def run(
        self, request: JobRequest, *, timeout: float, on_submitted: Callable[[str], None]
    ) -> tuple[str, int]:
        self.requests.append(request)
        self.timeouts.append(timeout)
        job_id = self.job_id.format(len(self.requests))
        outcome = self.outcomes.get(request.name, 0)
        if isinstance(outcome, Exception) and "refused" in str(outcome):
            raise outcome
        on_submitted(job_id)
        try:
            await asyncio.sleep(self.seconds.get(request.name, 60.0))
        except asyncio.CancelledError:
            self.aborted.append(job_id)
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return job_id, outcome


class ScriptedArchive:
    """Results in which the amplifiers of the test fail their tests."""

    def __init__(
        self, failing: Mapping[str, Sequence[str]] = HEALTHY, without: Sequence[int] = (), gains: Any = None
    ) -> None:
        self.failing, self.without, self.gains = failing, without, gains
        self.read: list[tuple[str, Any]] = []
        self.known_curves: dict[tuple[int, str], tuple[float, float]] = {}
        """a00 and turnoff by detector and amplifier."""
        self.mean = 15_000.0
        self.certified: list[Certification] = []
        self.others: dict[int, ArchivedExposure] = {}
        """What exposures are, where the test says it."""
        self.refusal: Exception | None = None
        self.tested = True
        """Whether tests were made of what was measured."""
        self.unlike = Members()
        """What became of the exposures that were combined."""
        self.bad: list[KnownBad] = []
        """What calibrations in use declare bad."""
        self.declared_in: list[tuple[Sequence[str], Sequence[str]]] = []
        """Where that was looked for, and what was not to count."""
        self.put = "first"
        """Which calibration is in the collection of a job: the one that it made, or another."""

    async def made(self, dataset_type: str, run: str) -> tuple[str, ...]:
        self.read.append((run, dataset_type))
        return (f"{self.put} {dataset_type} of {run}",)

    async def members(self, dataset_type: str, run: str, detectors: Sequence[int]) -> Members:
        return self.unlike

    async def exposures(self, numbers: Sequence[int]) -> dict[int, ArchivedExposure]:
        return {number: self.others[number] for number in numbers if number in self.others}

    async def certify(self, certification: Certification) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.certified.append(certification)

    @property
    def declared_bad(self) -> ScriptedArchive:
        return self

    async def find(
        self, collections: Sequence[str], exposure: int, detectors: Sequence[int], own: Sequence[str]
    ) -> list[KnownBad]:
        self.declared_in.append((collections, own))
        return self.bad

    async def verification(
        self,
        collection: str,
        calibration: str,
        exposures: Sequence[int] | None,
        detectors: Sequence[int],
        known_bad: Sequence[KnownBad] = (),
    ) -> VerificationResults:
        self.read.append((collection, exposures))
        names = [f"{amplifier} {test}" for amplifier, tests in self.failing.items() for test in tests]
        detector: dict[str, Any] = {"SUCCESS": not names, **({"FAILURES": names} if names else {})}
        results = dict.fromkeys(("MEAN", "NOISE"), True)
        tests = {name: results | dict.fromkeys(self.failing.get(name, ()), False) for name in AMPLIFIERS}
        measured: dict[str, Any] = {
            "AMP": {name: {"MEAN": 0.0, "NOISE": 8.0} for name in AMPLIFIERS},
            "SUCCESS": not names,
        }
        if self.tested:
            measured["VERIFY"] = {"AMP": tests, "DET": {}}
        if exposures is None:
            return read_calibration(
                calibration, {"RXX_S00": measured}, amplifiers=EXPECTED, known_bad=known_bad
            )
        there = [each for each in exposures if each not in self.without]
        return read_exposures(
            {each: {"RXX_S00": detector, "SUCCESS": not names} for each in there},
            {(each, "RXX_S00"): measured for each in there},
            exposures=exposures,
            amplifiers=EXPECTED,
            calibration=calibration,
            known_bad=known_bad,
        )

    async def curves(self, collection: str, detectors: Sequence[int]) -> list[dict[str, Any]]:
        return []

    async def pair_gains(
        self, collection: str, pairs: Sequence[tuple[int, int]], detectors: Sequence[int]
    ) -> list[PairGain]:
        self.read.append((collection, tuple(pairs)))
        if isinstance(self.gains, Exception):
            raise self.gains
        return [
            PairGain(pair, detector, name, (self.gains or {}).get(name, 1.1), 8.0, self.mean)
            for pair in pairs
            for detector in detectors
            for name in AMPLIFIERS
        ]

    async def coefficients(
        self, collection: str, exposure: int, detectors: Sequence[int]
    ) -> Mapping[tuple[int, str], tuple[float, float]]:
        return self.known_curves


def make_processing(
    context: RunContext, config: CalibrationConfig, ocps: ScriptedOcps, archive: ScriptedArchive
) -> Processing:
    """Processing of LATISS; the archive certifies as well."""
    both: Any = archive
    jobs: Any = ocps
    work = StepWork(context, LATISS, config, jobs, both, both, PipelineFiles(LATISS, PIPELINES))
    return Processing(context, make_workflow(config), work)


class ProcessingRun:
    """Processing with what became of it."""

    def __init__(self, context: Any, config: Any, ocps: ScriptedOcps, archive: ScriptedArchive) -> None:
        self.context, self.config, self.ocps, self.archive = context, config, ocps, archive
        self.facts: list[Any] = []
        context.journal.add_listener(self.facts.append)

    def run(self, act: Callable[[Processing], Awaitable[None]]) -> Processing:
        async def main() -> Processing:
            processing = make_processing(self.context, self.config, self.ocps, self.archive)
            await act(processing)
            await processing.finish()
            return processing

        return clock.run(main)

    def hand_over(self, *kinds: ImageType, times: Sequence[float] = (5.0,) * 4) -> Processing:
        """Hand over four exposures of some types."""
        for kind in kinds:
            for number, seconds in zip(EXPOSURES, times, strict=True):
                self.context.note(taken(number, kind, seconds))

        async def act(processing: Processing) -> None:
            for kind in kinds:
                processing.hand_over(kind, EXPOSURES)

        return self.run(act)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def not_done(self) -> dict[str, str]:
        return {fact.step: fact.reason for fact in self.of(StepNotDone)}


MakeRun = Callable[..., ProcessingRun]
"""Makes one from stand-ins and options."""


def taken(number: int, kind: ImageType, seconds: float) -> ExposureTaken:
    return ExposureTaken(
        time=clock.START_TAI,
        id=number,
        obs_id=f"AT_O_20250115_{number % 100_000:06d}",
        image_type=kind.value,
        exp_time=seconds,
        position=number - FIRST + 1,
        discarded=False,
        begun=clock.START_TAI,
    )


INTERNAL = {
    "generate_calibrations": True,
    "calib_collection": "LATISS/calib/u/test/daily.1",
    "certify_calib_begin_date": "2025-01-15",
    "certify_calib_end_date": "2025-01-20",
    "do_gain_from_flat_pairs": False,
}
PRODUCTS = {
    "calib_collection": "LATISS/calib/u/test/daily.1",
    "do_gain_from_flat_pairs": False,
    "do_defects": True,
    "do_ptc": True,
    "n_flat": 6,
    "exp_times_flat": [5, 5, 15, 15, 30, 30],
}
REFUSED = CertificationError("the Butler is locked", kept="It is kept in u/ocps/job1.", advice="Try again.")


async def begin(processing: Processing, kind: ImageType) -> None:
    processing.hand_over(kind, EXPOSURES)
