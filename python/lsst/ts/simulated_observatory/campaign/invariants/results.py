"""Jobs read what they are to read, verdicts follow from their results, and certificates from verdicts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from scipy.optimize import brentq
from scipy.special import exprel

from lsst.ts.calibrations.domain.calibrations import PAIR_GAINS

from ..datasets import Certificate, validity_range
from ..events import JobEvent
from ..evidence import GAINS, Evidence
from ..expected import expected
from .registry import invariant

__all__: list[str] = []

REFERENCE = "/calib/reference/run"
"""End of the name of the collection from which a fault certifies."""

SLOPE = 0.00027
"""Per cent for each adu by which a gain of a pair is too high where no curve is in use (DM-35790), of CCDs of
ITL as all here are."""

BRIGHT = 40_000.0
"""Mean signal, adu, beyond which this is not applied."""

VALUES = ("gain", "noise", "gain_corrected")


@invariant
def _jobs_read_their_own(evidence: Evidence) -> Iterator[str]:
    """A job reads first what this run made and accepted, then what is configured; of all detectors in use."""
    configured = evidence.of("RunConfigured")
    for job in evidence.events.jobs if configured else ():
        if sorted(job.detectors) != sorted(evidence.detectors):
            yield f"the job {job.name} is of the detectors {list(job.detectors)}"
        wanted = _inputs(evidence, job, configured[0]["config"])
        if job.inputs != wanted:
            yield f"the job {job.name} reads {', '.join(job.inputs)}, and is to read {', '.join(wanted)}"


def _inputs(evidence: Evidence, job: JobEvent, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Input collections that a job is to have."""
    scenario, gains = evidence.scenario, job.calibration == PAIR_GAINS.name
    row = expected("PTC" if gains else job.calibration)
    verifies, is_product = job.kind == "verify", row.image_type is None
    prefix = "input_collections_verify" if verifies and not is_product else "input_collections"
    configured = [each.strip() for each in str(config[row.option_of(prefix)]).split(",")]
    if gains:
        return tuple(configured)
    makes = bool(scenario.options.get("generate_calibrations"))
    before = [name for name in row.needs if makes and name in scenario.kinds]
    own = [_made_last(evidence, job)] if verifies and (makes or is_product) else []
    accepted = [_certified(evidence, name) for name in reversed(before)]
    collection = [str(scenario.options.get("calib_collection"))] if accepted else []
    return tuple(dict.fromkeys([*own, *accepted, *collection, *configured]))


def _made_last(evidence: Evidence, job: JobEvent) -> str:
    """Collection that the last successful job made before a verification of the same calibration."""
    jobs = evidence.events.jobs
    found = [
        each.run
        for each in jobs[: jobs.index(job)]
        if (each.kind, each.calibration, each.exit_code) == ("generate", job.calibration, 0)
    ]
    return found[-1] if found else f"a {job.calibration} of this run"


def _certified(evidence: Evidence, name: str) -> str:
    """Collection of what this run has certified of a calibration."""
    made = {job.run for job in evidence.events.jobs if job.calibration == name}
    found = {
        each.run for each in evidence.certified if each.dataset_type == name.lower() and each.run in made
    }
    return " ".join(sorted(found)) or f"an accepted {name}"


@invariant
def _verdicts_are_true(evidence: Evidence) -> Iterator[str]:
    """Each verdict is what the documented rule says of the results of a job that succeeded."""
    for fact in evidence.of("VerdictGiven"):
        name, collection = fact["calibration"], fact["verification_collection"]
        job = evidence.events.by_run.get(f"{collection}/run")
        if job is None or not (
            job in evidence.successful("verify", name) or _was_successful(evidence, fact, job)
        ):
            yield f"the verdict on {name} is of {collection}, which is no successful job on its exposures"
            continue
        found = evidence.verdict_on(job)
        if (fact["complete"], fact["passed"]) != found:
            yield (
                f"the verdict on {name} is complete {fact['complete']}, passed {fact['passed']};"
                f" its results say {found.complete}, {found.passed}"
            )


