"""What an operator does at the queue, and sees of it and of its scripts."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj

PATH = "auxtel/make_latiss_calibrations.py"
LIMIT = 300.0
"""Seconds within which a script of a test has ended."""

GONE_LIMIT = 60.0
"""Seconds that the process of a script has left to settle what is under way, and to close its connections."""

ENDS = ("DONE", "LOADFAILED", "CONFIGURE_FAILED", "TERMINATED")
"""States of the process of a script that has ended."""


@dataclass
class QueuedScript:
    """What a client of the queue saw of one script."""

    index: int
    folder: Path
    states: list[str] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)
    reason: str = ""
    process_state: str = ""
    script_state: str = ""
    seconds_of_configure: float = 0.0
    metadata: Any = None
    stamp: float = 0.0

    @property
    def lines(self) -> list[str]:
        """Log lines, of whatever level."""
        return [line for _, line in self.log]

    @property
    def longest_silence(self) -> float:
        """Greatest time between two heartbeats, s."""
        return max((late - early for early, late in zip(self.beats, self.beats[1:], strict=False)), default=0)

    @property
    def run_directory(self) -> Path:
        (found,) = self.folder.glob(f"runs/*-{self.index}")
        return found

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run_directory / "summary.json").read_text(encoding="utf-8"))
        return found

    @property
    def report(self) -> list[str]:
        """Sections of the report."""
        text = (self.run_directory / "report.txt").read_text(encoding="utf-8")
        return text.rstrip().split("\n\n")

    @property
    def processes(self) -> list[int]:
        """Process ids of the script; another queue of this machine may have one of the same index."""
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if _read(path).rstrip(b"\0").endswith(f"_calibrations.py\0{self.index}".encode())
            and f"={self.folder}/runs\0".encode() in _read(path.with_name("environ"))
        ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


class QueueClient:
    """A client of a ScriptQueue; an async context manager.

    Parameters
    ----------
    folder
        Of the module; the scripts write below it.
    index
        Of the queue.
    """

    def __init__(self, folder: Path, index: int) -> None:
        self._folder = folder
        self._index = index
        self._scripts: dict[int, QueuedScript] = {}

    async def __aenter__(self) -> QueueClient:
        self._domain = salobj.Domain()
        self.queue = salobj.Remote(self._domain, "ScriptQueue", self._index)
        # The event is one for all scripts: that of one may overtake that of another.
        self.queue.salinfo.discard_out_of_order_events = False
        self.scripts = salobj.Remote(self._domain, "Script", 0, evt_max_history=0)
        self.scripts.evt_state.callback = self._take_state
        self.scripts.evt_logMessage.callback = self._take_message
        self.scripts.evt_heartbeat.callback = self._take_heartbeat
        self.scripts.evt_metadata.callback = self._take_metadata
        self.queue.evt_script.callback = self._take_script
        await asyncio.gather(self.queue.start_task, self.scripts.start_task)
        state = 0
        while state != salobj.State.ENABLED:
            state = (await self.queue.evt_summaryState.next(flush=False, timeout=60)).summaryState
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._domain.close()

    async def schema(self, path: str = PATH) -> tuple[str, float]:
        """Schema of a script as the queue shows it, and the seconds that took."""
        begin = time.monotonic()
        self.queue.evt_configSchema.flush()
        await self.queue.cmd_showSchema.set_start(isStandard=False, path=path, timeout=60)
        shown = await self.queue.evt_configSchema.next(flush=False, timeout=10)
        return str(shown.configSchema), time.monotonic() - begin

    async def add(self, config: str, path: str = PATH, **fields: str) -> QueuedScript:
        """Add a script at the end of the queue."""
        ack = await self.queue.cmd_add.set_start(
            isStandard=False, path=path, config=config, location=2, timeout=60, **fields
        )
        return self._of(int(ack.result))

    async def run(
        self,
        config: str,
        path: str = PATH,
        operator: Callable[[QueueClient, QueuedScript], Awaitable[None]] | None = None,
        **fields: str,
    ) -> QueuedScript:
        """Add a script and wait for its end."""
        queued = await self.add(config, path, **fields)
        await self.until(lambda: queued.process_state not in ("", "LOADING"))
        await self.queue.cmd_resume.start(timeout=30)  # it pauses when a script has not ended well
        if operator is not None:
            await operator(self, queued)
        await self.until(lambda: queued.process_state in ENDS)
        await asyncio.sleep(0.5)  # last log lines are still under way
        return queued

    async def gone(self, queued: QueuedScript) -> None:
        """Wait until a script has no process any more: the queue does so for 2 s only."""
        async with asyncio.timeout(GONE_LIMIT):
            while queued.processes:  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    async def stop(self, queued: QueuedScript, *, terminate: bool) -> None:
        """Stop a script, or terminate its process, as the buttons of the queue do."""
        await self.queue.cmd_stopScripts.set_start(
            salIndices=[queued.index] + [0] * 399, length=1, terminate=terminate, timeout=30
        )

    def tracebacks(self) -> list[str]:
        """Tracebacks of scripts in what they and the queue have printed; the queue's own are its own."""
        printed = (self._folder / "queue.txt").read_text(encoding="utf-8", errors="replace")
        found = re.findall(r"^Traceback.*\n(?:[ \t].*\n)*.*", printed, re.MULTILINE)
        return [each for each in found if "calibrations" in each]

    async def until(self, holds: Callable[[], bool], limit: float = LIMIT) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(limit):
            while not holds():  # noqa: ASYNC110, of whatever the test listens to
                await asyncio.sleep(0.05)

    def _of(self, index: int) -> QueuedScript:
        return self._scripts.setdefault(index, QueuedScript(index, self._folder))

    async def _take_state(self, data: Any) -> None:
        queued, name = self._of(data.salIndex), ScriptState(data.state).name
        if queued.states[-1:] != [name]:
            queued.states.append(name)
        if data.lastCheckpoint and queued.checkpoints[-1:] != [data.lastCheckpoint]:
            queued.checkpoints.append(data.lastCheckpoint)
        queued.reason = data.reason

    async def _take_message(self, data: Any) -> None:
        self._of(data.salIndex).log.append((data.level, data.message))

    async def _take_heartbeat(self, data: Any) -> None:
        self._of(data.salIndex).beats.append(data.private_sndStamp)

    async def _take_metadata(self, data: Any) -> None:
        self._of(data.salIndex).metadata = data

    async def _take_script(self, data: Any) -> None:
        from lsst.ts.xml.enums.ScriptQueue import ScriptProcessState

        queued = self._of(data.scriptSalIndex)
        if data.private_sndStamp < queued.stamp:
            return
        queued.stamp = data.private_sndStamp
        queued.process_state = ScriptProcessState(data.processState).name
        queued.script_state = ScriptState(data.scriptState).name
        if data.timestampConfigureEnd:
            queued.seconds_of_configure = data.timestampConfigureEnd - data.timestampConfigureStart
