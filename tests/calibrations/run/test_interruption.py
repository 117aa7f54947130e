"""Runs that are killed or fail, and then resumed: nothing is taken, processed or certified twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import resource
import shutil
from typing import Any

import pytest

from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.journal.facts import (
    Certified,
    ExposureBegun,
    ExposureLost,
    ExposureTaken,
    JobSubmitted,
    VerdictGiven,
)
from lsst.ts.calibrations.journal.journal import JOURNAL, read_journal
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.campaign.workers import MOST_MEMORY
from lsst.ts.simulated_observatory.components.optics import OpticalPath

from .interrupted import (
    KILLED,
    MODES,
    Observed,
    after,
    at_fact,
    at_turn,
    certified,
    check,
    until_done,
)


@pytest.mark.parametrize("mode", [pytest.param("external", marks=pytest.mark.long), "internal"])
def test_a_run_that_is_killed_again_and_again_comes_to_its_end(observed: Any, mode: str) -> None:
    case = observed(mode)
    # Every part comes a little farther, so that at last there is time for the jobs.
    until_done(case, (at_fact(number, half=bool(number % 2)) for number in itertools.count(5, 4)))
    check(case)
    assert case.parts > 4


def test_a_kill_at_any_turn_of_the_loop_is_survived(observed: Any) -> None:
    case, rng = observed("internal"), random.Random(5)
    until_done(case, (at_turn(number + rng.randrange(60)) for number in itertools.count(60, 60)))
    check(case)
    assert case.parts > 4


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_a_kill_after_any_fact_is_survived(observed: Any, mode: str) -> None:
    for number in itertools.count(1):
        case = observed(mode)
        if not case.killed(case.begin, prepare=at_fact(number, half=bool(number % 2))):
            assert number > 40
            return
        ended = case.begun and case.last_record.ended
        if not ended:
            assert not case.killed(case.resume if case.begun else case.begin)
        check(case)
        shutil.rmtree(case.folder)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_kills_at_any_turns_of_the_loop_are_survived(observed: Any, mode: str) -> None:
    for seed in range(25):
        case, rng = observed(mode), random.Random(seed)
        until_done(case, (at_turn(10 + rng.randrange(number)) for number in itertools.count(50, 70)))
        check(case)
        shutil.rmtree(case.folder)


def test_what_was_certified_but_not_noted_is_certified_once(observed: Any) -> None:
    case = observed("internal")

    def prepare(script: Any, loop: Any) -> None:
        from lsst.ts.calibrations.butler import certification

        certify = certification._certify

        def certify_and_die(*arguments: Any) -> None:
            certify(*arguments)
            os._exit(KILLED)

        certification._certify = certify_and_die  # type: ignore[assignment]

    assert case.killed(case.begin, prepare=prepare)
    assert not case.record.certified
    assert set(certified(case)) == {"bias"}
    case.resume()
    check(case)


def test_what_was_certified_is_noted_once(observed: Any) -> None:
    case = observed("internal")
    assert case.killed(case.begin, prepare=after(Certified))
    case.resume()
    check(case)


def test_a_job_whose_id_was_not_noted_certifies_nothing(observed: Any) -> None:
    case = observed("internal")

    def prepare(script: Any, loop: Any) -> None:
        from lsst.ts.calibrations.run import jobs

        pytest.MonkeyPatch().setattr(jobs, "JobSubmitted", lambda **_: os._exit(KILLED))

    assert case.killed(case.begin, prepare=prepare)
    assert not case.record.jobs
    case.resume()
    check(case)


def test_a_rejected_calibration_stays_rejected(observed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = observed("internal, both")
    case.config = case.config.replace("n_bias: 12", "n_bias: 3").replace("n_dark: 12", "n_dark: 60")
    case.begin()
    assert case.state == "FAILED"
    first = case.summary
    assert not first["verification"]["BIAS"]["passed"]
    read = Archive.verification

    async def read_slowly(*arguments: Any) -> Any:
        await asyncio.sleep(60)  # in which darks could be taken
        return await read(*arguments)

    monkeypatch.setattr(Archive, "verification", read_slowly)
    case.resume()
    second = case.summary
    assert (case.state, second["exposures"], second["verification"]) == (
        "FAILED",
        first["exposures"],
        first["verification"],
    )
    assert [each["step"] for each in second["not_done"]] == [each["step"] for each in first["not_done"]]
    assert second["reason"] == first["reason"]
    assert len(second["jobs"]) == len(first["jobs"]) == 2
    assert len(case.facts(VerdictGiven)) == 1
    assert certified(case) == {}


def test_a_job_that_failed_is_done_again_and_no_other(observed: Any) -> None:
    case = observed()
    case.begin("ocps-exit:kind=verify,calibration=DARK,code=17")
    assert case.state == "FAILED"
    taken = case.summary["exposures"]
    case.log.clear()
    case.resume()
    check(case)
    jobs = case.summary["jobs"]
    assert case.summary["exposures"] == taken
    assert [(job["calibration"], job["exit_code"]) for job in jobs] == [
        ("BIAS", 0), ("DARK", 17), ("FLAT", 0), ("GAIN", 0), ("DARK", 0),
    ]  # fmt: skip
    assert not any("the filter" in line or "Taking" in line for line in case.log)


def test_a_run_that_the_camera_ended_goes_on_where_it_was(observed: Any) -> None:
    case = observed()
    case.begin("take-images-refused:image=6")
    assert case.state == "FAILED"
    assert len(case.summary["exposures"]) == 5
    case.resume()
    check(case)
    assert len(case.summary["exposures"]) == 8


def test_jobs_that_were_under_way_are_ended_and_done_again(observed: Any) -> None:
    case = observed()
    assert case.killed(case.begin, prepare=after(JobSubmitted, 4))
    for _ in range(2):  # no image is taken between these
        assert case.killed(case.resume, prepare=after(JobSubmitted))
    case.resume()
    check(case)
    ids = [fact.job_id for fact in case.facts(JobSubmitted)]
    assert len(ids) == len(set(ids)) > 5


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("oods-lost:image=5", marks=pytest.mark.long),
        pytest.param("oods-nameless:image=5", marks=pytest.mark.long),
        "oods-overtaken:image=5",
    ],
)
def test_an_image_that_the_oods_did_not_confirm_is_found_later(observed: Any, fault: str) -> None:
    case = observed(more="oods_timeout: 20\n")
    case.begin(fault)
    assert case.state == "FAILED"
    assert [each["ingested"] for each in case.summary["exposures"]].count(False) == 1
    case.resume()
    check(case)
    assert len(case.summary["exposures"]) == 8


@pytest.mark.parametrize(
    "fault",
    [pytest.param("oods-status:image=5,code=3", marks=pytest.mark.long), "oods-metadata:image=5"],
)
def test_an_image_that_the_oods_has_put_away_is_taken_again(observed: Any, fault: str) -> None:
    case = observed(more="oods_timeout: 20\n")
    case.begin(fault)
    assert case.state == "FAILED"
    case.resume()
    assert case.state == "DONE"
    assert [fact.id for fact in case.facts(ExposureLost)] == [2025011500005]
    assert [each["ingested"] for each in case.summary["exposures"]].count(True) == 8


def test_an_exposure_that_the_camera_ended_alone_has_its_whole_time_limit(observed: Any) -> None:
    case = observed(more="oods_timeout: 20\n")

    def prepare(run: Observed, loop: clock.SimulatedLoop) -> None:
        def die_in_the_dark(fact: Any) -> None:
            if isinstance(fact, ExposureBegun) and fact.image_type == "DARK":
                loop.call_later(5.0, os._exit, KILLED)

        run.listeners.append(die_in_the_dark)

    assert case.killed(case.begin, prepare=prepare)
    # The limit, counted from the begin of the exposure, is over when the run goes on; ingest takes 8 s.
    case.resume()
    check(case)
    assert len(case.summary["exposures"]) == 8


def test_a_run_that_was_killed_on_a_full_disk_goes_on_when_there_is_room(observed: Any) -> None:
    case = observed()

    def die_in_the_dark(run: Observed, loop: clock.SimulatedLoop) -> None:
        def count(fact: Any) -> None:
            if isinstance(fact, ExposureBegun) and fact.image_type == "DARK":
                loop.call_later(5.0, os._exit, KILLED)

        run.listeners.append(count)

    def have_limits(run: Observed, loop: clock.SimulatedLoop) -> None:
        # What lets the disk look full can be read without end.
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    assert case.killed(case.begin, "run-disk-full:image=4", prepare=die_in_the_dark)
    assert (case.run / "report.txt").is_char_device()
    assert not case.killed(case.resume, prepare=have_limits)
    check(case)
    assert "BIAS calibration passed" in (case.run / "report.txt").read_text()


def test_an_exposure_that_is_nowhere_is_taken_again(observed: Any) -> None:
    case = observed(more="oods_timeout: 20\n")
    assert case.killed(case.begin, prepare=after(ExposureTaken, 3))
    lost = case.record.exposures[2025011500003].taken
    for file in case.folder.glob(f"images/*/{lost.obs_id}/*"):
        file.unlink()
    case.log.clear()
    case.resume()
    assert case.state == "DONE"
    record = case.last_record
    (again,) = (each.taken for each in record.held("BIAS").values() if each.taken.position == lost.position)
    assert (again.exp_time, again.discarded) == (lost.exp_time, lost.discarded)
    exposures = case.summary["exposures"]
    assert len(exposures) == 8 + 1
    assert [each["id"] for each in exposures if not each["ingested"]] == [lost.id]
    assert any(f"{lost.obs_id} is lost and will be taken again" in line for line in case.log)
    bias = next(job for job in case.summary["jobs"] if job["calibration"] == "BIAS")
    assert f"{lost.id}" not in bias["data_query"]
    assert f"{again.id}" in bias["data_query"]
    assert len(case.facts(ExposureLost)) == 1


def test_flats_through_another_filter_are_not_taken(observed: Any) -> None:
    case = observed()
    case.begin(stopCheckpoint="FLAT 2 .*")
    taken = case.summary["exposures"]
    case.optics = OpticalPath("SDSSg_65mm", "empty_1")
    case.resume()
    assert case.state == "FAILED"
    assert "SDSSr_65mm~empty, and SDSSg_65mm~empty is in the beam" in case.reason
    assert "No further exposure was taken; those of before are kept" in case.reason
    assert [each["id"] for each in case.summary["exposures"]] == [each["id"] for each in taken]
    case.optics = None
    case.resume()
    check(case)


def test_a_night_between_the_parts_is_told(observed: Any) -> None:
    case = observed()
    assert case.killed(case.begin, prepare=after(ExposureTaken, 4))
    case.log.clear()
    case.resume(later=86_400.0)
    check(case)
    assert any("images of 20250115 and goes on with those of another night" in line for line in case.log)
    timeline = case.summary["timeline"]
    assert timeline["acquisition"] < timeline["total"] < 1000


def test_the_summary_and_the_report_tell_of_the_whole_run(observed: Any) -> None:
    whole, parted = observed(), observed()
    whole.begin()
    assert parted.killed(parted.begin, prepare=after(VerdictGiven, 2))
    parted.resume()
    one, other = whole.summary, parted.summary
    assert {each["id"] for each in one["exposures"]} == {each["id"] for each in other["exposures"]}
    for name in ("verification", "gains"):
        assert json.dumps(one[name]).count("passed") == json.dumps(other[name]).count("passed")
        assert len(one[name]) == len(other[name])
    assert (one["started"], one["config"].keys()) == (other["started"], other["config"].keys())
    assert one["timeline"]["open"] == other["timeline"]["open"]
    report = (parted.run / "report.txt").read_text()
    for kind in ("BIAS", "DARK", "FLAT"):
        assert report.count(f"{kind} calibration passed") == 1
    assert report.count("SIMULATED") == 1


def test_times_only_go_on(observed: Any) -> None:
    case = observed()
    assert case.killed(case.begin, prepare=at_fact(9))
    assert case.killed(case.resume, prepare=at_fact(20))
    case.resume()
    times = [fact.time for fact in read_journal(case.run / JOURNAL)]
    assert times == sorted(times)
    ids = [fact.id for fact in case.facts(ExposureTaken)]
    assert ids == sorted(set(ids))
