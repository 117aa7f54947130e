"""The summary is true: it says what the journal says, put together, and what bus and repository say."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import ImageType
from lsst.ts.calibrations.journal.facts import RunConfigured, RunEnded, fact_from_dict
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.journal.summary import make_summary

from ..datasets import validity_range
from ..events import JobEvent
from ..evidence import Evidence, Fact
from ..literal_rule import NEVER_COUNTED, failed_tests
from ..steps import GAINS, asked_for, done
from .registry import invariant

__all__: list[str] = []

OF_A_RUN = ("exposures", "jobs", "verification", "certified", "gains", "not_done")
"""What a summary has of a run that had begun alone."""

SAME_TIME = 0.01
"""Seconds within which it cannot be said what came first."""


@invariant
def _summary_is_true(evidence: Evidence) -> Iterator[str]:
    """The summary agrees with bus and repository, entry by entry."""
    summary = _summary(evidence)
    for check in (_files, _filters, _jobs, _failures, _certificates, _not_done) if summary else ():
        yield from check(evidence, summary)


def _summary(evidence: Evidence) -> Mapping[str, Any]:
    """The summary of the last part; empty if there is none."""
    return evidence.summary or {} if evidence.last is not None else {}


@invariant
def _summary_follows_from_the_journal(evidence: Evidence) -> Iterator[str]:
    """A summary that is made of the journal alone is the same, but for an end that the journal has not."""
    summary, record = _summary(evidence), RunRecord()
    if not summary:
        return
    for fact in evidence.facts:
        record.apply(fact_from_dict(fact))
    if record.configured is None:
        if something := [name for name in OF_A_RUN if summary[name]]:
            yield f"the summary has {', '.join(something)} of a run that never began"
        return
    expected = _replayed(evidence, record, record.configured)
    if record.ended is None:
        if "run-disk-full" not in evidence.suffered[evidence.last_part]:
            yield "there is a summary, and the journal has no end of the run"
        summary, expected = _without_end(summary), _without_end(expected)
    for name in sorted(expected.keys() | summary.keys()):
        if expected.get(name) != summary.get(name):
            yield f"the summary has {name} {summary.get(name)!r}, the journal gives {expected.get(name)!r}"


def _without_end(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without what only the end of the run decides."""
    kept = {name: value for name, value in summary.items() if name not in ("state", "reason", "ended")}
    times = {name: value for name, value in kept.pop("timeline", {}).items() if name != "total"}
    return {**kept, "timeline": times}


def _replayed(evidence: Evidence, record: RunRecord, configured: RunConfigured) -> dict[str, Any]:
    """The summary of a record that has the begin of the run."""
    ended = record.ended or RunEnded(time=record.parts[-1].end, state="", reason="")
    settings = RunSettings(
        folder=evidence.played.folder / "run",
        repository=None if configured.repository is None else Path(configured.repository),
        simulated=configured.simulated,
        seed=configured.seed,
        scale=configured.scale,
        date=configured.date,
        collections=configured.collections,
    )
    replayed = make_summary(
        record,
        settings,
        evidence.scenario.instrument,
        script=configured.script,
        state=ended.state,
        reason=ended.reason,
        config=CalibrationConfig.from_namespace(configured.config, evidence.scenario.instrument),
        started=record.parts[0].begin,
        ended=ended.time,
    )
    return dict(json.loads(json.dumps(replayed)))  # as it is when it was written and read


