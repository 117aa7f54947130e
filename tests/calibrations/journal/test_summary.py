"""summary.json: all that programs want to know of a run, with the names that the design fixes."""

from __future__ import annotations

import json
import math
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from lsst.ts.calibrations.butler.curves import curve_rows
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.facts import (
    Certified,
    CurvesMeasured,
    ExposureLost,
    ExposuresLeftOut,
    Fact,
    FaultsInjected,
    GainsMeasured,
    JobEnded,
    JobSubmitted,
    OutcomesRead,
    StepNotDone,
    VerdictGiven,
    fact_from_dict,
)
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.journal.summary import make_summary, write_summary
from lsst.ts.calibrations.verification.measurements import Measurement
from lsst.ts.calibrations.verification.results import MadeTest, VerificationTest
from lsst.ts.simulated_observatory.clock import START_TAI

from .summaries import CONFIG, SCHEMA, THRESHOLDS, VALIDATOR, exposure, summarize

FIELDS = {
    "script",
    "state",
    "reason",
    "simulated",
    "seed",
    "scale",
    "date",
    "repo",
    "versions",
    "started",
    "ended",
    "config",
    "exposures",
    "jobs",
    "verification",
    "certified",
    "gains",
    "not_done",
    "timeline",
    "left_out",
    "tests",
    "curves",
    "faults",
    "known_bad_amplifiers",
    "time_limits_too_short",
}


def test_the_schema_notices_what_is_missing_or_of_another_type(tmp_path: Path) -> None:
    Draft7Validator.check_schema(SCHEMA)
    summary = summarize([], tmp_path)
    for name in FIELDS:
        assert not VALIDATOR.is_valid({key: value for key, value in summary.items() if key != name})
        assert not VALIDATOR.is_valid(summary | {name: 3.5})
    assert not VALIDATOR.is_valid(summary | {"ended": "2025-01-15"})
    assert VALIDATOR.is_valid(summary | {"a key of later": 1})


def test_a_run_without_anything_has_all_fields(tmp_path: Path) -> None:
    summary = summarize([], tmp_path)
    assert set(summary) == FIELDS
    assert (summary["started"], summary["ended"]) == ("2025-01-15T18:00:00.000", "2025-01-15T18:01:40.000")
    assert summary["exposures"] == summary["jobs"] == summary["gains"] == summary["not_done"] == []
    assert summary["verification"] == {}
    assert summary["timeline"] == {"open": 0, "readout": 0, "floor": 0, "acquisition": 0, "total": 100.0}
    assert (summary["simulated"], summary["seed"], summary["scale"], summary["date"]) == (
        True,
        3,
        4,
        "2025-01-15",
    )


def test_an_exposure_that_was_lost_says_so(tmp_path: Path) -> None:
    facts = [*exposure(1, "FLAT", 5.0, 0.0), ExposureLost(time=20.0, id=1, reason="of another night")]
    (found,) = summarize(facts, tmp_path)["exposures"]
    assert (found["ingested"], found["lost"]) == (True, True)


def test_an_exposure_says_how_far_it_came(tmp_path: Path) -> None:
    facts = [*exposure(1, "FLAT", 5.0, 0.0), *exposure(2, "FLAT", 5.0, 8.0, lost=True)]
    first, second = summarize(facts, tmp_path)["exposures"]
    assert first == {
        "id": 1,
        "obs_id": "AT_O_20250115_000001",
        "image_type": "FLAT",
        "exp_time": 5.0,
        "physical_filter": "r~empty",
        "discarded": True,
        "ingested": True,
        "files": ["/raw/1.fits"],
    }
    assert (second["discarded"], second["ingested"], second["files"]) == (False, False, [])


