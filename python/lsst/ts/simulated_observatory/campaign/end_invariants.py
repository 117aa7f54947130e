"""The end tells the truth: state, exit status, what was not done, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from .causes import CAUSES, HARMLESS
from .events import FINAL, ExposureEvent
from .evidence import Evidence
from .interruption import Act
from .steps import asked_for, done

__all__ = [
    "done_means_done",
    "ends_agree",
    "missing_steps_are_named",
    "negative_verdicts_come_first",
    "nothing_breaks",
    "reason_names_the_cause",
    "refusals_are_right",
]

NEGATIVE = "CALIBRATION VERIFICATION NEGATIVE"
"""Words by which a Watcher rule can know a verdict that is not positive."""

STATUS = {"DONE": {0}, "STOPPED": {0}, "CONFIGURE_FAILED": {2}}
"""Exit status of each state but FAILED, of which it tells whether anything was exposed."""


def ends_agree(evidence: Evidence) -> Iterator[str]:
    """State on the bus, summary, journal and exit status are those of one end, in every life."""
    for number, life in evidence.told.items():
        if not life["broken"]:
            yield from _end(evidence, number, life["status"])
    for number in range(len(evidence.lived.lives)):
        yield from _after_the_end(evidence, number)
    last = evidence.last
    if last is None or last["broken"]:
        return
    if evidence.summary is None:
        if "run-disk-full" not in evidence.suffered(evidence.newest):
            yield "there is no summary"
        return
    state = evidence.summary["state"]
    final = evidence.events.final(evidence.newest)
    if final is not None and final[1] != state:
        yield f"the script ended {final[1]}, and its summary says {state}"
    ended = evidence.of("RunEnded")
    if ended and ended[-1]["state"] != state:
        yield f"the journal ends {ended[-1]['state']}, and the summary says {state}"


def _end(evidence: Evidence, number: int, status: int) -> Iterator[str]:
    """How a life ended, and with which exit status."""
    final = evidence.events.final(number)
    if final is None:
        # A signal ends a script that does not run yet without a word.
        if Act.TERM not in evidence.done_to(number) or evidence.of("RunConfigured"):
            yield f"life {number} of the script ended in no final state"
        state = "FAILED"
    else:
        state = final[1]
    exposures = [each for each in evidence.events.exposures.values() if each.life <= number]
    # Nobody knows what the camera makes of a takeImages that it has not answered.
    unknown = any(life <= number for life, _ in evidence.events.unanswered)
    failed = {1} if exposures else {1, 2} if unknown else {2}
    if status not in STATUS.get(state, failed):
        yield f"the exit status of {state} with {len(exposures)} exposures is {status}"


def _after_the_end(evidence: Evidence, number: int) -> Iterator[str]:
    """Other states of a life after a final one."""
    final = ""
    for life, _, name, _ in evidence.events.states:
        if life == number and final and name != final:
            yield f"life {number} of the script had the state {name} after the final state {final}"
            return
        if life == number and name in FINAL:
            final = name


def done_means_done(evidence: Evidence) -> Iterator[str]:
    """DONE if, and only if, every step that was asked for was done; STOPPED only if somebody stopped it."""
    final = _final(evidence)
    if final is None:
        return
    state, _ = final
    scenario = evidence.scenario
    kept = {kind: evidence.kept(kind) for kind in scenario.kinds}
    missing = [f"take {kind}" for kind, images in kept.items() if len(images) < scenario.number(kind)]
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
    if state == "FAILED" and not missing and not _went_wrong(evidence, evidence.newest):
        yield "the script FAILED, and everything was done"
    if state == "STOPPED" and not {Act.STOP, Act.STOP_PAUSED} & evidence.done_to(evidence.newest):
        yield "the script is STOPPED, and nobody stopped it"
    quiet = not evidence.interrupted(evidence.newest) and not _went_wrong(evidence, evidence.newest)
    if quiet and state != "DONE" and not _rejected(evidence) and not _slow(evidence, evidence.newest):
        yield f"nothing went wrong, nobody interrupted the script, and it is {state}"


def _rejected(evidence: Evidence) -> list[str]:
    """Calibrations without which the run cannot be DONE, by their last verdicts."""
    steps = asked_for(evidence)
    return [
        name
        for name, fact in evidence.verdicts.items()
        if not fact["complete"] or (not fact["passed"] and f"certify {name}" in steps)
    ]


def negative_verdicts_come_first(evidence: Evidence) -> Iterator[str]:
    """A run that is DONE begins its reason with a negative verdict if there is one; each has a line."""
    final = _final(evidence)
    if final is None or final[0] != "DONE" or evidence.last is None:
        return
    negative = [name for name, fact in evidence.verdicts.items() if not fact["passed"]]
    if final[1].startswith(NEGATIVE) != bool(negative):
        names = ", ".join(negative) or "nothing"
        yield f"the verdicts on {names} are negative, and the reason is: {final[1]}"
    for name in evidence.verdicts:
        places = {"reason": final[1], "log": str(evidence.last["log"])}
        for place, text in places.items():
            if (f"{NEGATIVE}: {name} " in text) != (name in negative):
                words = "does not tell" if name in negative else "tells"
                yield f"the {place} {words} of a negative verdict on {name}"


def missing_steps_are_named(evidence: Evidence) -> Iterator[str]:
    """A run that had begun names every step that was not done, however it ended; a done one names none."""
    final = _final(evidence)
    if final is None or evidence.summary is None or not evidence.of("RunConfigured"):
        return
    if "run-disk-full" in evidence.suffered(evidence.newest):  # the names are on the disk or nowhere
        return
    named = {each["step"] for each in evidence.summary["not_done"]}
    missing = {step for step in asked_for(evidence) if not done(evidence, step)}
    if missing - named:
        yield f"these steps were not done, and are not named: {', '.join(sorted(missing - named))}"
    if final[0] == "DONE" and named:
        yield f"the script is DONE, and names what was not done: {', '.join(sorted(named))}"


def reason_names_the_cause(evidence: Evidence) -> Iterator[str]:
    """The reason of a failure holds words about something that really went wrong in that life."""
    for number, life in evidence.told.items():
        final = None if life["broken"] else evidence.events.final(number)
        if final is not None and final[1] == "FAILED":
            yield from _cause(evidence, number, final[2])


def _cause(evidence: Evidence, number: int, reason: str) -> Iterator[str]:
    """Look for the cause of a failure in its reason."""
    if Act.TERM in evidence.done_to(number) and "terminated by a signal" in reason:
        return
    words = [CAUSES[name] for name in sorted(evidence.suffered(number)) if name in CAUSES]
    verdicts = evidence.of("VerdictGiven", evidence.facts_until(number))
    words += ["VERIFICATION NEGATIVE"] if any(not fact["passed"] for fact in verdicts) else []
    words += [r"did not end within"] if _slow(evidence, number) else []
    if not words:
        if not _went_wrong(evidence, number):
            yield f"nothing went wrong, and the script FAILED: {reason}"
        return
    if not any(re.search(each, reason) for each in words):
        yield f"the reason does not name the cause ({' | '.join(words)}): {reason}"


def nothing_breaks(evidence: Evidence) -> Iterator[str]:
    """No life ends by itself without a word, and no error of the program itself reaches the operator."""
    for number in range(len(evidence.lived.lives)):
        if number not in evidence.told and Act.KILL not in evidence.done_to(number):
            yield f"the process of life {number} ended by itself, or hung"
    for life in evidence.told.values():
        if life["broken"]:
            yield f"the session broke: {life['broken']}"
        if "Traceback" in life["log"]:
            lines = life["log"].splitlines()
            errors = [line for line in lines if re.match(r"^[\w.]+(Error|Exception)\b", line)]
            yield f"a traceback in the log: {'; '.join(errors[-1:]) or 'without words'}"


def refusals_are_right(evidence: Evidence) -> Iterator[str]:
    """A run can be resumed unless it is DONE, or had not begun."""
    if not evidence.lived.refused:
        return
    ended = evidence.of("RunEnded")
    if evidence.of("RunConfigured") and not (ended and ended[-1]["state"] == "DONE"):
        yield f"the run cannot be resumed: {evidence.lived.refused}"


def _went_wrong(evidence: Evidence, number: int) -> bool:
    """Whether something happened in a life that a run may fail of."""
    return Act.TERM in evidence.done_to(number) or bool(evidence.suffered(number) - HARMLESS)


def _ingested(evidence: Evidence, exposure: ExposureEvent, wanted: set[str]) -> bool:
    """Whether the OODS said so of every detector; after a resumption the Butler tells, too."""
    if not wanted - set(exposure.ingested):
        return True
    return evidence.resumed and {(exposure.id, each) for each in evidence.detectors} <= evidence.shelf.raws()


def _slow(evidence: Evidence, number: int) -> bool:
    """Whether a job took longer than it may in a life."""
    limit = float(evidence.scenario.wants("job_timeout"))
    return any(
        job.acknowledged is not None and (job.published or math.inf) - job.acknowledged >= limit
        for job in evidence.events.jobs
        if job.life == number
    )


def _final(evidence: Evidence) -> tuple[str, str] | None:
    """State and reason at the end of the last life, if it came to one by itself."""
    if evidence.last is None or evidence.last["broken"]:
        return None
    final = evidence.events.final(evidence.newest)
    return None if final is None else (final[1], final[2])
