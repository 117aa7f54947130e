"""A whole script, as the queue starts it and the operator sees it, in an observatory without pixels."""

from __future__ import annotations

import logging
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS
from lsst.ts.calibrations.journal.facts import (
    ExposureConfirmed,
    ExposureTaken,
    RunConfigured,
    RunEnded,
)
from lsst.ts.calibrations.journal.journal import read_journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.session.flat_light import light_warnings

FEW = "n_bias: 2\nn_dark: 1\nexp_times_dark: 10\nn_flat: 2\n"
"""Images 1 to 3 are biases, 4 and 5 darks, 6 to 8 flats; the first of each is discarded."""
ONLY_BIAS = "script_mode: BIAS\nn_bias: 3\n"
FIRST = 2025011500001
ADVICE = partial(light_warnings, instrument=LATISS)


def test_a_good_night_ends_done(good_night: Any) -> None:
    outcome = good_night
    assert outcome.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "ENDING", "DONE"]
    summary = outcome.summary
    assert (summary["state"], summary["not_done"], summary["script"]) == (
        "DONE",
        [],
        "MakeLatissCalibrations",
    )
    assert [each["image_type"] for each in summary["exposures"]] == ["BIAS"] * 4 + ["DARK"] * 3 + ["FLAT"] * 5
    assert [each["discarded"] for each in summary["exposures"]] == [
        True,
        *[False] * 3,
        True,
        False,
        False,
        True,
        *[False] * 4,
    ]
    assert [each["id"] for each in summary["exposures"]] == list(range(FIRST, FIRST + 12))
    assert all(each["ingested"] and len(each["files"]) == 1 for each in summary["exposures"])
    assert {each["physical_filter"] for each in summary["exposures"]} == {"SDSSr_65mm~empty"}
    assert {
        name: (each["passed"], each["complete"]) for name, each in summary["verification"].items()
    } == dict.fromkeys(("BIAS", "DARK", "FLAT"), (True, True))
    assert [(each["kind"], each["calibration"], each["exit_code"]) for each in summary["jobs"]] == [
        ("verify", "BIAS", 0), ("verify", "DARK", 0), ("verify", "FLAT", 0), ("gain", "GAIN", 0),
    ]  # fmt: skip
    assert len(summary["gains"]) == 2 * 16
    assert outcome.warnings() == []


def test_only_the_kept_images_are_processed(good_night: Any) -> None:
    counts = {(job.kind, job.calibration): len(job.selected("exposure")) for job in good_night.jobs}
    assert counts == {
        ("verify", "BIAS"): 3,
        ("verify", "DARK"): 2,
        ("verify", "FLAT"): 4,
        ("gain", "GAIN"): 4,
    }
    bias = next(job for job in good_night.jobs if job.calibration == "BIAS")
    assert str(FIRST) not in bias.data_query


def test_processing_begins_while_the_next_images_are_taken(good_night: Any) -> None:
    summary = good_night.summary
    bias, dark = summary["jobs"][:2]
    assert bias["started"] < dark["started"]
    assert bias["started"] < summary["timeline"]["acquisition"] / 2


def test_the_camera_is_never_idle(good_night: Any) -> None:
    timeline = good_night.summary["timeline"]
    assert timeline["open"] == 3 * 10 + 5 * 5
    assert timeline["floor"] == 3 * 10 + 5 * (5 + 1) + 12 * 2
    assert timeline["floor"] <= timeline["acquisition"] <= timeline["floor"] * 1.01 + 0.1


def test_the_operator_sees_every_step_as_a_checkpoint(night: Any) -> None:
    outcome = night(ONLY_BIAS)
    assert outcome.checkpoints == [
        "BIAS: 4 images", "BIAS 1 of 4, 0 s", "BIAS 2 of 4, 0 s", "BIAS 3 of 4, 0 s", "BIAS 4 of 4, 0 s",
    ]  # fmt: skip


def test_every_exposure_has_a_group_of_its_own(night: Any, repository: Any) -> None:
    from lsst.daf.butler import Butler

    night(ONLY_BIAS)
    with Butler.from_config(str(repository)) as butler:
        groups = [record.group for record in butler.query_dimension_records("exposure", instrument="LATISS")]
        # As doc/how-to/atqueue.rst finds a run.
        found = butler.query_dimension_records(
            "exposure", instrument="LATISS", where="exposure.day_obs = 20250115"
        )
    (base,) = {group.partition("#")[0] for group in groups}
    assert base.startswith("2025-01-15T18:00:00")
    assert sorted(groups) == [f"{base}#{number}" for number in range(1, 5)]
    assert sorted(each.seq_num for each in found if each.group.partition("#")[0] == base) == [1, 2, 3, 4]


