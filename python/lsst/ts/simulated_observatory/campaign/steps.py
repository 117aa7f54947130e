"""What a scenario asks for, step by step, and which of the steps were really done."""

from __future__ import annotations

from collections.abc import Iterator

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, PAIR_GAINS
from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import ImageType

from .datasets import Certificate
from .events import JobEvent
from .evidence import Evidence
from .literal_rule import LiteralVerdict, judge_curve, judge_images

__all__ = ["GAINS", "asked_for", "certified", "done", "pairs_of_flats", "successful", "verdict_on"]

GAINS = PAIR_GAINS.title
"""Name of a step."""

THRESHOLD = 8
"""Default of the thresholds of failed tests."""


def asked_for(evidence: Evidence) -> list[str]:
    """Steps that a scenario asks for.

    Parameters
    ----------
    evidence
        Of the scenario.

    Returns
    -------
    names
        As the summary names them if they were not done.
    """
    scenario, names = evidence.scenario, list[str]()
    verifies = scenario.option("do_verify", True)
    for name, calibration in CALIBRATIONS.items():
        if not (calibration.is_product or calibration.image_type in scenario.kinds):
            continue
        if scenario.option(calibration.option):
            names += [f"generate {name}", *([f"verify {name}"] if verifies else []), f"certify {name}"]
        elif verifies and not calibration.is_product:
            names.append(f"verify {name}")
    if pairs_of_flats(evidence):
        names.append(GAINS)
    return names


def done(evidence: Evidence, step: str) -> bool:
    """Whether a step was really done.

    Parameters
    ----------
    evidence, step
        Of the scenario, and the name of the step.

    Returns
    -------
    done
        What messages on the bus and the repository say.
    """
    if step == GAINS:
        return _gains_measured(evidence)
    kind, name = step.split()
    if kind == "generate":
        return any(successful(evidence, kind, name))
    if kind == "verify":
        return any(verdict_on(evidence, job).complete for job in successful(evidence, kind, name))
    runs = {job.run for job in evidence.events.jobs if job.calibration == name}
    detectors = [
        each.detector
        for each in certified(evidence)
        if each.dataset_type == CALIBRATIONS[name].dataset_type and each.run in runs
    ]
    return sorted(detectors) == sorted(evidence.detectors)


def successful(evidence: Evidence, kind: str, calibration: str) -> Iterator[JobEvent]:
    """Look for jobs that ended well.

    Parameters
    ----------
    evidence
        Of the scenario.
    kind, calibration
        Of the jobs: ``generate`` or ``verify``, and the name of a row of the table of calibrations.

    Yields
    ------
    job
        On exactly the exposures that it is for, with exit code 0 published for its own id.
    """
    row = CALIBRATIONS[calibration]
    images = row.made_from if kind == "generate" else (row.verified_with,)
    expected = sorted(each.id for image_type in images for each in evidence.kept[image_type])
    for job in evidence.events.jobs:
        same = (job.kind, job.calibration) == (kind, calibration)
        if same and job.exit_code == 0 and sorted(job.exposures) == expected:
            yield job


def verdict_on(evidence: Evidence, job: JobEvent) -> LiteralVerdict:
    """Apply the documented rule to the results of a verification.

    Parameters
    ----------
    evidence, job
        Of the scenario, and the verification.

    Returns
    -------
    verdict
        From what is in the repository.
    """
    scenario, row = evidence.scenario, CALIBRATIONS[job.calibration]
    of_detectors = evidence.datasets.statistics(f"{row.statistics_prefix}DetStats", job.run)
    amplifiers = scenario.instrument.amplifiers
    if row.verified_by_itself:
        return judge_curve(of_detectors, detectors=evidence.detectors, amplifiers=amplifiers)
    threshold = f"number_verification_tests_threshold_{row.verified_with.lower()}"
    return judge_images(
        evidence.datasets.statistics(f"{row.statistics_prefix}ExpStats", job.run),
        of_detectors,
        exposures=job.exposures,
        detectors=evidence.detectors,
        amplifiers=amplifiers,
        threshold=int(scenario.option(threshold, THRESHOLD)),
    )


def certified(evidence: Evidence) -> list[Certificate]:
    """What is certified in the collection that the scenario asks for.

    Parameters
    ----------
    evidence
        Of the scenario.

    Returns
    -------
    certificates
        Of all datasets.
    """
    collection = evidence.scenario.option("calib_collection")
    return [each for each in evidence.datasets.certificates if each.collection == collection]


def pairs_of_flats(evidence: Evidence) -> list[tuple[int, int]]:
    """Which flats are pairs whose gains are asked for.

    Parameters
    ----------
    evidence
        Of the scenario.

    Returns
    -------
    pairs
        Places among the flats that are kept, from 0.
    """
    scenario = evidence.scenario
    if not scenario.option(PAIR_GAINS.option, True) or PAIR_GAINS.made_from not in scenario.kinds:
        return []
    times = scenario.option("exp_times_flat")
    kept = times if isinstance(times, list) else [times] * scenario.number[ImageType.FLAT]
    return list(flat_pairs(kept).pairs)


def _gains_measured(evidence: Evidence) -> bool:
    """Whether there is a gain of every pair and detector."""
    flats = [each.id for each in evidence.kept[PAIR_GAINS.made_from]]
    pairs = pairs_of_flats(evidence)
    if len(flats) < 2 * len(pairs):
        return False
    wanted = {(flats[place], number) for pair in pairs for place in pair for number in evidence.detectors}
    jobs = [job for job in evidence.events.jobs if job.kind == "gain" and job.exit_code == 0]
    return any(wanted <= evidence.datasets.statistics("cpPtcExtract", job.run).keys() for job in jobs)
