"""How a run ended, in one table."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lsst.ts.calibrations.domain.errors import PREFLIGHT, PreflightError
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.simulated_observatory.session.overview import for_command_line, resume_command, show_overview


def exposure(kind: str, *, discarded: bool = False, ingested: bool = True) -> dict[str, Any]:
    return {"image_type": kind, "discarded": discarded, "ingested": ingested}


def verdict(n_failed: int, *, passed: bool, made: bool = False, complete: bool = True) -> dict[str, Any]:
    generation = "u/ocps/g" if made else None
    return {
        "passed": passed, "complete": complete, "n_failed": n_failed, "n_tests": 240,
        "generation_collection": generation,
    }  # fmt: skip


def noise(exposure: int, amplifier: str, value: float, *, passed: bool) -> dict[str, Any]:
    return {
        "calibration": "BIAS", "exposure": exposure, "detector": "RXX_S00", "amplifier": amplifier,
        "test": "NOISE", "value": value, "reference": 10.9, "limit": [10.355, 11.445], "unit": "electron",
        "passed": passed, "counted": True,
    }  # fmt: skip


GOOD: dict[str, Any] = {
    "state": "DONE",
    "seed": 1,
    "reason": "BIAS passed verification (0 of 240 tests failed)",
    "config": {"n_bias": 5},
    "exposures": [exposure("BIAS", discarded=True), *[exposure("BIAS")] * 5],
    "verification": {"BIAS": verdict(0, passed=True)},
    "certified": [],
    "not_done": [],
    "gains": [],
    "tests": [],
}


def shown(summary: dict[str, Any], folder: Path, width: int = 80) -> list[str]:
    output = io.StringIO()
    show_overview(summary, folder, Console(file=output, width=width))
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    assert all(len(line) <= width for line in lines if str(folder) not in line)
    return [" ".join(line.split()) for line in lines if line]


def test_a_good_run(tmp_path: Path) -> None:
    lines = shown(GOOD, tmp_path, 200)
    assert lines[0] == "Type Exposures Failed tests Verdict Certified into"
    assert lines[2:] == ["BIAS 5 of 5 0 of 240 passed", "DONE", f"Run directory {tmp_path}"]


@pytest.mark.parametrize(
    "done", ["", "BIAS passed verification (0 of 9 tests failed); bias certified in a/b; "]
)
def test_a_warning_is_told_again_at_the_end(tmp_path: Path, done: str) -> None:
    warning = "flats of 40 s saturate: with the nominal light the first amplifier is full after 37.0 s"
    assert f"DONE {warning}" in shown(GOOD | {"reason": done + warning}, tmp_path, 200)


def test_exposures_that_were_lost_and_taken_again_count_once(tmp_path: Path) -> None:
    lost = exposure("BIAS") | {"lost": True}
    assert shown(GOOD | {"exposures": [lost, lost, *GOOD["exposures"]]}, tmp_path)[2].startswith(
        "BIAS 5 of 5 "
    )


def test_a_noisy_amplifier_is_named_below_the_table(tmp_path: Path) -> None:
    tests = [noise(1, name, 13.27 if name == "C05" else 10.9, passed=name != "C05") for name in AMPLIFIERS]
    bad = GOOD | {"verification": {"BIAS": verdict(5, passed=True)}, "tests": tests}
    lines = shown(bad, tmp_path)
    assert "BIAS 5 of 5 5 of 240 passed" in lines
    assert any(line.startswith("What failed BIAS: C05 NOISE failed in 1 of 1 exposures:") for line in lines)


@pytest.mark.parametrize("width", [80, 83, 87, 140])
def test_a_rejected_run_says_why_in_three_lines_and_what_to_do(tmp_path: Path, width: int) -> None:
    steps = ["certify BIAS", "generate DARK", "verify DARK", "certify DARK"]
    reason = "Error in run: BIAS rejected (48 of 240 tests failed: NOISE). " + "Much more of it all. " * 40
    bad = GOOD | {
        "state": "FAILED",
        "reason": reason,
        "verification": {"BIAS": verdict(48, passed=False, made=True)},
        "not_done": [{"step": each, "reason": "it failed"} for each in steps],
        "tests": [noise(1, name, 8.9, passed=False) for name in AMPLIFIERS],
    }
    lines = shown(bad, tmp_path, width)
    assert "BIAS 5 of 5 48 of 240 rejected" in lines
    assert "DARK not done" in lines
    at = next(n for n, line in enumerate(lines) if line.startswith("FAILED "))
    assert lines[at].startswith("FAILED BIAS rejected (48 of 240 tests failed: NOISE).")
    assert lines[at + 2].endswith(" ... (all in summary.json)")
    assert lines[at + 2].split(" ...")[0].split()[-1] in reason.replace(".", "").split()  # a whole word
    assert lines[at + 3].startswith("What failed BIAS: NOISE on 16 amplifiers failed in 1 exposure: ")
    assert lines[-1].startswith("Next start a new run: resuming cannot change that BIAS failed")


def test_a_stopped_run_is_to_be_resumed(tmp_path: Path) -> None:
    stopped = GOOD | {
        "state": "STOPPED",
        "reason": "stopped; 6 exposures were taken and are kept",
        "verification": {},
        "not_done": [{"step": "verify BIAS", "reason": "the run was stopped before"}],
    }
    lines = shown(stopped, tmp_path, 200)
    assert "BIAS 5 of 5 + 1 discarded not done" in lines
    assert lines[-1] == f"Next bin/run_script --resume {tmp_path}"


def test_what_was_certified_measured_and_left_out(tmp_path: Path) -> None:
    made = GOOD | {
        "verification": {"BIAS": verdict(0, passed=True, made=True)},
        "certified": [{"dataset_type": "bias", "collection": "LATISS/calib/daily", "verified": False}],
        "gains": [{"exposures": [7, 8]}, {"exposures": [7, 8]}],
        "left_out": [{"calibration": "BIAS", "exposure": 3, "reason": "light"}],
    }
    (tmp_path / "report.html").touch()
    lines = shown(made, tmp_path, 200)
    assert "BIAS 4 of 5 0 of 240 passed LATISS/calib/daily UNVERIFIED" in lines
    assert "gains 1 pair measured" in lines
    assert f"Page {tmp_path / 'report.html'}" in lines
    (tmp_path / "report.html").rename(tmp_path / "report.html.log")
    assert f"Page {tmp_path / 'report.html'} (being drawn)" in shown(made, tmp_path, 200)


def test_a_refused_run_has_no_table(tmp_path: Path) -> None:
    reason = {"state": "CONFIGURE_FAILED", "reason": "There is 1 problem:\n  - no."}
    lines = shown(GOOD | reason | {"exposures": [], "verification": {}}, tmp_path, 200)
    assert lines == [
        "CONFIGURE_FAILED There is 1 problem:",
        "- no.",
        f"Run directory {tmp_path}",
        "Next correct that and give the command again",
    ]


def problems(*found: str) -> dict[str, Any]:
    """A run that the check before the first exposure has refused."""
    reason = f"Error in run: {PreflightError(found)}"
    return GOOD | {"state": "FAILED", "reason": reason, "exposures": [], "verification": {}}


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_refusal_shows_every_problem(tmp_path: Path, width: int) -> None:
    names = [f"Component{n}" for n in range(9)]
    lines = shown(
        problems(*(f"{name} is STANDBY, not ENABLED: enable it" for name in names)), tmp_path, width
    )
    text = " ".join(lines)
    assert all(f"- {name} is STANDBY, not ENABLED: enable it." in text for name in names)
    assert "..." not in text


def test_a_refused_configuration_is_not_to_be_resumed_with_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()
    taken = "it is taken. For this range:\n        calib_collection: LATISS/calib/daily/a.2\n    Or another"
    lines = shown(problems(taken), tmp_path, 100)
    assert "calib_collection: LATISS/calib/daily/a.2" in lines
    assert lines[-1] == "Next correct that and give the command again; with -p write KEY=VALUE"
    resumed = problems(taken) | {"exposures": GOOD["exposures"]}
    *_, next_step = shown(resumed, tmp_path, 200)
    assert next_step.startswith("Next if the configuration is not to be changed: correct that, and ")
    assert next_step.endswith(f"bin/run_script --resume {tmp_path}")


def test_a_run_that_ended_in_its_first_exposure_can_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()
    ended = GOOD | {"exposures": [], "verification": {}, "not_done": []}
    for state, reason in (("FAILED", "terminated by a signal"), ("STOPPED", "stopped")):
        *_, next_step = shown(ended | {"state": state, "reason": reason}, tmp_path, 200)
        assert next_step == f"Next bin/run_script --resume {tmp_path}"
    refused = f"{PreflightError(['ATCamera is DISABLED, not ENABLED: enable it'], resumed=True)}"
    *_, next_step = shown(ended | {"state": "FAILED", "reason": refused}, tmp_path, 200)
    assert next_step.endswith(f"correct that, and bin/run_script --resume {tmp_path}")


def test_a_run_on_the_bus_is_resumed_in_the_queue(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()
    *_, next_step = shown(GOOD | {"state": "STOPPED", "reason": "stopped", "seed": None}, tmp_path, 200)
    assert next_step == f"Next in the queue, add the script with resume: {tmp_path}"


def test_a_run_whose_time_limit_was_too_short_is_to_be_started_anew(tmp_path: Path) -> None:
    limit = "job_timeout: 10, by default 3600"
    failed = GOOD | {"state": "FAILED", "reason": "too late", "time_limits_too_short": [limit]}
    *_, next_step = shown(failed, tmp_path, 300)
    assert next_step.startswith(f"Next start a new run with a longer limit ({limit}); if a component was at")


@pytest.mark.parametrize("reason", ["Error in run: bias was not certified", f"{PREFLIGHT} has 1 problem"])
def test_a_run_that_would_find_the_same_again_is_to_be_started_anew(tmp_path: Path, reason: str) -> None:
    step = {"step": "certify BIAS", "reason": "taken", "lasting": ["another bias is valid"]}
    failed = GOOD | {"state": "FAILED", "reason": reason, "not_done": [step, step]}
    *_, next_step = shown(failed, tmp_path, 300)
    assert next_step == "Next start a new run: resuming cannot change that another bias is valid"


def test_what_a_shell_would_read_otherwise_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "it's a $HOME"
    command = shlex.split(resume_command(folder))
    assert command == ["bin/run_script", "--resume", str(folder)]
    monkeypatch.chdir(tmp_path)  # where there is no bin/
    elsewhere = shlex.split(resume_command(folder))
    assert Path(elsewhere[0]).is_absolute()
    assert Path(elsewhere[0]).exists()
    assert elsewhere[1:] == command[1:]


def test_an_advised_line_is_also_told_as_an_option_of_the_command() -> None:
    for advice, options in {
        "write 'n_bias: 3'": ["-p", "n_bias=3"],
        "write 'exp_times_flat: [5, 40]'.": ["-p", "exp_times_flat=[5, 40]"],
        "write 'a: x' and 'b: y'; nothing else": ["-p", "a=x", "-p", "b=y"],
        "for every day write 'c: C.{n}', 'd: today', 'e: tomorrow'": ["-p", "c=C.{n}", "-p", "d=today"],
    }.items():
        told = for_command_line(f"there is no option 'n_bais'; {advice}").partition(", or ")[2]
        assert shlex.split(told.partition(";")[0].rstrip("."))[: len(options)] == options
    assert for_command_line("line 1: 'n_bias: [' is not YAML") == "line 1: 'n_bias: [' is not YAML"


@pytest.mark.parametrize("width", [60, 80])
def test_the_name_of_a_collection_stays_in_one_piece(tmp_path: Path, width: int) -> None:
    output, name = io.StringIO(), "LATISS/calib/daily/calib.20250115.1"
    certified = [{"dataset_type": "bias", "collection": name, "verified": True}]
    show_overview(GOOD | {"certified": certified}, tmp_path, Console(file=output, width=width))
    assert name in output.getvalue()


def test_the_numbers_of_a_stopped_run_are_those_of_its_reason(tmp_path: Path) -> None:
    darks = [exposure("DARK", discarded=True), exposure("DARK"), exposure("DARK", ingested=False)]
    stopped = GOOD | {
        "state": "STOPPED", "reason": "stopped; 9 exposures were taken and are kept", "verification": {},
        "config": {"n_bias": 5, "n_dark": 22}, "exposures": [*GOOD["exposures"], *darks],
    }  # fmt: skip
    lines = shown(stopped, tmp_path, 200)
    assert "BIAS 5 of 5 + 1 discarded" in lines
    assert "DARK 1 of 22 + 1 discarded, 1 not confirmed" in lines


def test_the_log_of_a_job_that_failed_has_a_line_of_its_own_that_can_be_copied(tmp_path: Path) -> None:
    path = f"{tmp_path}/uws/c2bb/outs/ocps.log"
    failed = GOOD | {
        "state": "FAILED",
        "reason": f"Not done: verify BIAS (exit code 1 (job c2bb, its log: {path})). Kept. See {tmp_path}.",
        "verification": {},
        "jobs": [
            {"job_id": "a1", "exit_code": 0, "log": "other"}, {"job_id": "c2bb", "exit_code": 1, "log": path}
        ],
    }  # fmt: skip
    lines = shown(failed, tmp_path)
    assert "FAILED Not done: verify BIAS (exit code 1). Kept." in lines
    assert f"Log of the job {path}" in lines
    assert "which does the failed job again, with the same images" in lines[-1]
    assert "other" not in "".join(lines)
