"""The life of a script, as the ScriptQueue and LOVE see it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

Check = Callable[[Any, salobj.Remote], Awaitable[None]]


@pytest.fixture
def run_check(script_class: Callable[[int], Any]) -> Callable[[Check], None]:
    """Run a coroutine function with a script of index 7 and a remote, then wait for the end of the script."""

    def run(check: Check) -> None:
        async def main() -> None:
            async with salobj.Domain() as domain, salobj.Remote(domain, "Script", 7) as remote:
                script = script_class(7)
                await script.start_task
                await check(script, remote)
                await script.close()

        clock.run(main)

    return run


async def begin(remote: salobj.Remote, **fields: Any) -> asyncio.Task[Any]:
    """Configure the script and send run."""
    await remote.cmd_configure.set_start(**fields)
    await remote.cmd_setGroupId.set_start(groupId="2025-01-15T18:00:00.000")
    return asyncio.create_task(remote.cmd_run.set_start())


def states(remote: salobj.Remote) -> list[str]:
    """Return the states that were published so far, without repetitions."""
    names: list[str] = []
    while (data := remote.evt_state.get_oldest()) is not None:
        name = ScriptState(data.state).name
        if names[-1:] != [name]:
            names.append(name)
    return names


def test_a_script_runs_from_configuration_to_done(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        of_others = script.log.handlers[:-1]  # scripts share the logger; those that were killed stay there
        running = await begin(remote, config="steps: 3")
        metadata = remote.evt_metadata.get()
        assert (metadata.duration, metadata.nimages, metadata.filters) == (30.0, 3, "")
        assert (await running).ack == salobj.SalRetCode.CMD_COMPLETE
        await script.done_task
        assert states(remote) == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "ENDING", "DONE"]
        final = remote.evt_state.get()
        assert (final.lastCheckpoint, final.numCheckpoints, final.reason) == ("step 2", 3, "")
        assert script.cleaned
        assert (script.last_checkpoint, script.num_checkpoints) == ("step 2", 3)
        assert script.timestamps[ScriptState.ENDING] - clock.START_TAI == pytest.approx(30.004, abs=1e-6)
        assert script.log.handlers == of_others

    run_check(check)


def test_a_script_describes_itself(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        description = remote.evt_description.get()
        assert (description.classname, description.description) == ("SteppingScript", "makes steps")
        assert description.help == "step by step"

    run_check(check)


def test_the_description_names_the_remotes_of_the_script(script_class: Callable[[int], Any]) -> None:
    async def main() -> None:
        script = script_class(7)
        salobj.Remote(script.domain, "OCPS", 1)
        salobj.Remote(script.domain, "ATOODS")
        async with script, salobj.Remote(script.domain, "Script", 7) as remote:
            assert all(info.started for info in script.domain.salinfo_set)
            assert remote.evt_description.get().remotes == "ATOODS:0,OCPS:1"

    clock.run(main)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("steps: many", "'many' is not of type 'integer'"),
        ("stepss: 3", "'stepss' was unexpected"),
        ("steps: [", "expected"),
        ("3", "has no attribute 'pop'"),
        ("0", "is not a dict"),
        ("steps: 101", "too many steps"),
    ],
)
def test_a_bad_configuration_ends_the_script(
    run_check: Callable[[Check], None], config: str, reason: str
) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        with pytest.raises(salobj.AckError, match=reason):
            await remote.cmd_configure.set_start(config=config)
        await script.done_task
        assert states(remote) == ["UNCONFIGURED", "CONFIGURE_FAILED"]
        assert reason in remote.evt_state.get().reason
        assert not script.cleaned

    run_check(check)


def test_defaults_are_filled_in_and_metadata_are_left_out(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        await remote.cmd_configure.set_start(config="metadata: {author: me}", blockId="BL1", logLevel=10)
        assert vars(script.config) == {"steps": 2, "fail_cleanup": False}
        assert script.obs_id == "BL1"
        assert remote.evt_logLevel.get().level == logging.DEBUG
        with pytest.raises(
            salobj.AckError, match="Cannot configure: state=CONFIGURED instead of UNCONFIGURED"
        ):
            await remote.cmd_configure.set_start()

    run_check(check)
    assert logging.getLogger("Script").level != logging.DEBUG


def test_run_needs_a_configuration_and_a_group_id(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        with pytest.raises(salobj.AckError, match="state=UNCONFIGURED instead of CONFIGURED"):
            await remote.cmd_run.set_start()
        await remote.cmd_configure.set_start()
        with pytest.raises(salobj.AckError, match="Group ID not set"):
            await remote.cmd_run.set_start()
        with pytest.raises(RuntimeError, match="No group ID"):
            script.next_supplemented_group_id()
        await remote.cmd_setGroupId.set_start(groupId="g")
        assert [script.next_supplemented_group_id() for _ in range(2)] == ["g#1", "g#2"]

    run_check(check)


def test_a_script_pauses_at_a_checkpoint_and_resumes(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        running = await begin(remote, pauseCheckpoint="step [12]")
        await asyncio.sleep(100)
        assert script.state_name == "PAUSED"
        assert remote.evt_state.get().lastCheckpoint == "step 1"
        with pytest.raises(RuntimeError, match="state=PAUSED instead of RUNNING"):
            await script.checkpoint("from elsewhere")
        await remote.cmd_resume.set_start()
        await running
        with pytest.raises(salobj.AckError, match="Cannot resume"):
            await remote.cmd_resume.set_start()
        assert states(remote)[2:] == ["RUNNING", "PAUSED", "RUNNING", "ENDING", "DONE"]

    run_check(check)


def test_a_script_stops_at_a_checkpoint(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        await (await begin(remote, stopCheckpoint="step 1"))
        await script.done_task
        assert states(remote)[2:] == ["RUNNING", "STOPPING", "STOPPED"]
        assert script.cleaned

    run_check(check)


def test_a_checkpoint_matches_only_as_a_whole(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        await (await begin(remote, stopCheckpoint="step", pauseCheckpoint="ep 1"))
        assert script.state_name == "DONE"

    run_check(check)


def test_checkpoints_can_be_changed_on_the_way_if_they_are_valid(
    run_check: Callable[[Check], None],
) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        running = await begin(remote)
        with pytest.raises(salobj.AckError, match="not a valid regex"):
            await remote.cmd_setCheckpoints.set_start(pause="(")
        await remote.cmd_setCheckpoints.set_start(stop="step 1")
        assert remote.evt_checkpoints.get().stop == "step 1"
        await running
        assert script.state_name == "STOPPED"

    run_check(check)


@pytest.mark.parametrize("pause", ["", ".*"])
def test_stop_ends_a_script_that_runs_or_is_paused(run_check: Callable[[Check], None], pause: str) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        running = await begin(remote, pauseCheckpoint=pause)
        await asyncio.sleep(5)
        await remote.cmd_stop.set_start()
        await running
        await script.done_task
        assert states(remote)[-2:] == ["STOPPING", "STOPPED"]
        assert script.cleaned
        assert clock.current_tai() - clock.START_TAI < 7

    run_check(check)


def test_stop_before_the_run_needs_no_cleanup(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        await remote.cmd_stop.set_start()
        await remote.cmd_stop.set_start()
        assert states(remote) == ["UNCONFIGURED", "STOPPING", "STOPPED"]
        assert not script.cleaned
        with pytest.raises(salobj.AckError, match="script is exiting"):
            await remote.cmd_configure.set_start()

    run_check(check)


@pytest.mark.parametrize("fail", ["expected", "broken"])
def test_an_exception_fails_the_script_with_its_text(run_check: Callable[[Check], None], fail: str) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        running = await begin(remote, config=f"fail: {fail}")
        assert (await running).ack == salobj.SalRetCode.CMD_COMPLETE
        await script.done_task
        assert states(remote)[-2:] == ["FAILING", "FAILED"]
        assert "Error in run: " in remote.evt_state.get().reason
        assert "bad end" in remote.evt_state.get().reason
        assert script.cleaned
        tracebacks = []
        while (line := remote.evt_logMessage.get_oldest()) is not None:
            tracebacks += [line.traceback] if line.traceback else []
        assert len(tracebacks) == (fail == "broken")

    run_check(check)


def test_a_cleanup_that_fails_fails_the_script(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        await (await begin(remote, config="{fail: expected, fail_cleanup: true}"))
        with pytest.raises(RuntimeError, match="cleanup is broken"):
            await script.done_task
        assert script.state_name == "FAILED"
        assert script.state.reason == "Error in run: bad end; failed in _exit: cleanup is broken"

    run_check(check)


def test_the_heart_of_a_script_beats_every_five_seconds(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        stamps = [(await remote.evt_heartbeat.next(flush=True)).private_sndStamp for _ in range(3)]
        assert stamps == [clock.START_TAI + 5, clock.START_TAI + 10, clock.START_TAI + 15]

    run_check(check)


def test_every_log_line_is_published_in_order_from_any_thread(
    run_check: Callable[[Check], None],
) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        script.log.debug("not for the operator")
        script.log.info("same")
        script.log.info("same")
        await asyncio.to_thread(script.log.warning, "from %s", "a thread")
        try:
            raise KeyError("lost")
        except KeyError:
            script.log.exception("oh")
        script.log.getChild("LATISS").error("from a child")
        await asyncio.sleep(0)
        lines = []
        while (data := remote.evt_logMessage.get_oldest()) is not None:
            lines.append((data.level, data.message, "KeyError: 'lost'" in data.traceback))
        assert lines == [
            (20, "same", False),
            (20, "same", False),
            (30, "from a thread", False),
            (40, "oh", True),
            (40, "from a child", False),
        ]

    run_check(check)


def test_sigterm_ends_the_script_at_once_without_cleanup(run_check: Callable[[Check], None]) -> None:
    async def check(script: Any, remote: salobj.Remote) -> None:
        await begin(remote, config="steps: 100")
        await asyncio.sleep(5)
        signal.raise_signal(signal.SIGTERM)
        await script.done_task
        assert script.state_name == "RUNNING"
        await script.close()
        assert not script.cleaned

    run_check(check)


def test_two_scripts_run_side_by_side(script_class: Callable[[int], Any]) -> None:
    async def main() -> None:
        async with salobj.Domain() as domain:
            remotes = [salobj.Remote(domain, "Script", index) for index in (7, 8)]
            scripts = [script_class(index) for index in (7, 8)]
            starting = [remote.start_task for remote in remotes] + [script.start_task for script in scripts]
            await asyncio.gather(*starting)
            await asyncio.gather(*[await begin(remote) for remote in remotes])
            await asyncio.gather(*(script.done_task for script in scripts))
            for remote, script in zip(remotes, scripts, strict=True):
                assert remote.evt_state.get().state == ScriptState.DONE
                lines = []
                while (data := remote.evt_logMessage.get_oldest()) is not None:
                    lines.append(data.message)
                assert lines.count("step 0") == 1  # the line of the other repeats it
                assert script.log.name == "Script"

    clock.run(main)


def test_index_0_would_hear_the_commands_of_all(script_class: Callable[[int], Any]) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="nonzero"):
            script_class(0)

    clock.run(main)
