"""The conversation with the simulated OCPS is that with the real one."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components.durations import Durations
from lsst.ts.simulated_observatory.components.job_messages import SERVICE
from lsst.ts.simulated_observatory.components.ocps import FAULT_DURATION, POLL

from .conftest import StandInProcess

QUERY = "instrument='LATISS' AND detector IN (0) AND exposure IN (2025011500002, 2025011500003)"
FIELDS = {"pipeline": "resource://x/verifyBias.yaml", "config": "-j 8 -i LATISS/calib", "data_query": QUERY}
EXACT = Durations(job_startup=20.0, job_startup_spread=0.0, job_per_image=1.0)


async def submit(here: Any, **fields: Any) -> tuple[Any, str]:
    """Submit a job; return its first acknowledgement and its id."""
    ack = await here.recorder.ocps.cmd_execute.set_start(timeout=60, wait_done=False, **(FIELDS | fields))
    return ack, json.loads(ack.result)["job_id"]


async def end(here: Any, ack: Any) -> Any:
    return await here.recorder.ocps.cmd_execute.next_ackcmd(ack, timeout=100)


def test_a_job_is_acknowledged_with_its_id_and_ends_with_a_result(observe: Any) -> None:
    async def body() -> None:
        async with observe(durations=EXACT) as here:
            ack, job_id = await submit(here)
            assert here.recorder.now() == 0.0
            assert (ack.ack, ack.timeout) == (salobj.SalRetCode.CMD_INPROGRESS, 600.0)
            assert len(job_id) == 32
            int(job_id, 16)
            assert (await end(here, ack)).ack == salobj.SalRetCode.CMD_COMPLETE
            assert here.recorder.now() == 22.0, "20 s and two exposures of one detector"
            (result,) = here.recorder.events("job_result")
            assert (result.job_id, result.exit_code) == (job_id, 0)
            (job,) = here.stand_ins.jobs
            assert (job.pipeline, job.config, job.data_query) == tuple(FIELDS.values())

    clock.run(body)


def test_the_command_completes_even_if_the_job_failed(observe: Any, stand_ins: Any) -> None:
    """Only exit_code tells; the JSON is that of the submission, as from the shipped OCPS."""
    stand_ins.job_status = 3

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            ack, job_id = await submit(here)
            assert (await end(here, ack)).ack == salobj.SalRetCode.CMD_COMPLETE
            (result,) = here.recorder.events("job_result")
            assert result.exit_code == 1
            expected = json.loads(result.result)
            assert (expected["jobId"], expected["phase"], expected["endTime"]) == (job_id, "pending", None)
            assert result.result.startswith('{\n  "jobId": "'), "with line breaks, as the execution service"
            assert expected["creationTime"] == "2025-01-15 17:59:23+00:00"
            assert expected["parameters"]["command"][:2] == ["/bin/bash", "-c"]
            environment = {item["name"]: item["value"] for item in expected["parameters"]["environment"]}
            assert environment["RUN_OPTIONS"] == "-i LATISS/raw/all -j 8 -i LATISS/calib"

    clock.run(body)


def test_jobs_of_runs_that_differ_have_other_ids_at_the_same_times(observe: Any) -> None:
    ids: list[str] = []
    times: list[float] = []

    async def body(run: str) -> None:
        async with observe(run=run) as here:
            ack, job_id = await submit(here)
            await end(here, ack)
            ids.append(job_id)
            times.append(here.recorder.now())

    for run in ("n_bias: 5", "n_bias: 6", "n_bias: 6"):
        clock.run(partial(body, run))
    assert len(set(ids)) == 2
    assert ids[1] == ids[2], "the same run again has the same"
    assert len(set(times)) == 1


def test_several_jobs_run_at_once(observe: Any) -> None:
    async def body() -> None:
        async with observe(durations=EXACT) as here:
            acks = [(await submit(here))[0] for _ in range(4)]
            await asyncio.gather(*(end(here, ack) for ack in acks))
            assert here.recorder.now() == 22.0
            assert len({data.job_id for data in here.recorder.events("job_result")}) == 4

    clock.run(body)


def test_a_job_waits_for_its_prerequisites_before_it_is_acknowledged(observe: Any, stand_ins: Any) -> None:
    """It waits for their end, not their success."""
    stand_ins.job_status = 1

    async def body() -> None:
        async with observe(stand_ins=stand_ins, durations=EXACT) as here:
            _, first = await submit(here)
            await asyncio.sleep(2)
            _, second = await submit(here)
            ack, _ = await submit(here, prereq_jobs=f"{first},{second},{'0' * 32}")
            assert here.recorder.now() == 24.0
            await end(here, ack)
            assert here.recorder.now() == 46.0

    clock.run(body)


def results(here: Any) -> list[tuple[str, int]]:
    return [(data.job_id, data.exit_code) for data in here.recorder.events("job_result")]


def test_an_aborted_job_is_deleted_and_its_command_finds_no_such_job(observe: Any, stand_ins: Any) -> None:
    stand_ins.job_status = None  # it runs until it is killed

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            ack, job_id = await submit(here)
            await asyncio.sleep(3)
            await here.recorder.ocps.cmd_abort_job.set_start(job_id=job_id, timeout=10)
            assert results(here) == [(job_id, 255)]
            assert json.loads(here.recorder.events("job_result")[0].result)["code"] == 200
            with pytest.raises(salobj.AckError) as caught:
                await end(here, ack)
            words = f"Failed: 404 Client Error: Not Found for url: {SERVICE}/{job_id}"
            assert (caught.value.ackcmd.ack, caught.value.ackcmd.result) == (
                salobj.SalRetCode.CMD_FAILED,
                words,
            )
            assert here.recorder.now() == 3.0 + POLL
            assert len(results(here)) == 1
            assert stand_ins.processes[0].killed.is_set()
            for unknown in (job_id, "0" * 32, "../uws"):
                with pytest.raises(salobj.AckError, match="404 Client Error"):
                    await here.recorder.ocps.cmd_abort_job.set_start(job_id=unknown, timeout=10)

    clock.run(body)


def test_a_job_that_has_ended_can_be_aborted_and_its_log_is_gone(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-exit:code=3") as here:
            ack, job_id = await submit(here)
            await end(here, ack)
            folder = here.stand_ins.jobs[0].folder
            assert (folder / "outs" / "ocps.log").is_file()
            await here.recorder.ocps.cmd_abort_job.set_start(job_id=job_id, timeout=10)
            assert results(here) == [(job_id, 3), (job_id, 255)]
            assert not folder.exists()

    clock.run(body)


def test_what_a_deleted_job_writes_until_its_process_has_ended_is_gone(
    observe: Any, stand_ins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins.job_status = None  # it runs until it is killed
    run = StandInProcess.run

    def run_and_write(process: StandInProcess) -> int:
        status = run(process)
        (stand_ins.jobs[0].folder / "outs" / "runinfo").mkdir(parents=True)
        return status

    monkeypatch.setattr(StandInProcess, "run", run_and_write)

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            _, job_id = await submit(here)
            await asyncio.sleep(3)
            await here.recorder.ocps.cmd_abort_job.set_start(job_id=job_id, timeout=10)
        assert not stand_ins.jobs[0].folder.exists()

    clock.run(body)


@pytest.mark.parametrize("command", ["disable", "standby"])
def test_jobs_run_on_in_any_summary_state(observe: Any, command: str) -> None:
    async def body() -> None:
        async with observe(durations=EXACT) as here:
            ack, job_id = await submit(here)
            await here.recorder.ocps.cmd_disable.set_start(timeout=10)
            if command == "standby":
                await here.recorder.ocps.cmd_standby.set_start(timeout=10)
            assert (await end(here, ack)).ack == salobj.SalRetCode.CMD_COMPLETE
            assert here.recorder.now() == 22.0
            assert results(here) == [(job_id, 0)]

    clock.run(body)


def test_an_ocps_that_goes_offline_says_nothing_of_its_jobs(observe: Any, stand_ins: Any) -> None:
    stand_ins.job_status = None

    async def body() -> None:
        async with observe("ocps-offline", stand_ins=stand_ins) as here:
            ack, _ = await submit(here)
            with pytest.raises(salobj.AckTimeoutError):
                await end(here, ack)
            assert not results(here)
            assert stand_ins.processes[0].killed.is_set()

    clock.run(body)


def test_a_job_is_taken_no_more_when_the_ocps_was_put_into_standby(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-standby", durations=EXACT) as here:
            ack, job_id = await submit(here)
            await end(here, ack)
            assert results(here) == [(job_id, 0)]
            with pytest.raises(salobj.AckError, match="STANDBY"):
                await submit(here)

    clock.run(body)


def test_a_job_runs_on_when_the_execution_service_does_not_say_how_it_is(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-poll", durations=EXACT) as here:
            ack, job_id = await submit(here)
            with pytest.raises(salobj.AckError, match="500 Server Error: Internal Server Error for url: "):
                await end(here, ack)
            assert here.recorder.now() == FAULT_DURATION
            await asyncio.sleep(5)
            await here.recorder.ocps.cmd_abort_job.set_start(job_id=job_id, timeout=10)
            assert here.stand_ins.processes[0].killed.is_set()
            assert results(here) == [(job_id, 255)]

    clock.run(body)


def test_a_job_that_another_client_aborts_has_the_exit_code_of_that(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-aborted:times=1", durations=EXACT) as here:
            ack, job_id = await submit(here)
            with pytest.raises(salobj.AckError, match="404 Client Error"):
                await end(here, ack)
            assert results(here) == [(job_id, 255)]
            assert here.recorder.now() == FAULT_DURATION + POLL

    clock.run(body)


def test_a_job_has_begun_when_its_acknowledgement_is_late(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-acknowledgement-late:seconds=12", durations=EXACT) as here:
            ack, _ = await submit(here)
            assert here.recorder.now() == 12.0
            await end(here, ack)
            assert here.recorder.now() == 22.0

    clock.run(body)


def test_a_job_that_the_execution_service_refuses_is_not_begun(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-refused") as here:
            with pytest.raises(salobj.AckError) as caught:
                await submit(here)
            words = f"Failed: 500 Server Error: Internal Server Error for url: {SERVICE}"
            assert caught.value.ackcmd.result == words
            assert not here.stand_ins.jobs

    clock.run(body)


def test_it_takes_no_job_unless_enabled(observe: Any) -> None:
    async def body() -> None:
        async with observe("component-state:component=OCPS:1,state=DISABLED") as here:
            with pytest.raises(salobj.AckError, match="DISABLED"):
                await submit(here)
            assert not here.stand_ins.jobs

    clock.run(body)


def test_an_exit_code_that_was_asked_for_is_that_of_the_right_job(observe: Any) -> None:
    async def body() -> None:
        async with observe("ocps-exit:kind=verify,calibration=DARK,code=7") as here:
            for name in ("verifyBias", "verifyDark", "cpDark"):
                ack, _ = await submit(here, pipeline=f"resource://x/{name}.yaml")
                await end(here, ack)
            assert [data.exit_code for data in here.recorder.events("job_result")] == [0, 7, 0]
            log = here.stand_ins.jobs[1].log.read_text()
            assert log.startswith("SIMULATED: the fault ocps-exit was asked for: exit code 7")

    clock.run(body)


def test_ids_and_durations_depend_on_the_seed_alone(observe: Any) -> None:
    def run(seed: int) -> tuple[str, float]:
        async def body() -> tuple[str, float]:
            async with observe(seed=seed) as here:
                ack, job_id = await submit(here)
                await end(here, ack)
                return job_id, here.recorder.now()

        return clock.run(body)

    assert run(1) == run(1)
    assert run(1)[0] != run(2)[0]
    assert run(1)[1] != run(2)[1]
    assert all(19.0 <= run(seed)[1] <= 25.0 for seed in range(5))


@pytest.mark.parametrize(
    ("faults", "files"),
    [((), "_init.yaml,LATISS.yaml"), (("ocps-configuration:instrument=LSSTCam",), "_init.yaml,LSSTCam.yaml")],
)
def test_it_says_with_which_configuration_it_was_started(
    observe: Any, faults: tuple[str, ...], files: str
) -> None:
    async def body() -> None:
        async with observe(*faults), salobj.Domain() as domain, salobj.Remote(domain, "OCPS", 1) as late:
            assert late.evt_configurationApplied.get().configurations == files

    clock.run(body)
