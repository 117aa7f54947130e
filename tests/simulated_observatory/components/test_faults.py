"""Faults are written NAME[:KEY=VALUE,...], strike when their conditions hold, and are counted."""

from __future__ import annotations

import pytest

from lsst.ts.simulated_observatory.detector.faults import DETECTOR_FAULTS
from lsst.ts.simulated_observatory.faults.faults import FaultError, Faults, describe_faults
from lsst.ts.simulated_observatory.faults.kinds import KINDS


def test_a_fault_strikes_only_where_its_conditions_hold() -> None:
    faults = Faults(["ocps-exit:kind=verify,calibration=dark,code=3"])
    assert faults.strike("ocps-exit", kind="verify", calibration="BIAS") is None
    assert faults.strike("ocps-exit", kind="generate", calibration="DARK") is None
    struck = faults.strike("ocps-exit", kind="verify", calibration="DARK")
    assert struck is not None
    assert struck["code"] == 3
    assert faults.struck == {"ocps-exit": 1}


def test_a_fault_without_conditions_strikes_always() -> None:
    faults = Faults(["oods-lost"])
    assert all(faults.strike("oods-lost", image=image, detector="RXX_S00") for image in (1, 2))


def test_a_fault_strikes_no_more_than_the_times_asked_for() -> None:
    faults = Faults(["oods-lost:times=1", "oods-lost:image=5"])
    strikes = [image for image in range(1, 7) if faults.strike("oods-lost", image=image)]
    assert strikes == [1, 5]


def test_faults_of_the_detectors_are_passed_on() -> None:
    faults = Faults(["amplifier-noise:amplifier=C05,factor=1.2", "oods-lost"])
    assert faults.detector == ("amplifier-noise:amplifier=C05,factor=1.2",)


@pytest.mark.parametrize(
    ("specification", "reason"),
    [
        ("oods-losst", "did you mean oods-lost"),
        ("amplifer-dead", "did you mean amplifier-dead"),
        ("", "there is no fault ''"),
        ("oods-lost:picture=3", "not one KEY=VALUE of its options"),
        ("oods-lost:image", "not one KEY=VALUE"),
        ("oods-lost:image=1,image=2", "not one KEY=VALUE"),
        ("oods-lost:image=0", "counts from 1"),
        ("oods-lost:image=two", "invalid literal"),
        ("component-state:component=ATCamera", "needs state="),
        ("component-state:component=ATCamera,state=ENABLED", "none of STANDBY, DISABLED, FAULT"),
        ("ocps-exit:calibration=SKY", "none of BIAS, DARK"),
        ("amplifier-dead:amplifier=C09", "C00 to C07"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_reason(specification: str, reason: str) -> None:
    with pytest.raises(FaultError, match=reason):
        Faults([specification])


def test_help_names_every_fault_and_option() -> None:
    text = describe_faults()
    for kind in KINDS.values():
        assert f"  {kind.name}: " in text
        assert all(f"      {key}=  {option.meaning}" in text for key, option in kind.options.items())
    assert all(f"  {name}: " in text for name in DETECTOR_FAULTS)
