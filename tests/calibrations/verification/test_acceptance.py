"""Acceptance: given by verification alone, and for exactly what was verified."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.verification import (
    Accepted,
    CombinedCalibration,
    Verdict,
    evaluate,
    is_sealed,
    judge,
    read_calibration,
    read_exposures,
)

EXPECTED = {"RXX_S00": frozenset(AMPLIFIERS)}


def statistics(failing: Sequence[str] = ()) -> dict[str, Any]:
    """What was measured and tested of the detector; some amplifiers fail NOISE."""
    return {
        "AMP": {name: {"NOISE": 5.6} for name in AMPLIFIERS},
        "VERIFY": {"AMP": {name: {"NOISE": name not in failing} for name in AMPLIFIERS}},
    }


def verdict_on(
    exposures: Mapping[int, Sequence[str]],
    combined: CombinedCalibration | None = None,
    expected: Sequence[int] | None = None,
) -> Verdict:
    """The verdict on exposures of which some amplifiers fail NOISE."""
    results = {
        exposure: {
            "RXX_S00": {"SUCCESS": not failing, "FAILURES": [f"{name} NOISE" for name in failing]},
            "SUCCESS": not failing,
        }
        for exposure, failing in exposures.items()
    }
    measured = {(exposure, "RXX_S00"): statistics(failing) for exposure, failing in exposures.items()}
    read = read_exposures(results, measured, exposures=expected or list(exposures), amplifiers=EXPECTED)
    return judge(read, max_failures_per_detector=8, combined=combined)


def verdict_on_itself(combined: CombinedCalibration, subject: str | None = None) -> Verdict:
    results = read_calibration(subject or combined.name, {"RXX_S00": statistics()}, amplifiers=EXPECTED)
    return judge(results, max_failures_per_detector=8, combined=combined)


def made(
    exposures: Sequence[int] | Mapping[str, tuple[int, ...]] = (1, 2), name: str = "BIAS", **others: Any
) -> CombinedCalibration:
    """A bias of some exposures, or what else a run has made."""
    by_type = exposures if isinstance(exposures, Mapping) else {name: tuple(exposures)}
    fields: dict[str, Any] = {"exposures": by_type, "collection": "u/ocps/abc", "datasets": ("id of it",)}
    return CombinedCalibration(name, **(fields | others))


def test_an_acceptance_is_of_that_which_was_verified() -> None:
    assert verdict_on({1: [], 2: []}, made()).accept().combined == made()
    assert verdict_on({2: [], 1: []}, made()).accept().combined == made()


def test_only_a_verdict_that_passes_can_accept() -> None:
    with pytest.raises(ValueError, match="did not pass"):
        verdict_on({1: AMPLIFIERS, 2: AMPLIFIERS}, made()).accept()
    with pytest.raises(ValueError, match="did not pass"):
        verdict_on({1: []}, made(), expected=[1, 2]).accept()


def test_where_nothing_was_made_there_is_nothing_to_accept() -> None:
    with pytest.raises(ValueError, match="nothing was made"):
        verdict_on({1: [], 2: []}).accept()


@pytest.mark.parametrize("exposures", [(1,), (1, 2, 3), (1, 3), ()])
def test_a_bias_is_accepted_for_exactly_the_exposures_that_it_was_verified_with(
    exposures: tuple[int, ...],
) -> None:
    with pytest.raises(ValueError, match=r"verified with \[1, 2\] and is to be"):
        verdict_on({1: [], 2: []}, made(exposures)).accept()


def test_defects_are_verified_with_all_the_flats_and_not_with_the_darks() -> None:
    defects = made(name="DEFECTS", exposures={"DARK": (1, 2), "FLAT": (3, 4)})
    assert verdict_on({3: [], 4: []}, defects).accept().combined is defects
    others: list[dict[int, list[str]]] = [{4: []}, {1: [], 2: []}, {1: [], 2: [], 3: [], 4: []}]
    for exposures in others:
        with pytest.raises(ValueError, match=r"to be verified with \[3, 4\]"):
            verdict_on(exposures, defects).accept()


def test_what_was_not_tested_is_not_accepted() -> None:
    good = {key: {"SUCCESS": True, "FAILURES": []} for key in (1, 2)}
    verdict = evaluate(
        good,
        exposures=[1, 2],
        detectors=["RXX_S00"],
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=8,
        combined=made(),
    )
    assert verdict.passed
    with pytest.raises(ValueError, match="nothing was verified"):
        verdict.accept()


def test_a_bias_that_was_verified_as_a_curve_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="a BIAS is not verified in this way"):
        verdict_on_itself(made()).accept()


def test_a_photon_transfer_curve_that_was_verified_as_images_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="a PTC is not verified in this way"):
        verdict_on({3: [], 4: []}, made(name="PTC", exposures={"FLAT": (3, 4)})).accept()


def test_a_photon_transfer_curve_is_verified_without_exposures_and_accepted_as_made() -> None:
    curve = made(name="PTC", exposures={"FLAT": (3, 4)})
    verdict = verdict_on_itself(curve)
    assert verdict.exposures == ()
    assert verdict.accept().combined is curve


def test_results_of_another_calibration_are_none_of_a_photon_transfer_curve() -> None:
    curve = made(name="PTC", exposures={"FLAT": (3, 4)})
    verdict = verdict_on_itself(curve, subject="DARK")
    assert verdict.problems == ("DARK: these are no results of PTC",)
    with pytest.raises(ValueError, match="did not pass"):
        verdict.accept()


def test_nobody_else_can_make_one() -> None:
    verdict = verdict_on({1: AMPLIFIERS}, made([1]))
    with pytest.raises(TypeError, match="made by verification"):
        Accepted(combined=made())
    fields = {field.name: getattr(verdict, field.name) for field in dataclasses.fields(verdict)}
    with pytest.raises(TypeError, match="made by verification"):
        Verdict(**(fields | {"passed": True}))
    with pytest.raises(TypeError, match="made by verification"):
        dataclasses.replace(verdict, passed=True)


def test_an_acceptance_is_of_nothing_else() -> None:
    accepted = verdict_on({1: [], 2: []}, made()).accept()
    for other in (made([1, 2, 3]), made(name="FLAT"), made(collection="u/ocps/b"), made(datasets=())):
        with pytest.raises(TypeError, match="made by verification"):
            dataclasses.replace(accepted, combined=other)
        with pytest.raises(dataclasses.FrozenInstanceError):
            accepted.combined = other  # type: ignore[misc]
    with pytest.raises(TypeError, match="does not support item assignment"):
        accepted.combined.exposures["BIAS"] = (1, 2, 3)  # type: ignore[index]
    assert is_sealed(accepted)


def test_a_copy_is_worth_nothing() -> None:
    accepted = verdict_on({1: [], 2: []}, made()).accept()
    twin = copy.copy(accepted)
    assert twin == accepted
    assert is_sealed(accepted)
    assert not is_sealed(twin)
    verdict = copy.copy(verdict_on({1: [], 2: []}, made()))
    assert verdict.passed
    with pytest.raises(ValueError, match="no verdict that verification has given"):
        verdict.accept()


def test_a_verdict_cannot_be_changed() -> None:
    verdict = verdict_on({1: AMPLIFIERS, 2: []}, made())
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.passed = True  # type: ignore[misc]
    with pytest.raises(TypeError, match="does not support item assignment"):
        verdict.thresholds["MAX_FAILED_EXPOSURES_THRESHOLD"] = 99  # type: ignore[index]
    with pytest.raises(TypeError, match="support item deletion"):
        del verdict.failed_tests[1]  # type: ignore[attr-defined]


def test_a_verdict_cannot_be_handed_to_another_process() -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(verdict_on({1: [], 2: []}))


def test_an_acceptance_without_any_seal_is_worth_nothing() -> None:
    empty = object.__new__(Accepted)
    object.__setattr__(empty, "combined", made())
    assert not is_sealed(empty)


def test_what_is_gone_leaves_no_seal_behind() -> None:
    """The identity of an object may be given to another one when it is gone."""
    for _ in range(100):
        accepted = verdict_on({1: [], 2: []}, made()).accept()
        del accepted
        forged = object.__new__(Accepted)
        object.__setattr__(forged, "combined", made())
        assert not is_sealed(forged)
