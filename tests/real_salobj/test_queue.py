"""The script of LATISS in the real ScriptQueue, with the project's simulated components on the same bus."""

from __future__ import annotations

from typing import Any

import pytest
from log_checks import ENOUGH, FEW, INTERNAL, check_that_the_log_is_the_report

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def simulated(stand: Any) -> Any:
    with stand("LATISS") as program:
        yield program


@pytest.mark.usefixtures("simulated")
async def test_the_schema_is_shown_within_the_limit(client: Any) -> None:
    schema, seconds = await client.schema()
    assert "n_bias" in schema
    assert seconds < 20


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("internal", [False, True], ids=["external", "internal"])
async def test_a_run_ends_done_and_its_log_is_the_report(client: Any, internal: bool) -> None:
    config = ENOUGH + INTERNAL.format(name="done.1") if internal else FEW
    queued = await client.run(config)
    assert (queued.process_state, queued.script_state) == ("DONE", "DONE")
    assert queued.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "ENDING", "DONE"]
    check_that_the_log_is_the_report(queued, internal=internal)
    assert any(line.startswith("SIMULATED") for line in queued.lines)
    assert not any("CCS Command State" in line for line in queued.lines)
    assert queued.summary["state"] == "DONE"
    assert queued.summary["simulated"] is True
    assert queued.seconds_of_configure < 60
    assert queued.longest_silence < 7


@pytest.mark.usefixtures("simulated")
async def test_a_job_that_fails_fails_the_run_after_its_last_image(client: Any) -> None:
    queued = await client.run("script_mode: BIAS\nn_bias: 2\nn_processes: 9\n")
    assert queued.script_state == "DONE"
    queued = await client.run("script_mode: BIAS\nn_bias: 3\njob_timeout: 1\n")
    assert queued.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "FAILING", "FAILED"]
    assert queued.process_state == "DONE"
    assert "verify BIAS" in queued.reason
    assert queued.summary["state"] == "FAILED"
    assert len(queued.summary["exposures"]) == 4


@pytest.mark.usefixtures("simulated")
async def test_a_bad_configuration_is_refused_with_all_its_problems(client: Any) -> None:
    queued = await client.run("n_bias: -3\nno_such_option: 1\n")
    assert (queued.process_state, queued.script_state) == ("CONFIGURE_FAILED", "CONFIGURE_FAILED")
    assert "n_bias" in queued.reason
    assert "no_such_option" in queued.reason


@pytest.mark.usefixtures("simulated")
async def test_a_run_pauses_at_a_checkpoint_and_goes_on(client: Any) -> None:
    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: queued.states[-1:] == ["PAUSED"])
        assert queued.checkpoints[-1] == "BIAS 2 of 3, 0 s"
        await client.scripts.cmd_resume.set_start(salIndex=queued.index, timeout=10)

    pause = "BIAS 2 of .*"
    queued = await client.run("script_mode: BIAS\nn_bias: 2\n", operator=operator, pauseCheckpoint=pause)
    assert queued.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "PAUSED", "RUNNING", "ENDING", "DONE"]
    assert len(queued.summary["exposures"]) == 3


@pytest.mark.usefixtures("simulated")
async def test_a_run_stops_at_a_checkpoint(client: Any) -> None:
    queued = await client.run("script_mode: BIAS\nn_bias: 2\n", stopCheckpoint="BIAS 3 of .*")
    assert queued.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "STOPPING", "STOPPED"]
    assert "2 exposures were taken and are kept" in queued.reason
    assert (queued.process_state, len(queued.summary["exposures"])) == ("DONE", 2)


@pytest.mark.usefixtures("simulated")
async def test_the_stop_button_ends_a_run_and_keeps_what_was_taken(client: Any) -> None:
    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: "BIAS 3 of 21, 0 s" in queued.checkpoints)
        await client.stop(queued, terminate=False)

    queued = await client.run("script_mode: BIAS\n", operator=operator)
    assert queued.states[-2:] == ["STOPPING", "STOPPED"]
    assert queued.summary["state"] == "STOPPED"
    assert len(queued.summary["exposures"]) in (2, 3, 4)


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_sigterm_ends_a_script_cleanly(client: Any, paused: bool) -> None:
    """The queue sends SIGTERM when it is told to terminate, and to a script that is paused in any case."""

    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: "BIAS 3 of 21, 0 s" in queued.checkpoints)
        if paused:
            await client.until(lambda: queued.states[-1] == "PAUSED")
        await client.stop(queued, terminate=not paused)

    pause = "BIAS 3 of 21, 0 s" if paused else ""
    queued = await client.run("script_mode: BIAS\n", operator=operator, pauseCheckpoint=pause)
    assert queued.process_state == "TERMINATED"
    assert any("termination signal" in line for line in queued.lines)
    (journal,) = queued.folder.glob(f"runs/*-{queued.index}/journal.jsonl")
    assert '"ExposureTaken"' in journal.read_text()
    assert client.tracebacks() == []


@pytest.mark.usefixtures("simulated")
async def test_the_next_run_finds_a_camera_and_an_ocps_in_order(client: Any) -> None:
    queued = await client.run("script_mode: BIAS\nn_bias: 2\n")
    assert queued.script_state == "DONE"
