"""The script of LATISS in the real ScriptQueue, with the project's simulated components on the same bus."""

from __future__ import annotations

from typing import Any

import pytest
from told_story import ENOUGH, FEW, INTERNAL, check_that_the_log_is_the_report

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
    told = await client.run(config)
    assert (told.process_state, told.script_state) == ("DONE", "DONE")
    assert told.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "ENDING", "DONE"]
    check_that_the_log_is_the_report(told, internal=internal)
    assert any(line.startswith("SIMULATED") for line in told.lines)
    assert not any("CCS Command State" in line for line in told.lines)
    assert told.summary["state"] == "DONE"
    assert told.summary["simulated"] is True
    assert told.seconds_of_configure < 60
    assert told.longest_silence < 7


@pytest.mark.usefixtures("simulated")
async def test_a_job_that_fails_fails_the_run_after_its_last_image(client: Any) -> None:
    told = await client.run("script_mode: BIAS\nn_bias: 2\nn_processes: 9\n")
    assert told.script_state == "DONE"
    told = await client.run("script_mode: BIAS\nn_bias: 3\njob_timeout: 1\n")
    assert told.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "FAILING", "FAILED"]
    assert told.process_state == "DONE"
    assert "verify BIAS" in told.reason
    assert told.summary["state"] == "FAILED"
    assert len(told.summary["exposures"]) == 4


@pytest.mark.usefixtures("simulated")
async def test_a_bad_configuration_is_refused_with_all_its_problems(client: Any) -> None:
    told = await client.run("n_bias: -3\nno_such_option: 1\n")
    assert (told.process_state, told.script_state) == ("CONFIGURE_FAILED", "CONFIGURE_FAILED")
    assert "n_bias" in told.reason
    assert "no_such_option" in told.reason


@pytest.mark.usefixtures("simulated")
async def test_a_run_pauses_at_a_checkpoint_and_goes_on(client: Any) -> None:
    async def operator(client: Any, told: Any) -> None:
        await client.until(lambda: told.states[-1:] == ["PAUSED"])
        assert told.checkpoints[-1] == "BIAS 2 of 3, 0 s"
        await client.scripts.cmd_resume.set_start(salIndex=told.index, timeout=10)

    pause = "BIAS 2 of .*"
    told = await client.run("script_mode: BIAS\nn_bias: 2\n", operator=operator, pauseCheckpoint=pause)
    assert told.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "PAUSED", "RUNNING", "ENDING", "DONE"]
    assert len(told.summary["exposures"]) == 3


@pytest.mark.usefixtures("simulated")
async def test_a_run_stops_at_a_checkpoint(client: Any) -> None:
    told = await client.run("script_mode: BIAS\nn_bias: 2\n", stopCheckpoint="BIAS 3 of .*")
    assert told.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "STOPPING", "STOPPED"]
    assert "2 exposures were taken and are kept" in told.reason
    assert (told.process_state, len(told.summary["exposures"])) == ("DONE", 2)


@pytest.mark.usefixtures("simulated")
async def test_the_stop_button_ends_a_run_and_keeps_what_was_taken(client: Any) -> None:
    async def operator(client: Any, told: Any) -> None:
        await client.until(lambda: "BIAS 3 of 21, 0 s" in told.checkpoints)
        await client.stop(told, terminate=False)

    told = await client.run("script_mode: BIAS\n", operator=operator)
    assert told.states[-2:] == ["STOPPING", "STOPPED"]
    assert told.summary["state"] == "STOPPED"
    assert len(told.summary["exposures"]) in (2, 3, 4)


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_sigterm_ends_a_script_cleanly(client: Any, paused: bool) -> None:
    """The queue sends SIGTERM when it is told to terminate, and to a script that is paused in any case."""

    async def operator(client: Any, told: Any) -> None:
        await client.until(lambda: "BIAS 3 of 21, 0 s" in told.checkpoints)
        if paused:
            await client.until(lambda: told.states[-1] == "PAUSED")
        await client.stop(told, terminate=not paused)

    pause = "BIAS 3 of 21, 0 s" if paused else ""
    told = await client.run("script_mode: BIAS\n", operator=operator, pauseCheckpoint=pause)
    assert told.process_state == "TERMINATED"
    assert any("termination signal" in line for line in told.lines)
    (journal,) = told.folder.glob(f"runs/*-{told.index}/journal.jsonl")
    assert '"ExposureTaken"' in journal.read_text()
    assert client.tracebacks() == []


@pytest.mark.usefixtures("simulated")
async def test_the_next_run_finds_a_camera_and_an_ocps_in_order(client: Any) -> None:
    told = await client.run("script_mode: BIAS\nn_bias: 2\n")
    assert told.script_state == "DONE"
