"""What a scenario asks for, step by step, and which of the steps were really done."""

from __future__ import annotations

from collections.abc import Iterator

from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import ImageType

from .datasets import Certificate
from .events import JobEvent
from .evidence import Evidence
from .literal_rule import LiteralVerdict, judge_curve, judge_images

__all__ = [
    "GAINS",
    "asked_for",
    "certified",
    "done",
    "pairs_of_flats",
    "successful",
    "verdict_on",
]

GAINS = "gains from flat pairs"
"""Name of a step; this module has its own model of what a run consists of, to compare the script with."""

CURVE_THRESHOLD = 8
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
    makes, verifies = scenario.option("generate_calibrations"), scenario.option("do_verify", True)
    products = [name for name in ("defects", "ptc") if scenario.option(f"do_{name}")]
    for name in (*(scenario.kinds if makes else ()), *(each.upper() for each in products)):
        names += [f"generate {name}", *([f"verify {name}"] if verifies else []), f"certify {name}"]
    if not makes and verifies:
        names += [f"verify {kind}" for kind in scenario.kinds]
    wants_gains = scenario.option("do_gain_from_flat_pairs", True) and ImageType.FLAT in scenario.kinds
    if wants_gains and pairs_of_flats(evidence):
        names.append(GAINS)
    return names


def done(evidence: Evidence, step: str) -> bool:
    """Whether a step was really done.

    Parameters
    ----------
    evidence
        Of the scenario.
    step
        Its name.

    Returns
    -------
    done
        What messages on the bus and the repository say.
    """
    if step == GAINS:
        return _gains_measured(evidence)
    what, name = step.split()
    if what == "generate":
        return any(successful(evidence, "generate", name))
    if what == "verify":
        return any(verdict_on(evidence, job).complete for job in successful(evidence, "verify", name))
    runs = {job.run for job in evidence.events.jobs if job.calibration == name}
    detectors = [
        each.detector
        for each in certified(evidence)
        if each.dataset_type == name.lower() and each.run in runs
    ]
    return sorted(detectors) == sorted(evidence.detectors)


def successful(evidence: Evidence, kind: str, calibration: str) -> Iterator[JobEvent]:
    """Look for jobs that ended well.

    Parameters
    ----------
    evidence
        Of the scenario.
    kind, calibration
        Of the jobs.

    Yields
    ------
    job
        On exactly the exposures that it is for, with exit code 0 published for its own id.
    """
    expected = _exposures_for(evidence, calibration)
    for job in evidence.events.jobs:
        same = (job.kind, job.calibration) == (kind, calibration)
        if same and job.exit_code == 0 and sorted(job.exposures) == expected[kind]:
            yield job


def verdict_on(evidence: Evidence, job: JobEvent) -> LiteralVerdict:
    """Apply the documented rule to the results of a verification.

    Parameters
    ----------
    evidence
        Of the scenario.
    job
        The verification.

    Returns
    -------
    verdict
        From what is in the repository.
    """
    scenario, run = evidence.scenario, job.run
    prefix = f"verify{job.calibration.capitalize()}"
    of_detectors = evidence.datasets.statistics(f"{prefix}DetStats", run)
    amplifiers = scenario.instrument.amplifiers
    if job.calibration == "PTC":
        return judge_curve(of_detectors, detectors=evidence.detectors, amplifiers=amplifiers)
    kind = "flat" if job.calibration == "DEFECTS" else job.calibration.lower()
    return judge_images(
        evidence.datasets.statistics(f"{prefix}ExpStats", run),
        of_detectors,
        exposures=job.exposures,
        detectors=evidence.detectors,
        amplifiers=amplifiers,
        threshold=int(scenario.option(f"number_verification_tests_threshold_{kind}", CURVE_THRESHOLD)),
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
    """Which flats are pairs.

    Parameters
    ----------
    evidence
        Of the scenario.

    Returns
    -------
    pairs
        Places among the flats that are kept, from 0.
    """
    times = evidence.scenario.option("exp_times_flat")
    kept = times if isinstance(times, list) else [times] * evidence.scenario.number[ImageType.FLAT]
    return list(flat_pairs(kept).pairs)


def _exposures_for(evidence: Evidence, calibration: str) -> dict[str, list[int]]:
    """Exposures that the jobs of a calibration are to have, by kind of job."""
    kept = {kind: [each.id for each in evidence.kept[kind]] for kind in ImageType}
    flats = kept[ImageType.FLAT]
    if calibration == "DEFECTS":
        return {"generate": sorted([*kept[ImageType.DARK], *flats]), "verify": flats}
    if calibration == "PTC":
        return {"generate": flats, "verify": flats}
    ids = kept[ImageType(calibration)]
    return {"generate": ids, "verify": ids}


def _gains_measured(evidence: Evidence) -> bool:
    """Whether there is a gain of every pair and detector."""
    flats = [each.id for each in evidence.kept[ImageType.FLAT]]
    pairs = pairs_of_flats(evidence)
    if len(flats) < 2 * len(pairs):
        return False
    wanted = {(flats[place], number) for pair in pairs for place in pair for number in evidence.detectors}
    jobs = [job for job in evidence.events.jobs if job.kind == "gain" and job.exit_code == 0]
    return any(wanted <= evidence.datasets.places("cpPtcExtract", job.run) for job in jobs)
