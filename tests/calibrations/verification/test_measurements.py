"""Value, reference and limits of the tests: those with which the pipelines decide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS
from lsst.ts.calibrations.domain.instruments import ImageType
from lsst.ts.calibrations.verification.measurements import Measurement, measurement
from lsst.ts.calibrations.verification.results import MadeTest, VerificationTest
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.detector.faults import DetectorFault
from lsst.ts.simulated_observatory.pipelines.curvecriteria import verified_curve
from lsst.ts.simulated_observatory.pipelines.merging import exp_merge
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve
from lsst.ts.simulated_observatory.stand_ins.measurements import Disturbance, Measured, StandInCamera

MODEL = detector_model("LATISS", 0, 16)
TIMES = {"BIAS": 0.0, "DARK": 30.0, "FLAT": 5.0, "DEFECTS": 5.0}
CAMERAS = {
    "good": StandInCamera(1),
    "noisy": StandInCamera(1, (DetectorFault("amplifier-noise", None, {"amplifier": "C05", "factor": 1.2}),)),
    "light": StandInCamera(1, (DetectorFault("light-leak", None, {"rate": 5.0}),)),
    "without light": StandInCamera(1, (DetectorFault("shutter-stuck", None, {}),)),
    "quiet": StandInCamera(1, disturbances={kind: (Disturbance(factor=0.5),) for kind in ImageType}),
}


def statistics(name: str, camera: str) -> dict[str, Any]:
    kind = ImageType(name) if name in ImageType.__members__ else ImageType.FLAT
    image = Measured(2025011500001, kind, TIMES[name], "SDSSr_65mm~empty")
    return CAMERAS[camera].statistics(image, MODEL, defects=name == "DEFECTS")


def curve(gain: float) -> dict[str, Any]:
    names = [each.name for each in MODEL.amplifiers]
    return verified_curve(
        PhotonTransferCurve(
            detector=MODEL.name,
            gain=dict.fromkeys(names, gain),
            noise=dict.fromkeys(names, 9.0),
            a00=dict.fromkeys(names, -5e-6 if gain > 1.2 else -1e-6),
            ptcTurnoff=dict.fromkeys(names, 80_000.0 if gain > 1.2 else 90_000.0),
            rawMeans={name: [1000.0, 80_000.0] for name in names},
            usedPoints={name: [True, True] for name in names},
            overscanNoise={name: [8.0, 8.0 + gain**9] for name in names},
            ptcFitChiSq=dict.fromkeys(names, gain**9),
            ptcFitDof=dict.fromkeys(names, 10),
        ),
        MODEL,
    )  # fmt: skip


def made(name: str, found: dict[str, Any]) -> Iterator[tuple[str | None, str, bool, Measurement]]:
    verify = found["VERIFY"]
    for amplifier, tests in ((None, verify["DET"]), *verify["AMP"].items()):
        for test, passed in tests.items():
            if test not in ("SUCCESS", "PROCESSING"):
                yield amplifier, test, passed, measurement(name, amplifier, test, passed, found)


FOUND = {
    **{(name, camera): statistics(name, camera) for name in TIMES for camera in CAMERAS},
    **{("PTC", f"gain {gain}"): curve(gain) for gain in (0.9, 1.1, 1.5)},
}


def test_there_are_statistics_of_every_calibration_type() -> None:
    assert {name for name, _ in FOUND} == set(CALIBRATIONS)


@pytest.mark.parametrize(("name", "case"), FOUND)
def test_limits_say_what_the_pipelines_said(name: str, case: str) -> None:
    for amplifier, test, passed, found in made(name, FOUND[name, case]):
        assert found.value is not None, f"{amplifier} {test}"
        if case == "without light":  # there is no limit for the noise of what has no photons
            continue
        assert (found.lowest, found.highest) != (None, None), f"{amplifier} {test}: the limits do not fit"
        assert found.passes() is passed, f"{amplifier} {test}"
        assert found.unit


def test_both_outcomes_of_most_tests_were_seen() -> None:
    outcomes = {
        (name, test, passed) for name, case in FOUND for _, test, passed, _ in made(name, FOUND[name, case])
    }
    both = {(name, test) for name, test, passed in outcomes if (name, test, not passed) in outcomes}
    wanted = {
        "BIAS": ("NOISE", "READ_NOISE_CONSISTENT"),
        "DARK": ("MEAN", "NOISE"),
        "FLAT": ("NOISE",),
        "PTC": ("PTC_GAIN", "PTC_TURNOFF", "PTC_BFE_A00", "PTC_CHI_SQUARE", "NOISE_SIGNAL_INDEPENDENCE"),
    }
    assert {(name, test) for name, tests in wanted.items() for test in tests} <= both


def test_the_numbers_of_a_noisy_amplifier() -> None:
    found = measurement("BIAS", "C05", "NOISE", False, FOUND["BIAS", "noisy"])
    assert found.value is not None
    assert found.reference is not None
    assert found.value / found.reference == pytest.approx(1.2, rel=0.02)
    assert (found.lowest, found.highest) == pytest.approx((0.95 * found.reference, 1.05 * found.reference))
    assert found.unit == "electron"


def test_without_the_additions_of_this_project_the_reference_is_not_known() -> None:
    stored = {**FOUND["BIAS", "noisy"], "METADATA": {}}
    found = measurement("BIAS", "C05", "NOISE", False, stored)
    assert found.value is not None
    assert (found.reference, found.lowest, found.highest) == (None, None, None)


def test_limits_that_contradict_the_outcome_are_not_those_that_were_used() -> None:
    found = measurement("BIAS", "C05", "NOISE", True, FOUND["BIAS", "noisy"])
    assert found.value is not None
    assert (found.lowest, found.highest) == (None, None)


def test_the_scatter_of_a_whole_exposure_has_a_limit() -> None:
    merged = exp_merge(
        {"R22_S00": FOUND["FLAT", "good"], "R22_S01": FOUND["FLAT", "without light"]}, scatter=True
    )
    found = measurement("", None, "SCATTER", False, {"DET": merged["EXP"]})
    assert (found.value, found.highest) == (merged["EXP"]["SCATTER"], 0.05)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"ADDED": {"C05": {"OTHER": 0.3}}}, Measurement(0.3)),
        (
            {"ADDED": {"C05": {"OTHER": 0.3}}, "LIMITS": {"C05": {"OTHER": [None, 0.2]}}},
            Measurement(0.3, None, None, 0.2),
        ),
        ({}, Measurement(2.0)),
        ({"LIMITS": "none", "ADDED": [1]}, Measurement(2.0)),
        (None, Measurement(2.0)),
    ],
)
def test_a_test_that_nobody_knows_has_what_is_stored_of_it(metadata: Any, expected: Measurement) -> None:
    stored = {"AMP": {"C05": {"OTHER": 2.0}}, "METADATA": metadata}
    assert measurement("BIAS", "C05", "OTHER", False, stored) == expected


@pytest.mark.parametrize("value", [float("nan"), None, "13", 10**400, [1.0]])
def test_what_is_no_number_is_none(value: Any) -> None:
    stored = {"AMP": {"C05": {"NOISE": value, "CR_NOISE": value, "MEAN": value}}, "METADATA": {}}
    for test in ("NOISE", "CR_NOISE", "MEAN"):
        assert measurement("BIAS", "C05", test, False, stored).value is None


def test_a_row_is_as_the_summary_has_it() -> None:
    test = VerificationTest("RXX_S00", "C05", "NOISE")
    row = MadeTest(2025011500001, test, False, Measurement(13.0, 10.0, 9.5, 10.5, "electron")).as_row()
    assert row == {
        "exposure": 2025011500001, "detector": "RXX_S00", "amplifier": "C05", "test": "NOISE", "value": 13.0,
        "reference": 10.0, "limit": [9.5, 10.5], "unit": "electron", "passed": False, "counted": True,
    }  # fmt: skip
    assert json.loads(json.dumps(row)) == row
    assert MadeTest("PTC", test, True, Measurement()).as_row()["exposure"] is None
    assert MadeTest("PTC", test, True, Measurement()).as_row()["limit"] is None
