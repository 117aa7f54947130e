"""The end tells the truth: state, exit status, what was not done, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ..causes import CAUSES, HARMLESS
from ..events import FINAL, ExposureEvent
from ..evidence import Evidence
from ..interruption import Act
from ..steps import asked_for, done
from .registry import invariant

__all__: list[str] = []

NEGATIVE = "CALIBRATION VERIFICATION NEGATIVE"
"""Words by which a Watcher rule can know a verdict that is not positive."""

STATUS = {"DONE": {0}, "STOPPED": {0}, "CONFIGURE_FAILED": {2}}
"""Exit status of each state but FAILED, for which it says whether anything was exposed."""


@invariant
def _ends_agree(evidence: Evidence) -> Iterator[str]:
    """State on the bus, summary, journal and exit status are those of one end, in every part."""
    for part, outcome in evidence.outcomes.items():
        if not outcome.broken:
            yield from _end(evidence, part, outcome.status)
    for part in range(len(evidence.played.parts)):
        yield from _after_the_end(evidence, part)
    if evidence.last is None:
        return
    if evidence.summary is None:
        if "run-disk-full" not in evidence.suffered[evidence.last_part]:
            yield "there is no summary"
        return
    state, reason, final = evidence.summary["state"], evidence.summary["reason"], evidence.final
    if final is not None and final[0] != state:
        yield f"the script ended {final[0]}, and its summary says {state}"
    if final is not None and final[1] != reason:
        yield f"the reason in the summary is {reason!r}, on the bus {final[1]!r}"


def _end(evidence: Evidence, part: int, status: int | None) -> Iterator[str]:
    """How a part ended, and with which exit status."""
    final = evidence.events.final(part)
    if final is None:
        # A signal ends a script that does not run yet without a word.
        if Act.TERM not in evidence.acts[part] or evidence.of("RunConfigured"):
            yield f"part {part} of the run ended in no final state"
        state = "FAILED"
    else:
        state = final[1]
    exposures = [each for each in evidence.events.exposures.values() if each.part <= part]
    # Nobody knows what the camera makes of a takeImages that it has not answered.
    unknown = any(number <= part for number, _ in evidence.events.unanswered)
    failed = {1} if exposures else {1, 2} if unknown else {2}
    if status not in STATUS.get(state, failed):
        yield f"the exit status of {state} with {len(exposures)} exposures is {status}"


def _after_the_end(evidence: Evidence, part: int) -> Iterator[str]:
    """Other states of a part after a final one."""
    final = ""
    for number, _, name, _ in evidence.events.states:
        if number == part and final and name != final:
            yield f"part {part} of the run had the state {name} after the final state {final}"
            return
        if number == part and name in FINAL:
            final = name


@invariant
def _done_means_done(evidence: Evidence) -> Iterator[str]:
    """DONE if, and only if, every step that was asked for was done; STOPPED only if somebody stopped it."""
    if evidence.final is None:
        return
    state, _ = evidence.final
    scenario = evidence.scenario
    kept = {kind: evidence.kept[kind] for kind in scenario.kinds}
    missing = [f"take {kind}" for kind, images in kept.items() if len(images) < scenario.number[kind]]
    wanted = set(evidence.detectors.values())
    missing += [
        f"ingest {each.name}"
        for images in kept.values()
        for each in images
        if not _ingested(evidence, each, wanted)
    ]
    missing += [step for step in asked_for(evidence) if not done(evidence, step)]
    if state == "DONE" and missing:
        yield f"the script is DONE, and this was not done: {', '.join(missing)}"
    if state == "FAILED" and not missing and not _went_wrong(evidence, evidence.last_part):
        yield "the script FAILED, and everything was done"
    if state == "STOPPED" and not {Act.STOP, Act.STOP_PAUSED} & evidence.acts[evidence.last_part]:
        yield "the script is STOPPED, and nobody stopped it"
    quiet = not evidence.acts[evidence.last_part] - {Act.PAUSE} and not _went_wrong(
        evidence, evidence.last_part
    )
    if quiet and state != "DONE" and not _rejected(evidence) and not _slow(evidence, evidence.last_part):
        yield f"nothing went wrong, nobody interrupted the script, and it is {state}"


def _rejected(evidence: Evidence) -> list[str]:
    """Calibrations without which the run cannot be DONE, by their last verdicts."""
    steps = asked_for(evidence)
    return [
        name
        for name, fact in evidence.verdicts.items()
        if not fact["complete"] or (not fact["passed"] and f"certify {name}" in steps)
    ]


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
    for name in evidence.verdicts:
        places = {"reason": final[1], "log": last.log}
        for place, text in places.items():
            if (f"{NEGATIVE}: {name} " in text) != (name in negative):
                words = "does not name" if name in negative else "names"
                yield f"the {place} {words} a negative verdict on {name}"


@invariant
def _missing_steps_are_named(evidence: Evidence) -> Iterator[str]:
    """A run that had begun names every step that was not done, however it ended; a done one names none."""
    final = evidence.final
    if final is None or evidence.summary is None or not evidence.of("RunConfigured"):
        return
    if "run-disk-full" in evidence.suffered[evidence.last_part]:  # the names are on the disk or nowhere
        return
    named = {each["step"] for each in evidence.summary["not_done"]}
    missing = {step for step in asked_for(evidence) if not done(evidence, step)}
    if missing - named:
        yield f"these steps were not done, and are not named: {', '.join(sorted(missing - named))}"
    if final[0] == "DONE" and named:
        yield f"the script is DONE, and names what was not done: {', '.join(sorted(named))}"


@invariant
def _reason_names_the_cause(evidence: Evidence) -> Iterator[str]:
    """The reason of a failure holds words about something that really went wrong in that part."""
    for part, outcome in evidence.outcomes.items():
        final = None if outcome.broken else evidence.events.final(part)
        if final is not None and final[1] == "FAILED":
            yield from _cause(evidence, part, final[2])


def _cause(evidence: Evidence, part: int, reason: str) -> Iterator[str]:
    """Look for the cause of a failure in its reason."""
    if Act.TERM in evidence.acts[part] and "terminated by a signal" in reason:
        return
    words = [CAUSES[name] for name in sorted(evidence.suffered[part]) if name in CAUSES]
    verdicts = evidence.of("VerdictGiven", evidence.facts_until(part))
    words += ["VERIFICATION NEGATIVE"] if any(not fact["passed"] for fact in verdicts) else []
    words += [r"did not end within"] if _slow(evidence, part) else []
    if not words:
        if not _went_wrong(evidence, part):
            yield f"nothing went wrong, and the script FAILED: {reason}"
        return
    if not any(re.search(each, reason) for each in words):
        yield f"the reason does not name the cause ({' | '.join(words)}): {reason}"


@invariant
def _nothing_breaks(evidence: Evidence) -> Iterator[str]:
    """No part ends by itself without a word, and no error of the program itself reaches the operator."""
    for part in range(len(evidence.played.parts)):
        if part not in evidence.outcomes and Act.KILL not in evidence.acts[part]:
            yield f"the process of part {part} ended by itself, or hung"
    for outcome in evidence.outcomes.values():
        if outcome.broken:
            yield f"the session broke: {outcome.broken}"
        if "Traceback" in outcome.log:
            lines = outcome.log.splitlines()
            errors = [line for line in lines if re.match(r"^[\w.]+(Error|Exception)\b", line)]
            yield f"a traceback in the log: {'; '.join(errors[-1:]) or 'without words'}"


@invariant
def _refusals_are_right(evidence: Evidence) -> Iterator[str]:
    """A run can be resumed unless it is DONE, or had not begun."""
    if not evidence.played.refused:
        return
    ended = evidence.of("RunEnded")
    if evidence.of("RunConfigured") and not (ended and ended[-1]["state"] == "DONE"):
        yield f"the run cannot be resumed: {evidence.played.refused}"


def _went_wrong(evidence: Evidence, part: int) -> bool:
    """Whether something happened in a part that a run may fail of."""
    return Act.TERM in evidence.acts[part] or bool(evidence.suffered[part] - HARMLESS)


def _ingested(evidence: Evidence, exposure: ExposureEvent, wanted: set[str]) -> bool:
    """Whether the OODS published it of every detector; after a resumption the Butler counts, too."""
    if not wanted - set(exposure.ingested):
        return True
    return evidence.resumed and {(exposure.id, each) for each in evidence.detectors} <= evidence.datasets.raws


def _slow(evidence: Evidence, part: int) -> bool:
    """Whether a job took longer than it may in a part."""
    limit = float(evidence.scenario.option("job_timeout"))
    return any(
        job.acknowledged is not None and (job.published or math.inf) - job.acknowledged >= limit
        for job in evidence.events.jobs
        if job.part == part
    )
