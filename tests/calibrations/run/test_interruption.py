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


@pytest.mark.parametrize("mode", ["external", "internal"])
def test_a_run_that_is_killed_again_and_again_comes_to_its_end(observed: Any, mode: str) -> None:
    told = observed(mode)
    # Every part comes a little farther, so that at last there is time for the jobs.
    until_done(told, (at_fact(number, half=bool(number % 2)) for number in itertools.count(5, 3)))
    check(told)
    assert told.parts > 4


def test_a_kill_at_any_turn_of_the_loop_is_survived(observed: Any) -> None:
    told, rng = observed("internal"), random.Random(5)
    until_done(told, (at_turn(number + rng.randrange(60)) for number in itertools.count(60, 40)))
    check(told)
    assert told.parts > 4


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_a_kill_after_any_fact_is_survived(observed: Any, mode: str) -> None:
    for number in itertools.count(1):
        told = observed(mode)
        if not told.killed(told.begin, prepare=at_fact(number, half=bool(number % 2))):
            assert number > 40
            return
        ended = told.begun and told.last_record.ended
        if not ended:
            assert not told.killed(told.resume if told.begun else told.begin)
        check(told)
        shutil.rmtree(told.folder)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_kills_at_any_turns_of_the_loop_are_survived(observed: Any, mode: str) -> None:
    for seed in range(25):
        told, rng = observed(mode), random.Random(seed)
        until_done(told, (at_turn(10 + rng.randrange(number)) for number in itertools.count(50, 70)))
        check(told)
        shutil.rmtree(told.folder)


def test_what_was_certified_but_not_noted_is_certified_once(observed: Any) -> None:
    told = observed("internal")

    def prepare(script: Any, loop: Any) -> None:
        from lsst.ts.calibrations.butler import certification

        certify = certification._certify

        def certify_and_die(*arguments: Any) -> None:
            certify(*arguments)
            os._exit(KILLED)

        certification._certify = certify_and_die  # type: ignore[assignment]

    assert told.killed(told.begin, prepare=prepare)
    assert not told.record.certified
    assert set(certified(told)) == {"bias"}
    told.resume()
    check(told)


def test_what_was_certified_is_noted_once(observed: Any) -> None:
    told = observed("internal")
    assert told.killed(told.begin, prepare=after(Certified))
    told.resume()
    check(told)


def test_a_job_whose_id_was_not_noted_certifies_nothing(observed: Any) -> None:
    told = observed("internal")

    def prepare(script: Any, loop: Any) -> None:
        from lsst.ts.calibrations.run.jobs import Jobs

        Jobs._note_submitted = lambda *_: os._exit(KILLED)  # type: ignore[method-assign]

    assert told.killed(told.begin, prepare=prepare)
    assert not told.record.jobs
    told.resume()
    check(told)


