"""Verdicts follow from the results; nothing is certified without them; no set is certified by half."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..datasets import Certificate, validity_range
from ..evidence import Evidence
from ..steps import certified, successful, verdict_on
from .registry import invariant

__all__: list[str] = []

REFERENCE = "/calib/reference/run"
"""End of the name of the collection from which a fault certifies."""


@invariant
def _verdicts_are_true(evidence: Evidence) -> Iterator[str]:
    """Each verdict is what the documented rule says of the results of a job that succeeded."""
    for fact in evidence.of("VerdictGiven"):
        name, collection = fact["calibration"], fact["verification_collection"]
        job = evidence.events.job(collection.removeprefix("u/ocps/"))
        if job is None or job not in list(successful(evidence, "verify", name)):
            yield f"the verdict on {name} is of {collection}, which is no successful job on its exposures"
            continue
        found = verdict_on(evidence, job)
        if (fact["complete"], fact["passed"]) != (found.complete, found.passed):
            yield (
                f"the verdict on {name} is complete {fact['complete']}, passed {fact['passed']};"
                f" its results say {found.complete}, {found.passed}"
            )


@invariant
def _certificates_are_earned(evidence: Evidence) -> Iterator[str]:
    """What is certified was made of exactly the kept exposures, and verified, and that was written before."""
    sets = _own_sets(evidence)
    for (name, run), _ in sets.items():
        maker = evidence.events.job(run.removeprefix("u/ocps/").removesuffix("/run"))
        if maker is None or maker not in list(successful(evidence, "generate", name)):
            yield f"{name} of {run} is certified, and no successful job on its exposures made it"
            continue
        if not evidence.scenario.option("do_verify", True):
            continue
        verdicts = [
            fact
            for fact in evidence.of("VerdictGiven")
            if (fact["calibration"], fact["generation_collection"]) == (name, run.removesuffix("/run"))
        ]
        if not (verdicts and verdicts[-1]["passed"] and verdicts[-1]["complete"]):
            yield f"{name} of {run} is certified without a complete and passing verdict in the journal"
            continue
        job = evidence.events.job(verdicts[-1]["verification_collection"].removeprefix("u/ocps/"))
        if job is None or job.inputs[:1] != (run,) or not verdict_on(evidence, job).passed:
            yield f"{name} of {run} is certified, and its verification did not look at it, or did not pass"
        if _too_soon(evidence, name, run.removesuffix("/run")):
            yield f"{name} of {run} is in the journal as certified before it has a passing verdict"
    wanted = str(evidence.scenario.option("calib_collection"))
    elsewhere = {each for each in evidence.datasets.certificates if each.collection != wanted}
    if changed := {each.collection for each in elsewhere ^ evidence.played.before}:
        yield f"what is certified in {', '.join(sorted(changed))} has changed, and nobody wanted that"
    yield from _filed(evidence, {name for name, _ in sets})


@invariant
def _sets_are_whole(evidence: Evidence) -> Iterator[str]:
    """All detectors of a type are certified, or none; with the validity range that was asked for."""
    wanted = [evidence.scenario.option(f"certify_calib_{end}_date") for end in ("begin", "end")]
    validity = validity_range(*wanted)
    for (name, run), found in _own_sets(evidence).items():
        detectors = sorted(each.detector for each in found)
        if detectors != sorted(evidence.detectors):
            yield f"{name} of {run} is certified for the detectors {detectors} alone"
        if {each.validity for each in found} != {validity}:
            yield f"{name} of {run} is certified with another validity range than {wanted}"


@invariant
def _nothing_is_done_twice(evidence: Evidence) -> Iterator[str]:
    """A run that is resumed submits no job again that its journal has as successful, and certifies once."""
    ended = {fact["job_id"] for fact in evidence.of("JobEnded") if fact["exit_code"] == 0}
    jobs = [job for job in evidence.events.jobs if job.acknowledged is not None]
    for first in jobs:
        again = [
            job
            for job in jobs
            if job.part > first.part and (job.kind, job.calibration) == (first.kind, first.calibration)
        ]
        if first.job_id in ended and again and set(again[0].exposures) == set(first.exposures):
            yield f"the job {first.kind} {first.calibration} had succeeded, and was submitted again"
    names = [name for name, _ in _own_sets(evidence)]
    if twice := {name for name in names if names.count(name) > 1}:
        yield f"certified twice: {', '.join(sorted(twice))}"


def _too_soon(evidence: Evidence, name: str, collection: str) -> bool:
    """Whether the journal says that a calibration was certified before it says that it passed."""
    for fact in evidence.facts:
        if fact["fact"] == "VerdictGiven" and fact["passed"]:
            if (fact["calibration"], fact["generation_collection"]) == (name, collection):
                return False
        elif fact["fact"] == "Certified" and fact["dataset_type"].upper() == name:
            return True
    return False


def _filed(evidence: Evidence, names: set[str]) -> Iterator[str]:
    """Compare the journal with the repository."""
    facts = {fact["dataset_type"].upper(): fact for fact in evidence.of("Certified")}
    verified = bool(evidence.scenario.option("do_verify", True))
    if set(facts) - names:
        yield f"the journal has {sorted(facts)} as certified, the repository {sorted(names)}"
    if names - set(facts) and None not in evidence.played.parts[-1:]:
        yield f"the repository has {sorted(names)} as certified, the journal {sorted(facts)}"
    if any(fact["verified"] is not verified for fact in facts.values()):
        yield f"what was certified is filed as verified {not verified}"


def _own_sets(evidence: Evidence) -> dict[tuple[str, str], list[Certificate]]:
    """What is certified, by calibration and collection, without what a fault has certified."""
    sets: dict[tuple[str, str], list[Certificate]] = defaultdict(list)
    for each in certified(evidence):
        if not each.run.endswith(REFERENCE):
            sets[each.dataset_type.upper(), each.run].append(each)
    return sets
