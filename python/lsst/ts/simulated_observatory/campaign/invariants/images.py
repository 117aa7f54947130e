"""No exposure that the camera confirmed is lost, or filed as another; what is on disk is there in time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lsst.ts.calibrations.components.ingest import detector_name
from lsst.ts.calibrations.domain.instruments import ImageType

from ...faults.faults import Faults
from ..events import ExposureEvent, Fact
from ..evidence import Evidence
from ..expected import NEEDED
from ..recording import BusMessage
from ..scenario import Act
from .registry import SAME_TIME, invariant

__all__: list[str] = []

OTHER_NIGHT = "butler-other-night"
"""Fault after which numbers of exposures mean others."""

STOP_WAIT = 1.5
"""Seconds from a stop within which an exposure under way ends that the script must wait for."""

NO_READOUT = 31.0
"""Seconds beyond the readout time after which the script waits for no endReadout."""

AT_PREFLIGHT = frozenset({"ocps-configuration", "ocps-offline"})
"""Faults of the OCPS that a run may see before its first exposure, and then it takes none."""


@invariant
def _exposures_are_filed(evidence: Evidence) -> Iterator[str]:
    """Every confirmed exposure is in journal and summary, with its type; and no other is."""
    confirmed = list(_confirmed_in_time(evidence))
    places = [("journal", evidence.of("ExposureTaken"))]
    if evidence.summary is not None:
        places.append(("summary", evidence.summary["exposures"]))
    # A kill may fall between the camera's answer and the next line of the journal, and so may a full disk;
    # that exposure may be taken again.
    tolerance = int(None in evidence.played.parts or "run-disk-full" in evidence.played.struck)
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
            else:
                yield from _place(evidence, place, entry, exposure)


def _place(evidence: Evidence, file: str, entry: Fact, exposure: ExposureEvent) -> Iterator[str]:
    """Compare what follows from the place of an exposure with the order of the camera."""
    kind = ImageType(exposure.kind)
    place = evidence.places[kind].get(exposure.id)
    if place is None:
        yield f"the {file} has {exposure.name}, a {kind} for which there is no place"
    elif entry["discarded"] != (place <= evidence.scenario.discarded[kind]):
        yield f"the {file} has {exposure.name}, {kind} number {place}, as discarded {entry['discarded']}"
    elif entry.get("position", place) != place:
        yield f"the {file} has {exposure.name}, {kind} number {place}, as number {entry['position']}"


def _confirmed_in_time(evidence: Evidence) -> Iterator[int]:
    """Exposures that the camera confirmed before the script gave up waiting for them."""
    for part in evidence.parts:
        failing = [time for time, name, _ in part.states if name in ("STOPPING", "FAILING")]
        by_itself = [time for time in failing if time < part.ended_at]
        limit = min(by_itself, default=part.ended_at + STOP_WAIT)
        for exposure in evidence.events.exposures:
            if exposure.part == part.number and exposure.time < limit - SAME_TIME:
                yield exposure.id


@invariant
def _few_are_taken_again(evidence: Evidence) -> Iterator[str]:
    """A run that is resumed takes at most one exposure again, and none that its journal holds."""
    if not evidence.resumed:
        return
    again, scenario = 0, evidence.scenario
    for kind in scenario.kinds:
        planned = scenario.number[kind] + scenario.discarded[kind]
        again += max(0, len(evidence.confirmed[kind]) - planned)
    lost = {fact["id"] for fact in evidence.of("ExposureLost")}
    if again > 1 + len(lost):
        yield f"{again} exposures were taken again, and {len(lost)} were lost"
    if there := sorted(_stored_in_time(evidence) & lost - evidence.exchanged):
        yield f"{there} are filed as lost, and the repository has them"


@invariant
def _numbers_mean_what_they_meant(evidence: Evidence) -> Iterator[str]:
    """No job is asked for exposures whose numbers have come to mean others in the repository."""
    if OTHER_NIGHT not in evidence.played.struck or not evidence.exchanged:
        return
    part, ended = _exchanged_at(evidence)
    for job in evidence.events.jobs:
        later = job.part > part or (job.part == part and job.command.time > ended + SAME_TIME)
        if later and (others := evidence.exchanged & set(job.exposures)):
            yield f"{job.name} was asked for, and {sorted(others)} mean other exposures by then"


def _exchanged_at(evidence: Evidence) -> tuple[int, float]:
    """Part and time [s] of the end of the job with which numbers last came to mean others."""
    faults = Faults(evidence.scenario.faults or (OTHER_NIGHT,))
    ended = [job for job in evidence.events.jobs if job.exit_code == 0 and job.published is not None]
    found = 0, math.inf
    for job in sorted(ended, key=lambda job: (job.part, job.published)):
        if faults.strike(OTHER_NIGHT, kind=job.kind, calibration=job.calibration):
            found = job.part, job.published or 0.0
    return found


def _stored_in_time(evidence: Evidence) -> set[int]:
    """Exposures that the repository had before a run which was resumed could file them as lost.

    They were there when it was resumed, or the OODS published it before they were filed; what comes later is
    lost all the same.
    """
    wanted, raws = evidence.detectors, evidence.played.raws
    found = {each for each, _ in raws if {(each, number) for number in wanted} <= raws}
    published = dict[str, set[str]]()
    ids = {each.name: each.id for each in evidence.events.begun.values()}
    for line in evidence.last_part.messages:
        values = line.values
        if line.topic != "evt_imageInOODS" or values["statusCode"] or values["obsid"] not in ids:
            continue
        name, number = values["obsid"], ids[values["obsid"]]
        published.setdefault(name, set()).add(detector_name(values["raft"], values["sensor"]))
        lost = {fact["id"] for fact in evidence.of("ExposureLost", evidence.facts_at(line))}
        if set(wanted.values()) <= published[name] and number not in lost:
            found.add(number)
    return found


@invariant
def _data_taking_halts(evidence: Evidence) -> Iterator[str]:
    """Without an accepted calibration, which all later ones need, no further exposure is begun."""
    if not evidence.scenario.options.get("generate_calibrations"):
        return
    for part in evidence.parts:
        late = 0
        for line in part.messages:
            # What an earlier part has not done may be done in this one.
            facts = evidence.facts_at(line)[len(part.facts_before) :]
            halted = any(fact["step"] in NEEDED for fact in evidence.of("StepNotDone", facts))
            late += line.topic == "cmd_takeImages" and halted
        if late > 1:  # one may have been under way to the camera
            yield f"{late} exposures were begun after a calibration that they need was not certified"


@invariant
def _data_taking_goes_on(evidence: Evidence) -> Iterator[str]:
    """Where nothing is combined, a job that fails ends no data taking: the images remain useful."""
    part, scenario = evidence.last_part, evidence.scenario
    if (
        scenario.options.get("generate_calibrations")
        or part.final is None
        or not evidence.of("RunConfigured")
    ):
        return
    others = {name for name in part.went_wrong if not name.startswith(("ocps-", "verify-"))}
    if part.acts - {Act.PAUSE} or others:
        return
    begun = any(each.part == part.number for each in evidence.events.begun.values())
    if not begun and AT_PREFLIGHT & part.suffered:
        return
    missing = {kind: scenario.number[kind] - len(evidence.kept[kind]) for kind in scenario.kinds}
    words = [f"{number} {kind}" for kind, number in missing.items() if number > 0]
    if words:
        yield f"these images were not taken, and only jobs went wrong: {', '.join(words)}"


@invariant
def _ingests_are_true(evidence: Evidence) -> Iterator[str]:
    """What the OODS published of every detector in use, or the Butler has, is filed as ingested; no other."""
    confirmed = {fact["id"] for fact in evidence.of("ExposureConfirmed")}
    for number in confirmed:
        exposure = evidence.events.begun.get(number)
        if exposure is None or not evidence.is_ingested(exposure):
            yield f"exposure {number} is filed as ingested, and the OODS has not published all detectors"
    published = {each.id for each in _ingested_in_time(evidence)} - evidence.exchanged
    if late := sorted(published - confirmed):
        yield f"the OODS published in time that it has {late}, and they are not filed as ingested"
    for entry in () if evidence.summary is None else evidence.summary["exposures"]:
        if entry["ingested"] != (entry["id"] in confirmed):
            words = "has" if entry["ingested"] else "has not"
            yield f"the summary {words} exposure {entry['id']} as ingested, and the journal says otherwise"


def _ingested_in_time(evidence: Evidence) -> Iterator[ExposureEvent]:
    """Exposures that the script must know to be ingested: that was published while it waited."""
    wanted, readout = set(evidence.detectors.values()), evidence.scenario.instrument.readout_time
    for each in evidence.events.exposures:
        own = evidence.parts[each.part]
        times = {name: time for name, (part, time) in each.ingested.items() if part == each.part}
        if wanted - set(times) or own.disk_was_full:
            continue
        published = max(times[name] for name in wanted)
        limit = each.time + float(evidence.scenario.options["oods_timeout"])
        part, read_out = each.read_out or (None, 0.0)
        ready = read_out if part == each.part else each.time + readout + NO_READOUT
        if published < limit - SAME_TIME and max(published, ready) < own.attentive_until - SAME_TIME:
            yield each


@invariant
def _facts_are_flushed(evidence: Evidence) -> Iterator[str]:
    """When the next step begins, the journal on the disk has what came before it."""
    for line in evidence.events.recording:
        if line.topic not in ("cmd_takeImages", "cmd_execute"):
            continue
        facts = evidence.facts_at(line)
        before = {
            each.id for each in evidence.events.exposures if each.part == line.part and each.time < line.time
        }
        missing = before - {fact["id"] for fact in evidence.of("ExposureTaken", facts)}
        if missing:
            yield f"{line.topic} was sent, and {sorted(missing)} were not in the journal on disk"
            return
        if late := _inputs(evidence, line) - _ended_well(evidence, facts):
            yield f"{line.topic} was sent, and the ends of {sorted(late)} were not in the journal on disk"
            return


def _inputs(evidence: Evidence, line: BusMessage) -> set[str]:
    """Collections of jobs that a job which is asked for reads."""
    return {
        name.removesuffix("/run")
        for job in evidence.events.jobs
        if job.command is line
        for name in job.inputs
        if name.startswith("u/ocps/")
    }


def _ended_well(evidence: Evidence, facts: Sequence[Fact]) -> set[str]:
    """Collections that a job made, of which both its good end and what it made are known."""
    ended = {f"u/ocps/{fact['job_id']}" for fact in evidence.of("JobEnded", facts) if fact["exit_code"] == 0}
    return ended & {fact["collection"] for fact in evidence.of("CalibrationMade", facts)}