@pytest.mark.parametrize(("advise", "told"), [({}, False), ({"advise": ADVICE}, True)])
def test_a_script_that_the_queue_starts_says_nothing_of_the_light(
    observatory: Any, advise: dict[str, Any], told: bool
) -> None:
    """It does not know the lamp of the telescope."""

    async def main() -> tuple[str, ...]:
        async with observatory():
            script = MakeLatissCalibrations(index=1, **advise)
            await script.start_task
            await script.configure(SimpleNamespace(exp_times_flat=600))
            await script.close()
            return script.prepared.plan.warnings

    assert any("saturate" in warning for warning in clock.run(main)) == told


def test_the_journal_tells_the_same_as_the_summary(good_night: Any) -> None:
    outcome = good_night
    facts = list(read_journal(outcome.folder / "journal.jsonl"))
    assert [type(fact) for fact in (facts[0], facts[-1])] == [RunConfigured, RunEnded]
    assert len(facts) == len(outcome.facts)
    record = RunRecord()
    for fact in facts:
        record.apply(fact)
    summary = outcome.summary
    assert list(record.exposures) == [each["id"] for each in summary["exposures"]]
    assert list(record.jobs) == [each["job_id"] for each in summary["jobs"]]
    assert record.ended is not None
    assert (record.ended.state, record.ended.reason) == (summary["state"], summary["reason"])


def test_the_summary_holds_all_options(good_night: Any) -> None:
    config = good_night.summary["config"]
    assert (config["script_mode"], config["n_bias"], config["n_discard_bias"]) == ("BIAS_DARK_FLAT", 3, 1)
    assert config["oods_timeout"] == 120


@pytest.mark.parametrize(
    "config",
    [
        pytest.param("", marks=pytest.mark.long),
        pytest.param(FEW, marks=pytest.mark.long),
        pytest.param("script_mode: BIAS\nn_bias: 20", marks=pytest.mark.long),
        "script_mode: BIAS_DARK\nn_bias: 3\nn_dark: 3\nexp_times_dark: 15",
        FEW + "wait_between_exposures: 7",
        pytest.param(FEW + "do_verify: false\ndo_gain_from_flat_pairs: false", marks=pytest.mark.long),
        FEW + "n_discard_flat: 0\nfilter: SDSSg_65mm\ngrating: empty_1",
    ],
)
def test_the_announced_duration_is_honest(night: Any, config: str) -> None:
    outcome = night(config)
    assert outcome.state == "DONE"
    assert outcome.metadata.duration == pytest.approx(outcome.seconds, rel=0.1)
    assert outcome.metadata.nimages == len(outcome.of(ExposureTaken))
    assert outcome.metadata.instrument == "LATISS"


def test_the_announced_filter_is_the_one_of_the_flats(night: Any) -> None:
    outcome = night(FEW + "filter: SDSSg_65mm")
    assert outcome.metadata.filters == "SDSSg_65mm"
    assert {each["physical_filter"] for each in outcome.summary["exposures"]} == {"SDSSg_65mm~empty"}


def test_no_announced_filter_without_one_asked_for(good_night: Any) -> None:
    assert good_night.metadata.filters == ""


def test_a_negative_verdict_is_told_first_and_the_script_is_done(night: Any, pipelines: Any) -> None:
    pipelines.failing["DARK"] = {name: ["NOISE"] for name in AMPLIFIERS}
    outcome = night(FEW)
    assert outcome.state == "DONE"
    assert outcome.reason.startswith("CALIBRATION VERIFICATION NEGATIVE: DARK failed")
    assert outcome.warnings()[0].startswith("CALIBRATION VERIFICATION NEGATIVE: DARK failed")
    dark = outcome.summary["verification"]["DARK"]
    assert (dark["passed"], dark["complete"]) == (False, True)
    assert list(dark["failures"].values()) == [{"NOISE": 16}]
    assert outcome.summary["verification"]["FLAT"]["passed"]


def test_an_incomplete_verification_is_a_failure(night: Any, pipelines: Any) -> None:
    pipelines.without_result["BIAS"] = [1]
    outcome = night(FEW)
    assert outcome.state == "FAILED"
    assert "verify BIAS" in outcome.reason
    assert not outcome.summary["verification"]["BIAS"]["complete"]
    assert [each["step"] for each in outcome.summary["not_done"]] == ["verify BIAS"]


