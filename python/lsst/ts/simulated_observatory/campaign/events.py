"""What really happened, from the messages on the bus alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lsst.ts.calibrations.components.ingest import detector_name
from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.images import split_escaped
from ..embedded_sal.enums import SalRetCode, ScriptState
from .interruption import AT_ONCE
from .recording import BusMessage

__all__ = ["FINAL", "Events", "ExposureEvent", "JobEvent"]

FINAL = ("DONE", "STOPPED", "FAILED", "CONFIGURE_FAILED")
"""States in which a script ends."""

_ENDINGS = ("STOPPING", "FAILING", *FINAL)

_ANSWERS = tuple(
    int(code)
    for code in (
        *(SalRetCode.CMD_COMPLETE, SalRetCode.CMD_FAILED, SalRetCode.CMD_ABORTED),
        *(SalRetCode.CMD_TIMEOUT, SalRetCode.CMD_NOPERM),
    )
)
_SELECTED = re.compile(r"\b(exposure|detector) IN \(([^)]*)\)")
_INPUTS = re.compile(r"(?:^|\s)-i\s+(\S+)")
_JOB_ID = re.compile(r'"job_id": "([0-9a-f]{32})"\}')


@dataclass
class ExposureEvent:
    """An exposure as the camera published it.

    Parameters
    ----------
    id, name, kind, exp_time
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
    confirmed: bool = False
    read_out: tuple[int, float] | None = None
    ingested: dict[str, tuple[int, float]] = field(default_factory=dict)


@dataclass
class JobEvent:
    """A job as the OCPS published it.

    Parameters
    ----------
    kind, calibration
        As its pipeline says.
    exposures, detectors
        As its data query says.
    pipeline, config, data_query
        As the command has them.
    inputs
        Its input collections.
    part, time, number
        Part of the run and time of the command, and its number.
    job_id
        As acknowledged; empty if it never was, in a way that can be read.
    acknowledged, ended
        When; None: never.
    exit_code
        As published for its id; None: never.
    published
        When that was, if in the part of the run that asked for it.
    aborted
        When somebody asked for its abort in that part; None: nobody did.
    """

    kind: str
    calibration: str
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    pipeline: str
    config: str
    data_query: str
    inputs: tuple[str, ...]
    part: int
    time: float
    number: int
    job_id: str = ""
    acknowledged: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    published: float | None = None
    aborted: float | None = None

    @property
    def run(self) -> str:
        """RUN collection of its results, as the OCPS names it."""
        return f"u/ocps/{self.job_id}/run"


