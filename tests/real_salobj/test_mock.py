"""The script of LATISS in the real ScriptQueue, with LATISSMock of ts_observatory_control for a camera."""

from __future__ import annotations

from typing import Any

import pytest
from log_checks import EMPTY, ENOUGH, FEW, INTERNAL, check_that_the_log_is_the_report

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("mock")]


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.long)], ids=["few", "daily"])
@pytest.mark.parametrize("internal", [False, True], ids=["external", "internal"])
async def test_a_run_with_the_camera_of_ts_observatory_control_ends_done(
    client: Any, few: bool, internal: bool
) -> None:
    config = EMPTY if not few else ENOUGH if internal else FEW
    config += INTERNAL.format(name="few" if few else "daily") if internal else ""
    queued = await client.run(config)
    assert (queued.process_state, queued.script_state) == ("DONE", "DONE"), queued.reason
    check_that_the_log_is_the_report(queued, internal=internal)
    assert [each["ingested"] for each in queued.summary["exposures"]] == [True] * queued.metadata.nimages
    assert few or queued.metadata.nimages == 65
    assert queued.longest_silence < 7