def test_a_job_has_its_times_since_the_begin_and_no_exit_code_until_it_ended(tmp_path: Path) -> None:
    def submitted(job_id: str, when: float) -> JobSubmitted:
        return JobSubmitted(
            time=START_TAI + when,
            job_id=job_id,
            kind="verify",
            calibration="BIAS",
            pipeline="verifyBias.yaml",
            config="-j 1",
            data_query="exposure IN (1)",
            collection=f"u/ocps/{job_id}",
            log="/uws/a/outs/ocps.log",
        )

    facts = [submitted("a", 10), submitted("b", 20), JobEnded(time=START_TAI + 50, job_id="a", exit_code=0)]
    first, second = summarize(facts, tmp_path)["jobs"]
    assert first == {
        "job_id": "a",
        "kind": "verify",
        "calibration": "BIAS",
        "pipeline": "verifyBias.yaml",
        "config": "-j 1",
        "data_query": "exposure IN (1)",
        "exit_code": 0,
        "collection": "u/ocps/a",
        "log": "/uws/a/outs/ocps.log",
        "started": 10.0,
        "ended": 50.0,
    }
    assert (second["started"], second["ended"], second["exit_code"]) == (20.0, None, None)


def test_tests_curves_and_faults(tmp_path: Path) -> None:
    noise = MadeTest(
        1, VerificationTest("RXX_S00", "C05", "NOISE"), False, Measurement(13.0, 10.0, 9.5, 10.5, "electron")
    ).as_row()
    dataset = types.SimpleNamespace(
        gain={"C05": 1.1}, gainErr={"C05": math.nan}, rawMeans={"C05": [10.0, 20.0]},
        aMatrix={"C05": [[-1e-6, 0.0]]}, expIdMask={"C05": [True, False]},
    )  # fmt: skip
    (curve,) = curve_rows(0, dataset)
    assert (curve["a00"], curve["means"], curve["used"]) == (-1e-6, [10.0, 20.0], [True, False])
    facts = [
        FaultsInjected(time=START_TAI, faults=("amplifier-noise:amplifier=C05", "oods-late:image=5")),
        OutcomesRead(time=START_TAI, calibration="BIAS", collection="u/ocps/a", tests=(noise, noise)),
        OutcomesRead(time=START_TAI, calibration="BIAS", collection="u/ocps/b", tests=(noise,)),
        CurvesMeasured(time=START_TAI, collection="u/ocps/c", curves=(curve,)),
        FaultsInjected(time=START_TAI, faults=("oods-late:image=5", "hot-column:column=7")),
    ]
    summary = summarize([fact_from_dict(json.loads(json.dumps(each.as_dict()))) for each in facts], tmp_path)
    assert summary["tests"] == [{"calibration": "BIAS", **noise}], "those that were read last"
    assert summary["curves"] == [curve | {"gain_error": None}]
    assert summary["faults"] == ["amplifier-noise:amplifier=C05", "oods-late:image=5", "hot-column:column=7"]


def test_a_verdict_a_certification_and_what_was_not_done(tmp_path: Path) -> None:
    facts = [
        VerdictGiven(
            time=START_TAI,
            calibration="BIAS",
            passed=True,
            complete=True,
            verification_collection="u/ocps/v",
            generation_collection=None,
            failures={"1": {"NOISE": 2}},
            thresholds=THRESHOLDS,
            n_failed=2,
            n_tests=48,
        ),
        Certified(
            time=START_TAI,
            dataset_type="bias",
            collection="LATISS/calib/daily",
            begin="1950-01-01T00:00:00.000",
            end="2050-01-01T00:00:00.000",
            verified=True,
        ),
        StepNotDone(time=START_TAI, step="verify DARK", reason="exit code 1"),
    ]
    summary = summarize(facts, tmp_path)
    assert list(summary["verification"]) == ["BIAS"]
    assert (
        summary["verification"]["BIAS"].items()
        >= {
            "passed": True,
            "complete": True,
            "verification_collection": "u/ocps/v",
            "generation_collection": None,
            "failures": {"1": {"NOISE": 2}},
            "thresholds": THRESHOLDS,
        }.items()
    )
    assert summary["certified"] == [
        {
            "dataset_type": "bias",
            "collection": "LATISS/calib/daily",
            "begin": "1950-01-01T00:00:00.000",
            "end": "2050-01-01T00:00:00.000",
            "verified": True,
        }
    ]
    assert summary["not_done"] == [{"step": "verify DARK", "reason": "exit code 1"}]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_wherever_it_is(tmp_path: Path, value: float) -> None:
    gain = {
        "exposures": (1, 2),
        "detector": 0,
        "amplifier": "C03",
        "gain": value,
        "gain_corrected": value,
        "noise": 8.0,
    }
    config = replace(CONFIG, recorded={"exp_times_dark": [1.0, value]})
    summary = summarize([GainsMeasured(time=START_TAI, gains=(gain,))], tmp_path, config=config)
    assert summary["gains"] == [gain | {"exposures": [1, 2], "gain": None, "gain_corrected": None}]
    assert summary["config"] == {"exp_times_dark": [1.0, None]}
    tmp_path.joinpath("x").mkdir()
    write_summary(summary, tmp_path / "x")
    (path,) = (tmp_path / "x").iterdir()
    assert path.name == "summary.json"
    assert json.loads(path.read_text()) == summary


