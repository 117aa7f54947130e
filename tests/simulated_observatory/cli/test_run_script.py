"""Wrong use of the command: a clear answer, exit status 2, and nothing is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler

import lsst.ts.calibrations

PACKAGE = Path(lsst.ts.calibrations.__file__).parent
NAME = "auxtel/make_latiss_calibrations.py"


def refused(outcome: Any, *expected: str) -> None:
    """The command must have refused, printed a reason and touched nothing."""
    assert outcome.status == 2
    for words in expected:
        assert words in outcome.text
    assert "Traceback" not in outcome.text
    assert outcome.touched == set()


@pytest.mark.parametrize(
    "script",
    ["auxtel/make_latis_calibrations.py", "make_latiss_calibrations.py", "auxtel/make_latiss_calibrations"],
)
def test_a_script_that_is_not_there_is_refused_with_a_hint(run_script: Any, script: str) -> None:
    refused(run_script(script=script), f"there is no script '{script}'", f"Did you mean {NAME}?")


def test_a_script_that_is_like_no_other_is_refused_with_the_list(run_script: Any) -> None:
    refused(run_script(script="x"), "there is no script 'x'", NAME)


def test_no_script_is_refused(run_script: Any) -> None:
    refused(run_script(script=None), "name a SCRIPT; there are auxtel/make_latiss_calibrations.py")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--scal", "4"], "No such option"),
        (["--scale", "0"], "--scale"),
        (["--scale", "17"], "--scale"),
        (["--scale", "four"], "not a valid integer"),
        (["--seed", "-1"], "--seed"),
        (["--index", "0"], "--index"),
        (["-l", "chatty"], "-l 'chatty': use DEBUG, INFO"),
        (["--date", "tomorrow"], "--date 'tomorrow': there is no such date; write YYYY-MM-DD"),
        (["--date", "2025-02-30"], "--date '2025-02-30'"),
        (["--date", "15.1.2025"], "write YYYY-MM-DD"),
        (["-c", "none.yaml"], "-c none.yaml: it cannot be read"),
        (["-p", "n_bias"], "write KEY=VALUE"),
        (["-c", "none.yaml", "-p", "n_bias=3"], "not both"),
        (["--fault", "hardware"], "there is no fault 'hardware'"),
        (["--fault", "ocps-exi:code=1"], "did you mean ocps-exit?"),
        (["--fault", "ocps-exit:code=none"], "code='none'"),
        (["--fault", "ocps-exit:kind=test"], "choose one of generate, verify, gain"),
        (["--fault", "component-state:component=ATOODS"], "needs state="),
        (["--fault", "component-state"], "needs component="),
        (["--fault", "amplifier-noise:amplifier=C99,factor=2"], "C99"),
        (["--fault", "amplifier-noise:factor=loud,amplifier=C05"], "factor"),
        (["--fault", "hot-column:column=9000"], "9000"),
        (["--fault", "component-absent:component=ATDome"], "ATDome"),
    ],
)
def test_a_wrong_option_is_refused(run_script: Any, arguments: list[str], expected: str) -> None:
    refused(run_script("--out", "out", *arguments), expected)


@pytest.mark.parametrize("script", [NAME, None])
def test_all_faults_are_listed_on_request(run_script: Any, script: str | None) -> None:
    outcome = run_script("--fault", "help", script=script)
    assert outcome.status == 0
    assert outcome.touched == set()
    for name in (
        "amplifier-noise",
        "amplifier-dead",
        "light-leak",
        "hot-column",
        "shutter-stuck",
        "ocps-exit",
    ):
        assert f"{name}:" in outcome.text


def test_a_run_directory_that_is_not_empty_is_refused(run_script: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("precious")
    refused(run_script("--out", "out"), "out: it is not empty. Nothing was touched")


@pytest.mark.parametrize("out", ["file", "file/below", "file/far/below"])
def test_a_run_directory_that_cannot_be_made_is_refused(run_script: Any, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("precious")
    refused(run_script("--out", out), f"--out {tmp_path / out}:", "folder")


def test_a_run_directory_that_the_system_refuses_is_refused(run_script: Any) -> None:
    refused(run_script("--out", "/proc/run"), "--out /proc/run: it cannot be made")


def test_a_repository_that_is_not_simulated_is_refused(run_script: Any, empty_repository: Path) -> None:
    refused(
        run_script("--out", "out", "--repo", str(empty_repository)),
        "it is not a simulated repository",
        "Nothing was touched",
    )


def test_a_repository_that_is_not_simulated_is_refused_also_as_an_option(
    run_script: Any, empty_repository: Path
) -> None:
    refused(
        run_script("--out", "out", "-p", f"repo={empty_repository}"),
        f" repo {empty_repository}: it is not a simulated repository",
    )


def test_the_observatory_may_have_written_to_that_repository_only(empty_repository: Path) -> None:
    with Butler.from_config(str(empty_repository)) as butler:
        assert set(butler.collections.query("*")) == {"LATISS/raw/all", "LATISS/calib", "LATISS/calib/run"}


@pytest.mark.parametrize(
    ("repo", "expected"),
    [
        ("my.repo", "cannot hold a dot"),
        ("none/repo", "it is not there, and neither is"),
        ("file", "it is no folder"),
        ("folder", "it is not a simulated repository"),
    ],
)
def test_a_repository_that_cannot_be_kept_is_refused(
    run_script: Any, tmp_path: Path, repo: str, expected: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("precious")
    refused(
        run_script("--out", "out", "--repo", repo),
        f"--repo {tmp_path / repo}: ",
        expected,
        "Nothing was touched",
    )


@pytest.mark.parametrize(
    ("out", "repo", "expected"),
    [
        ("kept/run", "kept", "is in it"),
        ("link/run", "kept", "is in it"),
        ("kept/far/run", "kept", "is in it"),
        ("run", "run/kept", "it is in the run directory"),
        ("run", "run", "it is the run directory, too"),
        ("link", "kept", "it is the run directory, too"),
    ],
)
def test_run_directory_and_repository_are_apart(
    run_script: Any, tmp_path: Path, out: str, repo: str, expected: str
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("kept")
    refused(
        run_script("--out", out, "--repo", repo),
        f"--repo {tmp_path / repo}: ",
        expected,
        "Nothing was touched",
    )


@pytest.mark.parametrize(
    ("made_with", "expected"),
    [
        ('"scale": 1, "seed": 1', "made with scale 1, not 4"),
        ('"scale": 4, "seed": 7', "made with seed 7, not 1"),
    ],
)
def test_a_repository_of_another_detector_is_refused(
    run_script: Any, tmp_path: Path, made_with: str, expected: str
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "SIMULATED.json").write_text(f'{{"instrument": "LATISS", {made_with}}}')
    refused(run_script("--out", "out", "--repo", "kept"), expected)


def test_a_damaged_marker_is_refused(run_script: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "SIMULATED.json").write_text("{")
    refused(run_script("--out", "out", "--repo", "kept"), "kept")


@pytest.mark.parametrize("repo", ["/nowhere/LATISS", "nowhere"])
def test_a_configured_repository_that_is_not_there_is_refused(run_script: Any, repo: str) -> None:
    refused(run_script("--out", "out", "-p", f"repo={repo}"), f"repo {repo}: there is no such repository")


WRONG = {
    "n_biases: 3": ["there is no option 'n_biases'", "n_bias"],
    "n_bias: [": ["YAML"],
    "n_bias: 3\nn_bias: 4": ["n_bias"],
    "- n_bias": ["not a list of options"],
    "n_bias: 3.5\nscript_mode: EVERYTHING\nn_dark: -1": ["n_bias", "script_mode", "n_dark"],
    "exp_times_dark: [1, 2, 3]\nn_dark: 7": ["exp_times_dark"],
}


@pytest.mark.parametrize("text", WRONG)
def test_a_refused_configuration_is_told_and_summarized(run_script: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    outcome = run_script("--out", "out", "-c", "config.yaml")
    assert outcome.status == 2
    for expected in ("CONFIGURE_FAILED", *WRONG[text]):
        assert expected in outcome.text
    summary = outcome.summary
    assert (summary["state"], summary["exposures"], summary["jobs"]) == ("CONFIGURE_FAILED", [], [])
    assert all(expected in summary["reason"] for expected in WRONG[text])
    assert "Correct the configuration and run the script again." in outcome.text  # true in the queue as well
    assert summary["simulated"] is True
    assert outcome.touched == {"out", "out/summary.json", "out/script.log"}


def test_a_refused_option_is_told_too(run_script: Any) -> None:
    outcome = run_script("--out", "out", "-p", "n_bias=many", "-p", "filter=[1]")
    assert outcome.status == 2
    assert outcome.summary["state"] == "CONFIGURE_FAILED"
    assert "n_bias" in outcome.text
    assert "filter" in outcome.text


def test_a_filter_that_is_not_mounted_is_refused_before_anything_is_made(run_script: Any) -> None:
    outcome = run_script("--out", "out", "-p", "filter=SDSSx_65mm")
    assert outcome.status == 2
    assert "filter: 'SDSSx_65mm' is not in ATSpectrograph, which has empty_1 (position 0)" in outcome.text
    assert "could not be prepared" not in outcome.text
    assert (outcome.summary["state"], outcome.summary["exposures"]) == ("FAILED", [])
    assert outcome.touched == {"out", "out/summary.json", "out/script.log"}


def test_a_run_that_does_not_fit_the_disk_is_refused_with_a_proposal(
    run_script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsst.ts.simulated_observatory.session import disk

    monkeypatch.setattr(disk, "RESERVE", 1e18)
    outcome = run_script("--out", "out")
    assert outcome.status == 2
    for expected in (
        "GB are free",
        "Nothing was exposed",
        "take fewer images",
        "larger --scale than 4",
    ):
        assert expected in outcome.text
    assert outcome.summary["state"] == "FAILED"
    assert outcome.touched == {"out", "out/summary.json", "out/script.log"}


def test_a_cache_that_cannot_be_written_is_told(run_script: Any, tmp_path: Path) -> None:
    outcome = run_script("--out", "out")
    assert outcome.status == 2
    assert "the simulated observatory could not be prepared" in outcome.text
    assert str(tmp_path / "cache") in outcome.text
    assert (outcome.summary["state"], outcome.summary["exposures"]) == ("FAILED", [])


@pytest.mark.parametrize(
    ("begin", "end", "night"),
    [
        ("2022-11-04", "2022-11-05", "2022-11-04"),
        ("2022-11-04", "2025-01-16", "2025-01-15"),
        ("1950-01-01", "2050-01-01", "2025-01-15"),
        ("1950-01-01", "2020-01-01", "1970-01-02"),
    ],
)
def test_the_night_lies_in_the_validity_range_and_in_the_times_of_the_butler(
    run_script: Any, begin: str, end: str, night: str
) -> None:
    options = (
        "generate_calibrations=true",
        f"certify_calib_begin_date={begin}",
        f"certify_calib_end_date={end}",
    )
    words = [word for option in options for word in ("-p", option)]
    assert run_script("--out", "out", *words).summary["date"] == night


def test_without_a_folder_the_next_free_one_below_runs_is_taken(run_script: Any) -> None:
    for number in (1, 2):
        outcome = run_script("-p", "n_bias=many")
        folder = f"runs/make_latiss_calibrations-00{number}"
        assert folder in outcome.text
        assert f"{folder}/summary.json" in outcome.touched


@pytest.mark.parametrize(
    "script", [NAME, "maintel/make_latiss_calibrations.py", str(PACKAGE / "data" / "scripts" / NAME)]
)
def test_the_schema_is_printed(run_script: Any, script: str) -> None:
    outcome = run_script("--schema", script=script)
    assert (outcome.status, outcome.touched) == (0, set())
    assert "n_discard_bias:" in outcome.text


def test_the_schema_is_yaml_and_needs_no_heavy_package() -> None:
    code = (
        "import sys\nfrom lsst.ts.simulated_observatory.cli.run_script import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'astropy', 'matplotlib', 'lsst.daf.butler'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, NAME, "--schema"], capture_output=True, text=True, check=True
    )
    schema = yaml.safe_load(ended.stdout)
    assert schema["properties"]["n_bias"]["default"] == 20
    assert ended.stderr.strip() == "[]"


EXECUTABLE = PACKAGE / "data" / "scripts" / NAME


def execute(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Start the executable as the queue does, without any choice of the SAL."""
    environment = {key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_SAL"}
    command = [sys.executable, str(EXECUTABLE), *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_the_executable_prints_its_schema_without_salobj() -> None:
    ended = execute("1", "--schema")
    assert ended.returncode == 0
    assert "n_bias" in yaml.safe_load(ended.stdout)["properties"]


def test_the_executable_never_falls_back_to_the_simulation() -> None:
    ended = execute("1")
    assert ended.returncode != 0
    assert "needs lsst.ts.salobj" in ended.stderr
    assert f"bin/run_script {NAME}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_plan_tells_what_a_run_would_take_and_touches_nothing(run_script: Any) -> None:
    certified = ["generate_calibrations=True", "calib_collection=LATISS/calib/u/me/1"]
    dates = ["certify_calib_begin_date=2025-01-15", "certify_calib_end_date=2025-01-16"]
    options = ["script_mode=BIAS", "n_bias=20", *certified, *dates]
    outcome = run_script("--plan", *(word for each in options for word in ("-p", each)))
    assert outcome.status == 0
    assert outcome.touched == set()
    shown = " ".join(outcome.text.split())
    assert "BIAS 21 1 20 x 0 s 1" in shown
    assert "Jobs generate BIAS, verify BIAS" in shown
    assert "bias in LATISS/calib/u/me/1, valid from 2025-01-15 00:00:00 to 2025-01-16 00:00:00" in shown
    for words in ("Duration about ", "Disk up to 318 MB in the run directory"):
        assert words in shown


def test_the_plan_of_a_configuration_that_would_be_refused_says_why(run_script: Any) -> None:
    refused(run_script("--plan", "-p", "n_biases=3"), "CONFIGURE_FAILED: there is no option 'n_biases'")
    refused(run_script("--plan", "-p", "exp_time_flat=[5, 40]"), "or -p 'exp_times_flat=[5, 40]'")


def test_a_plan_is_refused_where_the_run_would_be(run_script: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "something").touch()
    for path, words in (("a.b", "cannot hold a dot"), ("kept", "kept")):
        for plan in ([], ["--plan"]):
            refused(run_script("--out", "out", "--repo", path, *plan), words)
