"""A script ends in time, nothing goes on after it, and its end is true: state, exit status, reasons."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ...faults.kinds import KINDS
from ..events import FINAL, Part
from ..evidence import Evidence
from ..scenario import AT_ONCE, Act
from .registry import invariant

__all__: list[str] = []

NEGATIVE = "CALIBRATION VERIFICATION NEGATIVE"
"""Words by which a Watcher rule can know a verdict that is not positive."""

STATUS = {"DONE": {0}, "STOPPED": {0}, "CONFIGURE_FAILED": {2}}
"""Exit status of each state but FAILED, for which it says whether an exposure was begun."""

AT_ONCE_SECONDS = 0.1
"""How soon a script ends that is to end at once."""

STOP_PATIENCE = 3.0
"""Seconds in which a script is to end that is stopped, or ended by a signal: the ScriptQueue gives 11 s, in
which its process must have ended as well."""

RESULT_LATE = 60.0
"""Seconds that the result of a job may come after its command has ended."""

MARGIN = 10.0
"""Seconds for what passes between the script and the OCPS."""


@invariant
def _ends_agree(evidence: Evidence) -> Iterator[str]:
    """State on the bus, summary, journal and exit status are those of one end, in every part."""
    for part in evidence.parts:
        yield from _end(evidence, part)
    if evidence.last is None:
        return
    if evidence.summary is None:
        if not evidence.last_part.disk_was_full:
            yield "there is no summary"
        return
    state, reason, final = evidence.summary["state"], evidence.summary["reason"], evidence.final
    if final is not None and final[0] != state:
        yield f"the script ended {final[0]}, and its summary says {state}"
    if final is not None and final[1] != reason:
        yield f"the reason in the summary is {reason!r}, on the bus {final[1]!r}"


def _end(evidence: Evidence, part: Part) -> Iterator[str]:
    """How a part ended, and with which exit status."""
    names = [name for _, name, _ in part.states]
    place = next((place for place, name in enumerate(names) if name in FINAL), len(names))
    if other := next((name for name in names[place:] if name != names[place]), None):
        yield f"part {part.number} of the run had the state {other} after the final state {names[place]}"
    if part.outcome is None or part.outcome.broken:
        return
    # A signal ends a script that does not run yet without a word.
    if part.final is None and (Act.TERM not in part.acts or evidence.of("RunConfigured")):
        yield f"part {part.number} of the run ended in no final state"
    state = "FAILED" if part.final is None else part.final[1]
    begun = evidence.of("ExposureBegun", part.facts)
    if part.outcome.status not in STATUS.get(state, {1 if begun else 2}):
        yield f"the exit status of {state} with {len(begun)} exposures begun is {part.outcome.status}"


@invariant
def _done_means_done(evidence: Evidence) -> Iterator[str]:
    """DONE if, and only if, every step that was asked for was done; STOPPED only if somebody stopped it."""
    if evidence.final is None:
        return
    (state, _), scenario, part = evidence.final, evidence.scenario, evidence.last_part
    kept = {kind: evidence.kept[kind] for kind in scenario.kinds}
    missing = [f"take {kind}" for kind, images in kept.items() if len(images) < scenario.number[kind]]
    missing += [
        f"ingest {each.name}" for images in kept.values() for each in images if not evidence.is_ingested(each)
    ]
    missing += evidence.not_done
    trouble = Act.TERM in part.acts or bool(part.went_wrong)
    if state == "DONE" and missing:
        yield f"the script is DONE, and this was not done: {', '.join(missing)}"
    if state == "FAILED" and not missing and not trouble:
        yield "the script FAILED, and everything was done"
    if state == "STOPPED" and not {Act.STOP, Act.STOP_PAUSED} & part.acts:
        yield "the script is STOPPED, and nobody stopped it"
    quiet = not part.acts - {Act.PAUSE} and not trouble
    if quiet and state != "DONE" and not _rejected(evidence) and not _slow(evidence, part):
        yield f"nothing went wrong, nobody interrupted the script, and it is {state}"


def _rejected(evidence: Evidence) -> list[str]:
    """Calibrations without which the run cannot be DONE, by their last verdicts."""
    steps = evidence.asked_for
    return [
        name
        for name, fact in evidence.verdicts.items()
        if not fact["complete"] or (not fact["passed"] and f"certify {name}" in steps)
    ]


def _slow(evidence: Evidence, part: Part) -> bool:
    """Whether a job took longer than it may in a part."""
    limit = float(evidence.scenario.options["job_timeout"])
    return any(
        job.acknowledged is not None and (job.published or math.inf) - job.acknowledged >= limit
        for job in evidence.events.jobs
        if job.part == part.number
    )


@invariant
def _negative_verdicts_come_first(evidence: Evidence) -> Iterator[str]:
    """A run that is DONE begins its reason with a negative verdict if there is one; each has a line."""
    final, last = evidence.final, evidence.last
    if final is None or final[0] != "DONE" or last is None:
        return
    negative = [name for name, fact in evidence.verdicts.items() if not fact["passed"]]
    if final[1].startswith(NEGATIVE) != bool(negative):
        names = ", ".join(negative) or "nothing"
        yield f"the verdicts on {names} are negative, and the reason is: {final[1]}"
    # The log also has verdicts on images that were found to be lost when the run was resumed.
    before = {fact["calibration"] for fact in evidence.of("VerdictGiven") if not fact["passed"]}
    for name in evidence.verdicts:
        for place, text, allowed in (("reason", final[1], negative), ("log", last.file, before)):
            named = f"{NEGATIVE}: {name} " in text
            if name in negative and not named:
                yield f"the {place} does not name a negative verdict on {name}"
            elif named and name not in allowed:
                yield f"the {place} names a negative verdict on {name}"


@invariant
def _missing_steps_are_named(evidence: Evidence) -> Iterator[str]:
    """A run that had begun names every step that was not done, however it ended; a done one names none."""
    final = evidence.final
    if final is None or evidence.summary is None or not evidence.of("RunConfigured"):
        return
    if evidence.last_part.disk_was_full:  # the names are on the disk or nowhere
        return
    named = {each["step"] for each in evidence.summary["not_done"]}
    if missing := set(evidence.not_done) - named:
        yield f"these steps were not done, and are not named: {', '.join(sorted(missing))}"
    if final[0] == "DONE" and named:
        yield f"the script is DONE, and names what was not done: {', '.join(sorted(named))}"


@invariant
def _reason_names_the_cause(evidence: Evidence) -> Iterator[str]:
    """The reason of a failure holds words about something that really went wrong in that part."""
    for part in evidence.parts:
        if part.outcome is None or part.outcome.broken or part.final is None or part.final[1] != "FAILED":
            continue
        reason, terminated = part.final[2], Act.TERM in part.acts
        if terminated and "terminated by a signal" in reason:
            continue
        causes = [KINDS[name].cause for name in sorted(part.went_wrong)]
        if any(not fact["passed"] for fact in evidence.of("VerdictGiven", part.facts)):
            causes.append("rejected|failed verification|is not completely verified")
        if _slow(evidence, part):
            causes.append("did not end within")
        if not causes and not terminated:
            yield f"nothing went wrong, and the script FAILED: {reason}"
        if causes and not any(re.search(each, reason) for each in causes):
            yield f"the reason does not name the cause ({' | '.join(causes)}): {reason}"


@invariant
def _nothing_breaks(evidence: Evidence) -> Iterator[str]:
    """No part ends by itself without a word, and no error of the program itself reaches the operator."""
    for part in evidence.parts:
        if part.outcome is None:
            if Act.KILL not in part.acts:
                yield f"the process of part {part.number} ended by itself, or hung"
            continue
        if part.outcome.broken:
            yield f"the session broke: {part.outcome.broken}"
        if "Traceback" in part.outcome.log:
            lines = part.outcome.log.splitlines()
            errors = [line for line in lines if re.match(r"^[\w.]+(Error|Exception)\b", line)]
            yield f"a traceback in the log: {'; '.join(errors[-1:]) or 'without words'}"


@invariant
def _refusals_are_right(evidence: Evidence) -> Iterator[str]:
    """A run can be resumed unless it is DONE, or had not begun."""
    ended = evidence.of("RunEnded")
    may_go_on = evidence.of("RunConfigured") and not (ended and ended[-1]["state"] == "DONE")
    if evidence.played.refused and may_go_on:
        yield f"the run cannot be resumed: {evidence.played.refused}"


@invariant
def _nothing_goes_on(evidence: Evidence) -> Iterator[str]:
    """Tasks, threads and jobs of a script that has ended have ended, or were aborted."""
    for part in evidence.parts:
        if part.outcome is not None and part.outcome.left:
            yield f"these were still running: {', '.join(part.outcome.left)}"
        end = math.inf if part.final is None else part.final[0]
        for job in evidence.events.jobs:
            # One whose id the OCPS has not sent cannot be aborted; the script has to wait some time for it.
            known = part.final is not None and (job.acknowledged or math.inf) <= end
            ends = [each for each in (job.ended, job.published, job.aborted) if each is not None]
            if job.part == part.number and known and not any(each <= end for each in ends):
                yield f"the job {job.name} still ran at the end, and nobody aborted it"
        for line in part.messages:
            late = line.time - part.ended_at
            if line.topic in ("cmd_takeImages", "cmd_execute") and late > AT_ONCE_SECONDS:
                yield f"{line.topic} was sent {late:.3f} s after the script was {Act.STOP} or {Act.TERM}"


@invariant
def _time_is_bounded(evidence: Evidence) -> Iterator[str]:
    """A script ends within the time that its limits allow, and so does each job."""
    scenario = evidence.scenario
    job_timeout = float(scenario.options["job_timeout"])
    jobs = 3 * (len(scenario.kinds) + 3)
    exposure = 400.0 + float(scenario.options["oods_timeout"])
    limit = 600.0 + scenario.images * exposure + jobs * (job_timeout + 400.0)
    for part in evidence.parts:
        if part.outcome is not None and part.outcome.seconds > limit:
            yield f"the script took {part.outcome.seconds:.0f} simulated seconds, more than {limit:.0f}"
        if part.final is not None and part.final[0] - part.ended_at > STOP_PATIENCE:
            took = f"{part.final[0] - part.ended_at:.0f} s, and may take {STOP_PATIENCE:.0f} s"
            act = next(act for act in AT_ONCE if act in part.acts)
            yield f"the script was {act}, and took {took} to end"
    allowed = job_timeout + RESULT_LATE + MARGIN
    for job in evidence.events.jobs:
        if job.acknowledged is None:
            continue
        ends = [each for each in (job.published, job.aborted) if each is not None]
        if (took_job := min([*ends, evidence.parts[job.part].end]) - job.acknowledged) > allowed:
            yield f"the job {job.name} ran for {took_job:.0f} s, and may for {allowed:.0f} s"
