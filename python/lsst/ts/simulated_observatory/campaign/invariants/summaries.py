"""The summary is true: it says what the journal says, put together, and what bus and repository say."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, PAIR_GAINS
from lsst.ts.calibrations.journal.facts import RunConfigured, RunEnded, fact_from_dict
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.journal.summary import make_summary

from ..datasets import validity_range
from ..evidence import GAINS, Evidence
from ..expected import expected
from ..literal_rule import NEVER_COUNTED, failed_tests, healthy
from .registry import SAME_TIME, invariant

__all__: list[str] = []

OF_A_RUN = ("exposures", "jobs", "verification", "certified", "gains", "not_done")
"""What a summary has of a run that had begun alone."""

ANSWER = 120.0
"""Seconds within which the OCPS has to acknowledge a job; later, it is none of the run."""

_Counts = dict[str, dict[str, int]]


@invariant
def _summary_is_true(evidence: Evidence) -> Iterator[str]:
    """The summary agrees with bus and repository, entry by entry."""
    if evidence.summary and evidence.last is not None:
        for check in (_exposures, _jobs, _failures, _certificates, _not_done):
            yield from check(evidence, evidence.summary)


@invariant
def _summary_follows_from_the_journal(evidence: Evidence) -> Iterator[str]:
    """A summary that is made of the journal alone is the same, but for an end that the journal has not."""
    summary, record = evidence.summary, RunRecord()
    if not summary or evidence.last is None:
        return
    for fact in evidence.facts:
        record.apply(fact_from_dict(fact))
    if record.configured is None:
        if something := [name for name in OF_A_RUN if summary[name]]:
            yield f"the summary has {', '.join(something)} of a run that never began"
        return
    expected = _replayed(evidence, record, record.configured)
    if record.ended is None:
        if not evidence.last_part.disk_was_full:
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


def _exposures(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Files of an exposure are its own, and only one that is ingested has some; filters are the Butler's."""
    confirmed = {fact["id"]: fact["physical_filter"] for fact in evidence.of("ExposureConfirmed")}
    for entry in summary["exposures"]:
        name, files = entry["obs_id"], entry["files"]
        if lost := [each for each in files if name not in Path(each).name or not Path(each).is_file()]:
            yield f"the summary gives {name} the files {lost}"
        if files and not entry["ingested"]:  # of one that is ingested the Butler may not have said them
            yield f"the summary has {name} as not ingested, with {len(files)} files"
        found, stored = entry["physical_filter"], evidence.datasets.filters.get(entry["id"])
        must_be_known = bool(files) or confirmed.get(entry["id"]) is not None
        if found != stored and (found is not None or must_be_known):
            yield f"the summary gives {name} the filter {found}, in the Butler it has {stored}"


def _jobs(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Which jobs, what the OCPS was asked, and how it published that they ended."""
    journaled = {fact["job_id"]: fact["exit_code"] for fact in evidence.of("JobEnded")}
    known = set()
    for each in evidence.events.jobs:
        # The OCPS sent the id while the script listened for it, and could write it down.
        part = evidence.parts[each.part]
        attentive_until = min(part.attentive_until, each.command.time + ANSWER)
        if each.acknowledged is not None and each.acknowledged < attentive_until - SAME_TIME:
            known |= set() if part.disk_was_full else {each.job_id}
    if left_out := sorted(known - {each["job_id"] for each in summary["jobs"]}):
        yield f"the summary has not the jobs {left_out}, which the OCPS acknowledged"
    for entry in summary["jobs"]:
        number, exit_code = entry["job_id"], entry["exit_code"]
        job = evidence.events.by_run.get(f"u/ocps/{number}/run")
        if job is None or (job.kind, job.calibration) != (entry["kind"], entry["calibration"]):
            yield f"the summary has the job {number}, which the OCPS has not, or has as another"
            continue
        for name in ("pipeline", "config", "data_query"):
            if entry[name] != job.command.values[name]:
                yield f"the summary gives the job {number} another {name} than the command: {entry[name]!r}"
        if entry["collection"] != job.run.removesuffix("/run"):
            yield f"the summary gives the job {number} the collection {entry['collection']}"
        # The script may have waited no more when the OCPS published it; then the journal has none either.
        unknown = exit_code is None and journaled.get(number) is None
        if exit_code != job.exit_code and not unknown:
            yield f"the summary gives the job {number} exit code {exit_code}, it had {job.exit_code}"


def _failures(evidence: Evidence, summary: Mapping[str, Any]) -> Iterator[str]:
    """Failures of each verdict that is complete, as the results have them."""
    for name, verdict in summary["verification"].items():
        if not verdict["complete"] or expected(name).verified_by_itself:  # it has no exposures
            continue
        found: dict[str, Counter[str]] = defaultdict(Counter)
        prefix, run = CALIBRATIONS[name].statistics_prefix, f"{verdict['verification_collection']}/run"
        of_detectors = evidence.datasets.statistics(f"{prefix}DetStats", run)
        for (exposure, detector), statistics in of_detectors.items():
            if detector in evidence.detectors:
                others = healthy(statistics, evidence.known_bad.of(detector))
                found[str(exposure)].update(test for _, test in failed_tests(others))
        for (exposure, _), statistics in evidence.datasets.statistics(f"{prefix}ExpStats", run).items():
            of_exposure = statistics.get("VERIFY", {}).get("EXP", {})
            found[str(exposure)].update(test for test, passed in of_exposure.items() if not passed)
        if _counted(verdict["failures"]) != _counted(found):
            yield f"the summary has other failures of {name} than the results of its verification"


def _counted(failures: Mapping[str, Mapping[str, int]]) -> _Counts:
    """Failures by exposure and test, without the tests that never count."""
    found = {
        exposure: {test: times for test, times in tests.items() if test not in NEVER_COUNTED}
        for exposure, tests in failures.items()
    }
    return {exposure: tests for exposure, tests in found.items() if tests}


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
    gains = scenario.options.get(PAIR_GAINS.option, True) and PAIR_GAINS.made_from in scenario.kinds
    if strange := set(steps) - {*evidence.asked_for, *([GAINS] if gains else [])}:
        yield f"these were not asked for, and are named as not done: {', '.join(sorted(strange))}"
    if twice := sorted(step for step, times in Counter(steps).items() if times > 1):
        yield f"these are named twice as not done: {', '.join(twice)}"
    known = [step for step in steps if step not in strange and _filed_as_done(evidence, step)]
    if lies := [step for step in known if step not in evidence.not_done]:
        yield f"these were done, and are named as not done: {', '.join(lies)}"


def _filed_as_done(evidence: Evidence, step: str) -> bool:
    """Whether the journal says that a step was done: what came too late may be there, and yet not done."""
    if step == GAINS:
        return bool(evidence.of("GainsMeasured"))
    kind, name = step.split()
    if kind == "generate":
        return any(fact["calibration"] == name for fact in evidence.of("CalibrationMade"))
    if kind == "verify":
        return name in evidence.verdicts and bool(evidence.verdicts[name]["complete"])
    return any(fact["dataset_type"] == name.lower() for fact in evidence.of("Certified"))
