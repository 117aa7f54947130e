"""Base class of SAL scripts: what the ScriptQueue starts, configures and runs."""

from __future__ import annotations

import abc
import argparse
import asyncio
import re
import signal
import sys
import threading
import types
from collections.abc import Sequence
from typing import Any, Self

import yaml

from ..clock import current_tai
from .controller import Controller
from .enums import MetadataCoordSys, MetadataDome, MetadataRotSys, ScriptState
from .errors import ExpectedError
from .messages import BaseMsgType
from .validator import DefaultingValidator

__all__ = ["BaseScript"]

_HEARTBEAT_INTERVAL = 5.0  # s
_STATE_INTERVAL = 0.001  # s; pause after a new state, so that others see it before the next one

_FINAL = {
    ScriptState.ENDING: ScriptState.DONE,
    ScriptState.STOPPING: ScriptState.STOPPED,
    ScriptState.FAILING: ScriptState.FAILED,
    ScriptState.CONFIGURE_FAILED: ScriptState.CONFIGURE_FAILED,
}


class BaseScript(Controller, abc.ABC):
    """A script: configured once, run once, then closed.

    Parameters
    ----------
    index, descr, help
        SAL index, not 0; what the script does, in a few words, and at length.
    """

    def __init__(self, index: int, descr: str, help: str = "") -> None:
        if index == 0:
            raise ValueError("index must be nonzero")
        schema = self.get_schema()
        self.config_validator = None if schema is None else DefaultingValidator(schema)
        self.num_checkpoints, self.last_checkpoint = 0, ""
        self.timestamps: dict[ScriptState, float] = {}  # TAI at which each state was entered (s)
        self._sub_group_id = 0
        self._is_exiting = False
        self._run_task: asyncio.Task[None] | None = None
        self._close_task: asyncio.Task[None] | None = None
        self._pause: asyncio.Future[None] | None = None
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self.signal_handler)
        super().__init__("Script", index, do_callbacks=True)
        self.evt_description.set(classname=type(self).__name__, description=str(descr), help=str(help))

    @classmethod
    @abc.abstractmethod
    def get_schema(cls) -> dict[str, Any] | None:
        """Return the JSON schema of the configuration; None if there is nothing to configure."""

    @abc.abstractmethod
    async def configure(self, config: types.SimpleNamespace) -> None:
        """Take the configuration: options as attributes, validated, with defaults.

        Parameters
        ----------
        config : SimpleNamespace
        """

    @abc.abstractmethod
    def set_metadata(self, metadata: BaseMsgType) -> None:
        """Set what is known of duration, images, instrument and so on; called after `configure`.

        Parameters
        ----------
        metadata
            The sample of the ``metadata`` event, to be changed.
        """

    @abc.abstractmethod
    async def run(self) -> None:
        """Do the work. An exception fails the script; an ExpectedError does so without a traceback."""

    async def cleanup(self) -> None:
        """Tidy up after `run`, whether it ended, was stopped or failed; not after SIGTERM or SIGKILL."""

    @classmethod
    def make_from_cmd_line(cls, **kwargs: Any) -> Self | None:
        """Make the script from the command line, ``INDEX [--schema]``.

        Parameters
        ----------
        kwargs
            Arguments of the class, without ``index``.

        Returns
        -------
        script
            None with ``--schema``: the schema has been printed.

        Raises
        ------
        RuntimeError
            An index is among the arguments.
        """
        if "index" in kwargs:
            raise RuntimeError(f"index must not appear in {kwargs=}")
        parser = argparse.ArgumentParser(description=f"Run {cls.__name__}")
        parser.add_argument("index", type=int, help="SAL index; not 0, and unique among all scripts")
        parser.add_argument("--schema", action="store_true", help="print the configuration schema and quit")
        arguments = parser.parse_args()
        if not arguments.schema:
            return cls(index=arguments.index, **kwargs)
        if (schema := cls.get_schema()) is not None:
            print(yaml.safe_dump(schema))
        return None

    @classmethod
    async def amain(cls, **kwargs: Any) -> None:
        """Run the script from the command line; exit with 1 if it ends in any state but DONE or STOPPED.

        Parameters
        ----------
        kwargs
            As `make_from_cmd_line`.
        """
        if (script := cls.make_from_cmd_line(**kwargs)) is None:
            return
        try:
            await script.done_task
            await script.close()
        except Exception as error:
            script.log.error(f"cleanup failed: {error!r}")
            sys.exit(1)
        if script.state.state not in (ScriptState.DONE, ScriptState.STOPPED):
            sys.exit(1)

    @property
    def checkpoints(self) -> BaseMsgType:
        """Regular expressions ``pause`` and ``stop``."""
        data: BaseMsgType = self.evt_checkpoints.data
        return data

    @property
    def group_id(self) -> str:
        """Group ID, or an empty string."""
        return str(self.evt_state.data.groupId)

    @property
    def obs_id(self) -> str:
        """Block ID, or an empty string."""
        return str(self.evt_state.data.blockId)

    @property
    def state(self) -> BaseMsgType:
        """The ``state`` event: ``state``, ``reason``, ``lastCheckpoint``, ``numCheckpoints`` and so on."""
        data: BaseMsgType = self.evt_state.data
        return data

    @property
    def state_name(self) -> str:
        """Name of the state."""
        return ScriptState(self.state.state).name

    def next_supplemented_group_id(self) -> str:
        """Return the group ID with a number that grows at each call.

        Raises
        ------
        RuntimeError
            There is no group ID.
        """
        if not self.group_id:
            raise RuntimeError("No group ID")
        self._sub_group_id += 1
        return f"{self.group_id}#{self._sub_group_id}"

    def assert_state(self, action: str, states: Sequence[ScriptState]) -> None:
        """Check that the script is in one of some states and not exiting.

        Parameters
        ----------
        action, states
            What is to be done, for the message, and the states in which it can be.

        Raises
        ------
        ExpectedError
            It is not, or it is exiting.
        """
        if self._is_exiting:
            raise ExpectedError(f"Cannot {action}: script is exiting")
        if self.state.state not in states:
            names = ", ".join(state.name for state in states)
            raise ExpectedError(f"Cannot {action}: state={self.state_name} instead of {names}")

    async def start(self) -> None:
        """Start the topics and the heartbeat; report state and description."""
        await super().start()
        self._beat_after(_HEARTBEAT_INTERVAL)
        remotes = [info for info in self.domain.salinfo_set if info is not self.salinfo]
        await asyncio.gather(*(info.start_task for info in remotes))
        await self.evt_state.set_write(state=ScriptState.UNCONFIGURED)
        await self.evt_description.set_write(
            remotes=",".join(sorted({f"{info.name}:{info.index}" for info in remotes})), force_output=True
        )

    async def set_state(
        self,
        state: ScriptState | int | None = None,
        reason: str | None = None,
        keep_old_reason: bool = False,
        force_output: bool = False,
    ) -> None:
        """Report a state.

        Parameters
        ----------
        state, reason
            New state and the reason for it; None for the present ones.
        keep_old_reason, force_output
            Append the reason to the present one? Write the event even if nothing changed?
        """
        if keep_old_reason and reason is not None and self.state.reason:
            reason = f"{self.state.reason}; {reason}"
        if state is not None:
            state = ScriptState(state)
            self.timestamps[state] = current_tai()
        fields = {"lastCheckpoint": self.last_checkpoint, "numCheckpoints": self.num_checkpoints}
        await self.evt_state.set_write(state=state, reason=reason, force_output=force_output, **fields)

    def signal_handler(self) -> None:
        """End at once, without `cleanup`, on SIGINT or SIGTERM."""
        self.log.info("Handling termination signal.")
        if not self.done_task.done():
            self.done_task.set_result(None)

    async def close_tasks(self) -> None:
        """End heartbeat, pause and run."""
        self._is_exiting = True
        await super().close_tasks()
        for task in (self._run_task, self._pause):
            if task is not None:
                task.cancel()

    async def checkpoint(self, name: str = "") -> None:
        """Pause or stop here if that was asked for; call it from `run` only.

        Parameters
        ----------
        name
            Name of the checkpoint, matched with the regular expressions of `checkpoints`.

        Raises
        ------
        RuntimeError
            The script is not RUNNING.
        asyncio.CancelledError
            The script shall stop here.
        """
        if self.state.state != ScriptState.RUNNING:
            raise RuntimeError(
                f"checkpoint error: state={self.state_name} instead of RUNNING; "
                "was checkpoint called from elsewhere than `run`?"
            )
        if self._run_task is None or self._run_task.done():
            raise RuntimeError("checkpoint error: `run` is not under way")
        self.num_checkpoints += 1
        self.last_checkpoint = name
        if re.fullmatch(self.checkpoints.stop, name):
            await self.set_state(ScriptState.STOPPING)
            raise asyncio.CancelledError(f"checkpoint {name} matches {self.checkpoints.stop}")
        if re.fullmatch(self.checkpoints.pause, name):
            self._pause = asyncio.get_running_loop().create_future()
            await self.set_state(ScriptState.PAUSED)
            await self._pause
            await self.set_state(ScriptState.RUNNING)
        else:
            await self.set_state(force_output=True)
            await asyncio.sleep(_STATE_INTERVAL)

    async def do_configure(self, data: BaseMsgType) -> None:
        """Configure the script from UNCONFIGURED; a bad configuration ends it in CONFIGURE_FAILED."""
        self.assert_state("configure", [ScriptState.UNCONFIGURED])
        try:
            await self.configure(types.SimpleNamespace(**self._read_config(data.config)))
        except Exception as error:
            message = f"config({data.config}) failed"
            self.log.exception(message)
            await self.set_state(ScriptState.CONFIGURE_FAILED, reason=f"{message}: {error}")
            await self._exit()
            raise ExpectedError(f"{message}: {error}") from error
        await self._set_checkpoints(pause=data.pauseCheckpoint, stop=data.stopCheckpoint)
        if data.logLevel != 0:
            self.log.setLevel(data.logLevel)
            await self.put_log_level()
        system, rotation = MetadataCoordSys.NONE, MetadataRotSys.NONE
        self.evt_metadata.set(coordinateSystem=system, rotationSystem=rotation, dome=MetadataDome.EITHER)
        self.evt_metadata.set(filters="", duration=0)
        self.set_metadata(metadata=self.evt_metadata.data)
        self.evt_state.set(blockId=data.blockId)
        await self.evt_metadata.write()
        await self.set_state(ScriptState.CONFIGURED)
        await asyncio.sleep(_STATE_INTERVAL)

    async def do_setGroupId(self, data: BaseMsgType) -> None:  # noqa: N802
        """Set the group ID; only in CONFIGURED."""
        self.assert_state("setGroupId", [ScriptState.CONFIGURED])
        await self.evt_state.set_write(groupId=data.groupId, force_output=True)
        self._sub_group_id = 0

    async def do_setCheckpoints(self, data: BaseMsgType) -> None:  # noqa: N802
        """Set the checkpoints at which to pause and stop."""
        states = [ScriptState.UNCONFIGURED, ScriptState.CONFIGURED, ScriptState.RUNNING, ScriptState.PAUSED]
        self.assert_state("setCheckpoints", states)
        await self._set_checkpoints(pause=data.pause, stop=data.stop)

    async def do_run(self, data: BaseMsgType) -> None:
        """Run the script to its end; it must be CONFIGURED and have a group ID."""
        self.assert_state("run", [ScriptState.CONFIGURED])
        if not self.group_id:
            raise ExpectedError("Group ID not set")
        try:
            await self.set_state(ScriptState.RUNNING)
            self._run_task = asyncio.get_running_loop().create_task(self.run())
            await self._run_task
            await self.set_state(ScriptState.ENDING)
        except asyncio.CancelledError:
            if self.state.state != ScriptState.STOPPING:
                await self.set_state(ScriptState.STOPPING)
        except Exception as error:
            if not isinstance(error, ExpectedError):
                self.log.exception("Error in run")
            await self.set_state(ScriptState.FAILING, reason=f"Error in run: {error}")
        await asyncio.sleep(_STATE_INTERVAL)
        await self._exit()

    async def do_resume(self, data: BaseMsgType) -> None:
        """Go on from PAUSED."""
        self.assert_state("resume", [ScriptState.PAUSED])
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    async def do_stop(self, data: BaseMsgType) -> None:
        """Stop at once: cancel `run`, or end the script if it does not run."""
        if self._is_exiting:
            return
        if self._run_task is not None and not self._run_task.done():
            self._run_task.cancel()
        else:
            await self.set_state(state=ScriptState.STOPPING)
            await self._exit()

    def _read_config(self, text: str) -> dict[str, Any]:
        if self.config_validator is None:
            if text:
                raise RuntimeError(f"This script has no configuration so config={text} must be empty.")
            return {}
        config = yaml.safe_load(text) if text else {}
        if config:
            config.pop("metadata", None)
        return self.config_validator.validate(config)

    async def _set_checkpoints(self, *, pause: str, stop: str) -> None:
        for kind, pattern in (("pause", pause), ("stop", stop)):
            try:
                re.compile(pattern)
            except Exception as error:
                raise ExpectedError(f"{kind}={pattern!r} not a valid regex: {error}") from error
        await self.evt_checkpoints.set_write(pause=pause, stop=stop, force_output=True)

    async def _exit(self) -> None:
        """Clean up if the script ran, report the final state, and close."""
        if self._is_exiting:
            return
        self._is_exiting = True
        failure: Exception | None = None
        try:
            if self._run_task is not None:
                await self.cleanup()
            final = _FINAL.get(ScriptState(self.state.state))
            reason = None if final else f"unexpected state for _exit {self.state_name}"
            self.log.info(f"Setting final state to {final or ScriptState.FAILED!r}")
            await self.set_state(final or ScriptState.FAILED, reason=reason, keep_old_reason=True)
        except Exception as error:
            failure = error
            if not isinstance(error, ExpectedError):
                self.log.exception("Error in run")
            await self.set_state(ScriptState.FAILED, reason=f"failed in _exit: {error}", keep_old_reason=True)
        closing = self.close() if failure is None else self.close(exception=failure)
        self._close_task = asyncio.get_running_loop().create_task(closing)
