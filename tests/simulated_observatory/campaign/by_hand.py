"""Evidence that is made by hand, line by line: what passes on the bus, and what the script writes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS, ImageType
from lsst.ts.simulated_observatory.campaign.datasets import Certificate, Datasets, ExposureAndDetector
from lsst.ts.simulated_observatory.campaign.events import Events
from lsst.ts.simulated_observatory.campaign.evidence import Evidence
from lsst.ts.simulated_observatory.campaign.invariants import INVARIANTS
from lsst.ts.simulated_observatory.campaign.recording import BusMessage
from lsst.ts.simulated_observatory.campaign.scenario import (
    Act,
    Interruption,
    PartOutcome,
    Played,
    Scenario,
)
from lsst.ts.simulated_observatory.embedded_sal.enums import SalRetCode, ScriptState
from lsst.ts.simulated_observatory.stand_ins.measurements import Disturbance

FIRST = 20250115_00001
"""Id of the first exposure."""

JOB = "0" * 32
"""Id of a job."""

OPTIONS = {
    "script_mode": "BIAS",
    "n_bias": 2,
    "n_discard_bias": 1,
    **{f"{number}_{kind}": 0 for number in ("n", "n_discard") for kind in ("dark", "flat")},
    "generate_calibrations": False,
    "oods_timeout": 60,
    "job_timeout": 600,
}


class HeldDatasets(Datasets):
    """A repository that is nowhere."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.results: dict[str, dict[ExposureAndDetector, Mapping[str, Any]]] = {}
        self.curve: dict[str, tuple[float, float]] = {}
        self.certify()
        vars(self)["raws"] = frozenset()
        vars(self)["exposures"] = {}
        vars(self)["filters"] = {FIRST: "empty~empty"}

    def certify(self, *certificates: Certificate) -> None:
        """Hold these certificates and no others."""
        vars(self)["certificates"] = frozenset(certificates)

    def without_gain(self, collection: str, detector: int) -> list[str]:
        """All amplifiers have one."""
        return []

    def statistics(self, name: str, run: str) -> dict[ExposureAndDetector, Mapping[str, Any]]:
        """The results of a dataset type in any collection."""
        return self.results.get(name, {})

    def coefficients(
        self, collections: Sequence[str], instrument: str, exposure: int, detector: int
    ) -> dict[str, tuple[float, float]]:
        """The a00 and turnoff of the curve that is held, of any detector."""
        return self.curve


@dataclass
class HandMade:
    """What was recorded, and what the script wrote, line by line."""

    datasets: HeldDatasets = field(default_factory=HeldDatasets)
    parts: list[PartOutcome | None] = field(default_factory=lambda: [PartOutcome(status=1)])
    strikes: dict[int, Counter[str]] = field(default_factory=dict)
    raws: frozenset[tuple[int, int]] = frozenset()
    summary: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=lambda: dict(OPTIONS))
    faults: tuple[str, ...] = ()
    part: int = 0
    journal: bytes = b""
    recording: list[BusMessage] = field(default_factory=list)

    def send(self, time: float, component: str, topic: str, **values: object) -> None:
        line = BusMessage(self.part, time, component, topic, values, len(self.journal))
        self.recording.append(line)

    def note(self, fact: str, **values: object) -> None:
        self.journal += json.dumps({"fact": fact, **values}).encode() + b"\n"

    def state(self, time: float, state: ScriptState, reason: str = "") -> None:
        self.send(time, "Script", "evt_state", state=int(state), reason=reason)

    def take(
        self,
        time: float,
        number: int,
        *,
        answer: SalRetCode | None = SalRetCode.CMD_COMPLETE,
        kind: str = "BIAS",
    ) -> None:
        """Take an exposure.

        The camera answers at once, reads out in two seconds, and the OODS has it in three.
        """
        name = f"AT_O_20250115_{number:06d}"
        about = f"imageType: {kind}, groupId: {name}"
        self.send(time, "ATCamera", "cmd_takeImages", private_seqNum=number, expTime=0.0, keyValueMap=about)
        integration = {"imageName": name, "exposureTime": 0.0}
        keys = {"additionalKeys": "imageType:groupId", "additionalValues": f"{kind}:{name}"}
        self.send(time, "ATCamera", "evt_startIntegration", **integration, **keys)
        if answer is not None:
            self.send(time, "ATCamera", "ack_ackcmd", private_seqNum=number, ack=int(answer), result="")
            self.send(time + 2.0, "ATCamera", "evt_endReadout", imageName=name)

    def ingest(self, time: float, number: int) -> None:
        where = {"raft": "undef", "sensor": "RXX_S00"}
        self.send(
            time, "ATOODS", "evt_imageInOODS", obsid=f"AT_O_20250115_{number:06d}", statusCode=0, **where
        )

    def submit(
        self,
        time: float,
        job_id: str = "0" * 32,
        *,
        pipeline: str = "verifyBias.yaml",
        inputs: str = "",
        query: str = "exposure IN (1)",
        number: int = 9,
        delay: float = 1.0,
    ) -> None:
        """Submit a job, which the OCPS acknowledges some seconds later."""
        fields = {"pipeline": pipeline, "config": f"-i {inputs}" if inputs else "", "data_query": query}
        self.send(time, "OCPS", "cmd_execute", private_seqNum=number, **fields)
        text = json.dumps({"job_id": job_id})
        ack = int(SalRetCode.CMD_INPROGRESS)
        self.send(time + delay, "OCPS", "ack_ackcmd", private_seqNum=number, ack=ack, result=text)

    def resume(self) -> None:
        """What follows is of the next part of the run."""
        self.part += 1
        self.parts.append(PartOutcome(status=1))
        self.note("RunResumed")

    @property
    def evidence(self) -> Evidence:
        scenario = Scenario(0, LATISS, self.options, faults=self.faults)
        played = Played(scenario, Path(), self.parts, self.strikes, raws=self.raws)
        return Evidence(played, Events(self.recording, LATISS), self.journal, self.summary, self.datasets)

    def violations(self, invariant: str) -> list[str]:
        """How an invariant is violated."""
        return list(INVARIANTS[invariant](self.evidence))


def read_scenario(values: Mapping[str, Any], seed: int = 0) -> Scenario:
    """Make a scenario from what `Scenario.as_dict` gives; what is not there is as nothing goes wrong."""
    interruption = values.get("interruption")
    return Scenario(
        seed,
        INSTRUMENTS[values["instrument"]],
        values["options"],
        tuple(values.get("faults", ())),
        {
            ImageType(kind): tuple(Disturbance(**each) for each in noise)
            for kind, noise in values.get("disturbances", {}).items()
        },
        interruption and Interruption(**{**interruption, "act": Act[interruption["act"]]}),
        values.get("resumed", False),
    )


def entry(number: int, **others: object) -> dict[str, Any]:
    """An exposure as journal and summary have it."""
    name = f"AT_O_20250115_{number:06d}"
    return {
        "id": FIRST + number - 1,
        "obs_id": name,
        "image_type": "BIAS",
        "exp_time": 0.0,
        "discarded": False,
        **others,
    }