def test_a_rejected_calibration_stays_rejected(observed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = observed("internal, both")
    told.config = told.config.replace("n_bias: 12", "n_bias: 3").replace("n_dark: 12", "n_dark: 60")
    told.begin()
    assert told.state == "FAILED"
    first = told.summary
    assert not first["verification"]["BIAS"]["passed"]
    read = Archive.verification

    async def read_slowly(*arguments: Any) -> Any:
        await asyncio.sleep(60)  # in which darks could be taken
        return await read(*arguments)

    monkeypatch.setattr(Archive, "verification", read_slowly)
    told.resume()
    second = told.summary
    assert (told.state, second["exposures"], second["verification"]) == (
        "FAILED",
        first["exposures"],
        first["verification"],
    )
    assert [each["step"] for each in second["not_done"]] == [each["step"] for each in first["not_done"]]
    assert second["reason"] == first["reason"]
    assert len(second["jobs"]) == len(first["jobs"]) == 2
    assert len(told.facts(VerdictGiven)) == 1
    assert certified(told) == {}


def test_a_job_that_failed_is_done_again_and_no_other(observed: Any) -> None:
    told = observed()
    told.begin("ocps-exit:kind=verify,calibration=DARK,code=17")
    assert told.state == "FAILED"
    taken = told.summary["exposures"]
    told.log.clear()
    told.resume()
    check(told)
    jobs = told.summary["jobs"]
    assert told.summary["exposures"] == taken
    assert [(job["calibration"], job["exit_code"]) for job in jobs] == [
        ("BIAS", 0), ("DARK", 17), ("FLAT", 0), ("GAIN", 0), ("DARK", 0),
    ]  # fmt: skip
    assert not any("the filter" in line or "Taking" in line for line in told.log)


def test_a_run_that_the_camera_ended_goes_on_where_it_was(observed: Any) -> None:
    told = observed()
    told.begin("take-images-refused:image=6")
    assert told.state == "FAILED"
    assert len(told.summary["exposures"]) == 5
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


def test_jobs_that_were_under_way_are_ended_and_done_again(observed: Any) -> None:
    told = observed()
    assert told.killed(told.begin, prepare=after(JobSubmitted, 4))
    for _ in range(2):  # no image is taken between these
        assert told.killed(told.resume, prepare=after(JobSubmitted))
    told.resume()
    check(told)
    ids = [fact.job_id for fact in told.facts(JobSubmitted)]
    assert len(ids) == len(set(ids)) > 5


@pytest.mark.parametrize("fault", ["oods-lost:image=5", "oods-status:image=5,code=3"])
def test_an_image_that_the_oods_did_not_confirm_is_found_later(observed: Any, fault: str) -> None:
    told = observed(more="oods_timeout: 20\n")
    told.begin(fault)
    assert told.state == "FAILED"
    assert [each["ingested"] for each in told.summary["exposures"]].count(False) == 1
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


def test_an_exposure_that_the_camera_ended_alone_has_its_whole_time_limit(observed: Any) -> None:
    told = observed(more="oods_timeout: 20\n")

    def prepare(run: Observed, loop: clock.SimulatedLoop) -> None:
        def die_in_the_dark(fact: Any) -> None:
            if isinstance(fact, ExposureBegun) and fact.image_type == "DARK":
                loop.call_later(5.0, os._exit, KILLED)

        run.listeners.append(die_in_the_dark)

    assert told.killed(told.begin, prepare=prepare)
    # The limit, counted from the begin of the exposure, is over when the run goes on; ingest takes 8 s.
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


def test_a_run_that_was_killed_on_a_full_disk_goes_on_when_there_is_room(observed: Any) -> None:
    told = observed()

    def die_in_the_dark(run: Observed, loop: clock.SimulatedLoop) -> None:
        def count(fact: Any) -> None:
            if isinstance(fact, ExposureBegun) and fact.image_type == "DARK":
                loop.call_later(5.0, os._exit, KILLED)

        run.listeners.append(count)

    def have_limits(run: Observed, loop: clock.SimulatedLoop) -> None:
        # What lets the disk look full can be read without end.
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    assert told.killed(told.begin, "run-disk-full:image=4", prepare=die_in_the_dark)
    assert (told.run / "report.txt").is_char_device()
    assert not told.killed(told.resume, prepare=have_limits)
    check(told)
    assert "BIAS calibration passed" in (told.run / "report.txt").read_text()


def test_an_exposure_that_is_nowhere_is_taken_again(observed: Any) -> None:
    told = observed(more="oods_timeout: 20\n")
    assert told.killed(told.begin, prepare=after(ExposureTaken, 3))
    lost = told.record.exposures[2025011500003].taken
    for file in told.folder.glob(f"images/*/{lost.obs_id}/*"):
        file.unlink()
    told.log.clear()
    told.resume()
    assert told.state == "DONE"
    record = told.last_record
    (again,) = (each.taken for each in record.held("BIAS").values() if each.taken.position == lost.position)
    assert (again.exp_time, again.discarded) == (lost.exp_time, lost.discarded)
    exposures = told.summary["exposures"]
    assert len(exposures) == 8 + 1
    assert [each["id"] for each in exposures if not each["ingested"]] == [lost.id]
    assert any(f"{lost.obs_id} is lost and will be taken again" in line for line in told.log)
    bias = next(job for job in told.summary["jobs"] if job["calibration"] == "BIAS")
    assert f"{lost.id}" not in bias["data_query"]
    assert f"{again.id}" in bias["data_query"]
    assert len(told.facts(ExposureLost)) == 1


def test_flats_through_another_filter_are_not_taken(observed: Any) -> None:
    told = observed()
    told.begin(stopCheckpoint="FLAT 2 .*")
    taken = told.summary["exposures"]
    told.optics = OpticalPath("SDSSg_65mm", "empty_1")
    told.resume()
    assert told.state == "FAILED"
    assert "SDSSr_65mm~empty, and SDSSg_65mm~empty is in the beam" in told.reason
    assert "No further exposure was taken; those of before are kept" in told.reason
    assert told.summary["exposures"] == taken
    told.optics = None
    told.resume()
    check(told)


def test_a_night_between_the_parts_is_told(observed: Any) -> None:
    told = observed()
    assert told.killed(told.begin, prepare=after(ExposureTaken, 4))
    told.log.clear()
    told.resume(later=86_400.0)
    check(told)
    assert any("images of 20250115 and goes on with those of another night" in line for line in told.log)
    timeline = told.summary["timeline"]
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
    told = observed()
    assert told.killed(told.begin, prepare=at_fact(9))
    assert told.killed(told.resume, prepare=at_fact(20))
    told.resume()
    times = [fact.time for fact in read_journal(told.run / JOURNAL)]
    assert times == sorted(times)
    ids = [fact.id for fact in told.facts(ExposureTaken)]
    assert ids == sorted(set(ids))