def _files(_: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Files of an exposure are there, and are its own; only one that is ingested has some."""
    for entry in summary["exposures"]:
        name, files = entry["obs_id"], entry["files"]
        if lost := [each for each in files if name not in Path(each).name or not Path(each).is_file()]:
            yield f"the summary gives {name} the files {lost}"
        if files and not entry["ingested"]:  # of one that is ingested the Butler may not have said them
            yield f"the summary has {name} as not ingested, with {len(files)} files"


def _filters(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Filters are those of the Butler; one is left out only if the script did not know it."""
    confirmed = {fact["id"]: fact["physical_filter"] for fact in evidence.of("ExposureConfirmed")}
    for entry in summary["exposures"]:
        found, stored = entry["physical_filter"], evidence.datasets.filters.get(entry["id"])
        must_be_known = bool(entry["files"]) or confirmed.get(entry["id"]) is not None
        if found != stored and (found is not None or must_be_known):
            yield f"the summary gives {entry['obs_id']} the filter {found}, in the Butler it has {stored}"


def _jobs(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Which jobs, what the OCPS was asked, and how it published that they ended."""
    journaled = {fact["job_id"]: fact["exit_code"] for fact in evidence.of("JobEnded")}
    known = {each.job_id for each in evidence.events.jobs if _must_be_known(evidence, each)}
    if left_out := sorted(known - {each["job_id"] for each in summary["jobs"]}):
        yield f"the summary has not the jobs {left_out}, which the OCPS acknowledged"
    for entry in summary["jobs"]:
        job, number = evidence.events.job(entry["job_id"]), entry["job_id"]
        if job is None or (job.kind, job.calibration) != (entry["kind"], entry["calibration"]):
            yield f"the summary has the job {number}, which the OCPS has not, or has as another"
            continue
        for name in ("pipeline", "config", "data_query"):
            if entry[name] != getattr(job, name):
                yield f"the summary gives the job {number} another {name} than the command: {entry[name]!r}"
        if entry["collection"] != job.run.removesuffix("/run"):
            yield f"the summary gives the job {number} the collection {entry['collection']}"
        # The script may have waited no more when the OCPS published it; then the journal has none either.
        if entry["exit_code"] != job.exit_code and (entry["exit_code"], journaled.get(number)) != (
            None,
            None,
        ):
            yield f"the summary gives the job {number} exit code {entry['exit_code']}, it had {job.exit_code}"


def _must_be_known(evidence: Evidence, job: JobEvent) -> bool:
    """Whether the OCPS sent the id of a job while the script listened, and could write it down."""
    end = min(evidence.events.begins_to_end(job.part), evidence.events.last_message(job.part))
    in_time = job.acknowledged is not None and job.acknowledged < end - SAME_TIME
    return in_time and "run-disk-full" not in evidence.suffered[job.part]


def _failures(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Failures of each verdict that is complete, as the results have them."""
    for name, entry in summary["verification"].items():
        if not entry["complete"] or name == "PTC":  # which has no exposures
            continue
        if _counted(entry["failures"]) != _failures_of(evidence, {**entry, "calibration": name}):
            yield f"the summary has other failures of {name} than the results of its verification"


def _counted(failures: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Failures without the tests that never count."""
    found = {
        exposure: {test: times for test, times in tests.items() if test not in NEVER_COUNTED}
        for exposure, tests in failures.items()
    }
    return {exposure: tests for exposure, tests in found.items() if tests}


def _failures_of(evidence: Evidence, verdict: Fact) -> dict[str, dict[str, int]]:
    """How many tests of each type failed in each exposure, and of the exposure as a whole."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    prefix, run = f"verify{verdict['calibration'].capitalize()}", f"{verdict['verification_collection']}/run"
    for (exposure, detector), statistics in evidence.datasets.statistics(f"{prefix}DetStats", run).items():
        if detector in evidence.detectors:
            found[str(exposure)].update(test for _, test in failed_tests(statistics))
    for (exposure, _), statistics in evidence.datasets.statistics(f"{prefix}ExpStats", run).items():
        of_exposure = statistics.get("VERIFY", {}).get("EXP", {})
        found[str(exposure)].update(test for test, passed in of_exposure.items() if not passed)
    return _counted(found)


def _certificates(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """What is certified, where, and for when: as the repository has it."""
    there = {(each.dataset_type, each.collection, each.validity) for each in evidence.datasets.certificates}
    for each in summary["certified"]:
        validity = validity_range(each["begin"], each["end"])
        if (each["dataset_type"], each["collection"], validity) not in there:
            yield f"{each['dataset_type']} is filed as certified in {each['collection']}, and is not there"


def _not_done(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Steps that are named are of this run, were not done, and have a reason."""
    steps = [each["step"] for each in summary["not_done"]]
    if nothing := [each["step"] for each in summary["not_done"] if not each["reason"].strip()]:
        yield f"no reason is given why these were not done: {', '.join(nothing)}"
    # With flats of which no two are a pair there is a step of gains, and nothing to be done in it.
    scenario = evidence.scenario
    gains = scenario.option("do_gain_from_flat_pairs", True) and ImageType.FLAT in scenario.kinds
    if strange := set(steps) - {*asked_for(evidence), *([GAINS] if gains else [])}:
        yield f"these were not asked for, and are named as not done: {', '.join(sorted(strange))}"
    if twice := sorted(step for step, times in Counter(steps).items() if times > 1):
        yield f"these are named twice as not done: {', '.join(twice)}"
    known = [step for step in steps if step not in strange and _filed_as_done(evidence, step)]
    if lies := [step for step in known if done(evidence, step)]:
        yield f"these were done, and are named as not done: {', '.join(lies)}"


def _filed_as_done(evidence: Evidence, step: str) -> bool:
    """Whether the journal says that a step was done: what came too late may be there, and yet not done."""
    if step == GAINS:
        return bool(evidence.of("GainsMeasured"))
    kind, calibration = step.split()
    if kind == "generate":
        return any(fact["calibration"] == calibration for fact in evidence.of("CalibrationMade"))
    if kind == "verify":
        return calibration in evidence.verdicts and bool(evidence.verdicts[calibration]["complete"])
    return any(fact["dataset_type"] == calibration.lower() for fact in evidence.of("Certified"))
