"""What is broken on purpose is found where it was broken, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.endtoend, pytest.mark.timeout(900)]

FEW = ["-p", "n_bias=2", "-p", "n_dark=2", "-p", "exp_times_dark=30", "-p", "n_flat=2"]


def failing(run: Any) -> set[str]:
    """Amplifier (or detector) and test of all failures in the report."""
    return set(re.findall(r"^ +RXX_S00 (.+)$", run.report, re.MULTILINE))


@pytest.fixture(scope="module")
def broken(run_script: Any) -> Any:
    """A run in which one amplifier has more noise than it should, and another one is dead."""
    faults = ("amplifier-noise:amplifier=C05,factor=1.2", "amplifier-dead:amplifier=C03")
    run = run_script(*FEW, *(word for fault in faults for word in ("--fault", fault)))
    assert run.status == 0, run.output
    return run


def failing_noise(run: Any, kind: str) -> list[set[str]]:
    """Amplifiers whose NOISE failed, in each exposure of a type that has any."""
    found: dict[int, set[str]] = {}
    ids = [each["id"] for each in run.exposures(kind)]
    for each in run.summary["tests"]:
        if each["exposure"] in ids and each["test"] == "NOISE" and not each["passed"]:
            found.setdefault(each["exposure"], set()).add(each["amplifier"])
    return list(found.values())


def test_the_noise_of_the_noisy_amplifier_fails_in_every_bias_and_dark_and_of_no_other(broken: Any) -> None:
    assert failing_noise(broken, "BIAS") == failing_noise(broken, "DARK") == [{"C05"}, {"C05"}]


def test_the_noise_of_the_dead_amplifier_fails_in_every_flat_and_of_no_other(broken: Any) -> None:
    assert failing_noise(broken, "FLAT") == [{"C03"}, {"C03"}]
    assert {name for name in failing(broken) if name.endswith(" NOISE")} == {"C03 NOISE", "C05 NOISE"}


def test_the_dead_amplifier_alone_has_no_gain(broken: Any) -> None:
    gains = {each["amplifier"]: (each["gain"], each["gain_corrected"]) for each in broken.summary["gains"]}
    assert gains.pop("C03") == (None, None)
    assert all(value for values in gains.values() for value in values)


@pytest.mark.long
def test_a_job_that_fails_is_told_and_the_images_are_kept(run_script: Any) -> None:
    fault = "ocps-exit:kind=verify,calibration=BIAS,code=3"
    run = run_script(*FEW, "-p", "script_mode=BIAS", "--fault", fault)
    assert run.status == 1, run.output
    (job,) = run.summary["jobs"]
    assert run.summary["state"] == "FAILED"
    assert job["exit_code"] == 3
    assert job["job_id"] in run.summary["reason"]
    assert job["log"] in run.summary["reason"]
    assert all(Path(path).is_file() for each in run.summary["exposures"] for path in each["files"])


@pytest.mark.long  # as tests/simulated_observatory/session and tests/calibrations/run have it without pixels
def test_components_that_are_not_enabled_keep_everything_from_beginning(run_script: Any) -> None:
    components = ("ATCamera", "ATSpectrograph", "OCPS:1")
    faults = [f"component-state:component={each},state=DISABLED" for each in components]
    run = run_script(*FEW, *(word for fault in faults for word in ("--fault", fault)))
    assert run.status == 2, run.output
    assert run.summary["state"] == "FAILED"
    assert run.summary["exposures"] == []
    for component in components:
        assert f"{component} is DISABLED" in run.summary["reason"]