@pytest.mark.parametrize(("given", "named"), [(Path("/simulated"), "/simulated"), (None, CONFIG.repo)])
def test_the_repository_is_that_of_the_place_or_the_configured_one(given: Path | None, named: str) -> None:
    settings = RunSettings(folder=Path("/run"), repository=given)
    summary = make_summary(
        RunRecord(),
        settings,
        LATISS,
        script="",
        state="DONE",
        reason="",
        config=CONFIG,
        started=0.0,
        ended=1.0,
    )
    assert summary["repo"] == named
    assert summary["config"] == CONFIG.as_dict()


def test_a_summary_replaces_the_one_before(tmp_path: Path) -> None:
    write_summary({"state": "RUNNING"}, tmp_path)
    write_summary({"state": "DONE"}, tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text()) == {"state": "DONE"}


def test_a_summary_has_one_line_for_each_row_of_a_table(tmp_path: Path) -> None:
    row = {"detector": "RXX_S00", "limit": [1.0, 2.0], "value": None}
    summary = {"state": "DONE", "tests": [row, row], "curves": [], "timeline": {"open": 1.0}}
    write_summary(summary, tmp_path)
    text = (tmp_path / "summary.json").read_text()
    assert json.loads(text) == summary
    assert text.splitlines()[2:5] == [' "tests": [', f"  {json.dumps(row)},", f"  {json.dumps(row)}"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_summary({"gains": [{"gain": math.nan}]}, tmp_path)


def test_exposures_that_were_left_out_are_named_with_the_reason(tmp_path: Path) -> None:
    fact = ExposuresLeftOut(
        time=0.0,
        calibration="BIAS",
        collection="u/ocps/1",
        left_out={"2025011500003": "light"},
        odd={"7": "noise"},
    )
    summary = summarize([fact], tmp_path)
    assert summary["left_out"] == [{"calibration": "BIAS", "exposure": 2025011500003, "reason": "light"}]


def test_amplifiers_known_to_be_bad_are_there_once_and_healthy_if_all_verdicts_say_so(tmp_path: Path) -> None:
    def given(calibration: str, *healthy: bool) -> Fact:
        rows = tuple(
            {"detector": "RXX_S00", "amplifier": f"C0{number}", "source": "test", "looks_healthy": each}
            for number, each in enumerate(healthy)
        )
        return VerdictGiven(
            time=START_TAI,
            calibration=calibration,
            passed=True,
            complete=True,
            verification_collection="u/ocps/a",
            generation_collection=None,
            failures={},
            thresholds=THRESHOLDS,
            n_failed=0,
            n_tests=14,
            known_bad=rows,
        )

    dates = {"begin": "2025-01-15T00:00:00.000", "end": "2025-01-16T00:00:00.000"}
    plain: dict[str, Any] = {"dataset_type": "bias", "collection": "u/new", "verified": True, **dates}
    certified = Certified(time=START_TAI, **plain, known_bad=("RXX_S00 C00",))
    summary = summarize([given("BIAS", True, True), given("DARK", False, True), certified], tmp_path)
    assert [(each["amplifier"], each["looks_healthy"]) for each in summary["known_bad_amplifiers"]] == [
        ("C00", False),
        ("C01", True),
    ]
    assert summary["certified"] == [{**plain, "known_bad": ["RXX_S00 C00"]}]
