"""Base class of tests of scripts, with the methods that authors of scripts know."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import datetime
import itertools
import logging
import os
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Protocol

import yaml

from .. import embedded_sal as sal
from ..clock import SimulatedLoop, current_tai
from ..embedded_sal.enums import ScriptState

__all__ = ["BaseScriptTestCase"]

MAKE_TIMEOUT = 90.0
"""Simulated seconds that a script and its surroundings may take to start, and to close."""

_TIMEOUT = 60.0
"""Seconds that an executable may take, as the ScriptQueue gives it to load."""

_CODE = f"""
from lsst.ts.simulated_observatory.sal_names import use_embedded_sal
use_embedded_sal()
import sys
from {__name__} import _start
sys.exit(_start(*sys.argv[1:]))
"""
"""Program of the process: it is given the path of the executable and the SAL index."""


class _Item(Protocol):
    """What a test makes: a script, a remote, a controller, a group of remotes, simulated components..."""

    @property
    def start_task(self) -> Awaitable[Any]: ...

    def close(self) -> Coroutine[Any, Any, Any]: ...


class BaseScriptTestCase(abc.ABC):
    """Makes, configures and runs a script in simulated time; to be mixed into a test case.

    A test case inherits from this and, after it, from `unittest.IsolatedAsyncioTestCase`, and says in
    `basic_make_script` what it needs. A test is a coroutine::

        async with self.make_script():
            await self.configure_script(n=2)
            await self.run_script()

    Attributes
    ----------
    script
        The script, which `basic_make_script` sets.
    """

    script: sal.BaseScript
    _indices: ClassVar = itertools.count(1)

    loop_factory = SimulatedLoop
    """Of `unittest.IsolatedAsyncioTestCase`, from Python 3.13 on: the loop that tests run on."""

    if sys.version_info < (3, 13):

        def _setupAsyncioRunner(self) -> None:  # noqa: N802
            """Make the runner; these versions have no public way to say on which loop."""
            self._asyncioRunner = asyncio.Runner(debug=True, loop_factory=self.loop_factory)

    @abc.abstractmethod
    async def basic_make_script(self, index: int) -> Sequence[_Item]:
        """Make the script as ``self.script``, and all that it needs.

        Parameters
        ----------
        index
            SAL index for the script.

        Returns
        -------
        items
            The script, simulated components, remotes...: everything to be started, and closed at the end.
        """

    async def close(self) -> None:  # noqa: B027 (nothing to do is the rule)
        """Tidy up before script and surroundings are closed; does nothing unless overridden."""

    def next_index(self) -> int:
        """Return a SAL index that no script of this process has had."""
        return next(self._indices)

    @contextlib.asynccontextmanager
    async def make_script(
        self,
        log_level: int = logging.INFO,
        timeout: float = MAKE_TIMEOUT,
        verbose: bool = False,
        randomize_topic_subname: bool = False,
    ) -> AsyncIterator[None]:
        """Make the script and its surroundings, and close them at the end.

        Parameters
        ----------
        log_level, timeout
            Least level of the script's log; simulated seconds that starting may take, and closing.
        verbose, randomize_topic_subname
            As tests for the observatory's bus give them. They change nothing: here starting takes no time
            that one would measure, and every test has a bus of its own.

        Yields
        ------
        None
            When all have started.

        Raises
        ------
        RuntimeError
            The script is not on the embedded SAL.
        TimeoutError
            Starting or closing took too long.
        """
        async with asyncio.timeout(timeout):
            items = await self.basic_make_script(index=self.next_index())
        try:
            if not isinstance(self.script, sal.BaseScript):
                raise RuntimeError(
                    f"{type(self.script).__name__} is not on the embedded SAL: call use_embedded_sal() before"
                    " it is imported, e.g. at the top of conftest.py."
                )
            self.script.log.setLevel(log_level)
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(item.start_task for item in items))
            yield
        finally:
            async with asyncio.timeout(timeout):
                await self.close()
                await asyncio.gather(*(item.close() for item in items))

    async def configure_script(self, **kwargs: Any) -> SimpleNamespace:
        """Configure the script and set its group ID; may be called again, up to `run_script`.

        Parameters
        ----------
        kwargs
            Options of the script.

        Returns
        -------
        config
            The same, without the defaults of the script.

        Raises
        ------
        ExpectedError
            The script refused its configuration, and has ended.
        """
        await self.script.set_state(ScriptState.UNCONFIGURED)
        data = self.script.cmd_configure.DataType()
        if kwargs:
            data.config = yaml.safe_dump(kwargs)
        await self.script.do_configure(data)
        assert self.script.state.state == ScriptState.CONFIGURED
        now = datetime.datetime.fromtimestamp(current_tai(), datetime.UTC)  # as the ScriptQueue names groups
        group = now.isoformat(timespec="milliseconds").removesuffix("+00:00")
        await self.script.do_setGroupId(self.script.cmd_setGroupId.DataType(groupId=group))
        return SimpleNamespace(**kwargs)

    async def run_script(self, expected_final_state: int = ScriptState.DONE) -> None:
        """Run the script, which must be configured, to its end.

        Parameters
        ----------
        expected_final_state
            State that it must end in.

        Raises
        ------
        AssertionError
            It ended in another.
        """
        await self.script.do_run(self.script.cmd_run.DataType())
        await self.script.done_task
        state, expected = ScriptState(self.script.state.state), ScriptState(expected_final_state)
        assert state == expected, f"{state.name}, not {expected.name}: {self.script.state.reason}"

    async def check_executable(self, script_path: str | Path) -> None:
        """Start the executable of a script as the ScriptQueue does, wait until it is UNCONFIGURED, stop it.

        It runs in a process of its own, on the embedded SAL.

        Parameters
        ----------
        script_path
            Path of the executable.

        Raises
        ------
        AssertionError
            It is no executable file, does not begin with ``#!``, or does not start; the message says why.
        """
        await asyncio.to_thread(_launch, Path(script_path), self.next_index())


def _launch(path: Path, index: int) -> None:
    """Start an executable on the embedded SAL, and wait until it was UNCONFIGURED and has ended."""
    path = path.resolve()
    assert path.is_file(), f"{path} is no file"
    assert os.access(path, os.X_OK), f"{path} has no run bit: the ScriptQueue would not list it"
    assert path.read_bytes().startswith(b"#!"), f"{path} does not begin with #!: it cannot be started"
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _CODE, str(path), str(index)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{path} did not start as a script within {_TIMEOUT:.0f} s") from None
    assert ended.returncode == 0, f"{path} did not start as a script:\n{ended.stderr or ended.stdout}"


def _start(path: str, index: str) -> str | None:
    """Run the executable in simulated time, stop the script when it has started; return what was wrong.

    The embedded bus is within one event loop, so the script is waited for in its own loop, which
    `asyncio.run` of the executable takes from the policy of this process.
    """
    states: list[str] = []

    async def stop_when_started() -> None:
        async with sal.Domain() as domain, sal.Remote(domain, "Script", int(index)) as remote:
            try:
                published = await remote.evt_state.next(flush=False, timeout=_TIMEOUT)
            except TimeoutError:
                asyncio.get_running_loop().stop()
                return
            states.append(ScriptState(published.state).name)
            await remote.cmd_stop.set_start()

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            loop = SimulatedLoop()
            self.stopping = loop.create_task(stop_when_started())  # which begins before the script
            return loop

    asyncio.set_event_loop_policy(Policy())
    sys.argv = [path, index]
    try:
        runpy.run_path(path, run_name="__main__")
    except RuntimeError:  # what runs in a loop that was stopped
        if states:
            raise
    if not states:
        return "It ran, but there was no script that published its state."
    state = states[0]
    return None if state == "UNCONFIGURED" else f"It ran, but the script began in {state}, not UNCONFIGURED."
