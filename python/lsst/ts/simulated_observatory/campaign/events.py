"""Which exposures and jobs there really were, from the messages on the bus alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lsst.ts.calibrations.components.ingest import detector_name
from lsst.ts.calibrations.domain.calibrations import PAIR_GAINS
from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.images import split_escaped
from ..embedded_sal.enums import SalRetCode
from .recording import BusMessage

__all__ = ["Events", "ExposureEvent", "JobEvent"]

_ANSWERS = (
    *(SalRetCode.CMD_COMPLETE, SalRetCode.CMD_FAILED, SalRetCode.CMD_ABORTED),
    *(SalRetCode.CMD_TIMEOUT, SalRetCode.CMD_NOPERM),
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
    command
        With which it was asked for.
    kind, calibration
        As its pipeline says.
    exposures, detectors
        As its data query says.
    inputs
        Its input collections.
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
        self.jobs: list[JobEvent] = []
        self.unanswered: set[tuple[int, int]] = set()
        """Part and number of each takeImages that the camera has not answered for good."""
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

    def job(self, collection: str) -> JobEvent | None:
        """Look for a job.

        Parameters
        ----------
        collection
            Of its results, with or without ``/run``.

        Returns
        -------
        job
            None if there is none.
        """
        run = f"{collection.removesuffix('/run')}/run"
        return next((each for each in self.jobs if each.run == run), None)

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
            if values["ack"] in _ANSWERS:
                self.unanswered.discard((line.part, values["private_seqNum"]))
            if self._integrating:
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
    kind = dict(zip(keys, texts, strict=True)).get("imageType", "")
    _, _, day, number = values["imageName"].split("_")
    exposure = int(day) * 100_000 + int(number)
    return ExposureEvent(exposure, values["imageName"], kind, values["exposureTime"], part, line.time)


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
