"""A script that was given no place for its run: the queue has started it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.journal.resumption import asked_for
from lsst.ts.calibrations.journal.settings import UWS_FOLDER, observatory_settings
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.pipelines import PIPELINES


def test_a_run_with_a_simulated_camera_says_so_everywhere(
    observatory: Any, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TS_CALIBRATIONS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("TS_CALIBRATIONS_UWS", str(tmp_path / "run" / "uws"))
    monkeypatch.setenv("TS_CALIBRATIONS_PIPELINES", PIPELINES)
    messages: list[str] = []

    async def take(data: Any) -> None:
        messages.append(data.message)

    async def story() -> None:
        async with observatory(), salobj.Domain() as domain, salobj.Remote(domain, "Script", 3) as remote:
            remote.evt_logMessage.callback = take
            script = MakeLatissCalibrations(index=3)
            await script.start_task
            await remote.cmd_configure.set_start(config=f"script_mode: BIAS\nn_bias: 2\nrepo: {repository}")
            await remote.cmd_setGroupId.set_start(groupId="2025-01-15T18:00:00.000")
            await remote.cmd_run.set_start()
            await script.done_task
            assert script.state.state == ScriptState.DONE

    clock.run(story)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("-3")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["simulated"] is True
    assert [Path(each["log"]).is_file() for each in summary["jobs"]] == [True]
    assert (folder / "report.txt").read_text().startswith("SIMULATED")
    assert (
        "SIMULATED: in simulation mode are ATCamera, ATSpectrograph, ATHeaderService, ATOODS, OCPS:1."
        in messages
    )


def test_without_environment_variables_the_place_is_that_of_the_observatory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TS_CALIBRATIONS_RUNS", "TS_CALIBRATIONS_UWS", "TS_CALIBRATIONS_PIPELINES"):
        monkeypatch.delenv(name, raising=False)
    settings = observatory_settings("Script", 5, 1000.0)
    assert (settings.jobs, settings.simulated, settings.pipelines) == (UWS_FOLDER, False, None)
    assert settings.folder == Path.home() / "ts_calibrations_runs" / "Script-1000-5"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("runs", "{here}/runs"),
        ("./runs/../others", "{here}/runs/../others"),
        ("~/runs", "{home}/runs"),
        ("~nobody-of-this-name/runs", "{here}/~nobody-of-this-name/runs"),
        ("/data/runs", "/data/runs"),
        ("", None),
    ],
)
def test_folders_of_the_environment_are_absolute_so_that_a_run_can_be_resumed_by_what_its_log_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, meant: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TS_CALIBRATIONS_RUNS", "TS_CALIBRATIONS_UWS"):
        monkeypatch.setenv(name, given)
    settings = observatory_settings("Script", 5, 1000.0)
    runs, jobs = Path.home() / "ts_calibrations_runs", UWS_FOLDER
    if meant is not None:
        runs = jobs = Path(meant.format(here=tmp_path, home=Path.home()))
    assert (settings.folder, settings.jobs) == (runs / "Script-1000-5", jobs)
    assert asked_for({"resume": str(settings.folder)}, []) == settings.folder
