"""The summary is true: it says what the bus, the journal and the repository say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.domain.instruments import ImageType

from .events import JobEvent
from .evidence import Evidence, Fact
from .literal_rule import NEVER_COUNTED, failed_tests
from .shelf import nanoseconds
from .steps import GAINS, asked_for, done

__all__ = ["summary_is_true"]

VERDICT = ("passed", "complete", "verification_collection", "generation_collection", "failures", "thresholds")
"""What summary and journal both say of a verdict."""

CERTIFIED = ("dataset_type", "collection", "begin", "end", "verified")
"""What they both say of a certification."""

SAME_TIME = 0.01
"""Seconds within which it cannot be said what came first."""

JOB = ("kind", "calibration", "pipeline", "config", "data_query", "collection", "log")
"""What they both say of a job."""


def summary_is_true(evidence: Evidence) -> Iterator[str]:
    """What the summary says agrees with the bus, the journal and the repository, entry by entry."""
    summary = evidence.summary
    if summary is None or evidence.last is None or evidence.last["broken"]:
        return
    if "run-disk-full" in evidence.suffered(evidence.newest):  # the journal may lack what is known
        return
    for part in (_reason, _exposures, _jobs, _verdicts, _certificates, _not_done):
        yield from part(evidence, summary)


def _reason(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """The reason of the end, which is on the bus and in the journal as well."""
    final, ended = evidence.events.final(evidence.newest), evidence.of("RunEnded")
    if final is not None and summary["reason"] != final[2]:
        yield f"the reason in the summary is {summary['reason']!r}, on the bus {final[2]!r}"
    if ended and summary["reason"] != ended[-1]["reason"]:
        yield f"the reason in the summary is {summary['reason']!r}, in the journal {ended[-1]['reason']!r}"


def _exposures(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Which exposures, and the files and the filter of those that are ingested."""
    told = [each["id"] for each in summary["exposures"]]
    taken = [fact["id"] for fact in evidence.of("ExposureTaken")]
    if told != taken:
        yield f"the summary has the exposures {told}, the journal {taken}"
    confirmed = {fact["id"]: fact for fact in evidence.of("ExposureConfirmed")}
    for entry in summary["exposures"]:
        fact = confirmed.get(entry["id"], {"physical_filter": None, "files": []})
        if any(entry[name] != fact[name] for name in ("physical_filter", "files")):
            yield f"the summary has {entry['obs_id']} with another filter, or other files, than the journal"
        if lost := [name for name in entry["files"] if not _is_of(name, entry["obs_id"])]:
            yield f"the summary gives {entry['obs_id']} the files {lost}"


def _is_of(file: str, name: str) -> bool:
    """Whether a file is there, and one of an exposure."""
    return name in Path(file).name and Path(file).is_file()


