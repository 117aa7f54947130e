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


def test_a_noisy_amplifier_fails_in_every_bias_and_dark_and_no_other_does(run_script: Any) -> None:
    fault = "amplifier-noise:amplifier=C05,factor=1.2"
    run = run_script(*FEW, "-p", "script_mode=BIAS_DARK", "--fault", fault)
    assert run.status == 0, run.output
    for kind in ("BIAS", "DARK"):
        failures = run.summary["verification"][kind]["failures"]
        assert [tests["NOISE"] for tests in failures.values()] == [1, 1]
    assert {name for name in failing(run) if name.endswith(" NOISE")} == {"C05 NOISE"}


def test_a_dead_amplifier_fails_the_flats_and_has_no_gain(run_script: Any) -> None:
    run = run_script(*FEW, "--fault", "amplifier-dead:amplifier=C03")
    assert run.status == 0, run.output
    assert {name for name in failing(run) if name.endswith(" NOISE")} == {"C03 NOISE"}
    gains = {each["amplifier"]: (each["gain"], each["gain_corrected"]) for each in run.summary["gains"]}
    assert gains.pop("C03") == (None, None)
    assert all(value for values in gains.values() for value in values)


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


def test_components_that_are_not_enabled_keep_everything_from_beginning(run_script: Any) -> None:
    components = ("ATCamera", "ATSpectrograph", "OCPS:1")
    faults = [f"component-state:component={each},state=DISABLED" for each in components]
    run = run_script(*FEW, *(word for fault in faults for word in ("--fault", fault)))
    assert run.status == 2, run.output
    assert run.summary["state"] == "FAILED"
    assert run.summary["exposures"] == []
    for component in components:
        assert f"{component} is DISABLED" in run.summary["reason"]
