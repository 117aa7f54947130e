"""The end tells the truth: state, exit status, what was not done, and why; and nothing goes on after it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from .causes import CAUSES, HARMLESS
from .events import ExposureEvent
from .evidence import Evidence
from .interruption import Act
from .steps import asked_for, done

__all__ = [
    "done_means_done",
    "ends_agree",
    "missing_steps_are_named",
    "nothing_breaks",
    "nothing_goes_on",
    "reason_names_the_cause",
    "refusals_are_right",
    "time_is_bounded",
]

AT_ONCE = (Act.STOP, Act.TERM)
AT_ONCE_SECONDS = 0.1
"""What ends a script at once, and how soon that is; one that is to pause at a checkpoint first ends later."""

BEGINS = ("cmd_takeImages", "cmd_execute")
"""Commands that begin something."""

STATUS = {"DONE": 0, "STOPPED": 0, "CONFIGURE_FAILED": 2}


def ends_agree(evidence: Evidence) -> Iterator[str]:
    """State on the bus, summary, journal and exit status are those of one end, in every life."""
    for number, life in evidence.told.items():
        if not life["broken"]:
            yield from _end(evidence, number, life["status"])
    last = evidence.last
    if last is None or last["broken"]:
        return
    if evidence.summary is None:
        if "run-disk-full" not in evidence.lived.struck:
            yield "there is no summary"
        return
    state = evidence.summary["state"]
    final = evidence.events.final(len(evidence.lived.lives) - 1)
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
    expected = STATUS.get(state, 1 if exposures else 2)
    if status != expected:
        yield f"the exit status of {state} with {len(exposures)} exposures is {status}"


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
    if state == "FAILED" and not missing and not _went_wrong(evidence):
        yield "the script FAILED, and everything was done"
    if state == "STOPPED" and not evidence.resumed and not {Act.STOP, Act.STOP_PAUSED} & evidence.done_to_it:
        yield "the script is STOPPED, and nobody stopped it"


def missing_steps_are_named(evidence: Evidence) -> Iterator[str]:
    """A run that had begun names every step that was not done, however it ended; a done one names none."""
    final = _final(evidence)
    if final is None or evidence.summary is None or not evidence.of("RunConfigured"):
        return
    if "run-disk-full" in evidence.lived.struck:  # the names are on the disk or nowhere
        return
    named = {each["step"] for each in evidence.summary["not_done"]}
    missing = {step for step in asked_for(evidence) if not done(evidence, step)}
    if missing - named:
        yield f"these steps were not done, and are not named: {', '.join(sorted(missing - named))}"
    if final[0] == "DONE" and named:
        yield f"the script is DONE, and names what was not done: {', '.join(sorted(named))}"


def reason_names_the_cause(evidence: Evidence) -> Iterator[str]:
    """The reason of a failure holds words about something that really went wrong."""
    final = _final(evidence)
    if final is None or final[0] != "FAILED":
        return
    if Act.TERM in evidence.done_to_it and not evidence.resumed and "terminated by a signal" in final[1]:
        return
    words = [CAUSES[name] for name in evidence.lived.struck if name in CAUSES]
    verdicts = evidence.of("VerdictGiven")
    words += ["VERIFICATION NEGATIVE"] if any(not fact["passed"] for fact in verdicts) else []
    words += [r"did not end within"] if _slow(evidence) else []
    if not words:
        if not _went_wrong(evidence):
            yield f"nothing went wrong, and the script FAILED: {final[1]}"
        return
    if not any(re.search(each, final[1]) for each in words):
        yield f"the reason does not name the cause ({' | '.join(words)}): {final[1]}"


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


def nothing_goes_on(evidence: Evidence) -> Iterator[str]:
    """Tasks, threads and jobs of a script that has ended have ended, or were aborted."""
    for life in evidence.told.values():
        if life["left"]:
            yield f"these were still running: {', '.join(life['left'])}"
    for number in sorted(evidence.events.lives()):
        final = evidence.events.final(number)
        if final is None:
            continue
        for job in evidence.events.jobs:
            # One whose id the OCPS has not told nobody could abort; the script has to wait some time for it.
            known = job.life == number and (job.acknowledged or math.inf) <= final[0]
            ends = [each for each in (job.ended, job.published, job.aborted) if each is not None]
            if known and not any(each <= final[0] for each in ends):
                yield f"the job {job.kind} {job.calibration} still ran at the end, and nobody aborted it"
    yield from _begun_late(evidence)


def _begun_late(evidence: Evidence) -> Iterator[str]:
    """What a script began although it had been told to end."""
    ends = {each.life: each.time for each in evidence.events.interruptions if each.values["words"] in AT_ONCE}
    for line in evidence.events.testimony:
        late = line.time - ends.get(line.life, math.inf)
        if line.topic in BEGINS and late > AT_ONCE_SECONDS:
            yield f"{line.topic} was sent {late:.3f} s after the script was {Act.STOP} or {Act.TERM}"


def time_is_bounded(evidence: Evidence) -> Iterator[str]:
    """A script ends within the time that its limits allow."""
    scenario = evidence.scenario
    jobs = 3 * (len(scenario.kinds) + 3)
    exposure = 400.0 + float(scenario.wants("oods_timeout"))
    limit = 600.0 + scenario.images * exposure + jobs * (float(scenario.wants("job_timeout")) + 400.0)
    for life in evidence.told.values():
        if life["seconds"] > limit:
            yield f"the script took {life['seconds']:.0f} simulated seconds, more than {limit:.0f}"


def refusals_are_right(evidence: Evidence) -> Iterator[str]:
    """A run can be resumed unless it is DONE, or had not begun."""
    if not evidence.lived.refused:
        return
    ended = evidence.of("RunEnded")
    if evidence.of("RunConfigured") and not (ended and ended[-1]["state"] == "DONE"):
        yield f"the run cannot be resumed: {evidence.lived.refused}"


def _went_wrong(evidence: Evidence) -> bool:
    """Whether something happened that a run may fail of."""
    interrupted = Act.TERM in evidence.done_to_it and not evidence.resumed
    return interrupted or bool(set(evidence.lived.struck) - HARMLESS)


def _ingested(evidence: Evidence, exposure: ExposureEvent, wanted: set[str]) -> bool:
    """Whether the OODS said so of every detector; after a resumption the Butler tells, too."""
    if not wanted - set(exposure.ingested):
        return True
    return evidence.resumed and {(exposure.id, each) for each in evidence.detectors} <= evidence.shelf.raws()


def _slow(evidence: Evidence) -> bool:
    """Whether a job took longer than it may."""
    limit = float(evidence.scenario.wants("job_timeout"))
    return any(
        job.acknowledged is not None and (job.published or 1e9) - job.acknowledged >= limit
        for job in evidence.events.jobs
    )


def _final(evidence: Evidence) -> tuple[str, str] | None:
    """State and reason at the end of the last life, if it came to one by itself."""
    if evidence.last is None or evidence.last["broken"]:
        return None
    final = evidence.events.final(len(evidence.lived.lives) - 1)
    return None if final is None else (final[1], final[2])