@pytest.mark.parametrize(
    ("option", "fault", "default"),
    [
        ("oods_timeout: 5", "oods-late:seconds=30", 120),
        ("job_timeout: 10", "ocps-slow:kind=verify", 3600),
        ("oods_timeout: 120", "oods-late:seconds=200", None),
        # A component said why, or answered in time: no limit was too short.
        ("oods_timeout: 20", "oods-status:image=1", None),
        ("oods_timeout: 20", "oods-metadata:image=1", None),
        ("job_timeout: 30", "ocps-exit:kind=verify", None),
    ],
)
def test_a_run_whose_time_limit_was_too_short_is_not_advised_to_be_resumed(
    night: Any, caplog: pytest.LogCaptureFixture, option: str, fault: str, default: int | None
) -> None:
    outcome = night(f"script_mode: BIAS\nn_bias: 2\n{option}\n", fault)
    assert outcome.state == "FAILED"
    advice = f"The run can be resumed; its directory is {outcome.folder}"
    limits = [] if default is None else [f"{option}, by default {default}"]
    assert outcome.summary["time_limits_too_short"] == limits
    if default is not None:
        advice = (
            "A time limit of the configuration was over that is shorter than by default"
            f" ({option}, by default {default})."
            f" Unless a component was at fault and works again, resuming {outcome.folder} cannot change that;"
            " start a new run."
        )
    assert advice in caplog.messages


