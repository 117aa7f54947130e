"""Jobs of the OCPS: each gets its own result, whenever it comes, and none is left to itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.components.ocps import FIRST_ACK_TIMEOUT, RESULT_GRACE, OcpsClient
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.errors import ProcessingError
from lsst.ts.calibrations.domain.jobs import JobRequest
from lsst.ts.simulated_observatory import clock


def job(pipeline: str = "bias") -> JobRequest:
    return JobRequest(
        kind=StepKind.VERIFY,
        calibration=pipeline.upper(),
        pipeline=pipeline,
        config="-j 1",
        data_query="exposure IN (1)",
    )


def now() -> float:
    return asyncio.get_running_loop().time()


async def run(client: OcpsClient, pipeline: str = "bias", timeout: float = 3600) -> tuple[str, int]:
    return await client.run(job(pipeline), timeout=timeout, on_submitted=lambda job_id: None)


@pytest.mark.parametrize("exit_code", [0, 1, 137])
def test_a_job_ends_with_its_exit_code_though_the_command_always_completes(
    with_ocps: Any, exit_code: int
) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(30)
            await ocps.end("b1", exit_code)

        ocps.jobs["bias"] = bias
        assert await run(OcpsClient(remote)) == ("b1", exit_code)
        assert ocps.aborted == []

    with_ocps(story)


def test_the_job_reaches_the_ocps_as_it_was_asked_for_and_its_id_is_told_while_it_runs(
    with_ocps: Any,
) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await asyncio.sleep(5)
            await ocps.accept(data, "b1")
            await asyncio.sleep(30)
            await ocps.end("b1", 0)

        ocps.jobs["bias"] = bias
        begin, submitted = now(), list[tuple[str, float]]()
        await OcpsClient(remote).run(
            job(), timeout=60, on_submitted=lambda job_id: submitted.append((job_id, now() - begin))
        )
        ((job_id, seconds),) = submitted
        assert job_id == "b1"
        assert seconds == pytest.approx(5, abs=0.1)
        (data,) = ocps.executed
        assert (data.pipeline, data.config, data.data_query) == ("bias", "-j 1", "exposure IN (1)")

    with_ocps(story)


def test_a_job_of_which_nothing_could_be_written_down_is_aborted(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(30)

        def full(job_id: str) -> None:
            raise OSError(28, "No space left on device")

        ocps.jobs["bias"] = bias
        with pytest.raises(OSError, match="No space left on device"):
            await OcpsClient(remote).run(job(), timeout=60, on_submitted=full)
        assert [each for _, each in ocps.aborted] == ["b1"]

    with_ocps(story)


def test_a_result_that_comes_before_the_job_id_is_not_lost(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.end("b1", 4)
            await asyncio.sleep(1)
            await ocps.accept(data, "b1")
            await asyncio.sleep(1000)

        ocps.jobs["bias"] = bias
        begin = now()
        assert await run(OcpsClient(remote)) == ("b1", 4)
        assert now() - begin < 5

    with_ocps(story)


def test_results_of_other_jobs_are_not_taken_for_ours(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.end("of yesterday", 1)
            await ocps.accept(data, "b1")
            await ocps.end("of someone else", 1)
            await asyncio.sleep(10)
            await ocps.end("of someone else again", 0)
            await asyncio.sleep(10)
            await ocps.end("b1", 0)

        ocps.jobs["bias"] = bias
        begin = now()
        assert await run(OcpsClient(remote)) == ("b1", 0)
        assert now() - begin == pytest.approx(20, abs=0.1)

    with_ocps(story)


def test_our_result_is_found_among_hundreds_that_came_at_the_same_time(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.end("b1", 0)
            for number in range(500):
                await ocps.end(f"foreign {number}", 1)
                await asyncio.sleep(0)
            await ocps.accept(data, "b1")

        ocps.jobs["bias"] = bias
        assert await run(OcpsClient(remote)) == ("b1", 0)

    with_ocps(story)


def test_two_jobs_at_once_may_end_in_the_other_order(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        def lasting(job_id: str, seconds: float, exit_code: int) -> Any:
            async def run_it(data: Any) -> None:
                await ocps.accept(data, job_id)
                await asyncio.sleep(seconds)
                await ocps.end(job_id, exit_code)

            return run_it

        ocps.jobs.update(flat=lasting("f1", 60, 0), gain=lasting("g1", 20, 9))
        client, ended = OcpsClient(remote), []

        async def one(pipeline: str) -> None:
            ended.append(await run(client, pipeline))

        await asyncio.gather(one("flat"), one("gain"))
        assert ended == [("g1", 9), ("f1", 0)]

    with_ocps(story)


def test_a_result_may_come_a_while_after_the_command_has_ended(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        late: list[asyncio.Task[None]] = []

        async def tell_late() -> None:
            await asyncio.sleep(RESULT_GRACE - 5)
            await ocps.end("b1", 0)

        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            late.append(asyncio.create_task(tell_late()))

        ocps.jobs["bias"] = bias
        assert await run(OcpsClient(remote)) == ("b1", 0)
        assert ocps.aborted == []

    with_ocps(story)


def test_a_lost_result_is_an_error_after_a_grace_time_and_the_job_is_aborted(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(30)

        ocps.jobs["bias"] = bias
        begin = now()
        with pytest.raises(
            ProcessingError, match=r"verify BIAS \(job b1\).*sent no job_result within 60 s"
        ) as caught:
            await run(OcpsClient(remote))
        assert caught.value.job_id == "b1"
        assert [(round(when - begin), name) for when, name in ocps.aborted] == [(30 + RESULT_GRACE, "b1")]

    with_ocps(story)


def test_a_job_that_takes_too_long_is_aborted(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(100_000)

        ocps.jobs["bias"] = bias
        begin = now()
        with pytest.raises(ProcessingError, match="did not end within 900 s and was aborted"):
            await run(OcpsClient(remote), timeout=900)
        assert [(round(when - begin), name) for when, name in ocps.aborted] == [(900, "b1")]

    with_ocps(story)


def test_a_job_may_take_longer_than_the_acknowledgement_promised(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(3500)
            await ocps.end("b1", 0)

        ocps.jobs["bias"] = bias
        assert await run(OcpsClient(remote), timeout=3600) == ("b1", 0)

    with_ocps(story)


def test_a_refused_job_says_why(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            raise salobj.ExpectedError("no such pipeline")

        ocps.jobs["bias"] = bias
        submitted: list[str] = []
        with pytest.raises(ProcessingError, match="the OCPS refused it: Failed: no such pipeline") as caught:
            await OcpsClient(remote).run(job(), timeout=60, on_submitted=submitted.append)
        assert (caught.value.job_id, submitted) == (None, [])

    with_ocps(story)


def test_a_job_that_the_ocps_gives_up_is_an_error_that_says_so(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(10)
            raise salobj.ExpectedError("the OCPS is DISABLED")

        ocps.jobs["bias"] = bias
        with pytest.raises(ProcessingError, match=r"gave it up: .*the OCPS is DISABLED"):
            await run(OcpsClient(remote))

    with_ocps(story)


def test_a_job_without_id_is_an_error(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.cmd_execute.ack_in_progress(data, timeout=600, result="on its way")

        ocps.jobs["bias"] = bias
        with pytest.raises(ProcessingError, match="without a job id: 'on its way'"):
            await run(OcpsClient(remote))

    with_ocps(story)


def test_an_ocps_that_is_not_there_is_an_error(with_ocps: Any) -> None:
    async def story() -> None:
        async with salobj.Domain() as domain, salobj.Remote(domain, "OCPS", 1) as remote:
            begin = now()
            with pytest.raises(ProcessingError, match="did not answer within 120 s"):
                await run(OcpsClient(remote))
            assert now() - begin == pytest.approx(FIRST_ACK_TIMEOUT, abs=1)

    clock.run(story)


def test_an_ocps_that_dies_during_a_job_is_an_error_at_the_time_limit(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            ocps.dying = asyncio.create_task(ocps.close())
            await asyncio.sleep(100_000)

        ocps.jobs["bias"] = bias
        with pytest.raises(ProcessingError, match="did not end within 900 s"):
            await run(OcpsClient(remote), timeout=900)

    with_ocps(story)


def test_who_stops_waiting_aborts_the_job(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await asyncio.sleep(100_000)

        ocps.jobs["bias"] = bias
        waiting = asyncio.ensure_future(run(OcpsClient(remote)))
        await asyncio.sleep(10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [name for _, name in ocps.aborted] == ["b1"]

    with_ocps(story)


def test_a_job_stopped_before_its_id_is_known_is_aborted_too(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await asyncio.sleep(3)
            await ocps.accept(data, "b1")
            await asyncio.sleep(100_000)

        ocps.jobs["bias"] = bias
        waiting = asyncio.ensure_future(run(OcpsClient(remote)))
        await asyncio.sleep(2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(10)
        assert [name for _, name in ocps.aborted] == ["b1"]

    with_ocps(story)


def test_a_job_of_before_has_the_end_that_the_ocps_told_last(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        client = OcpsClient(remote)
        await ocps.end("b1", 3)
        await asyncio.sleep(1)
        assert await client.settle("b1") == 3
        assert ocps.aborted == []

    with_ocps(story)


def test_a_job_of_before_whose_end_is_not_known_is_aborted(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        client = OcpsClient(remote)
        await ocps.end("another", 0)
        await asyncio.sleep(1)
        assert await client.settle("b1") is None
        assert [job_id for _, job_id in ocps.aborted] == ["b1"]

    with_ocps(story)


def test_a_job_that_ends_by_its_abort_is_one_that_took_too_long(with_ocps: Any) -> None:
    """The OCPS finds no such job any more before it has answered to the abort."""

    async def story(ocps: Any, remote: Any) -> None:
        deleted = asyncio.Event()

        async def bias(data: Any) -> None:
            await ocps.accept(data, "b1")
            await deleted.wait()
            raise salobj.ExpectedError("404 Client Error: Not Found")

        async def abort(_: Any) -> None:
            deleted.set()
            await asyncio.sleep(1)

        ocps.jobs["bias"] = bias
        ocps.cmd_abort_job.callback = abort
        with pytest.raises(ProcessingError, match="did not end within 900 s and was aborted"):
            await run(OcpsClient(remote), timeout=900)

    with_ocps(story)


def test_a_job_that_is_acknowledged_too_late_is_aborted(with_ocps: Any) -> None:
    async def story(ocps: Any, remote: Any) -> None:
        async def bias(data: Any) -> None:
            await asyncio.sleep(FIRST_ACK_TIMEOUT + 50)
            await ocps.accept(data, "b1")
            await asyncio.sleep(100_000)

        ocps.jobs["bias"] = bias
        client = OcpsClient(remote)
        with pytest.raises(ProcessingError, match="did not answer within 120 s"):
            await run(client)
        assert ocps.aborted == []
        await asyncio.sleep(60)
        assert [name for _, name in ocps.aborted] == ["b1"]

    with_ocps(story)