def _was_successful(evidence: Evidence, verdict: Mapping[str, Any], job: JobEvent) -> bool:
    """Whether the job of a verdict ended well on images of which some are lost, and there is a later one."""
    name, lost = verdict["calibration"], {fact["id"] for fact in evidence.of("ExposureLost")}
    succeeded = (job.kind, job.calibration, job.exit_code) == ("verify", name, 0)
    return succeeded and verdict is not evidence.verdicts[name] and not lost.isdisjoint(job.exposures)


@invariant
def _only_what_is_known_to_be_bad_is_left_out(evidence: Evidence) -> Iterator[str]:
    """Verdicts, certificates and the summary name the amplifiers that are known to be bad, and no others."""
    names = evidence.known_bad.names
    wanted = {f"{evidence.detectors[number]} {each}" for number, bad in names.items() for each in bad}
    for fact in evidence.of("VerdictGiven"):
        found = {f"{each['detector']} {each['amplifier']}" for each in fact.get("known_bad", ())}
        if found != wanted:
            yield f"the verdict on {fact['calibration']} leaves out {sorted(found)}, bad are {sorted(wanted)}"
    for fact in evidence.of("Certified"):
        found = set(fact.get("known_bad", ()))
        if fact["verified"] and found != wanted:
            yield f"the certificate of {_name(fact)} leaves out {sorted(found)}, bad are {sorted(wanted)}"
    for each in [] if evidence.summary is None else evidence.summary["tests"]:
        if each["counted"] and f"{each['detector']} {each['amplifier']}" in wanted:
            yield f"the summary counts {each['test']} of {each['amplifier']}, which is known to be bad"
            return


@invariant
def _certificates_are_earned(evidence: Evidence) -> Iterator[str]:
    """What is certified was made of exactly the kept exposures, and verified, and that was written before."""
    sets, verifies = _own_sets(evidence), bool(evidence.scenario.options.get("do_verify", True))
    for name, run in sets:
        maker = evidence.events.by_run.get(run)
        if maker is None or maker not in list(evidence.successful("generate", name)):
            yield f"{name} of {run} is certified, and no successful job on its exposures made it"
        elif verifies:
            yield from _unverified(evidence, name, run)
    wanted = str(evidence.scenario.options.get("calib_collection"))
    elsewhere = {each for each in evidence.datasets.certificates if each.collection != wanted}
    if changed := {each.collection for each in elsewhere ^ evidence.played.before}:
        yield f"what is certified in {', '.join(sorted(changed))} has changed, and nobody wanted that"
    names, facts = {name for name, _ in sets}, {_name(fact): fact for fact in evidence.of("Certified")}
    if set(facts) - names:
        yield f"the journal has {sorted(facts)} as certified, the repository {sorted(names)}"
    if names - set(facts) and None not in evidence.played.parts[-1:]:
        yield f"the repository has {sorted(names)} as certified, the journal {sorted(facts)}"
    if any(fact["verified"] is not verifies for fact in facts.values()):
        yield f"what was certified is filed as verified {not verifies}"


def _unverified(evidence: Evidence, name: str, run: str) -> Iterator[str]:
    """What is missing of the verification of something that is certified."""
    collection = run.removesuffix("/run")
    verdicts = [
        fact
        for fact in evidence.of("VerdictGiven")
        if (fact["calibration"], fact["generation_collection"]) == (name, collection)
    ]
    if not (verdicts and verdicts[-1]["passed"] and verdicts[-1]["complete"]):
        yield f"{name} of {run} is certified without a complete and passing verdict in the journal"
        return
    job = evidence.events.by_run.get(f"{verdicts[-1]['verification_collection']}/run")
    if job is None or job.inputs[:1] != (run,) or not evidence.verdict_on(job).passed:
        yield f"{name} of {run} is certified, and its verification did not look at it, or did not pass"
    facts = [fact for fact in evidence.of("Certified") if _name(fact) == name]
    passed = next(fact for fact in verdicts if fact["passed"])
    if facts and evidence.facts.index(facts[0]) < evidence.facts.index(passed):
        yield f"{name} of {run} is in the journal as certified before it has a passing verdict"


def _name(fact: Mapping[str, Any]) -> str:
    """Name of the calibration that is certified."""
    return str(fact["dataset_type"]).upper()