def test_the_log_ends_with_what_a_run_that_failed_needs(
    night: Any, pipelines: Any, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = night("script_mode: BIAS\nn_bias: 2\n", "ocps-exit:kind=verify")
    assert outcome.state == "FAILED"
    assert f"The run can be resumed; its directory is {outcome.folder}" in caplog.messages
    pipelines.without_result["BIAS"] = [1]
    caplog.clear()
    resumed = night(f"resume: {outcome.folder}", part=1, begin=clock.START_TAI + 86_400)
    assert resumed.state == "FAILED"
    words = (
        "Results of BIAS are missing. Unless images have gone from the Butler, which are taken again,"
        f" resuming {outcome.folder} cannot change that; start a new run."
    )
    assert words in caplog.messages


def test_an_amplifier_without_light_has_null_gains(night: Any, pipelines: Any) -> None:
    pipelines.dark_amplifiers = ("C03",)
    outcome = night(FEW)
    for name in ("gain", "gain_corrected"):
        assert {each["amplifier"] for each in outcome.summary["gains"] if each[name] is None} == {"C03"}
    assert "NaN" not in (outcome.folder / "summary.json").read_text()


def test_a_failed_job_does_not_stop_data_taking_but_fails_the_script(night: Any) -> None:
    outcome = night(FEW, "ocps-exit:kind=verify,calibration=BIAS,code=17")
    assert outcome.state == "FAILED"
    job = outcome.summary["jobs"][0]
    for text in ("verify BIAS", job["job_id"], "exit code 17", job["log"]):
        assert text in outcome.reason
    assert job["exit_code"] == 17
    assert len(outcome.of(ExposureConfirmed)) == 8
    assert {name: each["passed"] for name, each in outcome.summary["verification"].items()} == {
        "DARK": True,
        "FLAT": True,
    }
    assert len(outcome.summary["gains"]) == 16


def test_a_job_longer_than_its_time_limit_is_aborted(night: Any) -> None:
    outcome = night(ONLY_BIAS + "job_timeout: 15")
    assert outcome.state == "FAILED"
    assert "did not end within 15 s and was aborted" in outcome.reason
    assert [each["exit_code"] for each in outcome.summary["jobs"]] == [None]
    assert len(outcome.of(ExposureConfirmed)) == 4


def test_a_command_that_ends_with_its_first_answer_may_lack_its_result(night: Any) -> None:
    outcome = night(ONLY_BIAS, "ocps-result-early", "ocps-result-late:seconds=200")
    assert outcome.state == "FAILED"
    assert "the OCPS ended the command but sent no job_result within 60 s" in outcome.reason


def test_an_image_that_the_oods_loses_ends_the_run_and_the_others_are_kept(night: Any) -> None:
    outcome = night(FEW + "oods_timeout: 10", "oods-lost:image=5")
    assert outcome.state == "FAILED"
    assert "AT_O_20250115_000005 was not confirmed by the OODS within 10 s" in outcome.reason
    exposures = outcome.summary["exposures"]
    assert 5 <= len(exposures) < 8
    assert [each["id"] - FIRST + 1 for each in exposures if not each["ingested"]] == [5]
    assert outcome.summary["verification"]["BIAS"]["passed"]
    steps = [each["step"] for each in outcome.summary["not_done"]]
    assert steps == ["verify DARK", "verify FLAT", "gains from flat pairs"]


def test_an_image_that_the_oods_refuses_is_told_with_its_words(night: Any) -> None:
    outcome = night(ONLY_BIAS + "oods_timeout: 10", "oods-status:image=2,code=3")
    assert outcome.state == "FAILED"
    words = "RXX_S00: statusCode 3: ingest failure: the disk of the archive is full (fault oods-status)"
    assert words in outcome.reason
    assert f"The OODS did not ingest AT_O_20250115_000002: {words}" in outcome.warnings()


def test_a_file_whose_header_the_oods_cannot_read_is_told_with_its_words(night: Any) -> None:
    outcome = night(ONLY_BIAS + "oods_timeout: 10", "oods-metadata:image=2")
    assert outcome.state == "FAILED"
    words = "statusCode 2: metadata failure: no translator knows this header (fault oods-metadata)"
    assert "AT_O_20250115_000002 was not confirmed by the OODS within 10 s" in outcome.reason
    assert f"of files without a name it published {words}" in outcome.reason
    assert f"The OODS did not ingest a file without a name: {words}" in outcome.warnings()


def test_a_refused_exposure_ends_the_run_and_what_was_taken_is_kept(night: Any) -> None:
    outcome = night(FEW, "take-images-refused:image=6")
    assert outcome.state == "FAILED"
    assert "ATCamera did not take the FLAT of 5 s" in outcome.reason
    assert len(outcome.of(ExposureConfirmed)) == 5
    assert set(outcome.summary["verification"]) == {"BIAS", "DARK"}
    assert [each["step"] for each in outcome.summary["not_done"]] == ["verify FLAT", "gains from flat pairs"]


def test_the_log_tells_the_operator_of_verdicts_gains_and_job_logs(good_night: Any) -> None:
    outcome = good_night
    text = "\n".join(message for _, message in outcome.log)
    for job in outcome.summary["jobs"]:
        assert job["log"] in text
    for kind in ("BIAS", "DARK", "FLAT"):
        assert f"{kind} calibration passed the overall verification criteria" in text
    assert "Mean gain [electron/adu]" in text
    assert not [message for level, message in outcome.log if level >= logging.ERROR]


def test_a_second_night_in_the_same_repository_takes_nothing_from_the_first(night: Any) -> None:
    first = night(ONLY_BIAS).summary
    second = night(ONLY_BIAS).summary
    assert second["state"] == "DONE"
    for kind, key in (("exposures", "id"), ("jobs", "job_id")):
        assert {each[key] for each in first[kind]}.isdisjoint(each[key] for each in second[kind])


def test_what_the_operator_should_know_of_the_configuration_is_a_warning(night: Any) -> None:
    outcome = night(FEW + "exp_times_flat: [3, 3, 4]\nbackground_task_timeout: 60")
    assert outcome.state == "DONE"
    text = "\n".join(outcome.warnings())
    assert "background_task_timeout" in text
    assert "no gain can be measured" in text
    assert outcome.summary["gains"] == []


def test_a_job_that_another_client_aborts_is_told_as_such_without_a_log(night: Any) -> None:
    outcome = night(ONLY_BIAS, "ocps-aborted")
    assert outcome.state == "FAILED"
    assert "exit code 255: another client of the OCPS has aborted it (job " in outcome.reason
    assert "ocps.log" not in outcome.reason


def test_jobs_that_the_ocps_lost_sight_of_are_aborted(night: Any) -> None:
    outcome = night(ONLY_BIAS, "ocps-poll")
    assert outcome.state == "FAILED"
    assert "the OCPS gave it up: Failed: 500 Server Error: Internal Server Error for url: " in outcome.reason


def test_a_header_that_is_late_makes_no_difference_and_one_too_late_is_told(night: Any) -> None:
    outcome = night(ONLY_BIAS + "oods_timeout: 20", "header-late:image=1,seconds=9", "header-lost:image=2")
    assert outcome.state == "FAILED"
    assert [each["ingested"] for each in outcome.summary["exposures"]][:2] == [True, False]
    assert "AT_O_20250115_000002 was not confirmed by the OODS" in outcome.reason
    assert "of files without a name it published statusCode 2: metadata failure: " in outcome.reason
