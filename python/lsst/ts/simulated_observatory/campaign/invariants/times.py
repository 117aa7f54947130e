"""A script ends in time, and nothing goes on after it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..evidence import Evidence
from ..interruption import AT_ONCE, Act
from .registry import invariant

__all__: list[str] = []

AT_ONCE_SECONDS = 0.1
"""How soon a script ends that is to end at once."""

BEGINS = ("cmd_takeImages", "cmd_execute")
"""Commands that begin something."""

STOP_PATIENCE = 60.0
"""Seconds that the ScriptQueue gives a script to end when it is stopped, or ended by a signal."""

RESULT_LATE = 60.0
"""Seconds that the result of a job may come after its command has ended."""

MARGIN = 10.0
"""Seconds for what passes between the script and the OCPS."""


@invariant
def _nothing_goes_on(evidence: Evidence) -> Iterator[str]:
    """Tasks, threads and jobs of a script that has ended have ended, or were aborted."""
    for outcome in evidence.outcomes.values():
        if outcome.left:
            yield f"these were still running: {', '.join(outcome.left)}"
    for part in sorted(evidence.events.parts):
        final = evidence.events.final(part)
        if final is None:
            continue
        for job in evidence.events.jobs:
            # One whose id the OCPS has not sent nobody could abort; the script has to wait some time for it.
            known = job.part == part and (job.acknowledged or math.inf) <= final[0]
            ends = [each for each in (job.ended, job.published, job.aborted) if each is not None]
            if known and not any(each <= final[0] for each in ends):
                yield f"the job {job.kind} {job.calibration} still ran at the end, and nobody aborted it"
    yield from _begun_late(evidence)


def _begun_late(evidence: Evidence) -> Iterator[str]:
    """What a script began although it had been stopped."""
    ends = {each.part: each.time for each in evidence.events.interruptions if each.values["act"] in AT_ONCE}
    for line in evidence.events.recording:
        late = line.time - ends.get(line.part, math.inf)
        if line.topic in BEGINS and late > AT_ONCE_SECONDS:
            yield f"{line.topic} was sent {late:.3f} s after the script was {Act.STOP} or {Act.TERM}"


@invariant
def _time_is_bounded(evidence: Evidence) -> Iterator[str]:
    """A script ends within the time that its limits allow, and so does each job."""
    scenario = evidence.scenario
    jobs = 3 * (len(scenario.kinds) + 3)
    exposure = 400.0 + float(scenario.option("oods_timeout"))
    limit = 600.0 + scenario.images * exposure + jobs * (float(scenario.option("job_timeout")) + 400.0)
    for outcome in evidence.outcomes.values():
        if outcome.seconds > limit:
            yield f"the script took {outcome.seconds:.0f} simulated seconds, more than {limit:.0f}"
    yield from _endless_stops(evidence)
    yield from _endless_jobs(evidence)


def _endless_stops(evidence: Evidence) -> Iterator[str]:
    """Parts that did not end soon after they were to."""
    for each in evidence.events.interruptions:
        final = evidence.events.final(each.part)
        if each.values["act"] in AT_ONCE and final is not None and final[0] - each.time > STOP_PATIENCE:
            took = f"{final[0] - each.time:.0f} s, and may take {STOP_PATIENCE:.0f} s"
            yield f"the script was {each.values['act']}, and took {took} to end"


def _endless_jobs(evidence: Evidence) -> Iterator[str]:
    """Jobs of which neither came a result nor was the abort asked for when their time was over."""
    allowed = float(evidence.scenario.option("job_timeout")) + RESULT_LATE + MARGIN
    for job in evidence.events.jobs:
        if job.acknowledged is None:
            continue
        final = evidence.events.final(job.part)
        ends = [each for each in (job.published, job.aborted) if each is not None]
        ends += [evidence.events.last_message(job.part) if final is None else final[0]]
        if (took := min(ends) - job.acknowledged) > allowed:
            yield f"the job {job.kind} {job.calibration} ran for {took:.0f} s, and may for {allowed:.0f} s"
