"""Gains are those that the repository has, of every pair of flats, detector and amplifier."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lsst.ts.calibrations.domain.instruments import ImageType

from ..evidence import Evidence
from ..steps import GAINS, asked_for, pairs_of_flats
from .registry import invariant

__all__: list[str] = []

SLOPE = 0.00027
"""Per cent for each adu by which a gain of a pair is too high (DM-35790), of CCDs of ITL as all here are."""

VALUES = ("gain", "noise", "gain_corrected")

Place = tuple[int, int, int, str]
"""First and second flat of a pair, detector and amplifier."""


@invariant
def _gains_are_true(evidence: Evidence) -> Iterator[str]:
    """Journal and summary have the gains that the repository has; a run that is DONE has all of them."""
    notes, final = evidence.of("GainsMeasured"), evidence.events.final(evidence.last_part)
    filed = {"journal": list(notes[-1]["gains"]) if notes else []}
    if evidence.summary is not None and evidence.last is not None:
        filed["summary"] = evidence.summary["gains"]
    needed = final is not None and final[1] == "DONE" and GAINS in asked_for(evidence)
    if not needed and not any(filed.values()):
        return
    there = _gains(evidence)
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


def _gains(evidence: Evidence) -> dict[Place, dict[str, float]]:
    """What successful jobs have measured on the pairs of flats."""
    flats, found = [each.id for each in evidence.kept[ImageType.FLAT]], dict[Place, dict[str, float]]()
    pairs = [pair for pair in pairs_of_flats(evidence) if max(pair) < len(flats)]
    for job in evidence.events.jobs:
        if job.kind != "gain" or job.exit_code != 0:
            continue
        measured = evidence.datasets.statistics("cpPtcExtract", job.run)
        for first, second in ((flats[one], flats[other]) for one, other in pairs):
            for number in evidence.detectors:
                curve = measured.get((first, number), {"gain": {}})
                for name, gain in curve["gain"].items():
                    corrected = gain * (1.0 - SLOPE * curve["rawMeans"][name][0] / 100.0)
                    values = (gain, curve["noise"][name], corrected)
                    found[first, second, number, name] = dict(zip(VALUES, values, strict=True))
    return found
