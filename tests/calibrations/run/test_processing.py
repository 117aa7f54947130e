"""What is made of the images: a verdict for each type, gains from flats, and no job forgotten."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.butler.certification import Certification
from lsst.ts.calibrations.butler.pair_gains import PairGain
from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.domain.errors import ArchiveError, CertificationError, ProcessingError
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS, ImageType
from lsst.ts.calibrations.domain.jobs import JobRequest
from lsst.ts.calibrations.journal.facts import (
    CalibrationMade,
    Certified,
    ExposureTaken,
    GainsMeasured,
    JobEnded,
    JobSubmitted,
    StepNotDone,
    VerdictGiven,
)
from lsst.ts.calibrations.report.verification import VerificationReport
from lsst.ts.calibrations.run.processing import Processing
from lsst.ts.calibrations.verification import (
    Accepted,
    CombinedCalibration,
    Verdict,
    VerificationResults,
    Waiver,
    evaluate,
    read_calibration,
    read_exposures,
    waive,
)
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.pipelines import PIPELINES

FIRST = 2025011500001
EXPOSURES = tuple(range(FIRST, FIRST + 4))
HEALTHY: Mapping[str, Sequence[str]] = {}
EXPECTED = {"RXX_S00": frozenset(AMPLIFIERS)}
HALF = {name: ["NOISE"] for name in AMPLIFIERS[:8]}


class ToldOcps:
    """Jobs that take a minute and end as the story says."""

    def __init__(self, outcomes: Mapping[str, int | Exception] | None = None) -> None:
        self.outcomes = outcomes or {}
        self.requests: list[JobRequest] = []
        self.timeouts: list[float] = []
        self.aborted: list[str] = []

    async def run(
        self, request: JobRequest, *, timeout: float, on_submitted: Callable[[str], None]
    ) -> tuple[str, int]:
        self.requests.append(request)
        self.timeouts.append(timeout)
        job_id = f"job{len(self.requests)}"
        outcome = self.outcomes.get(request.name, 0)
        if isinstance(outcome, Exception) and "refused" in str(outcome):
            raise outcome
        on_submitted(job_id)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.aborted.append(job_id)
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return job_id, outcome


class ToldArchive:
    """Results in which the amplifiers of the story fail their tests."""

    def __init__(
        self, failing: Mapping[str, Sequence[str]] = HEALTHY, without: Sequence[int] = (), gains: Any = None
    ) -> None:
        self.failing, self.without, self.gains = failing, without, gains
        self.read: list[tuple[str, Any]] = []
        self.certified: list[Certification] = []
        self.refusal: Exception | None = None
        self.tested = True
        """Whether tests were made of what was measured."""
        self.put = "first"
        """Which calibration is in the collection of a job: the one that it made, or another."""

    async def made(self, dataset_type: str, run: str) -> tuple[str, ...]:
        self.read.append((run, dataset_type))
        return (f"{self.put} {dataset_type} of {run}",)

    async def certify(self, wish: Certification) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.certified.append(wish)

    async def verification(
        self, collection: str, calibration: str, exposures: Sequence[int] | None, detectors: Sequence[int]
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
            return read_calibration(calibration, {"RXX_S00": measured}, amplifiers=EXPECTED)
        there = [each for each in exposures if each not in self.without]
        return read_exposures(
            {each: {"RXX_S00": detector, "SUCCESS": not names} for each in there},
            {(each, "RXX_S00"): measured for each in there},
            exposures=exposures,
            amplifiers=EXPECTED,
        )

    async def pair_gains(
        self, collection: str, pairs: Sequence[tuple[int, int]], detectors: Sequence[int]
    ) -> list[PairGain]:
        self.read.append((collection, tuple(pairs)))
        if isinstance(self.gains, Exception):
            raise self.gains
        return [
            PairGain(pair, detector, name, (self.gains or {}).get(name, 1.1), 8.0, 15_000.0)
            for pair in pairs
            for detector in detectors
            for name in AMPLIFIERS
        ]


def make_processing(context: Any, config: Any, ocps: ToldOcps, archive: ToldArchive) -> Processing:
    pipelines = PipelineFiles(LATISS, PIPELINES)
    both: Any = archive
    return Processing(context, LATISS, config, ocps, both, both, pipelines)  # type: ignore[arg-type]


class Story:
    """Processing with what became of it."""

    def __init__(self, context: Any, config: Any, ocps: ToldOcps, archive: ToldArchive) -> None:
        self.context, self.config, self.ocps, self.archive = context, config, ocps, archive
        self.facts: list[Any] = []
        context.journal.add_listener(self.facts.append)

    def run(self, tell: Callable[[Processing], Awaitable[None]]) -> Processing:
        async def main() -> Processing:
            processing = make_processing(self.context, self.config, self.ocps, self.archive)
            await tell(processing)
            await processing.finish()
            return processing

        return clock.run(main)

    def hand_over(self, *kinds: ImageType, times: Sequence[float] = (5.0,) * 4) -> Processing:
        """Hand over four exposures of some types."""
        for kind in kinds:
            for number, seconds in zip(EXPOSURES, times, strict=True):
                self.context.note(_taken(number, kind, seconds))

        async def tell(processing: Processing) -> None:
            for kind in kinds:
                processing.hand_over(kind, EXPOSURES)

        return self.run(tell)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def not_done(self) -> dict[str, str]:
        return {fact.step: fact.reason for fact in self.of(StepNotDone)}


def _taken(number: int, kind: ImageType, seconds: float) -> ExposureTaken:
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


@pytest.fixture
def story(context: Any, config: Any) -> Callable[..., Story]:
    def make(ocps: ToldOcps | None = None, archive: ToldArchive | None = None, **options: Any) -> Story:
        few = {"n_bias": 4, "n_dark": 4, "exp_times_dark": 5, "n_flat": 4}
        return Story(context, config(**few | options), ocps or ToldOcps(), archive or ToldArchive())

    return make


@pytest.mark.parametrize("kind", list(ImageType))
def test_each_type_is_verified_against_the_calibrations_of_its_own_collections(
    story: Callable[..., Story], kind: ImageType
) -> None:
    option = f"input_collections_verify_{kind.lower()}"
    told = story(do_gain_from_flat_pairs=False, n_processes=3, **{option: "u/mine, LATISS/calib"})
    told.hand_over(kind)
    (request,) = told.ocps.requests
    assert (request.kind, request.calibration) == ("verify", kind)
    assert request.pipeline.endswith(f"/verify{kind.capitalize()}.yaml")
    assert request.config.startswith("-j 3 -i u/mine,LATISS/calib ")
    assert request.data_query == (
        f"instrument='LATISS' AND detector IN (0) AND exposure IN ({', '.join(map(str, EXPOSURES))})"
    )


def test_a_job_is_in_the_journal_when_it_is_submitted_and_when_it_ends(story: Callable[..., Story]) -> None:
    told = story(job_timeout=777)
    told.hand_over(ImageType.BIAS)
    (submitted,), (ended,) = told.of(JobSubmitted), told.of(JobEnded)
    assert (submitted.job_id, submitted.kind, submitted.calibration) == ("job1", "verify", "BIAS")
    assert submitted.log == str(told.context.settings.folder / "uws" / "job1" / "outs" / "ocps.log")
    assert submitted.collection == "u/ocps/job1"
    assert (ended.job_id, ended.exit_code, ended.time - submitted.time) == ("job1", 0, 60.0)
    assert told.ocps.timeouts == [777.0]


def test_good_results_are_a_positive_verdict_and_no_warning(story: Callable[..., Story], caplog: Any) -> None:
    told = story()
    with caplog.at_level(logging.INFO):
        processing = told.hand_over(ImageType.DARK)
    (verdict,) = told.of(VerdictGiven)
    assert (verdict.calibration, verdict.passed, verdict.complete, verdict.failures) == (
        "DARK",
        True,
        True,
        {},
    )
    assert (verdict.n_failed, verdict.n_tests) == (0, 4 * 16 * 2)
    assert (verdict.verification_collection, verdict.generation_collection) == ("u/ocps/job1", None)
    assert processing.negative == []
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "DARK calibration passed" in caplog.text


def test_a_negative_verdict_is_a_result_with_a_line_to_look_for(
    story: Callable[..., Story], caplog: Any
) -> None:
    told = story(archive=ToldArchive(HALF))
    with caplog.at_level(logging.WARNING):
        processing = told.hand_over(ImageType.BIAS)
    (verdict,) = told.of(VerdictGiven)
    assert (verdict.passed, verdict.complete) == (False, True)
    assert verdict.failures == {str(each): {"NOISE": 8} for each in EXPOSURES}
    assert told.not_done == {}
    assert caplog.records[0].message.startswith("CALIBRATION VERIFICATION NEGATIVE: BIAS failed")
    assert len(processing.negative) == 1
    assert "BIAS calibration failed verification" in (told.context.settings.folder / "report.txt").read_text()


def test_the_threshold_of_the_type_decides(story: Callable[..., Story]) -> None:
    told = story(
        archive=ToldArchive(HALF),
        number_verification_tests_threshold_dark=9,
    )
    told.hand_over(ImageType.BIAS, ImageType.DARK)
    assert {fact.calibration: fact.passed for fact in told.of(VerdictGiven)} == {"BIAS": False, "DARK": True}


def test_a_pass_with_failed_tests_is_a_warning_that_names_them(
    story: Callable[..., Story], caplog: Any
) -> None:
    told = story(archive=ToldArchive({"C05": ["NOISE"]}))
    with caplog.at_level(logging.WARNING):
        processing = told.hand_over(ImageType.BIAS)
    assert told.of(VerdictGiven)[0].passed
    assert processing.negative == []
    assert "RXX_S00 C05 NOISE" in caplog.text


def test_a_verification_without_all_results_is_not_done(story: Callable[..., Story]) -> None:
    told = story(archive=ToldArchive(without=[EXPOSURES[2]]))
    processing = told.hand_over(ImageType.FLAT)
    (verdict,) = told.of(VerdictGiven)
    assert (verdict.passed, verdict.complete) == (False, False)
    assert list(told.not_done) == ["verify FLAT"]
    assert f"exposure {EXPOSURES[2]}: it has no result" in told.not_done["verify FLAT"]
    assert len(processing.negative) == 1


def test_a_failed_job_is_not_done_and_its_log_is_named(story: Callable[..., Story]) -> None:
    told = story(ocps=ToldOcps({"verify DARK": 3}))
    told.hand_over(ImageType.BIAS, ImageType.DARK)
    assert list(told.not_done) == ["verify DARK"]
    reason = told.not_done["verify DARK"]
    for said in ("job job2", "exit code 3", "job2/outs/ocps.log"):
        assert said in reason
    assert {fact.job_id: fact.exit_code for fact in told.of(JobEnded)} == {"job1": 0, "job2": 3}
    assert [fact.calibration for fact in told.of(VerdictGiven)] == ["BIAS"]


def test_a_job_whose_end_never_became_known_has_no_exit_code(story: Callable[..., Story]) -> None:
    told = story(
        ocps=ToldOcps({"verify BIAS": ProcessingError("verify BIAS", "it did not end", job_id="job1")})
    )
    told.hand_over(ImageType.BIAS)
    assert [(fact.job_id, fact.exit_code) for fact in told.of(JobEnded)] == [("job1", None)]
    assert "it did not end" in told.not_done["verify BIAS"]


def test_a_refused_job_is_not_done_and_was_never_submitted(story: Callable[..., Story]) -> None:
    told = story(
        ocps=ToldOcps({"verify BIAS": ProcessingError("verify BIAS", "the OCPS refused it: DISABLED")})
    )
    told.hand_over(ImageType.BIAS)
    assert (told.of(JobSubmitted), told.of(JobEnded)) == ([], [])
    assert "refused it: DISABLED" in told.not_done["verify BIAS"]


def test_types_are_processed_at_the_same_time_and_gains_beside_the_verification(
    story: Callable[..., Story],
) -> None:
    told = story()
    told.hand_over(ImageType.BIAS, ImageType.DARK, ImageType.FLAT)
    assert [(request.kind, request.calibration) for request in told.ocps.requests] == [
        ("verify", "BIAS"), ("verify", "DARK"), ("verify", "FLAT"), ("gain", "GAIN"),
    ]  # fmt: skip
    assert {fact.time for fact in told.of(JobEnded)} == {clock.START_TAI + 60}


def test_each_pair_of_equal_flats_gives_the_gains_of_all_amplifiers(
    story: Callable[..., Story], caplog: Any
) -> None:
    told = story(config_options_ptc="-c isr:doCrosstalk=False", input_collections_ptc="u/ptc")
    with caplog.at_level(logging.INFO):
        told.hand_over(ImageType.FLAT, times=(5, 7, 7, 5))
    request = told.ocps.requests[1]
    assert request.pipeline.endswith("/cpPtc.yaml#generateGainFromFlatPair")
    assert "-i u/ptc " in request.config
    assert request.config.endswith("-c isr:doCrosstalk=False")
    gains = told.of(GainsMeasured)[0].gains
    pairs = [(EXPOSURES[0], EXPOSURES[3]), (EXPOSURES[1], EXPOSURES[2])]
    assert [(tuple(each["exposures"]), each["amplifier"]) for each in gains] == [
        (pair, name) for pair in pairs for name in AMPLIFIERS
    ]
    first = gains[0]
    assert first["gain"] == 1.1
    assert first["gain_corrected"] == pytest.approx(1.1 * (1 - 0.00027e-2 * 15_000))
    assert set(first) == {"exposures", "detector", "amplifier", "gain", "gain_corrected", "noise"}
    assert "1.1000" in caplog.text


def test_only_paired_flats_are_sent_to_the_gain_job(story: Callable[..., Story]) -> None:
    told = story(n_flat=4, exp_times_flat=5)
    told.hand_over(ImageType.FLAT, times=(5, 5, 7, 9))
    assert told.ocps.requests[1].data_query.endswith(f"exposure IN ({EXPOSURES[0]}, {EXPOSURES[1]})")


def test_flats_without_any_pair_give_a_warning_and_no_job(story: Callable[..., Story], caplog: Any) -> None:
    told = story()
    with caplog.at_level(logging.WARNING):
        told.hand_over(ImageType.FLAT, times=(1, 2, 3, 4))
    assert [request.kind for request in told.ocps.requests] == ["verify"]
    assert "no gain is measured" in caplog.text
    assert told.not_done == {}


def test_an_amplifier_without_light_has_no_gain(story: Callable[..., Story]) -> None:
    told = story(archive=ToldArchive(gains={"C03": math.nan}))
    told.hand_over(ImageType.FLAT)
    gains = told.of(GainsMeasured)[0].gains
    assert {each["amplifier"] for each in gains if math.isnan(each["gain_corrected"])} == {"C03"}
    assert "none" in (told.context.settings.folder / "report.txt").read_text()


def test_gains_that_the_butler_does_not_have_are_not_done(story: Callable[..., Story]) -> None:
    told = story(archive=ToldArchive(gains=ArchiveError("no gain in u/ocps/job2")))
    told.hand_over(ImageType.FLAT)
    assert told.not_done == {"gains from flat pairs": "no gain in u/ocps/job2"}
    assert [fact.calibration for fact in told.of(VerdictGiven)] == ["FLAT"]


def test_nothing_is_verified_or_measured_that_was_not_asked_for(story: Callable[..., Story]) -> None:
    told = story(do_verify=False, do_gain_from_flat_pairs=False)
    told.hand_over(ImageType.BIAS, ImageType.FLAT)
    assert told.ocps.requests == []


def test_steps_whose_images_never_came_are_named(story: Callable[..., Story]) -> None:
    told = story()

    async def tell(processing: Processing) -> None:
        processing.hand_over(ImageType.BIAS, EXPOSURES)
        processing.give_up_missing()

    told.run(tell)
    assert list(told.not_done) == ["verify DARK", "verify FLAT", "gains from flat pairs"]
    assert told.not_done["verify DARK"] == "the DARK images were not all taken and confirmed"
    assert [fact.calibration for fact in told.of(VerdictGiven)] == ["BIAS"]


def test_a_stop_aborts_the_jobs_and_their_end_is_in_the_journal(story: Callable[..., Story]) -> None:
    told = story()

    async def main() -> None:
        processing = make_processing(told.context, told.config, told.ocps, told.archive)
        processing.hand_over(ImageType.BIAS, EXPOSURES)
        await asyncio.sleep(10)
        await processing.cancel()

    clock.run(main)
    assert told.ocps.aborted == ["job1"]
    assert [(fact.job_id, fact.exit_code) for fact in told.of(JobEnded)] == [("job1", None)]
    assert told.not_done == {}


def test_the_report_holds_every_verdict_once(story: Callable[..., Story]) -> None:
    told = story()
    told.hand_over(ImageType.BIAS, ImageType.DARK, ImageType.FLAT)
    report = Path(told.context.settings.folder / "report.txt").read_text()
    for kind in ("BIAS", "DARK", "FLAT"):
        assert report.count(f"{kind} calibration passed the overall verification criteria") == 1
    assert report.count("Mean gain [electron/adu]") == 1


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


def test_a_dark_is_made_with_the_bias_that_was_accepted_before(story: Callable[..., Story]) -> None:
    told = story(**INTERNAL, script_mode="BIAS_DARK")
    processing = told.hand_over(ImageType.BIAS, ImageType.DARK)
    assert [(each.kind, each.calibration) for each in told.ocps.requests] == [
        ("generate", "BIAS"), ("verify", "BIAS"), ("generate", "DARK"), ("verify", "DARK"),
    ]  # fmt: skip
    assert told.ocps.requests[2].config.startswith("-j 8 -i u/ocps/job1/run,LATISS/calib/u/test/daily.1,")
    assert [wish.dataset_type for wish in told.archive.certified] == ["bias", "dark"]
    assert (processing.halted(), told.not_done) == (None, {})


@pytest.mark.parametrize(
    ("step", "outcomes", "archive", "refusal", "reason"),
    [
        ("generate", {"generate BIAS": 4}, ToldArchive(), None, "exit code 4"),
        ("verify", {"verify BIAS": 4}, ToldArchive(), None, "exit code 4"),
        ("verify", {}, ToldArchive(without=EXPOSURES[:1]), None, str(FIRST)),
        ("certify", {}, ToldArchive(HALF), None, "will not be certified"),
        ("certify", {}, ToldArchive(), REFUSED, "the Butler is locked"),
    ],
)
def test_a_bias_that_is_not_made_verified_or_certified_ends_data_taking(
    story: Callable[..., Story], step: str, outcomes: Any, archive: Any, refusal: Any, reason: str
) -> None:
    archive.refusal = refusal
    told = story(ToldOcps(outcomes), archive, **INTERNAL, script_mode="BIAS_DARK")
    processing = told.hand_over(ImageType.BIAS, ImageType.DARK)
    steps = [f"{each} {kind}" for kind in ("BIAS", "DARK") for each in ("generate", "verify", "certify")]
    assert list(told.not_done) == steps[steps.index(f"{step} BIAS") :]
    assert reason in told.not_done[f"{step} BIAS"]
    assert "without an accepted BIAS" in str(processing.halted())
    assert archive.certified == []
    assert "DARK" not in [request.calibration for request in told.ocps.requests]


@pytest.mark.parametrize("simulated", [True, False])
def test_the_report_of_a_simulated_run_says_so_once(story: Callable[..., Story], simulated: bool) -> None:
    told = story()
    told.context.settings = replace(told.context.settings, simulated=simulated)
    told.hand_over(ImageType.BIAS, ImageType.DARK)
    report = (told.context.settings.folder / "report.txt").read_text()
    assert report.startswith("SIMULATED") is simulated
    assert report.count("SIMULATED") == int(simulated)


def test_what_has_succeeded_is_not_submitted_again_but_judged_again(
    story: Callable[..., Story], caplog: Any
) -> None:
    told = story()
    told.hand_over(ImageType.FLAT)
    before, read = list(told.facts), len(told.archive.read)
    with caplog.at_level(logging.INFO):
        told.run(lambda processing: _hand_over(processing, ImageType.FLAT))
    assert len(told.ocps.requests) == 2
    assert told.facts == before
    assert len(told.archive.read) == 2 * read
    assert "Job job1 (verify FLAT) had succeeded" in caplog.text
    report = (told.context.settings.folder / "report.txt").read_text()
    assert report.count("FLAT calibration passed") == 1


def test_a_job_that_failed_is_submitted_again(story: Callable[..., Story]) -> None:
    told = story(ocps=ToldOcps({"verify BIAS": 3}))
    told.hand_over(ImageType.BIAS)
    told.ocps.outcomes = {}
    told.run(lambda processing: _hand_over(processing, ImageType.BIAS))
    assert [request.name for request in told.ocps.requests] == ["verify BIAS"] * 2
    assert told.of(VerdictGiven)[-1].passed


def test_a_verdict_that_differs_from_the_one_of_before_is_told(
    story: Callable[..., Story], caplog: Any
) -> None:
    told = story()
    told.hand_over(ImageType.BIAS)
    told.archive.failing = HALF
    with caplog.at_level(logging.WARNING):
        processing = told.run(lambda processing: _hand_over(processing, ImageType.BIAS))
    assert [fact.passed for fact in told.of(VerdictGiven)] == [True, False]
    assert "BIAS was judged again, and the verdict differs" in caplog.text
    assert len(processing.negative) == 1


async def _hand_over(processing: Processing, kind: ImageType) -> None:
    processing.hand_over(kind, EXPOSURES)


def test_a_type_whose_images_are_confirmed_first_waits_for_the_one_that_it_needs(
    story: Callable[..., Story],
) -> None:
    told = story(ocps=ToldOcps({"generate BIAS": 1}), generate_calibrations=True)
    told.hand_over(ImageType.DARK, ImageType.BIAS)
    assert [request.name for request in told.ocps.requests] == ["generate BIAS"]
    assert told.not_done["generate DARK"] == "it needs 'certify BIAS', which was not done"


def test_a_type_that_needs_one_whose_images_never_came_is_named(story: Callable[..., Story]) -> None:
    told = story(generate_calibrations=True)

    async def tell(processing: Processing) -> None:
        processing.hand_over(ImageType.DARK, EXPOSURES)
        processing.give_up_missing()

    told.run(tell)
    assert told.ocps.requests == []
    assert told.not_done["generate BIAS"] == "the BIAS images were not all taken and confirmed"
    assert told.not_done["generate DARK"] == "it needs 'certify BIAS', which was not done"


def test_an_external_verification_never_halts_data_taking(story: Callable[..., Story]) -> None:
    told = story(archive=ToldArchive(without=[EXPOSURES[0]]))
    assert told.hand_over(ImageType.BIAS).halted() is None


def test_what_is_certified_is_what_was_made_and_verified(story: Callable[..., Story]) -> None:
    told = story(**INTERNAL, script_mode="BIAS")
    told.hand_over(ImageType.BIAS)
    (wish,) = told.archive.certified
    assert isinstance(wish.ground, Accepted)
    assert wish.combined == CombinedCalibration(
        "BIAS", {"BIAS": EXPOSURES}, "u/ocps/job1", ("first bias of u/ocps/job1/run",)
    )
    facts = [type(fact) for fact in told.facts]
    made = facts.index(CalibrationMade)
    assert facts[made - 1 : made + 2] == [JobEnded, CalibrationMade, JobSubmitted]


def test_each_job_finds_what_was_made_and_what_was_accepted_before_all_else(
    story: Callable[..., Story],
) -> None:
    told = story(**INTERNAL, script_mode="BIAS_DARK")
    told.hand_over(ImageType.BIAS, ImageType.DARK)
    bias, dark, certified = "u/ocps/job1/run", "u/ocps/job3/run", "LATISS/calib/u/test/daily.1"
    expected = [[], [bias], [bias, certified], [dark, bias, certified]]
    for request, first in zip(told.ocps.requests, expected, strict=True):
        inputs = request.config.split()[3].split(",")
        assert inputs == [*first, "LATISS/calib"], request.name


def test_a_certification_is_in_the_journal(story: Callable[..., Story]) -> None:
    told = story(**INTERNAL, script_mode="BIAS")
    told.hand_over(ImageType.BIAS)
    (certified,) = told.of(Certified)
    assert (certified.dataset_type, certified.collection) == ("bias", "LATISS/calib/u/test/daily.1")
    assert (certified.begin, certified.end) == ("2025-01-15T00:00:00.000", "2025-01-20T00:00:00.000")
    assert certified.verified


def test_defects_are_verified_with_the_flats_of_those_that_they_are_made_of(
    story: Callable[..., Story],
) -> None:
    told = story(script_mode="BIAS_DARK_FLAT", **PRODUCTS)
    told.hand_over(ImageType.DARK, ImageType.FLAT)
    exposures = {wish.combined.name: wish.combined.exposures for wish in told.archive.certified}
    assert exposures == {"DEFECTS": {"DARK": EXPOSURES, "FLAT": EXPOSURES}, "PTC": {"FLAT": EXPOSURES}}
    assert {wish.verified for wish in told.archive.certified} == {True}


def test_after_a_resumption_only_what_was_there_before_can_be_certified(story: Callable[..., Story]) -> None:
    told = story(archive=ToldArchive(), **INTERNAL, script_mode="BIAS")
    told.archive.refusal = REFUSED
    told.hand_over(ImageType.BIAS)
    told.archive.refusal, told.archive.put = None, "second"
    told.run(lambda processing: _hand_over(processing, ImageType.BIAS))
    (wish,) = told.archive.certified
    assert wish.combined.datasets == ("first bias of u/ocps/job1/run",)
    assert len(told.of(CalibrationMade)) == 1


def _verdict(exposures: Sequence[int], combined: CombinedCalibration | None) -> Verdict:
    """A verdict that passes."""
    good = {each: {"SUCCESS": True, "FAILURES": []} for each in exposures}
    tested = {
        "AMP": {name: {"MEAN": 0.1} for name in AMPLIFIERS},
        "VERIFY": {"AMP": {name: {"MEAN": True} for name in AMPLIFIERS}},
    }
    return evaluate(
        good,
        exposures=exposures,
        detectors=["RXX_S00"],
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=8,
        measured={(each, "RXX_S00"): tested for each in exposures},
        combined=combined,
    )


MADE = CombinedCalibration("BIAS", {"BIAS": EXPOSURES}, "u/ocps/job1", ("id",))


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (None, "failed verification and will not be certified"),
        (_verdict(EXPOSURES, None), "nothing was made that could be accepted"),
        (_verdict(EXPOSURES[1:], MADE), "is to be verified with"),
        (_verdict(EXPOSURES, replace(MADE, collection="u/ocps/job0")), "another was verified"),
        (_verdict(EXPOSURES, replace(MADE, datasets=("other id",))), "another was verified"),
    ],
)
def test_a_verdict_on_something_else_certifies_nothing(
    story: Callable[..., Story], verdict: Verdict | None, reason: str
) -> None:
    told = story(**INTERNAL, script_mode="BIAS")

    async def tell(processing: Processing) -> None:
        processing.work.made["BIAS"] = MADE
        if verdict is not None:
            processing.work.reports["BIAS"] = VerificationReport("BIAS", verdict, "u/ocps/job2")
        with pytest.raises(CertificationError, match=reason):
            await processing.work.certify("BIAS")

    told.run(tell)
    assert told.archive.certified == []


def test_measurements_without_tests_verify_nothing(story: Callable[..., Story]) -> None:
    told = story(archive=ToldArchive(), **INTERNAL, script_mode="BIAS")
    told.archive.tested = False
    told.hand_over(ImageType.BIAS)
    assert told.archive.certified == []
    assert not told.of(VerdictGiven)[0].passed


def test_to_certify_unverified_takes_two_options(story: Callable[..., Story]) -> None:
    told = story(script_mode="BIAS", do_verify=False)

    async def tell(processing: Processing) -> None:
        processing.work.made["BIAS"] = MADE
        with pytest.raises(CertificationError, match="failed verification and will not be certified"):
            await processing.work.certify("BIAS")

    told.run(tell)
    assert told.archive.certified == []


def test_only_the_operator_waives_a_verification(story: Callable[..., Story], caplog: Any) -> None:
    told = story(**INTERNAL, script_mode="BIAS", do_verify=False)
    told.hand_over(ImageType.BIAS)
    (wish,) = told.archive.certified
    assert isinstance(wish.ground, Waiver)
    assert not wish.verified
    assert "BIAS is certified UNVERIFIED" in caplog.text


@pytest.mark.parametrize("options", [{}, {"do_verify": False}, INTERNAL])
def test_nobody_else_waives_a_verification(config: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is to be verified"):
        waive(MADE, config(**options))
    with pytest.raises(TypeError, match="made by verification"):
        Waiver(combined=MADE, reason="do_verify is false", seal=b"")
