"""What the OCPS says of a job: that it took it, how it ended, and that the command is complete."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from lsst.ts import salobj

from .. import clock
from ..faults.faults import Fault, Faults
from ..pipelines.ocps_job import Job

__all__ = ["ACK_TIMEOUT", "JobMessages", "Speaker"]

ACK_TIMEOUT = 600.0
"""Seconds that the acknowledgement of a job promises."""

FOREIGN = 3
"""Results of jobs of others that come before that of a job, if that was asked for."""


class Speaker(Protocol):
    """The component that speaks; its topics are known at run time only."""

    cmd_execute: Any
    evt_job_result: Any


class JobMessages:
    """The conversation about one job.

    Parameters
    ----------
    ocps
        Who speaks.
    data
        The execute command.
    job
        The job.
    submitted
        JSON text of the job as it was submitted.
    keep
        Runs something beside, until the component closes.
    faults
        What goes wrong.
    """

    def __init__(
        self,
        ocps: Speaker,
        data: salobj.BaseMsgType,
        job: Job,
        submitted: str,
        keep: Callable[[Coroutine[Any, Any, None]], object],
        faults: Faults,
    ) -> None:
        self._ocps = ocps
        self._data = data
        self._job = job
        self._submitted = submitted
        self._keep = keep
        self._faults = faults
        self.result_first = self._strike("ocps-result-early") is not None
        """Whether the result is to be published before the acknowledgement."""

    async def took(self) -> None:
        """Acknowledge that the job was taken."""
        if self._strike("ocps-foreign"):
            for number in range(FOREIGN):
                await self._publish(f"{number:032x}", 1, "{}")
        text = json.dumps({"job_id": self._job.job_id})
        malformed = self._strike("ocps-malformed", where="ack")
        await self._ocps.cmd_execute.ack_in_progress(
            self._data, timeout=ACK_TIMEOUT, result=text[:-2] if malformed else text
        )

    async def ended(self, exit_code: int) -> None:
        """Publish the result; the command is complete when this returns."""
        if self._strike("ocps-result-lost"):
            return
        if (late := self._strike("ocps-result-late")) is not None:
            self._keep(self._later(late.number("seconds"), exit_code))
            return
        await self._result(exit_code)
        if self._strike("ocps-result-duplicated"):
            await self._result(exit_code)
        if (slow := self._strike("ocps-completion-late")) is not None:
            await clock.sleep(slow.number("seconds"))

    async def _later(self, seconds: float, exit_code: int) -> None:
        await clock.sleep(seconds)
        await self._result(exit_code)

    async def _result(self, exit_code: int) -> None:
        text = self._submitted
        if (phase := self._strike("ocps-phase")) is not None:
            text = json.dumps({**json.loads(text), "phase": phase["phase"]})
        if self._strike("ocps-malformed", where="result"):
            text = text[: len(text) // 2]
        await self._publish(self._job.job_id, exit_code, text)

    async def _publish(self, job_id: str, exit_code: int, text: str) -> None:
        await self._ocps.evt_job_result.set_write(
            job_id=job_id, exit_code=exit_code, result=text, force_output=True
        )

    def _strike(self, name: str, **more: object) -> Fault | None:
        return self._faults.strike(name, kind=self._job.kind, calibration=self._job.calibration, **more)
