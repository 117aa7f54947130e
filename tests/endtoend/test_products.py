"""Defects and photon transfer curve that a run makes are those of the detector as it really is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler
from numpy.typing import NDArray

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS

pytestmark = [pytest.mark.endtoend, pytest.mark.long, pytest.mark.timeout(900)]

Mask = NDArray[np.bool_]
CLEARLY_HOT = 4.0  # electron/s; the limit is 3, and hot pixels are on both sides of it
EDGE = 5
"""Pixels of the border, which are defects by decree."""


@pytest.fixture(scope="module")
def certified(first_night: Any) -> dict[str, Any]:
    """Defects and curve as an exposure of the night finds them."""
    assert first_night.status == 0, first_night.output
    exposure = first_night.exposures("FLAT")[0]["id"]
    collection = first_night.summary["config"]["calib_collection"]
    with Butler.from_config(str(first_night.repository), collections=collection) as butler:
        data_id = {"instrument": "LATISS", "detector": 0, "exposure": exposure}
        return {name: butler.get(name, data_id) for name in ("defects", "ptc")}


@pytest.fixture(scope="module")
def found(certified: dict[str, Any]) -> Mask:
    return certified["defects"].mask


@pytest.fixture(scope="module")
def planted(first_night: Any) -> dict[str, list[Mask]]:
    """Pixels of each defect as drawn, by kind."""
    detector = first_night.detector
    masks: dict[str, list[Mask]] = {}
    for each in detector["defects"]:
        if each["kind"] == "hot pixel" and each["rate"] < CLEARLY_HOT:
            continue
        mask = np.zeros((detector["height"], detector["width"]), dtype=bool)
        mask[each["y"] : each["y"] + each["height"], each["x"] : each["x"] + each["width"]] = True
        masks.setdefault(each["kind"], []).append(mask)
    return masks


def test_five_types_are_verified_and_certified(first_night: Any) -> None:
    assert (first_night.status, first_night.summary["state"]) == (0, "DONE"), first_night.output
    assert sorted(each["dataset_type"] for each in first_night.summary["certified"]) == [
        "bias", "dark", "defects", "flat", "ptc",
    ]  # fmt: skip
    assert all(each["verified"] for each in first_night.summary["certified"])
    verdicts = first_night.summary["verification"]
    assert set(verdicts) == {"BIAS", "DARK", "FLAT", "DEFECTS", "PTC"}
    assert all(each["passed"] and each["complete"] for each in verdicts.values())


@pytest.mark.parametrize("kind", ["hot pixel", "hot column", "cold pixel", "dead pixel", "trap"])
def test_what_was_planted_is_found(planted: Any, found: Mask, kind: str) -> None:
    parts = [np.mean(found[mask]) for mask in planted[kind]]
    assert np.mean(parts) > 0.95
    assert sum(part > 0.95 for part in parts) > 0.95 * len(parts)


def test_there_is_enough_to_be_found(planted: Any) -> None:
    assert len(planted["hot pixel"]) > 50
    assert sum(np.count_nonzero(mask) for mask in planted["hot column"]) > 100


def test_nothing_else_is_called_a_defect(planted: Any, found: Mask) -> None:
    known = np.logical_or.reduce([mask for masks in planted.values() for mask in masks])
    inside = (slice(EDGE, -EDGE), slice(EDGE, -EDGE))
    assert np.count_nonzero((found & ~known)[inside]) < 0.001 * found.size
    assert found.sum() - found[inside].sum() == found.size - found[inside].size


@pytest.mark.parametrize("name", AMPLIFIERS)
def test_the_curve_has_the_true_gain_noise_and_a00(
    first_night: Any, certified: dict[str, Any], name: str
) -> None:
    curve, truth = certified["ptc"], first_night.truth[name]
    assert curve.gain[name] == pytest.approx(truth["gain"], rel=0.03)
    assert curve.a00[name] == pytest.approx(truth["a00"], rel=0.3)
    assert curve.noise[name] == pytest.approx(truth["read_noise"], rel=0.05)
