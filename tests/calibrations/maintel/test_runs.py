"""Runs of the scripts of the main telescope on repositories without pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.maintel import MakeComCamCalibrations, MakeLSSTCamCalibrations
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components.machinery import Machinery
from lsst.ts.simulated_observatory.components.optics import usual_optics
from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
from lsst.ts.simulated_observatory.repository.ingest import ButlerIngest
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory

SHORT = "n_bias: 1\nn_dark: 1\nexp_times_dark: 5\nn_flat: 1\ndo_gain_from_flat_pairs: false\n"


class Failing:
    """A job that fails at once."""

    def __init__(self, job: Job) -> None:
        job.log.parent.mkdir(parents=True)

    def run(self) -> int:
        return 1

    def kill(self) -> None:
        """It ends by itself."""


def no_pixels(request: ExposureRequest, /) -> None:
    Path(request.path).touch()


@pytest.fixture
def run(tmp_path: Path, certify_stand_ins: Any) -> Any:
    """Run a script to its end; return its final state and its summary."""

    def do(script: type[BaseMakeCalibrations], text: str, detectors: list[int]) -> tuple[ScriptState, Any]:
        instrument = script.instrument
        repository = _repository(tmp_path / "repo", instrument, certify_stand_ins)
        machinery = Machinery(ButlerIngest(repository), Failing, make_pixels=no_pixels, processes=0)

        async def story() -> tuple[ScriptState, Any]:
            observatory = SimulatedObservatory(
                instrument,
                machinery,
                images=tmp_path / "images",
                jobs=tmp_path / "run" / "uws",
                scale=16,
                detectors=detectors,
            )
            async with salobj.Domain() as domain, salobj.Remote(domain, "Script", index=1) as remote:
                settings = RunSettings(
                    folder=tmp_path / "run",
                    jobs=tmp_path / "run" / "uws",
                    repository=repository,
                    pipelines=PIPELINES,
                )
                made = script(index=1, settings=settings)
                await made.start_task
                await remote.cmd_configure.set_start(config=f"{text}repo: {repository}\n")
                async with observatory:
                    await remote.cmd_setGroupId.set_start(groupId="2025-01-15T18:00:00.000")
                    await remote.cmd_run.set_start(timeout=10_000)
                    await made.done_task
                summary = json.loads((tmp_path / "run" / "summary.json").read_text())
                return ScriptState(made.state.state), summary

        return clock.run(story)

    return do


def _repository(path: Path, instrument: Any, certify_stand_ins: Any) -> Path:
    from lsst.daf.butler import Butler

    from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository

    create_repository(str(path), [instrument.name])
    with Butler.from_config(str(path), writeable=True) as butler:
        certify_stand_ins(
            butler,
            instrument.calibration_collection,
            filters={usual_optics(instrument).physical_filter: "r"},
            detectors=instrument.detectors,
        )
    return path


def test_every_image_of_comcam_is_confirmed_for_nine_detectors(run: Any) -> None:
    state, summary = run(MakeComCamCalibrations, f"{SHORT}do_verify: false\nfilter: g_01\n", list(range(9)))
    assert state == ScriptState.DONE
    exposures = summary["exposures"]
    assert [each["obs_id"] for each in exposures] == [f"CC_O_20250115_{n:06d}" for n in range(1, 7)]
    assert all(len(each["files"]) == 9 for each in exposures)
    assert {each["physical_filter"] for each in exposures} == {"g_01"}
    assert exposures[0]["files"][8].endswith("CC_O_20250115_000001_R22_S22.fits")


def test_lsstcam_asks_its_own_ocps_for_the_detectors_that_were_asked_for(run: Any) -> None:
    state, summary = run(MakeLSSTCamCalibrations, f"{SHORT}detectors: [94, 0]\n", [94, 0])
    assert state == ScriptState.FAILED
    assert [each["calibration"] for each in summary["jobs"]] == ["BIAS", "DARK", "FLAT"]
    for job in summary["jobs"]:
        assert job["data_query"].startswith("instrument='LSSTCam' AND detector IN (0, 94) AND exposure IN (")
        assert "-i LSSTCam/calib" in job["config"]
    assert all(len(each["files"]) == 2 for each in summary["exposures"])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            MakeComCamCalibrations,
            "filter: 'r_5' is not in CCCamera, which has i_06, r_03, g_01; did you mean r_03?",
        ),
        (
            MakeLSSTCamCalibrations,
            "filter: 'r_5' is not in MTCamera, which has z_20, i_39, g_6, y_10, r_57; did you mean r_57?",
        ),
    ],
)
def test_a_filter_that_the_camera_does_not_have_is_found_before_anything_moves(
    run: Any, script: type[BaseMakeCalibrations], reason: str
) -> None:
    state, summary = run(script, f"{SHORT}filter: r_5\n", [0])
    assert state == ScriptState.FAILED
    assert reason in summary["reason"]
    assert summary["exposures"] == []


def test_a_filter_without_flats_of_every_detector_is_found_before_anything_moves(run: Any) -> None:
    state, summary = run(MakeComCamCalibrations, f"{SHORT}filter: g_01\n", list(range(9)))
    assert state == ScriptState.FAILED
    assert (
        "LSSTComCam/calib has no combined flat of g_01 that is valid now for detectors 0, 1, 2, 3, 4, 5, 6,"
        " 7, 8 to verify against; there are flats of r_03, the nearest is r_03"
    ) in summary["reason"]
    assert summary["exposures"] == []


@pytest.mark.parametrize(
    "script", [MakeComCamCalibrations, pytest.param(MakeLSSTCamCalibrations, marks=pytest.mark.long)]
)
def test_darks_alone_are_taken_and_verified_alone(run: Any, script: type[BaseMakeCalibrations]) -> None:
    text = "script_mode: DARK\nn_dark: 2\nexp_times_dark: 5\ndetectors: [0, 3]\n"
    _, summary = run(script, text, [0, 3])
    assert [each["image_type"] for each in summary["exposures"]] == ["DARK"] * 3
    assert [(each["kind"], each["calibration"]) for each in summary["jobs"]] == [("verify", "DARK")]