class Events:
    """Everything that was recorded, put together.

    Parameters
    ----------
    recording
        Messages in their order.
    instrument
        Whose components sent them.
    """

    def __init__(self, recording: Sequence[BusMessage], instrument: Instrument) -> None:
        self.recording = recording
        self.instrument = instrument
        self.begun: dict[int, ExposureEvent] = {}
        """Exposures that the camera began on command, by id."""
        self.jobs: list[JobEvent] = []
        self.states: list[tuple[int, float, str, str]] = []
        """Part, time, name and reason of each state of the script."""
        self.unanswered: set[tuple[int, int]] = set()
        """Part and number of each takeImages that the camera has not answered for good."""
        self.interruptions: list[BusMessage] = []
        self.component_states: dict[str, list[tuple[float, int]]] = {}
        self._early: dict[str, tuple[int, float]] = {}
        self._taking: set[int] = set()
        self._integrating: ExposureEvent | None = None
        self._part = 0
        for each in recording:
            if each.part != self._part:  # numbers of commands begin anew
                self._part, self._integrating = each.part, None
                self._taking.clear()
            self._take(each)

    @property
    def exposures(self) -> dict[int, ExposureEvent]:
        """Exposures that the camera confirmed, by id."""
        return {number: each for number, each in self.begun.items() if each.confirmed}

    @property
    def parts(self) -> set[int]:
        """Numbers of the parts of the run in which anything was recorded."""
        return {each.part for each in self.recording}

    def job(self, job_id: str) -> JobEvent | None:
        """Look for a job.

        Parameters
        ----------
        job_id
            Its id.

        Returns
        -------
        job
            None if there is none.
        """
        return next((each for each in self.jobs if each.job_id == job_id), None)

    def final(self, part: int) -> tuple[float, str, str] | None:
        """Look how a part of the run ended.

        Parameters
        ----------
        part
            Its number.

        Returns
        -------
        final
            Time, name and reason of the state in which it ended; None if it ended in none.
        """
        found = [each[1:] for each in self.states if each[0] == part and each[2] in FINAL]
        return found[-1] if found else None

    def begins_to_end(self, part: int) -> float:
        """Look when a part of the run began to end.

        Parameters
        ----------
        part
            Its number.

        Returns
        -------
        time
            When somebody ended it, or it began to end by itself; infinity if neither happened.
        """
        ends = [time for number, time, name, _ in self.states if number == part and name in _ENDINGS]
        ends += [
            each.time for each in self.interruptions if each.part == part and each.values["act"] in AT_ONCE
        ]
        return min(ends, default=math.inf)

    def last_message(self, part: int) -> float:
        """Look when something was recorded in a part of the run for the last time.

        Parameters
        ----------
        part
            Its number.

        Returns
        -------
        time
            Simulated seconds; 0 if nothing was.
        """
        return max((each.time for each in self.recording if each.part == part), default=0.0)

    def _take(self, line: BusMessage) -> None:
        camera = self.instrument.camera
        if line.topic == "interruption":
            self.interruptions.append(line)
        elif line.topic == "evt_state":
            self._take_state(line)
        elif line.topic == "evt_summaryState":
            states = self.component_states.setdefault(line.component, [])
            states.append((line.time, int(line.values["summaryState"])))
        elif line.component == camera:
            self._take_camera(line)
        elif line.topic == "evt_imageInOODS":
            self._take_ingest(line)
        elif line.component == "OCPS":
            self._take_ocps(line)

    def _take_state(self, line: BusMessage) -> None:
        name = ScriptState(line.values["state"]).name
        self.states.append((line.part, line.time, name, str(line.values["reason"])))

    def _take_camera(self, line: BusMessage) -> None:
        values = line.values
        if line.topic == "cmd_takeImages":
            self._integrating = None  # until it begins: it may be refused
            self._taking.add(values["private_seqNum"])
            self.unanswered.add((line.part, values["private_seqNum"]))
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
        elif line.topic == "ack_ackcmd" and values["private_seqNum"] in self._taking:
            self._take_answer(line)

    def _take_answer(self, line: BusMessage) -> None:
        """Take in what the camera answers to takeImages."""
        if line.values["ack"] in _ANSWERS:
            self.unanswered.discard((line.part, line.values["private_seqNum"]))
        if self._integrating:
            self._integrating.confirmed |= line.values["ack"] == SalRetCode.CMD_COMPLETE
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
        elif line.topic == "cmd_abort_job":
            for job in self._with_id(values["job_id"]):
                if job.part == line.part and job.aborted is None:
                    job.aborted = line.time
        elif line.topic == "evt_job_result":
            for job in self._with_id(values["job_id"]):
                if job.exit_code is None:
                    job.exit_code = int(values["exit_code"])
                    job.published = line.time if job.part == line.part else None
            self._early[values["job_id"]] = int(values["exit_code"]), line.time
        elif line.topic == "ack_ackcmd":
            for job in self.jobs:
                if job.number == values["private_seqNum"] and job.part == line.part:
                    self._take_ack(job, line)

    def _take_ack(self, job: JobEvent, line: BusMessage) -> None:
        if line.values["ack"] in _ANSWERS:
            job.ended = line.time
            return
        match = _JOB_ID.search(line.values["result"])
        if match is None:
            return
        job.job_id, job.acknowledged = match[1], line.time
        if job.job_id in self._early:
            job.exit_code, job.published = self._early[job.job_id]

    def _with_id(self, job_id: str) -> Iterator[JobEvent]:
        return (job for job in self.jobs if job.job_id == job_id)


def _exposure(line: BusMessage, part: int) -> ExposureEvent:
    values = line.values
    keys, texts = (split_escaped(values[name]) for name in ("additionalKeys", "additionalValues"))
    kind = dict(zip(keys, texts, strict=True)).get("imageType", "")
    _, _, day, number = values["imageName"].split("_")
    exposure = int(day) * 100_000 + int(number)
    return ExposureEvent(exposure, values["imageName"], kind, values["exposureTime"], part, line.time)


def _job(line: BusMessage) -> JobEvent:
    file, _, subset = line.values["pipeline"].rpartition("/")[2].partition("#")
    kind = "verify" if file.startswith("verify") else "gain" if "Gain" in subset else "generate"
    calibration = "GAIN" if kind == "gain" else re.sub(r"^(cp|verify)|\.yaml$", "", file).upper()
    selected = {
        name: tuple(int(number) for number in numbers.split(","))
        for name, numbers in _SELECTED.findall(line.values["data_query"])
    }
    inputs: Iterable[str] = (
        name for found in _INPUTS.findall(line.values["config"]) for name in found.split(",")
    )
    return JobEvent(
        kind=kind,
        calibration=calibration,
        exposures=selected.get("exposure", ()),
        detectors=selected.get("detector", ()),
        pipeline=line.values["pipeline"],
        config=line.values["config"],
        data_query=line.values["data_query"],
        inputs=tuple(inputs),
        part=line.part,
        time=line.time,
        number=int(line.values["private_seqNum"]),
    )
