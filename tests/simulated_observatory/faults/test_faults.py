"""Faults are written NAME[:KEY=VALUE,...], strike when their conditions hold, and are counted."""

from __future__ import annotations

import re

import pytest

from lsst.ts.simulated_observatory.faults.detector_kinds import DETECTOR_KINDS
from lsst.ts.simulated_observatory.faults.faults import FaultError, Faults, describe_faults
from lsst.ts.simulated_observatory.faults.kinds import KINDS
from lsst.ts.simulated_observatory.faults.options import FaultKind


def test_a_fault_strikes_only_where_its_conditions_hold() -> None:
    faults = Faults(["ocps-exit:kind=verify,calibration=dark,code=3"])
    assert faults.strike("ocps-exit", kind="verify", calibration="BIAS") is None
    assert faults.strike("ocps-exit", kind="generate", calibration="DARK") is None
    struck = faults.strike("ocps-exit", kind="verify", calibration="DARK")
    assert struck is not None
    assert struck["code"] == 3
    assert faults.struck == {"ocps-exit": 1}


def test_a_fault_that_has_not_struck_is_named_as_it_was_asked_for() -> None:
    faults = Faults(["oods-status:image=99", "oods-status:image=2", "light-leak"])
    faults.strike("oods-status", image=2)
    assert faults.unstruck == ["oods-status:image=99"]


def test_a_fault_without_conditions_strikes_always() -> None:
    faults = Faults(["oods-lost"])
    assert all(faults.strike("oods-lost", image=image, detector="RXX_S00") for image in (1, 2))


def test_a_fault_strikes_no_more_than_the_times_asked_for() -> None:
    faults = Faults(["oods-lost:times=1", "oods-lost:image=5"])
    strikes = [image for image in range(1, 7) if faults.strike("oods-lost", image=image)]
    assert strikes == [1, 5]


def test_faults_of_the_detectors_are_passed_on() -> None:
    (noise, leak) = Faults(["amplifier-noise:amplifier=C05", "oods-lost", "light-leak:detector=3"]).detector
    assert (noise.name, noise.detector) == ("amplifier-noise", None)
    assert noise.values == {"amplifier": "C05", "factor": 1.2}
    assert (leak.name, leak.detector, leak.values) == ("light-leak", 3, {"rate": 5.0})


@pytest.mark.parametrize(
    ("specification", "reason"),
    [
        ("oods-losst", "did you mean oods-lost"),
        ("amplifer-dead", "did you mean amplifier-dead"),
        ("", "there is no fault ''"),
        ("oods-lost:picture=3", "is not KEY=VALUE with one of its options"),
        ("oods-lost:image", "is not KEY=VALUE"),
        ("oods-lost:image=1,image=2", "is not KEY=VALUE"),
        ("oods-lost:image=0", "use a whole number from 1 to"),
        ("oods-lost:image=two", "use a whole number from 1 to"),
        ("oods-late:seconds=much", "a number of seconds greater than 0"),
        ("component-state:component=ATCamera", "needs state="),
        ("component-state:component=ATCamera,state=ENABLED", "choose one of STANDBY, DISABLED, FAULT"),
        ("ocps-exit:calibration=SKY", "choose one of BIAS, DARK"),
        ("amplifier-dead:amplifier=C08", "'C08': use an amplifier name, C00 to C07 or C10 to C17"),
        ("amplifier-noise:amplifier=C05,factr=2", "did you mean factor"),
        ("amplifier-noise", "needs amplifier="),
        ("amplifier-noise:amplifier=C05,factor", "is not KEY=VALUE"),
        ("amplifier-noise:amplifier=C05,amplifier=C06", "is not KEY=VALUE"),
        ("light-leak:rate=-1", "a number greater than 0"),
        ("light-leak:rate=nan", "a number greater than 0"),
        ("light-leak:rate=much", "a number greater than 0"),
        ("hot-column:column=1.5", "a whole number"),
        ("shutter-stuck:rate=5", r"its options, once \(detector\)"),
        ("light-leak-in", "needs images="),
        ("light-leak-in:images=6-3", "a first image that is not after the last one"),
        ("light-leak-in:images=0-3", "use a whole number from 1 to"),
        ("light-leak-in:images=3-", "use a whole number from 1 to"),
        ("shutter-shut:image=-7", "use a whole number from 1 to"),
        ("adc-range:bits=17.5", "from 10 to 18"),
        ("full-well:amplifier=C05,factor=2", "a number from 0 to 1"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_reason(specification: str, reason: str) -> None:
    with pytest.raises(FaultError, match=reason):
        Faults([specification])


def test_help_explains_every_fault_and_option_and_those_of_many_faults_once() -> None:
    text = describe_faults()
    words = " ".join(text.split())
    for kind in (*KINDS.values(), *DETECTOR_KINDS.values()):
        assert f"{kind.name}: {kind.meaning}" in words
        assert all(": ".join(option.explained(key)) in words for key, option in kind.options.items())
    assert words.count("number of the image in the run") == 1
    assert "clock-step: the clock (TAI) jumps at the beginning of an image [image, times=1]" in words
    assert max(map(len, text.splitlines())) <= 100


def test_a_fault_of_another_name_is_another_fault() -> None:
    assert not set(KINDS) & set(DETECTOR_KINDS)


@pytest.mark.parametrize("kind", [*KINDS.values(), *DETECTOR_KINDS.values()], ids=lambda kind: kind.name)
def test_every_fault_explains_itself(kind: FaultKind) -> None:
    assert len(kind.meaning.split()) > 2
    assert all(option.meaning.strip() for option in kind.options.values())


@pytest.mark.parametrize("kind", [*KINDS.values(), *DETECTOR_KINDS.values()], ids=lambda kind: kind.name)
def test_what_a_campaign_draws_is_what_the_options_allow(kind: FaultKind) -> None:
    assert re.compile(kind.cause)
    for key, values in kind.drawn.items():
        option = kind.options[key]
        for value in values:
            read = option.read(str(value))
            assert read == value
            assert not option.choices or read in option.choices
