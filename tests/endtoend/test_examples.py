"""The examples that the documentation prints, run as printed to an honest verdict.

They take minutes, so that ``bin/run_tests -m long`` runs them. The one of three images, which ends early,
is in ``test_certification.py``, and the daily default in ``test_daily.py``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.endtoend, pytest.mark.long, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
TABLE = yaml.safe_load((ROOT / "tests" / "data" / "examples.yaml").read_text(encoding="utf-8"))
_BLOCK = re.compile(r"^\.\. code-block:: yaml\n\n(?P<text>(?:    .*\n|\n)+)", re.MULTILINE)


def printed(example: dict[str, Any]) -> str:
    """An example as ``doc/how-to/examples.rst`` prints it."""
    options = yaml.safe_load(example.get("right", example["printed"]))
    page = (ROOT / "doc" / "how-to" / "examples.rst").read_text(encoding="utf-8")
    texts = [textwrap.dedent(match["text"]) for match in _BLOCK.finditer(page)]
    (found,) = (text for text in texts if yaml.safe_load(text) == options)
    return found


@pytest.fixture
def run_example(run_script: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Run an example of that name."""

    def run(name: str, *arguments: str) -> Any:
        (example,) = (each for each in TABLE if each["name"] == name)
        (tmp_path / "config.yaml").write_text(printed(example), encoding="utf-8")
        return run_script("-c", str(tmp_path / "config.yaml"), *arguments, script=example["script"])

    return run


def verdicts(run: Any) -> dict[str, bool]:
    assert all(each["complete"] for each in run.summary["verification"].values())
    return {name: each["passed"] for name, each in run.summary["verification"].items()}


def certified(run: Any) -> list[str]:
    assert all(each["verified"] for each in run.summary["certified"])
    return sorted(each["dataset_type"] for each in run.summary["certified"])


def n_failed(run: Any) -> int:
    return sum(each["n_failed"] for each in run.summary["verification"].values())


def pairs(run: Any) -> int:
    """How many pairs have a gain of every amplifier."""
    found = {tuple(gain["exposures"]) for gain in run.summary["gains"] if gain["gain"] is not None}
    assert len(run.summary["gains"]) == 16 * len(found)
    return len(found)


def test_other_exposure_times_pass(run_example: Any) -> None:
    run = run_example("other exposure times")
    assert run.status == 0, run.output
    assert verdicts(run) == {"BIAS": True, "DARK": True, "FLAT": True}
    assert n_failed(run) == 0
    assert {each["exp_time"] for each in run.exposures("FLAT")} == {30.0}
    assert pairs(run) == 10


def test_flats_up_to_50_s_saturate_and_this_is_told_from_the_beginning_to_the_end(run_example: Any) -> None:
    run = run_example("other numbers and exposure times")
    assert run.status == 0, run.output
    assert verdicts(run) == {"BIAS": True, "DARK": True, "FLAT": True}
    failing = run.summary["verification"]["FLAT"]["failures"]
    times = {str(each["id"]): each["exp_time"] for each in run.exposures("FLAT")}
    assert {times[each] for each in failing} == {40.0, 45.0, 50.0}
    assert all(tests["NOISE"] >= 1 for tests in failing.values())
    assert run.summary["gains"] == []
    for told in ("flats of 40, 45, 50 s saturate", "no two flats have the same exposure time"):
        assert told in run.output.partition("Taking ")[0]
        assert told in run.summary["reason"]


def test_bias_dark_and_flat_are_certified_for_a_day(run_example: Any) -> None:
    run = run_example("internal verification")
    assert run.status == 0, run.output
    assert certified(run) == ["bias", "dark", "flat"]
    assert {each["collection"] for each in run.summary["certified"]} == {
        "LATISS/calib/daily/calib.2022NOV04.1"
    }
    assert run.summary["date"] == "2022-11-04"
    assert n_failed(run) == 0


def test_twenty_images_are_enough(run_example: Any) -> None:
    run = run_example("twenty images of each type")
    assert run.status == 0, run.output
    assert certified(run) == ["bias", "dark"]
    for verdict in run.summary["verification"].values():
        assert list(verdict["thresholds"].values()) == [8, 1, 8, 11, 0]


def test_five_types_are_certified_with_defects_and_a_curve(run_example: Any) -> None:
    run = run_example("photon transfer curve")
    assert run.status == 0, run.output
    assert certified(run) == ["bias", "dark", "defects", "flat", "ptc"]
    assert pairs(run) == 7
    assert run.summary["not_done"] == []


def test_short_flats_and_their_curve_are_rejected_with_the_reason(run_example: Any) -> None:
    run = run_example(
        "defects and photon transfer curve of short flats", "--collection", "u/czw/DM-28920/calib.20210720"
    )
    assert run.status == 1, run.output
    assert verdicts(run) == {"BIAS": True, "DARK": True, "FLAT": False, "DEFECTS": True, "PTC": False}
    flats = run.summary["verification"]["FLAT"]
    assert flats["thresholds"]["FINAL_NUMBER_OF_FAILED_EXPOSURES"] == len(run.exposures("FLAT")) == 14
    assert run.summary["verification"]["PTC"]["failures"]["PTC"]["PTC_TURNOFF"] == 16
    assert certified(run) == ["defects"]
    assert [each["step"] for each in run.summary["not_done"]] == ["certify PTC"]
    for told in (
        "FLAT failed verification (",
        "tests failed: NOISE)",
        "PTC rejected (1",
        " of 80 tests failed: PTC_TURNOFF",  # and a00, which such light tells to 2e-6, a third of its range
        "1.35, 1.6 s are too faint to pass the test NOISE",
        "its longest pair, 1.6 s, has 5280; it takes 28 s",
    ):
        assert told in run.summary["reason"]
    verify = [
        each for each in run.summary["jobs"] if each["kind"] == "verify" and each["calibration"] == "BIAS"
    ]
    assert "-i u/czw/DM-28920/calib.20210720,LATISS/calib" in verify[0]["config"]


def test_one_pair_gives_a_quick_look_at_the_gain(run_example: Any) -> None:
    run = run_example("one pair of flats")
    assert run.status == 0, run.output
    assert verdicts(run) == {"BIAS": True, "DARK": True, "FLAT": False}
    assert pairs(run) == 1
    gains = {each["amplifier"]: each["gain"] for each in run.summary["gains"]}
    assert all(gains[name] == pytest.approx(truth["gain"], rel=0.05) for name, truth in run.truth.items())


def test_three_pairs_give_three_gains_and_the_other_flats_none(run_example: Any) -> None:
    run = run_example("three pairs of flats")
    assert run.status == 0, run.output
    assert verdicts(run) == {"BIAS": True, "DARK": True, "FLAT": False}
    assert pairs(run) == 3
    assert "give no gain: 1 s, 1.5 s, 1.7 s, 2.1 s, 2.3 s" in run.summary["reason"]


def test_short_flats_of_comcam_are_rejected_too(run_example: Any) -> None:
    alias = ("--collection", "LSSTComCam/calib/u/plazas/2021SEP01.4")
    # Nine detectors: at the usual scale their reference calibrations alone would take half an hour.
    run = run_example("defects and photon transfer curve of LSSTComCam", *alias, "--scale", "16")
    assert run.status == 1, run.output
    assert verdicts(run) == {"BIAS": True, "DARK": True, "FLAT": False, "DEFECTS": True, "PTC": False}
    assert certified(run) == ["defects"]
    assert {len(each["files"]) for each in run.summary["exposures"]} == {9}
    assert "too faint to pass the test NOISE" in run.summary["reason"]
