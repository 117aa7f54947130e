"""A conversation with a script, and all that a client sees of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.simulated_observatory.embedded_sal import SalRetCode

__all__ = ["DEFAULT", "Case", "Command", "Seen", "talk"]

PATIENCE = 6.0
"""Seconds after which something that has not happened will not happen."""

START = 15.0
"""Seconds within which a script has started."""

Command = tuple[str, dict[str, Any]]

DEFAULT: tuple[Command, ...] = (("configure", {}), ("setGroupId", {"groupId": "G"}), ("run", {}))
"""What the queue sends to a script."""

FINAL = (ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED)

OF_THE_BUS = re.compile(
    r"Starting read loop|History off|Started in|Reading historic|on_assign|write_data for|Already closing"
    r"|Ignoring kafka|Waiting for consumer|Failed to retrieve metadata|Ignoring old topic"
    r"|evt_logMessage python read queue is filling|start failed"
)
"""Lines of the log that Kafka gives rise to, or that it drops when a script closes at once."""

TRACED = re.compile(r"Script \d+: (config\(\) failed|Error in run)$")
"""Lines that have a traceback: salobj 8.2 repeats the first line without, whether or not it could be sent."""


def plain(text: str) -> str:
    """Leave out of a text what is never the same twice, and what is long and monotonous."""
    text = re.sub(r"0x[0-9a-f]{6,}", "0x", text.encode("ascii", "backslashreplace").decode())
    text = re.sub(r"(instead of RUNNING); [^?]*\?", r"\1", text)
    text = re.sub(r"with id=\d+", "with id=", text)
    text = re.sub(r"[Cc]allback <.*? failed with .*", "callback failed", text, flags=re.DOTALL)
    return re.sub(r"(.)\1{40,}", lambda match: f"<{match[1]!a} * {len(match[0])}>", text)


class Seen:
    """All that a client of a script sees."""

    def __init__(self, remote: Any, index: int) -> None:
        self._remote = remote
        self._index = index
        self.answers: list[str] = []
        self.states: list[dict[str, Any]] = []
        self.others: dict[str, list[Any]] = {}
        self.lines: list[tuple[str, str]] = []
        for name in remote.salinfo.event_names:
            getattr(remote, f"evt_{name}").callback = self._taker(name)

    def _taker(self, name: str) -> Callable[[Any], Any]:
        async def take(data: Any) -> None:
            if data.salIndex != self._index:
                return
            fields = {
                field: plain(value) if isinstance(value, str) else value
                for field, value in vars(data).items()
                if not field.startswith("private_") and field != "salIndex" and value not in ("", 0, [0, 0])
            }
            if name == "state":
                fields["state"] = ScriptState(int(fields["state"])).name
                self.states.append(fields)
            elif name == "logMessage":
                self._take_line(fields)
            elif name not in ("heartbeat", "softwareVersions"):
                self.others.setdefault(name, []).append(fields)

        return take

    def _take_line(self, fields: dict[str, Any]) -> None:
        if OF_THE_BUS.match(fields.get("message", "")):
            return
        end = re.sub(r"^(\w+\.)+(?=\w+(:|$))", "", fields.get("traceback", "").strip().rpartition("\n")[2])
        line = f"{fields['name']} {fields.get('level')}: {fields.get('message')}"
        self.lines.append((plain(line), plain(end)))

    @property
    def ended(self) -> bool:
        return bool(self.states) and ScriptState[self.states[-1]["state"]] in FINAL

    async def send(self, name: str, **fields: Any) -> str:
        """Send a command and return what is answered."""
        command = getattr(self._remote, f"cmd_{name}")
        try:
            ack = await command.set_start(**{"salIndex": self._index, "timeout": PATIENCE, **fields})
        except salobj.AckTimeoutError:
            return f"{name}: no answer"
        except salobj.AckError as error:
            ack = error.ackcmd
        except Exception as error:
            return f"{name}: not sent: {type(error).__name__}"
        return plain(f"{name}: {SalRetCode(ack.ack).name} {ack.error} {ack.result}")

    async def ends_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.ended:  # noqa: ASYNC110, either SAL has its own way to tell
                    await asyncio.sleep(0.01)
        return self.ended

    def as_dict(self) -> dict[str, Any]:
        return {"answers": self.answers, "states": self.states, **self.others, "log": self._log()}

    def _log(self) -> list[str]:
        """The lines in any order, with the ends of tracebacks. salobj 8.2 repeats the first one without."""
        traced = {line for line, end in self.lines if end}
        return sorted(
            f"{line} [{end}]" if end else line
            for line, end in self.lines
            if end or not (line in traced or TRACED.match(line))
        )


Case = tuple[Callable[[int], Any], Sequence[Command]]
"""How a script is made, and what is sent to it."""


async def talk(cases: Mapping[str, Case], compare: Callable[[str, Any], Any]) -> list[str]:
    """Have a conversation with one script after the other; give the names of those that are not as recorded.

    Parameters
    ----------
    cases
        The conversations by name. A command named ``sleep`` lets ``seconds`` pass; one whose fields have
        ``at_once`` is not waited for. What does not end of itself is stopped.
    compare
        Called with the name of each and all that a client has seen.
    """
    log, wrong = logging.getLogger("Script"), []
    nowhere = logging.NullHandler()
    log.addHandler(nowhere)
    log.propagate = False  # pytest could not report half characters
    try:
        async with salobj.Domain() as domain:
            remote = salobj.Remote(domain, "Script", 0, discard_out_of_order_events=False)
            await remote.start_task
            for index, (name, case) in enumerate(cases.items(), 1):
                log.setLevel(logging.NOTSET)
                if not compare(name, await _talk(remote, index, *case)):
                    wrong.append(name)
    finally:
        log.removeHandler(nowhere)
        log.propagate = True
        log.setLevel(logging.NOTSET)
    return wrong


async def _talk(
    remote: Any, index: int, make: Callable[[int], Any], commands: Sequence[Command]
) -> dict[str, Any]:
    background: list[asyncio.Task[str]] = []
    seen = Seen(remote, index)
    try:
        script = make(index)
    except Exception as error:
        return {"made": type(error).__name__}
    try:
        await asyncio.wait([script.start_task], timeout=START)
        if not script.start_task.done():
            return {"started": False, **seen.as_dict()}
        for name, fields in commands:
            if name == "sleep":
                await asyncio.sleep(fields["seconds"])
            elif fields.get("at_once"):
                given = {key: value for key, value in fields.items() if key != "at_once"}
                background.append(asyncio.create_task(seen.send(name, **given)))
                await asyncio.sleep(0.5)
            else:
                seen.answers.append(await seen.send(name, **fields))
        if not await seen.ends_within(1.0):
            seen.answers.append(await seen.send("stop"))
            seen.answers.append("ended" if await seen.ends_within(2.0) else "did not end")
        seen.answers += await asyncio.gather(*background)
        await asyncio.wait([script.done_task], timeout=2.0)
        ended = script.done_task.done()
        end = script.done_task.exception() if ended else None
        closed = f"{type(end).__name__}: {plain(str(end))}" if end else ended
        return {**seen.as_dict(), "closed": closed, **getattr(script, "more", {})}
    finally:
        for task in background:
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(script.close(), PATIENCE)
