"""Errors say what happened, what was kept and what to do."""

from __future__ import annotations

from lsst.ts.calibrations.domain.errors import (
    CalibrationError,
    ConfigurationError,
    IngestError,
    ProcessingError,
    VerificationIncomplete,
)


def test_an_error_is_three_sentences() -> None:
    error = CalibrationError("The shutter stuck", kept="Twelve images are kept", advice="Call somebody!")
    assert str(error) == "The shutter stuck. Twelve images are kept. Call somebody!"


def test_every_problem_of_a_configuration_has_its_line() -> None:
    error = ConfigurationError(["n_bias: -1 is not possible", "there is no option 'x'"])
    lines = str(error).splitlines()
    assert lines[0].endswith("2 problems:")
    assert lines[1:3] == ["  - n_bias: -1 is not possible.", "  - there is no option 'x'."]
    assert lines[3].startswith("Nothing was exposed")
    assert isinstance(error, ValueError)


def test_a_failed_job_is_named_with_its_log() -> None:
    error = ProcessingError("verify BIAS", "exit code 1", job_id="a1b2", log="/uws/a1b2/outs/ocps.log")
    assert str(error).startswith("verify BIAS (job a1b2) failed: exit code 1.")
    assert str(error).endswith("/uws/a1b2/outs/ocps.log.")


def test_a_lost_exposure_tells_what_the_oods_said_of_each_detector() -> None:
    error = IngestError("AT_O_20250115_000007", {"RXX_S00": "statusCode 1: disk full"}, 120.0)
    assert "AT_O_20250115_000007" in str(error)
    assert "RXX_S00: statusCode 1: disk full" in str(error)
    assert isinstance(error, TimeoutError)


def test_a_long_list_is_cut_in_the_message_and_kept_in_the_error() -> None:
    error = VerificationIncomplete("FLAT", [f"exposure {number}: no result" for number in range(20)])
    assert "20 problems" in str(error)
    assert "and 16 more" in str(error)
    assert len(error.problems) == 20


def test_hundreds_of_detectors_that_miss_the_same_are_told_briefly() -> None:
    missing = {f"R22_S{number:03d}": "no imageInOODS came" for number in range(189)}
    error = IngestError("MC_O_20250115_000007", missing | {"R01_S00": "statusCode 1: disk full"}, 120.0)
    assert "R22_S008 and 180 more: no imageInOODS came; R01_S00: statusCode 1: disk full" in str(error)
    assert len(str(error)) < 600
