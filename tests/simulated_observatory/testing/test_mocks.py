"""The public doubles: components that do what a test tells them to."""

from __future__ import annotations

from functools import partial

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.testing import (
    MockCamera,
    MockCsc,
    MockOcps,
    MockOods,
    open_remote,
    run_in_simulated_time,
)


def test_a_job_of_the_ocps_is_a_function_of_the_test() -> None:
    async def main(ocps: MockOcps, remote: salobj.Remote) -> None:
        async def job(data: salobj.BaseMsgType) -> None:
            await ocps.accept(data, "7")
            await ocps.end("7", 1)

        ocps.jobs["pipeline.yaml"] = job
        ack = await remote.cmd_execute.set_start(pipeline="pipeline.yaml", version="v", wait_done=False)
        assert (ack.ack, ack.result) == (salobj.SalRetCode.CMD_INPROGRESS, '{"job_id": "7"}')
        result = await remote.evt_job_result.next(flush=False, timeout=5)
        assert (result.job_id, result.exit_code) == ("7", 1)
        await remote.cmd_abort_job.set_start(job_id="7")
        assert ([data.version for data in ocps.executed], [job for _, job in ocps.aborted]) == (["v"], ["7"])

    run_in_simulated_time(main, MockOcps, partial(open_remote, "OCPS", 1))


def test_the_oods_confirms_what_the_test_says() -> None:
    async def main(oods: MockOods, remote: salobj.Remote) -> None:
        await oods.confirm("CC_O_20250115_000001", "S11", raft="R22", code=1, text="database locked")
        data = await remote.evt_imageInOODS.next(flush=False, timeout=5)
        assert (data.camera, data.raft, data.sensor, data.statusCode) == ("LSSTComCam", "R22", "S11", 1)

    run_in_simulated_time(main, partial(MockOods, "CCOODS", "LSSTComCam"), partial(open_remote, "CCOODS"))


@pytest.mark.parametrize("omitted", [set(), {"endReadout"}])
def test_the_camera_writes_the_events_of_an_image_but_those_omitted(omitted: set[str]) -> None:
    async def main(camera: MockCamera, remote: salobj.Remote) -> float:
        camera.omitted |= omitted
        await remote.cmd_takeImages.set_start(numImages=2, expTime=5.0)
        assert remote.evt_startIntegration.get().imageName == "AT_O_20250115_000002"
        assert remote.evt_endReadout.has_data is not bool(omitted)
        ended: salobj.BaseMsgType = await remote.evt_endReadout.next(flush=True, timeout=60)
        assert ended.imageName == "AT_O_20250115_000002"
        return clock.current_tai() - clock.START_TAI

    if omitted:
        with pytest.raises(TimeoutError):
            run_in_simulated_time(main, MockCamera, partial(open_remote, "ATCamera"))
    else:
        assert run_in_simulated_time(main, MockCamera, partial(open_remote, "ATCamera")) == 12.0


def test_any_component_is_enabled_and_refuses_what_it_has_no_method_for() -> None:
    async def main(_: MockCsc, remote: salobj.Remote) -> None:
        assert (await remote.evt_summaryState.aget(timeout=5)).summaryState == salobj.State.ENABLED
        with pytest.raises(salobj.AckError, match="not supported"):
            await remote.cmd_changeFilter.set_start(filter=1)

    run_in_simulated_time(main, partial(MockCsc, "ATSpectrograph"), partial(open_remote, "ATSpectrograph"))


def test_what_a_test_needs_is_closed_when_the_test_fails() -> None:
    made: list[MockOcps] = []

    async def main(ocps: MockOcps) -> None:
        made.append(ocps)
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        run_in_simulated_time(main, MockOcps)
    assert not made[0].isopen