def _jobs(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Which jobs, what they were asked, and how the OCPS said that they ended."""
    submitted = {fact["job_id"]: fact for fact in evidence.of("JobSubmitted")}
    ended = {fact["job_id"]: fact["exit_code"] for fact in evidence.of("JobEnded")}
    told = [each["job_id"] for each in summary["jobs"]]
    known = {each.job_id for each in evidence.events.jobs if _must_be_known(evidence, each)}
    if left_out := sorted(known - set(told)):
        yield f"the summary has not the jobs {left_out}, which the OCPS acknowledged"
    if told != list(submitted):
        yield f"the summary has the jobs {told}, the journal {list(submitted)}"
        return
    for entry in summary["jobs"]:
        job, number = evidence.events.job(entry["job_id"]), entry["job_id"]
        if job is None or (job.kind, job.calibration) != (entry["kind"], entry["calibration"]):
            yield f"the summary has the job {number}, which the OCPS has not, or has as another"
        elif entry["exit_code"] not in (None, job.exit_code):
            yield f"the summary gives the job {number} exit code {entry['exit_code']}, it had {job.exit_code}"
        if entry["exit_code"] != ended.get(number):
            yield f"the summary and the journal give the job {number} other exit codes"
        if any(entry[name] != submitted[number][name] for name in JOB):
            yield f"the summary says something else of the job {number} than the journal"


def _must_be_known(evidence: Evidence, job: JobEvent) -> bool:
    """Whether the OCPS told the id of a job while the script listened, and could write it down."""
    end = min(evidence.events.told_to_end(job.life), evidence.events.last_word(job.life))
    heard = job.acknowledged is not None and job.acknowledged < end - SAME_TIME
    return heard and "run-disk-full" not in evidence.suffered(job.life)


def _verdicts(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """The last verdict of each type, and its failures as the results have them."""
    last, told = evidence.verdicts, summary["verification"]
    if set(told) != set(last):
        yield f"the summary has verdicts on {sorted(told)}, the journal on {sorted(last)}"
    for name in sorted(set(told) & set(last)):
        if differ := [each for each in VERDICT if told[name][each] != last[name][each]]:
            yield f"the summary says something else of the verdict on {name}: {', '.join(differ)}"
        elif not last[name]["complete"] or name == "PTC":  # of no exposure
            continue
        elif _counted(told[name]["failures"]) != _failures(evidence, last[name]):
            yield f"the summary has other failures of {name} than the results of its verification"


def _counted(failures: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Failures without the tests that never count."""
    found = {
        exposure: {test: times for test, times in tests.items() if test not in NEVER_COUNTED}
        for exposure, tests in failures.items()
    }
    return {exposure: tests for exposure, tests in found.items() if tests}


def _failures(evidence: Evidence, verdict: Fact) -> dict[str, dict[str, int]]:
    """How many tests of each type failed in each exposure, and of the exposure as a whole."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    prefix, run = f"verify{verdict['calibration'].capitalize()}", f"{verdict['verification_collection']}/run"
    for (exposure, detector), statistics in evidence.shelf.statistics(f"{prefix}DetStats", run).items():
        if detector in evidence.detectors:
            found[str(exposure)].update(test for _, test in failed_tests(statistics))
    for (exposure, _), statistics in evidence.shelf.statistics(f"{prefix}ExpStats", run).items():
        of_exposure = statistics.get("VERIFY", {}).get("EXP", {})
        found[str(exposure)].update(test for test, passed in of_exposure.items() if not passed)
    return _counted(found)


def _certificates(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """What is certified, where, and for when: as the database has it."""
    told = [{name: each[name] for name in CERTIFIED} for each in summary["certified"]]
    noted = [{name: fact[name] for name in CERTIFIED} for fact in evidence.of("Certified")]
    if told != noted:
        yield f"the summary has as certified {told}, the journal {noted}"
    there = {
        (each.dataset_type, each.collection, each.begin, each.end) for each in evidence.shelf.certificates()
    }
    for each in noted:
        begin, end = (nanoseconds(each[name]) for name in ("begin", "end"))
        if (each["dataset_type"], each["collection"], begin, end) not in there:
            yield f"{each['dataset_type']} is filed as certified in {each['collection']}, and is not there"


def _not_done(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Steps that are named are of this run, were not done, and have a reason."""
    begins = [place for place, fact in enumerate(evidence.facts) if fact["fact"] == "RunResumed"]
    facts = evidence.facts[begins[-1] if begins else 0 :]
    noted = [(fact["step"], fact["reason"]) for fact in evidence.of("StepNotDone", facts)]
    told = [(each["step"], each["reason"]) for each in summary["not_done"]]
    if told != noted:
        yield f"the summary names as not done {told}, the journal {noted}"
    if nothing := [step for step, reason in told if not reason.strip()]:
        yield f"nothing is said why these were not done: {', '.join(nothing)}"
    steps = [step for step, _ in told]
    # With flats of which no two are a pair there is a step of gains, and nothing to be done in it.
    if strange := set(steps) - {*asked_for(evidence), *([GAINS] if _wants_gains(evidence) else [])}:
        yield f"these were not asked for, and are named as not done: {', '.join(sorted(strange))}"
    if twice := sorted(step for step, times in Counter(steps).items() if times > 1):
        yield f"these are named twice as not done: {', '.join(twice)}"
    known = [step for step in steps if step not in strange and _noted(evidence, step)]
    if lies := [step for step in known if done(evidence, step)]:
        yield f"these were done, and are named as not done: {', '.join(lies)}"


def _wants_gains(evidence: Evidence) -> bool:
    scenario = evidence.scenario
    return bool(scenario.wants("do_gain_from_flat_pairs", True)) and ImageType.FLAT in scenario.kinds


def _noted(evidence: Evidence, step: str) -> bool:
    """Whether the journal says that a step was done: what came too late may be there, and yet not done."""
    if step == GAINS:
        return bool(evidence.of("GainsMeasured"))
    kind, calibration = step.split()
    if kind == "generate":
        return any(fact["calibration"] == calibration for fact in evidence.of("CalibrationMade"))
    if kind == "verify":
        return calibration in evidence.verdicts and bool(evidence.verdicts[calibration]["complete"])
    return any(fact["dataset_type"] == calibration.lower() for fact in evidence.of("Certified"))
