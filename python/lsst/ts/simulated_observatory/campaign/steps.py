"""What a scenario asks for, step by step, and which of the steps were really done."""

from __future__ import annotations

from collections.abc import Iterator

from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import ImageType

from .events import JobEvent
from .evidence import Evidence
from .literal_rule import Judgement, judge_curve, judge_images

__all__ = ["GAINS", "asked_for", "done", "is_certified", "judgement", "pairs_of_flats", "successful"]

GAINS = "gains from flat pairs"

CURVE_THRESHOLD = 8


def asked_for(evidence: Evidence) -> list[str]:
    """Names of all steps, as the summary would name them if they were not done."""
    scenario, names = evidence.scenario, list[str]()
    makes, verifies = scenario.wants("generate_calibrations"), scenario.wants("do_verify", True)
    products = [name for name in ("defects", "ptc") if scenario.wants(f"do_{name}")]
    for name in (*(scenario.kinds if makes else ()), *(each.upper() for each in products)):
        names += [f"generate {name}", *([f"verify {name}"] if verifies else []), f"certify {name}"]
    if not makes and verifies:
        names += [f"verify {kind}" for kind in scenario.kinds]
    wants_gains = scenario.wants("do_gain_from_flat_pairs", True) and ImageType.FLAT in scenario.kinds
    if wants_gains and pairs_of_flats(evidence):
        names.append(GAINS)
    return names


def done(evidence: Evidence, step: str) -> bool:
    """Whether a step was really done."""
    if step == GAINS:
        return _gains_measured(evidence)
    what, name = step.split()
    if what == "generate":
        return any(successful(evidence, "generate", name))
    if what == "verify":
        return any(judgement(evidence, job).complete for job in successful(evidence, "verify", name))
    return is_certified(evidence, name)


def successful(evidence: Evidence, kind: str, calibration: str) -> Iterator[JobEvent]:
    """Jobs of a kind on exactly the exposures that it is for, with exit code 0 published for their own id."""
    expected = _exposures_for(evidence, calibration)
    for job in evidence.events.jobs:
        same = (job.kind, job.calibration) == (kind, calibration)
        if same and job.exit_code == 0 and sorted(job.exposures) == expected[kind]:
            yield job


def judgement(evidence: Evidence, job: JobEvent) -> Judgement:
    """What the results of a verification job come to."""
    scenario, run = evidence.scenario, f"u/ocps/{job.job_id}/run"
    prefix = f"verify{job.calibration.capitalize()}"
    of_detectors = evidence.shelf.statistics(f"{prefix}DetStats", run)
    amplifiers = scenario.instrument.amplifiers
    if job.calibration == "PTC":
        return judge_curve(of_detectors, detectors=evidence.detectors, amplifiers=amplifiers)
    kind = "flat" if job.calibration == "DEFECTS" else job.calibration.lower()
    return judge_images(
        evidence.shelf.statistics(f"{prefix}ExpStats", run),
        of_detectors,
        exposures=job.exposures,
        detectors=evidence.detectors,
        amplifiers=amplifiers,
        threshold=int(scenario.wants(f"number_verification_tests_threshold_{kind}", CURVE_THRESHOLD)),
    )


def is_certified(evidence: Evidence, calibration: str) -> bool:
    """Whether a calibration that this scenario made is certified for every detector."""
    runs = {f"u/ocps/{job.job_id}/run" for job in evidence.events.jobs if job.calibration == calibration}
    found = [
        each.detector
        for each in evidence.shelf.certificates(str(evidence.scenario.wants("calib_collection")))
        if each.dataset_type == calibration.lower() and each.run in runs
    ]
    return sorted(found) == sorted(evidence.detectors)


def _exposures_for(evidence: Evidence, calibration: str) -> dict[str, list[int]]:
    """Exposures that the jobs of a calibration are to have, by kind of job."""
    kept = {kind: [each.id for each in evidence.kept(kind)] for kind in ImageType}
    flats = kept[ImageType.FLAT]
    if calibration == "DEFECTS":
        return {"generate": sorted([*kept[ImageType.DARK], *flats]), "verify": flats}
    if calibration == "PTC":
        return {"generate": flats, "verify": flats}
    ids = kept[ImageType(calibration)]
    return {"generate": ids, "verify": ids}


def pairs_of_flats(evidence: Evidence) -> list[tuple[int, int]]:
    """Places of the flats that make pairs, among those that are kept."""
    times = evidence.scenario.wants("exp_times_flat")
    kept = times if isinstance(times, list) else [times] * evidence.scenario.number(ImageType.FLAT)
    return list(flat_pairs(kept).pairs)


def _gains_measured(evidence: Evidence) -> bool:
    """Whether there is a gain of every pair and detector."""
    flats = [each.id for each in evidence.kept(ImageType.FLAT)]
    pairs = pairs_of_flats(evidence)
    if len(flats) < 2 * len(pairs):
        return False
    wanted = {(flats[place], number) for pair in pairs for place in pair for number in evidence.detectors}
    jobs = [job for job in evidence.events.jobs if job.kind == "gain" and job.exit_code == 0]
    return any(wanted <= evidence.shelf.there("cpPtcExtract", f"u/ocps/{job.job_id}/run") for job in jobs)
