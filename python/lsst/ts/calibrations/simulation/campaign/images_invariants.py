"""No exposure that the camera confirmed is lost, or filed as another; what is on disk is there in time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from .evidence import Evidence, Fact
from .witness import Testimony

__all__ = [
    "data_taking_halts",
    "exposures_are_filed",
    "facts_are_flushed",
    "few_are_taken_again",
    "ingests_are_true",
]

NEEDED = ("certify BIAS", "certify DARK", "certify FLAT")
"""Steps without which no later image type can be combined."""

SAME_TIME = 0.01
"""Seconds within which it cannot be said what came first."""


def exposures_are_filed(evidence: Evidence) -> Iterator[str]:
    """Every confirmed exposure is in journal and summary, with its type; and no other is."""
    confirmed = list(_confirmed_in_time(evidence))
    places = [("journal", evidence.of("ExposureTaken"))]
    if evidence.summary is not None:
        places.append(("summary", evidence.summary["exposures"]))
    # A kill may fall between the camera's word and the next line of the journal, and so may a full disk; that
    # exposure may be taken again.
    tolerance = int(None in evidence.lived.lives or "run-disk-full" in evidence.lived.struck)
    for place, entries in places:
        filed = {entry["id"]: entry for entry in entries}
        missing = [each for each in confirmed if each not in filed]
        if len(missing) > tolerance:
            yield f"the {place} has not the exposures {missing}, which the camera confirmed"
        for number, entry in filed.items():
            exposure = evidence.events.begun.get(number)
            if exposure is None:
                yield f"the {place} has the exposure {number}, which the camera never began"
            elif (entry["image_type"], entry["obs_id"]) != (exposure.kind, exposure.name):
                yield f"the {place} files {exposure.name}, a {exposure.kind}, as {entry['image_type']}"
            elif float(entry["exp_time"]) != exposure.exp_time:
                yield f"the {place} gives {exposure.name} {entry['exp_time']} s, it has {exposure.exp_time}"


def _confirmed_in_time(evidence: Evidence) -> Iterator[int]:
    """Exposures that the camera confirmed before the script gave up waiting for them."""
    ends = {
        life: time
        for life, time, name, _ in reversed(evidence.events.states)
        if name in ("STOPPING", "FAILING")
    }
    for each in evidence.events.exposures.values():
        if each.time < ends.get(each.life, math.inf) - SAME_TIME:
            yield each.id


def few_are_taken_again(evidence: Evidence) -> Iterator[str]:
    """A run that is resumed takes at most one exposure again, and none that its journal holds."""
    if not evidence.resumed:
        return
    scenario = evidence.scenario
    again = 0
    for kind in scenario.kinds:
        planned = scenario.number(kind) + scenario.discarded(kind)
        again += max(0, len(evidence.confirmed(kind)) - planned)
    lost = {fact["id"] for fact in evidence.of("ExposureLost")}
    if again > 1 + len(lost):
        yield f"{again} exposures were taken again, and {len(lost)} were lost"
    raws = evidence.shelf.raws()
    if there := [each for each in lost if {(each, number) for number in evidence.detectors} <= raws]:
        yield f"{sorted(there)} are filed as lost, and the repository has them"


def data_taking_halts(evidence: Evidence) -> Iterator[str]:
    """Without an accepted calibration, which all later ones need, no further exposure is begun."""
    if not evidence.scenario.wants("generate_calibrations"):
        return
    late = 0
    for line in evidence.events.testimony:
        if line.topic != "cmd_takeImages" or evidence.resumed:
            continue
        facts = [json.loads(each) for each in evidence.journal[: line.journal].split(b"\n")[:-1]]
        late += any(fact["fact"] == "StepNotDone" and fact["step"] in NEEDED for fact in facts)
    if late > 1:  # one may have been under way to the camera
        yield f"{late} exposures were begun after a calibration that they need was not certified"


def ingests_are_true(evidence: Evidence) -> Iterator[str]:
    """Only what the OODS said of every detector in use, or what is in the Butler, is filed as ingested."""
    wanted = set(evidence.detectors.values())
    for fact in evidence.of("ExposureConfirmed"):
        exposure = evidence.events.begun.get(fact["id"])
        told = exposure is not None and not wanted - set(exposure.ingested)
        # A run that is resumed looks into the Butler: the messages of before are gone.
        stored = (
            evidence.resumed and {(fact["id"], each) for each in evidence.detectors} <= evidence.shelf.raws()
        )
        if not (told or stored):
            yield f"exposure {fact['id']} is filed as ingested, and the OODS has not said so of all detectors"


def facts_are_flushed(evidence: Evidence) -> Iterator[str]:
    """When the next step begins, the journal on the disk has what came before it."""
    for line in evidence.events.testimony:
        if line.topic not in ("cmd_takeImages", "cmd_execute"):
            continue
        text = evidence.journal[: line.journal]
        facts = [json.loads(each) for each in text.split(b"\n")[:-1]]
        there = {fact["id"] for fact in facts if fact["fact"] == "ExposureTaken"}
        before = {
            each.id
            for each in evidence.events.exposures.values()
            if each.life == line.life and each.time < line.time
        }
        if before - there:
            yield f"{line.topic} was sent, and {sorted(before - there)} were not in the journal on disk"
            return
        if late := _inputs(evidence, line) - _ended_well(facts):
            yield f"{line.topic} was sent, and the ends of {sorted(late)} were not in the journal on disk"
            return


def _inputs(evidence: Evidence, line: Testimony) -> set[str]:
    """Collections of jobs that a job which is asked for reads."""
    return {
        name.removesuffix("/run")
        for job in evidence.events.jobs
        if (job.life, job.time) == (line.life, line.time) and line.topic == "cmd_execute"
        for name in job.inputs
        if name.startswith("u/ocps/")
    }


def _ended_well(facts: Sequence[Fact]) -> set[str]:
    """Collections that a job made, of which both its good end and what it made are known."""
    ended = {
        f"u/ocps/{fact['job_id']}" for fact in facts if fact["fact"] == "JobEnded" and fact["exit_code"] == 0
    }
    return ended & {fact["collection"] for fact in facts if fact["fact"] == "CalibrationMade"}
