"""Results of hundreds of thousands of tests, as a camera of 189 detectors has them, hold up nothing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LSSTCAM, ImageType
from lsst.ts.calibrations.journal.facts import OutcomesRead, VerdictGiven
from lsst.ts.calibrations.report.verification import VerificationReport
from lsst.ts.calibrations.run import step_work
from lsst.ts.calibrations.verification import VerificationResults, judge, read_exposures

from .doubles import MakeRun, ScriptedArchive

DETECTORS = tuple(LSSTCAM.detectors.values())
TESTS = ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT")


def results_of_lsstcam(exposures: Sequence[int], *, passed: bool) -> VerificationResults:
    """Results in which all tests of all amplifiers passed, or failed."""
    measured = {
        "AMP": {name: {"MEAN": 0.1, "NOISE": 8.0, "CR_NOISE": 8.0} for name in AMPLIFIERS},
        "DET": {},
        "VERIFY": {"AMP": dict.fromkeys(AMPLIFIERS, dict.fromkeys(TESTS, passed)), "DET": {}},
        "SUCCESS": passed,
    }
    failures = [f"{amplifier} {test}" for amplifier in AMPLIFIERS for test in TESTS]
    detector = {"SUCCESS": passed} | ({} if passed else {"FAILURES": failures})
    return read_exposures(
        {each: dict.fromkeys(DETECTORS, detector) | {"SUCCESS": passed} for each in exposures},
        {(each, name): measured for each in exposures for name in DETECTORS},
        exposures=exposures,
        amplifiers=dict.fromkeys(DETECTORS, frozenset(AMPLIFIERS)),
        calibration="BIAS",
    )


@pytest.mark.parametrize("passed", [True, False], ids=["all pass", "all fail"])
def test_a_stop_at_a_verdict_on_a_large_camera_writes_few_of_its_results(
    make_observed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    async def verification(
        self: Archive, collection: str, calibration: str, exposures: Sequence[int], *more: Any
    ) -> VerificationResults:
        results = results_of_lsstcam(exposures, passed=passed)
        read.set()
        return results

    async def operator(script: Any, remote: Any) -> None:
        await read.wait()
        await remote.cmd_stop.set_start(timeout=1000)
        while script.state.state != ScriptState.STOPPED:  # noqa: ASYNC110, no event tells
            await asyncio.sleep(0.05)

    read = asyncio.Event()
    monkeypatch.setattr(Archive, "verification", verification)
    case = make_observed("script_mode: BIAS\nn_bias: 8\nn_discard_bias: 0\n", 80)
    case.begin(operator=operator)
    assert case.state == "STOPPED"
    assert (case.run / "summary.json").stat().st_size < 10_000_000


def test_results_are_judged_and_told_beside_the_event_loop(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            threads[function.__name__] = threading.current_thread()
            return function(*args, **kwargs)

        return called

    threads: dict[str, threading.Thread] = {}
    monkeypatch.setattr(step_work, "judge", noting(judge))
    for name in ("full_text", "love_text"):
        monkeypatch.setattr(VerificationReport, name, noting(getattr(VerificationReport, name)))
    case = make_run(archive=ScriptedArchive({"C05": ["NOISE"]}))
    case.hand_over(ImageType.BIAS)
    assert set(threads) == {"judge", "full_text", "love_text"}
    assert threading.current_thread() not in threads.values()


def test_the_summary_is_written_beside_the_event_loop_with_the_time_of_the_run(
    observatory: Any, night: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, threads = BaseMakeCalibrations.write_summary, list[threading.Thread]()

    def noting(self: Any, state: str, reason: str, **more: Any) -> None:
        threads.append(threading.current_thread())
        write(self, state, reason, **more)

    monkeypatch.setattr(BaseMakeCalibrations, "write_summary", noting)
    outcome = night("script_mode: BIAS\nn_bias: 3\n")
    assert outcome.state == "DONE"
    assert threading.current_thread() not in threads
    assert outcome.summary["timeline"]["total"] < 3600.0


@pytest.mark.parametrize(
    ("failing", "noted"),
    [
        ({"C05": ["NOISE"]}, ["C05 NOISE"] * 4),
        ({"C05": ["PROB_TEST", "NOISE"], "C06": ["MEAN"]}, ["C05 NOISE", "C06 MEAN"] * 4),
        ({"C05": ["PROB_TEST", "MEAN", "NOISE"]}, ["C05 MEAN", "C05 NOISE"] * 4),
    ],
)
def test_of_too_many_tests_those_that_failed_are_noted_first_those_that_count(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, failing: dict[str, list[str]], noted: list[str]
) -> None:
    monkeypatch.setattr(step_work, "MOST_TESTS", 8)
    case = make_run(archive=ScriptedArchive(failing))
    case.hand_over(ImageType.BIAS)
    (outcomes,), (verdict,) = case.of(OutcomesRead), case.of(VerdictGiven)
    assert [f"{each['amplifier']} {each['test']}" for each in outcomes.tests] == noted
    n_failed = sum(sum(tests.values()) for tests in verdict.failures.values())
    assert n_failed == 4 * sum(map(len, failing.values())), "the verdict counts all"


def test_a_few_tests_are_noted_all(make_run: MakeRun) -> None:
    case = make_run()
    case.hand_over(ImageType.BIAS)
    (outcomes,) = case.of(OutcomesRead)
    assert (len(outcomes.tests), all(each["passed"] for each in outcomes.tests)) == (4 * 16 * 2, True)
    assert json.dumps(outcomes.as_dict()).count("NOISE") == 4 * 16
