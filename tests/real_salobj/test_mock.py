"""The script of LATISS in the real ScriptQueue, with LATISSMock of ts_observatory_control for a camera."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.timeout(900)

FEW = "n_bias: 2\nn_dark: 1\nexp_times_dark: 0.1\nn_flat: 2\nexp_times_flat: 0.2\n"
INTERNAL = """
generate_calibrations: true
calib_collection: LATISS/calib/u/test/mock.1
certify_calib_begin_date: "2020-01-01"
certify_calib_end_date: "2050-01-01"
"""


@pytest.fixture(scope="module", autouse=True)
def mock(stand: Any) -> Any:
    with stand("mock") as program:
        yield program


@pytest.mark.parametrize("internal", [False, True], ids=["external", "internal"])
async def test_a_run_with_the_camera_of_ts_observatory_control_ends_done(client: Any, internal: bool) -> None:
    told = await client.run(FEW + (INTERNAL if internal else ""))
    assert (told.process_state, told.script_state) == ("DONE", "DONE"), told.log
    for kind in ("BIAS", "DARK", "FLAT"):
        assert any(line.startswith(f"{kind} calibration passed") for line in told.lines), told.log
    certified = [line for line in told.lines if " certified in LATISS/calib/u/test/mock.1" in line]
    assert len(certified) == (3 if internal else 0)
    assert [each["ingested"] for each in told.summary["exposures"]] == [True] * 8
    assert told.longest_silence < 7
