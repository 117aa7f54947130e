"""What a run makes is verified, accepted and certified: that, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lsst.ts.calibrations.butler.exposures import ArchivedExposure
from lsst.ts.calibrations.butler.members import Members
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.errors import CertificationError
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, ImageType
from lsst.ts.calibrations.journal.facts import (
    CalibrationMade,
    Certified,
    ExposuresLeftOut,
    JobEnded,
    JobSubmitted,
    VerdictGiven,
)
from lsst.ts.calibrations.report.verification import VerificationReport
from lsst.ts.calibrations.run.context import STOP_LIMIT
from lsst.ts.calibrations.run.processing import Processing
from lsst.ts.calibrations.verification import (
    Accepted,
    CombinedCalibration,
    KnownBad,
    Verdict,
    Waiver,
    evaluate,
    waive,
)
from lsst.ts.calibrations.workflow.workflow import Step

from .doubles import (
    EXPOSURES,
    FIRST,
    HALF,
    INTERNAL,
    PRODUCTS,
    REFUSED,
    MakeRun,
    ScriptedArchive,
    ScriptedOcps,
    begin,
    taken,
)


def test_a_dark_is_made_with_the_bias_that_was_accepted_before(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS_DARK")
    processing = case.hand_over(ImageType.BIAS, ImageType.DARK)
    assert [(each.kind, each.calibration) for each in case.ocps.requests] == [
        ("generate", "BIAS"), ("verify", "BIAS"), ("generate", "DARK"), ("verify", "DARK"),
    ]  # fmt: skip
    assert case.ocps.requests[2].config.startswith("-j 8 -i u/ocps/job1/run,LATISS/calib/u/test/daily.1,")
    assert [certification.dataset_type for certification in case.archive.certified] == ["bias", "dark"]
    assert (processing.halted(), case.not_done) == (None, {})
    (certified, _), jobs = case.of(Certified), case.of(JobSubmitted)
    assert case.facts.index(certified) < case.facts.index(jobs[2])


def test_no_job_reads_an_exposure_that_has_become_another(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS")
    case.archive.others = {FIRST + 2: ArchivedExposure("AT_O_20250115_000003", "", "DARK", 5.0)}
    case.hand_over(ImageType.BIAS)
    assert case.ocps.requests == []
    assert (
        f"exposure {FIRST + 2} of the Butler is AT_O_20250115_000003, DARK" in case.not_done["generate BIAS"]
    )


def test_a_stop_waits_for_no_certification_that_hangs(make_run: MakeRun) -> None:
    class HangingArchive(ScriptedArchive):
        async def certify(self, certification: Any) -> None:
            self.certified.append(certification)
            await asyncio.Event().wait()

    case = make_run(archive=HangingArchive(), **INTERNAL, script_mode="BIAS")

    async def act(processing: Processing) -> None:
        for number in EXPOSURES:
            case.context.note(taken(number, ImageType.BIAS, 0.0))
        processing.hand_over(ImageType.BIAS, EXPOSURES)
        while not case.archive.certified:  # noqa: ASYNC110, simulated time costs nothing
            await asyncio.sleep(1)
        begin = asyncio.get_running_loop().time()
        await processing.cancel()
        assert asyncio.get_running_loop().time() - begin == STOP_LIMIT
        assert len(asyncio.all_tasks()) == 1

    with pytest.raises(asyncio.CancelledError):
        case.run(act)
    assert case.of(Certified) == []


@pytest.mark.parametrize(
    ("step", "outcomes", "archive", "refusal", "reason"),
    [
        ("generate", {"generate BIAS": 4}, ScriptedArchive(), None, "exit code 4"),
        ("verify", {"verify BIAS": 4}, ScriptedArchive(), None, "exit code 4"),
        ("verify", {}, ScriptedArchive(without=EXPOSURES[:1]), None, str(FIRST)),
        ("certify", {}, ScriptedArchive(HALF), None, "will not be certified"),
        ("certify", {}, ScriptedArchive(), REFUSED, "the Butler is locked"),
    ],
)
def test_a_bias_that_is_not_made_verified_or_certified_ends_data_taking(
    make_run: MakeRun, step: str, outcomes: Any, archive: Any, refusal: Any, reason: str
) -> None:
    archive.refusal = refusal
    case = make_run(ScriptedOcps(outcomes), archive, **INTERNAL, script_mode="BIAS_DARK")
    processing = case.hand_over(ImageType.BIAS, ImageType.DARK)
    steps = [f"{each} {kind}" for kind in ("BIAS", "DARK") for each in ("generate", "verify", "certify")]
    assert list(case.not_done) == steps[steps.index(f"{step} BIAS") :]
    assert reason in case.not_done[f"{step} BIAS"]
    assert "without an accepted BIAS" in str(processing.halted())
    assert archive.certified == []
    assert "DARK" not in [request.calibration for request in case.ocps.requests]


def test_a_type_whose_images_are_confirmed_first_waits_for_the_one_that_it_needs(make_run: MakeRun) -> None:
    case = make_run(ocps=ScriptedOcps({"generate BIAS": 1}), generate_calibrations=True)
    case.hand_over(ImageType.DARK, ImageType.BIAS)
    assert [request.name for request in case.ocps.requests] == ["generate BIAS"]
    assert case.not_done["generate DARK"] == "it needs 'certify BIAS', which was not done"


def test_a_type_that_needs_one_whose_images_never_came_is_named(make_run: MakeRun) -> None:
    case = make_run(generate_calibrations=True)

    async def act(processing: Processing) -> None:
        processing.hand_over(ImageType.DARK, EXPOSURES)
        processing.give_up_missing()

    case.run(act)
    assert case.ocps.requests == []
    assert case.not_done["generate BIAS"] == "not all BIAS images were taken and confirmed"
    assert case.not_done["generate DARK"] == "it needs 'certify BIAS', which was not done"


def test_what_is_certified_is_what_was_made_and_verified(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS")
    case.hand_over(ImageType.BIAS)
    (certification,) = case.archive.certified
    assert isinstance(certification.ground, Accepted)
    assert certification.combined == CombinedCalibration(
        "BIAS", {"BIAS": EXPOSURES}, "u/ocps/job1", ("first bias of u/ocps/job1/run",)
    )
    facts = [type(fact) for fact in case.facts]
    made = facts.index(CalibrationMade)
    assert facts[made - 1 : made + 2] == [JobEnded, CalibrationMade, JobSubmitted]


def test_each_job_finds_what_was_made_and_what_was_accepted_before_all_else(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS_DARK")
    case.hand_over(ImageType.BIAS, ImageType.DARK)
    bias, dark, certified = "u/ocps/job1/run", "u/ocps/job3/run", "LATISS/calib/u/test/daily.1"
    expected = [[], [bias], [bias, certified], [dark, bias, certified]]
    for request, first in zip(case.ocps.requests, expected, strict=True):
        inputs = request.config.split()[3].split(",")
        assert inputs == [*first, "LATISS/calib"], request.name


def test_a_certification_is_in_the_journal(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS")
    case.hand_over(ImageType.BIAS)
    (certified,) = case.of(Certified)
    assert (certified.dataset_type, certified.collection) == ("bias", "LATISS/calib/u/test/daily.1")
    assert (certified.begin, certified.end) == ("2025-01-15T00:00:00.000", "2025-01-20T00:00:00.000")
    assert certified.verified


def test_defects_are_verified_with_the_flats_of_those_that_they_are_made_of(make_run: MakeRun) -> None:
    case = make_run(script_mode="BIAS_DARK_FLAT", **PRODUCTS)
    case.hand_over(ImageType.DARK, ImageType.FLAT)
    exposures = {
        certification.combined.name: certification.combined.exposures
        for certification in case.archive.certified
    }
    assert exposures == {"DEFECTS": {"DARK": EXPOSURES, "FLAT": EXPOSURES}, "PTC": {"FLAT": EXPOSURES}}
    assert {certification.verified for certification in case.archive.certified} == {True}


def test_after_a_resumption_only_what_was_there_before_can_be_certified(make_run: MakeRun) -> None:
    case = make_run(archive=ScriptedArchive(), **INTERNAL, script_mode="BIAS")
    case.archive.refusal = REFUSED
    case.hand_over(ImageType.BIAS)
    case.archive.refusal, case.archive.put = None, "second"
    case.run(lambda processing: begin(processing, ImageType.BIAS))
    (certification,) = case.archive.certified
    assert certification.combined.datasets == ("first bias of u/ocps/job1/run",)
    assert len(case.of(CalibrationMade)) == 1


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


CERTIFY = Step(kind=StepKind.CERTIFY, calibration="BIAS", images=())
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
    make_run: MakeRun, verdict: Verdict | None, reason: str
) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS")

    async def act(processing: Processing) -> None:
        processing.work.made["BIAS"] = MADE
        if verdict is not None:
            processing.work.reports["BIAS"] = VerificationReport("BIAS", verdict, "u/ocps/job2")
        with pytest.raises(CertificationError, match=reason):
            await processing.work.do(CERTIFY, {})

    case.run(act)
    assert case.archive.certified == []


def test_measurements_without_tests_verify_nothing(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS")
    case.archive.tested = False
    case.hand_over(ImageType.BIAS)
    assert case.archive.certified == []
    assert not case.of(VerdictGiven)[0].passed


def test_to_certify_unverified_takes_two_options(make_run: MakeRun) -> None:
    case = make_run(script_mode="BIAS", do_verify=False)

    async def act(processing: Processing) -> None:
        processing.work.made["BIAS"] = MADE
        with pytest.raises(CertificationError, match="failed verification and will not be certified"):
            await processing.work.do(CERTIFY, {})

    case.run(act)
    assert case.archive.certified == []


def test_only_the_operator_waives_a_verification(make_run: MakeRun, caplog: Any) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS", do_verify=False)
    case.hand_over(ImageType.BIAS)
    (certification,) = case.archive.certified
    assert isinstance(certification.ground, Waiver)
    assert not certification.verified
    assert "BIAS is certified UNVERIFIED" in caplog.text


@pytest.mark.parametrize("options", [{}, {"do_verify": False}, INTERNAL])
def test_nobody_else_waives_a_verification(config: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is to be verified"):
        waive(MADE, config(**options))
    with pytest.raises(TypeError, match="made by verification"):
        Waiver(combined=MADE, reason="do_verify is false", seal=b"")


def test_certification_is_bound_to_the_exposures_that_were_used(make_run: MakeRun, caplog: Any) -> None:
    archive = ScriptedArchive()
    archive.unlike = Members({EXPOSURES[1]: "light"}, {EXPOSURES[2]: "noise"})
    case = make_run(archive=archive, **INTERNAL, script_mode="BIAS")
    processing = case.hand_over(ImageType.BIAS)
    used = (EXPOSURES[0], *EXPOSURES[2:])
    (certification,) = case.archive.certified
    assert certification.combined.exposures == {"BIAS": used}
    assert certification.combined.left_out == {EXPOSURES[1]: "light"}
    assert str(EXPOSURES[1]) not in case.ocps.requests[1].data_query
    assert ("u/ocps/job2", used) in case.archive.read
    (fact,) = case.of(ExposuresLeftOut)
    assert (fact.left_out, fact.odd) == ({str(EXPOSURES[1]): "light"}, {str(EXPOSURES[2]): "noise"})
    assert f"BIAS: exposure {EXPOSURES[1]} is left out: light." in caplog.text
    report = processing.work.reports["BIAS"]
    for text in (report.full_text(), report.love_text("report.txt")):
        assert f"    Exposure {EXPOSURES[1]} was left out: light." in text
        assert f"    Exposure {EXPOSURES[2]} was used and is odd: noise." in text


def test_amplifiers_known_to_be_bad_are_left_out_and_written_into_verdict_and_certificate(
    make_run: MakeRun,
) -> None:
    archive = ScriptedArchive({"C03": ["NOISE"], "C04": ["NOISE"]})
    archive.bad = [KnownBad("RXX_S00", "C03", "no gain in the ptc in use")]
    case = make_run(archive=archive, **INTERNAL, script_mode="BIAS", known_bad_amplifiers=["0 C03", "0 C04"])
    case.hand_over(ImageType.BIAS)
    (verdict,), (certified,) = case.of(VerdictGiven), case.of(Certified)
    assert (verdict.passed, verdict.n_failed) == (True, 0)
    assert {each["amplifier"]: each["source"] for each in verdict.known_bad} == {
        "C03": "no gain in the ptc in use",
        "C04": "known_bad_amplifiers",
    }
    assert certified.known_bad == ("RXX_S00 C03", "RXX_S00 C04")
    # What the run has made declares nothing.
    assert archive.declared_in == [(("LATISS/calib",), ["u/ocps/job1/run"])]


def test_amplifiers_are_declared_bad_where_the_job_finds_its_calibrations(make_run: MakeRun) -> None:
    case = make_run(**INTERNAL, script_mode="BIAS_DARK")
    case.hand_over(ImageType.BIAS, ImageType.DARK)
    runs = ("u/ocps/job1/run", "u/ocps/job3/run")
    verifications = [request for request in case.ocps.requests if request.kind == "verify"]
    for request, (searched, own) in zip(verifications, case.archive.declared_in, strict=True):
        inputs = request.config.split()[3].split(",")
        assert [each for each in inputs if each not in runs] == list(searched), request.name
        assert set(own) <= set(runs)
    assert searched == ("LATISS/calib/u/test/daily.1", "LATISS/calib")


def test_with_too_many_amplifiers_known_to_be_bad_nothing_is_certified(make_run: MakeRun) -> None:
    bad = [f"0 {name}" for name in AMPLIFIERS[:3]]
    case = make_run(**INTERNAL, script_mode="BIAS", known_bad_amplifiers=bad, max_known_bad_amplifiers=2)
    case.hand_over(ImageType.BIAS)
    assert case.of(Certified) == []
    assert "failed verification" in case.not_done["certify BIAS"]
