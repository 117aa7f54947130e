"""The scripts of LSSTComCam and LSSTCam in the ScriptQueue of the Main Telescope, to the end."""

from __future__ import annotations

from typing import Any

import pytest
from log_checks import ENOUGH, FEW, INTERNAL

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.long,  # many processes and many detectors: half a minute for each
]

QUEUE = 1
SISTERS = {
    "LSSTComCam": ("maintel/make_comcam_calibrations.py", "", [*range(9)]),
    "LSSTCam": ("maintel/make_lsstcam_calibrations.py", "detectors: [94, 0]\n", [0, 94]),
}


@pytest.mark.parametrize("name", SISTERS)
async def test_a_run_ends_done_in_either_mode(client: Any, stand: Any, name: str) -> None:
    path, detectors, numbers = SISTERS[name]
    with stand(name, "--detectors", ",".join(map(str, numbers))):
        for config in (FEW + detectors, ENOUGH + detectors + INTERNAL.format(name=name)):
            queued = await client.run(config, path)
            assert (queued.process_state, queued.script_state) == ("DONE", "DONE"), queued.reason
            for kind in ("BIAS", "DARK", "FLAT"):
                # Before it may be what failed, and is not counted: detectors are not equally bright.
                assert any(f"{kind} calibration passed" in line for line in queued.lines), queued.log
            certified = [line for line in queued.lines if f" certified in u/test/{name}" in line]
            assert len(certified) == (3 if "generate" in config else 0)
            summary = queued.summary
            assert [each["ingested"] for each in summary["exposures"]] == [True] * queued.metadata.nimages
            assert {len(each["files"]) for each in summary["exposures"]} == {len(numbers)}
            assert queued.longest_silence < 7


async def test_flats_need_a_dome_that_is_enabled_unless_it_is_ignored(client: Any, stand: Any) -> None:
    from lsst.ts import salobj

    path = SISTERS["LSSTCam"][0]
    config = (
        "script_mode: BIAS_DARK_FLAT\nn_bias: 1\nn_dark: 1\nexp_times_dark: 1\nn_flat: 2\ndetectors: [94]\n"
    )
    with stand("LSSTCam", "--detectors", "94"):
        async with salobj.Controller("MTDomeTrajectory", write_only=True) as dome:
            await dome.evt_summaryState.set_write(summaryState=salobj.State.STANDBY)
            queued = await client.run(config, path)
            assert queued.script_state == "FAILED"
            assert "MTDomeTrajectory is STANDBY; flats need it ENABLED" in queued.reason
            assert queued.summary["exposures"] == []
            queued = await client.run(config + "ignore: [mtdometrajectory]\n", path)
            assert queued.script_state == "DONE", queued.reason
