"""Jobs look at what they are to look at, and a job that fails costs no images."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from lsst.ts.calibrations.domain.instruments import ImageType

from ..causes import HARMLESS
from ..events import JobEvent
from ..evidence import Evidence
from ..interruption import Act
from ..steps import certified
from .registry import invariant

__all__: list[str] = []

AT_PREFLIGHT = frozenset({"ocps-configuration", "ocps-offline"})
"""Faults of the OCPS that a run may see before its first exposure, and then it takes none."""


@invariant
def _jobs_read_their_own(evidence: Evidence) -> Iterator[str]:
    """A job reads first what this run made and accepted, then what is configured; of all detectors in use."""
    configured = evidence.of("RunConfigured")
    if not configured:
        return
    for job in evidence.events.jobs:
        name = f"{job.kind} {job.calibration}"
        if sorted(job.detectors) != sorted(evidence.detectors):
            yield f"the job {name} is of the detectors {list(job.detectors)}"
        wanted = _inputs(evidence, job, configured[0]["config"])
        if job.inputs != wanted:
            yield f"the job {name} reads {', '.join(job.inputs)}, and is to read {', '.join(wanted)}"


def _inputs(evidence: Evidence, job: JobEvent, config: Any) -> tuple[str, ...]:
    """Input collections that a job is to have."""
    scenario, kind = evidence.scenario, job.calibration
    makes = bool(scenario.option("generate_calibrations"))
    product = kind not in set(ImageType)
    verifies = "_verify" if job.kind == "verify" and not product else ""
    option = f"input_collections{verifies}_{'ptc' if kind == 'GAIN' else kind.lower()}"
    configured = [each.strip() for each in str(config[option]).split(",")]
    if kind == "GAIN":
        return tuple(configured)
    before = [*takewhile(lambda each: each != kind, scenario.kinds)] if makes else []
    own = [_made_last(evidence, job)] if job.kind == "verify" and (makes or product) else []
    accepted = [_certified(evidence, each) for each in reversed(before)]
    collection = [str(scenario.option("calib_collection"))] if accepted else []
    return tuple(dict.fromkeys([*own, *accepted, *collection, *configured]))


def _made_last(evidence: Evidence, job: JobEvent) -> str:
    """Collection that the last successful job made before a verification of the same calibration."""
    found = [
        each
        for each in evidence.events.jobs
        if (each.kind, each.calibration, each.exit_code) == ("generate", job.calibration, 0)
        and (each.part, each.time) < (job.part, job.time)
    ]
    return found[-1].run if found else f"a {job.calibration} of this run"


def _certified(evidence: Evidence, kind: ImageType) -> str:
    """Collection of what this run has certified of an image type."""
    made = {job.run for job in evidence.events.jobs if job.calibration == kind}
    found = {
        each.run for each in certified(evidence) if each.dataset_type == kind.lower() and each.run in made
    }
    return " ".join(sorted(found)) or f"an accepted {kind}"


@invariant
def _data_taking_goes_on(evidence: Evidence) -> Iterator[str]:
    """Where nothing is combined, a job that fails ends no data taking: images are worth having."""
    part, scenario = evidence.last_part, evidence.scenario
    final = evidence.events.final(part)
    if scenario.option("generate_calibrations") or final is None or not evidence.of("RunConfigured"):
        return
    others = {name for name in evidence.suffered[part] if not name.startswith(("ocps-", "verify-"))}
    if evidence.acts[part] - {Act.PAUSE} or others - HARMLESS:
        return
    begun = any(each.part == part for each in evidence.events.begun.values())
    if not begun and AT_PREFLIGHT & evidence.suffered[part]:
        return
    missing = {kind: scenario.number[kind] - len(evidence.kept[kind]) for kind in scenario.kinds}
    words = [f"{number} {kind}" for kind, number in missing.items() if number > 0]
    if words:
        yield f"these images were not taken, and only jobs went wrong: {', '.join(words)}"
