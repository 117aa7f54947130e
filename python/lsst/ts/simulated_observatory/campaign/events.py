"""What really happened, from the messages on the bus alone: parts of the run, exposures and jobs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lsst.ts.calibrations.components.ingest import detector_name
from lsst.ts.calibrations.domain.calibrations import PAIR_GAINS
from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.images import split_escaped
from ..embedded_sal.enums import SalRetCode, ScriptState
from ..faults.kinds import KINDS
from .recording import BusMessage
from .scenario import AT_ONCE, PartOutcome

__all__ = ["FINAL", "Events", "ExposureEvent", "Fact", "JobEvent", "Part"]

Fact = Mapping[str, Any]

FINAL = ("DONE", "STOPPED", "FAILED", "CONFIGURE_FAILED")
"""States in which a script ends."""


_ANSWERS = (
    *(SalRetCode.CMD_COMPLETE, SalRetCode.CMD_FAILED, SalRetCode.CMD_ABORTED),
    *(SalRetCode.CMD_TIMEOUT, SalRetCode.CMD_NOPERM),
)
_SELECTED = re.compile(r"\b(exposure|detector) IN \(([^)]*)\)")
_INPUTS = re.compile(r"(?:^|\s)-i\s+(\S+)")
_JOB_ID = re.compile(r'"job_id": "([0-9a-f]{32})"\}')


@dataclass(frozen=True)
class Part:
    """A part of a run, which is resumed in the next one.

    Parameters
    ----------
    number, outcome
        Its number, from 0, and what became of it; None if it was killed.
    messages
        What was recorded in it.
    suffered
        Faults that it had to do with: also of before, if traces are left.
    facts_before, facts
        Facts that the journal had at its begin, and at its end.
    """

    number: int
    outcome: PartOutcome | None
    messages: Sequence[BusMessage]
    suffered: frozenset[str]
    facts_before: Sequence[Fact]
    facts: Sequence[Fact]

    @cached_property
    def states(self) -> list[tuple[float, str, str]]:
        """Time, name and reason of each state of the script."""
        return [
            (each.time, ScriptState(each.values["state"]).name, str(each.values["reason"]))
            for each in self.messages
            if each.topic == "evt_state"
        ]

    @property
    def final(self) -> tuple[float, str, str] | None:
        """Time, name and reason of the state in which it ended; None if it ended in none."""
        return next((each for each in reversed(self.states) if each[1] in FINAL), None)

    @property
    def acts(self) -> set[str]:
        """What was done to the script from outside."""
        return {str(each.values["act"]) for each in self.messages if each.topic == "interruption"}

    @property
    def ended_at(self) -> float:
        """When somebody ended it at once [simulated s]; infinity if nobody did."""
        times = [each.time for each in self.messages if each.values.get("act") in AT_ONCE]
        return min(times, default=math.inf)

    @property
    def last_message(self) -> float:
        """When something was recorded for the last time [simulated s]; 0 if nothing was."""
        return max((each.time for each in self.messages), default=0.0)

    @property
    def end(self) -> float:
        """When it ended, or was seen for the last time [simulated s]."""
        return self.last_message if self.final is None else self.final[0]

    @property
    def attentive_until(self) -> float:
        """When it began to end, or was seen for the last time [simulated s]."""
        ends = [time for time, name, _ in self.states if name in ("STOPPING", "FAILING", *FINAL)]
        return min(*ends, self.ended_at, self.last_message)

    @property
    def went_wrong(self) -> set[str]:
        """Faults of which it may fail: all that it had to do with but those that must make no difference."""
        return {name for name in self.suffered if KINDS[name].cause}

    @property
    def disk_was_full(self) -> bool:
        """Whether the disk of the run directory was full: then what is to be written may be missing."""
        return "run-disk-full" in self.suffered


@dataclass
class ExposureEvent:
    """An exposure as the camera published it.

    Parameters
    ----------
    id, name, kind, exp_time, group
        As the camera has them.
    part, time
        In which part of the run it was begun, and when; of a confirmed one, when it was confirmed.
    confirmed
        Whether takeImages completed.
    read_out
        Part and time of its first endReadout; None: there was none.
    ingested
        In which part and when the OODS published of each detector that it has the file.
    """

    id: int
    name: str
    kind: str
    exp_time: float
    part: int
    time: float
    group: str = ""
    confirmed: bool = False
    read_out: tuple[int, float] | None = None
    ingested: dict[str, tuple[int, float]] = field(default_factory=dict)


@dataclass
class JobEvent:
    """A job as the OCPS published it.

    Parameters
    ----------
    command
        With which it was asked for.
    kind, calibration, exposures, detectors, inputs
        As pipeline, data query and configuration of the command say; `inputs` are input collections.
    job_id
        As acknowledged; empty if it never was, in a way that can be read.
    acknowledged, ended
        When; None: never.
    exit_code, published
        As published for its id, and when, if in the part of the run that asked for it; None: never.
    aborted
        When somebody asked for its abort in that part; None: nobody did.
    """

    command: BusMessage
    kind: str
    calibration: str
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    inputs: tuple[str, ...]
    job_id: str = ""
    acknowledged: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    published: float | None = None
    aborted: float | None = None

    @property
    def part(self) -> int:
        """Part of the run that asked for it."""
        return self.command.part

    @property
    def name(self) -> str:
        """Its kind and calibration, for messages."""
        return f"{self.kind} {self.calibration}"

    @property
    def run(self) -> str:
        """RUN collection of its results, as the OCPS names it."""
        return f"u/ocps/{self.job_id}/run"


class Events:
    """Exposures and jobs that were recorded.

    Parameters
    ----------
    recording
        Messages in their order.
    instrument
        Whose components sent them.
    """

    def __init__(self, recording: Sequence[BusMessage], instrument: Instrument) -> None:
        self.recording = recording
        self.begun: dict[int, ExposureEvent] = {}
        """Exposures that the camera began on command, by id."""
        self.asked: list[tuple[int, str, str]] = []
        """Part, type and group of each command to take one, in order: not all are begun in public."""
        self.jobs: list[JobEvent] = []
        self._early: dict[str, tuple[int, float]] = {}
        self._taking: set[int] = set()
        self._integrating: ExposureEvent | None = None
        part = 0
        for each in recording:
            if each.part != part:  # numbers of commands begin anew
                part, self._integrating = each.part, None
                self._taking.clear()
            if each.component == instrument.camera:
                self._take_camera(each)
            elif each.topic == "evt_imageInOODS":
                self._take_ingest(each)
            elif each.component == "OCPS":
                self._take_ocps(each)

    @property
    def exposures(self) -> list[ExposureEvent]:
        """Exposures that the camera confirmed."""
        return [each for each in self.begun.values() if each.confirmed]

    @property
    def by_run(self) -> dict[str, JobEvent]:
        """Jobs by the RUN collection of their results."""
        return {job.run: job for job in self.jobs}

    def _take_camera(self, line: BusMessage) -> None:
        values = line.values
        if line.topic == "cmd_takeImages":
            self._integrating = None  # until it begins: it may be refused
            self._taking.add(values["private_seqNum"])
            given = dict(each.partition(": ")[::2] for each in values["keyValueMap"].split(", "))
            self.asked.append((line.part, given.get("imageType", ""), given.get("groupId", "")))
        elif line.topic == "evt_startIntegration" and values["additionalKeys"]:
            # That of the image at rest has no keys. One that an earlier part began is finished unasked.
            exposure = _exposure(line, line.part if self._taking else line.part - 1)
            self.begun.setdefault(exposure.id, exposure)
            if self._taking:
                self._integrating = self.begun[exposure.id]
        elif line.topic == "evt_endReadout":
            for each in self.begun.values():
                if each.name == values["imageName"] and each.read_out is None:
                    each.read_out = line.part, line.time
        elif line.topic == "ack_ackcmd" and values["private_seqNum"] in self._taking and self._integrating:
            self._integrating.confirmed |= values["ack"] == SalRetCode.CMD_COMPLETE
            self._integrating.time = line.time

    def _take_ingest(self, line: BusMessage) -> None:
        values = line.values
        for each in self.begun.values():
            if each.name == values["obsid"] and values["statusCode"] == 0:
                name = detector_name(values["raft"], values["sensor"])
                each.ingested.setdefault(name, (line.part, line.time))

    def _take_ocps(self, line: BusMessage) -> None:
        values = line.values
        if line.topic == "cmd_execute":
            self.jobs.append(_job(line))
        elif line.topic == "ack_ackcmd":
            for job in self.jobs:
                if job.command.values["private_seqNum"] == values["private_seqNum"] and job.part == line.part:
                    self._take_ack(job, line)
        for job in self.jobs:
            if job.job_id != values.get("job_id"):
                continue
            if line.topic == "cmd_abort_job" and job.part == line.part and job.aborted is None:
                job.aborted = line.time
            elif line.topic == "evt_job_result" and job.exit_code is None:
                job.exit_code = int(values["exit_code"])
                job.published = line.time if job.part == line.part else None
        if line.topic == "evt_job_result":
            self._early[values["job_id"]] = int(values["exit_code"]), line.time

    def _take_ack(self, job: JobEvent, line: BusMessage) -> None:
        if line.values["ack"] in _ANSWERS:
            job.ended = line.time
        elif match := _JOB_ID.search(line.values["result"]):
            job.job_id, job.acknowledged = match[1], line.time
            if job.job_id in self._early:
                job.exit_code, job.published = self._early[job.job_id]


def _exposure(line: BusMessage, part: int) -> ExposureEvent:
    values = line.values
    keys, texts = (split_escaped(values[name]) for name in ("additionalKeys", "additionalValues"))
    given = dict(zip(keys, texts, strict=True))
    kind, group = given.get("imageType", ""), given.get("groupId", "")
    _, _, day, number = values["imageName"].split("_")
    exposure = int(day) * 100_000 + int(number)
    return ExposureEvent(exposure, values["imageName"], kind, values["exposureTime"], part, line.time, group)


def _job(line: BusMessage) -> JobEvent:
    values = line.values
    file, _, subset = values["pipeline"].rpartition("/")[2].partition("#")
    kind = "verify" if file.startswith("verify") else "gain" if "Gain" in subset else "generate"
    selected = {
        name: tuple(int(number) for number in numbers.split(","))
        for name, numbers in _SELECTED.findall(values["data_query"])
    }
    return JobEvent(
        command=line,
        kind=kind,
        calibration=PAIR_GAINS.name if kind == "gain" else re.sub(r"^(cp|verify)|\.yaml$", "", file).upper(),
        exposures=selected.get("exposure", ()),
        detectors=selected.get("detector", ()),
        inputs=tuple(name for found in _INPUTS.findall(values["config"]) for name in found.split(",")),
    )
