"""Starts the executable of a script in a process of its own, and checks that it starts as it should."""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .. import clock
from .. import embedded_sal as sal
from ..embedded_sal.enums import ScriptState

__all__ = ["launch"]

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


def launch(path: Path, index: int) -> None:
    """Start an executable on the embedded SAL, and wait until it was UNCONFIGURED and has ended.

    Parameters
    ----------
    path
        The executable.
    index
        SAL index to give to it.

    Raises
    ------
    AssertionError
        It is no executable file, does not begin with ``#!``, or did not start.
    """
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

    The embedded bus is within one event loop, so the script is waited for in its own loop.
    """
    state = ""

    async def stop_when_started(main: Coroutine[Any, Any, Any]) -> None:
        nonlocal state
        async with sal.Domain() as domain, sal.Remote(domain, "Script", int(index)) as remote:
            script = asyncio.ensure_future(main)
            published = asyncio.ensure_future(remote.evt_state.next(flush=False, timeout=_TIMEOUT))
            await asyncio.wait({script, published}, return_when=asyncio.FIRST_COMPLETED)
            if published.done():
                state = ScriptState(published.result().state).name
                await remote.cmd_stop.set_start()
            published.cancel()
            await script

    def run(main: Coroutine[Any, Any, Any], **_: Any) -> None:
        clock.run(lambda: stop_when_started(main))

    asyncio.run = run  # type: ignore[assignment]
    sys.argv = [path, index]
    runpy.run_path(path, run_name="__main__")
    if not state:
        return "It ran, but there was no script that published its state."
    return None if state == "UNCONFIGURED" else f"It ran, but the script began in {state}, not UNCONFIGURED."