@invariant
def _sets_are_whole(evidence: Evidence) -> Iterator[str]:
    """All detectors of a type are certified, or none; with the validity range that was asked for."""
    wanted = [evidence.scenario.options[f"certify_calib_{end}_date"] for end in ("begin", "end")]
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
        again = [job for job in jobs if job.part > first.part and job.name == first.name]
        if first.job_id in ended and again and set(again[0].exposures) == set(first.exposures):
            yield f"the job {first.name} had succeeded, and was submitted again"
    names = [name for name, _ in _own_sets(evidence)]
    if twice := {name for name in names if names.count(name) > 1}:
        yield f"certified twice: {', '.join(sorted(twice))}"


def _own_sets(evidence: Evidence) -> dict[tuple[str, str], list[Certificate]]:
    """What is certified, by calibration and collection, without what a fault has certified."""
    sets: dict[tuple[str, str], list[Certificate]] = defaultdict(list)
    for each in evidence.certified:
        if not each.run.endswith(REFERENCE):
            sets[each.dataset_type.upper(), each.run].append(each)
    return sets


@invariant
def _gains_are_true(evidence: Evidence) -> Iterator[str]:
    """Journal and summary have the gains that the repository has; a run that is DONE has all of them."""
    notes, final = evidence.of("GainsMeasured"), evidence.last_part.final
    filed = {"journal": list(notes[-1]["gains"]) if notes else []}
    if evidence.summary is not None and evidence.last is not None:
        filed["summary"] = evidence.summary["gains"]
    needed = final is not None and final[1] == "DONE" and GAINS in evidence.asked_for
    there = _gains(evidence) if needed or any(filed.values()) else {}
    for file, gains in filed.items():
        if not gains and not needed:
            continue
        places = [(*each["exposures"], each["detector"], each["amplifier"]) for each in gains]
        if sorted(places) != sorted(there):
            yield f"the {file} has {len(places)} gains, and not those of the {len(there)} that there are"
        elif wrong := [
            place for place, each in zip(places, gains, strict=True) if _differ(each, there[place])
        ]:
            yield f"the {file} has other gains than the repository, the first of {wrong[0]}"


def _differ(filed: Mapping[str, Any], there: Mapping[str, float]) -> bool:
    """Whether values are others; one that is not finite is nothing in a summary."""
    for name in VALUES:
        value = math.nan if filed[name] is None else float(filed[name])
        if math.isfinite(value) != math.isfinite(there[name]):
            return True
        if math.isfinite(value) and not math.isclose(value, there[name], rel_tol=1e-9):
            return True
    return False


def _gains(evidence: Evidence) -> dict[tuple[int, int, int, str], dict[str, float]]:
    """What successful jobs have measured, by the flats of a pair in order, detector and amplifier."""
    found, instrument = {}, evidence.scenario.instrument.name
    for job in evidence.events.jobs:
        if job.kind != "gain" or job.exit_code != 0:
            continue
        measured = evidence.datasets.statistics("cpPtcExtract", job.run)
        for first, second in evidence.numbers_of_pairs:
            for number in evidence.detectors:
                curve = measured.get((first, number), {"gain": {}})
                known = evidence.datasets.coefficients(job.inputs, instrument, first, number)
                for name, gain in curve["gain"].items():
                    corrected = _corrected(gain, curve["rawMeans"][name][0], known.get(name))
                    overscan = curve.get("overscanNoise", {}).get(name)
                    noise = overscan[0] * corrected if overscan else curve["noise"][name]
                    values = (gain, noise, corrected)
                    found[first, second, number, name] = dict(zip(VALUES, values, strict=True))
    return found


def _corrected(gain: float, mean: float, known: tuple[float, float] | None) -> float:
    """A gain without the brighter-fatter effect; `known` are a00 and turnoff of the curve in use.

    With a00, which is less than 0, it is the root of g = gain (exp(x) - 1) / x, x = 2 a00 g mean (Astier et
    al. 2019, equation 16).
    """
    if known is None:
        return gain * (1.0 - SLOPE * mean / 100.0) if mean <= BRIGHT else math.nan
    a00, turnoff = known
    if not math.isfinite(gain) or mean > turnoff:
        return math.nan
    return float(brentq(lambda g: g - gain * exprel(2.0 * a00 * g * mean), 0.0, gain, xtol=1e-14))
