"""The schemas that LOVE shows and that salobj validates with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from lsst.ts.calibrations.config import schema
from lsst.ts.calibrations.config.config import examine
from lsst.ts.calibrations.config.schema import defaults, load_schema
from lsst.ts.calibrations.domain.instruments import LATISS

PAGE_DEFAULTS = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_bias": 20,
    "n_discard_bias": 1,
    "n_dark": 22,
    "n_discard_dark": 1,
    "exp_times_dark": [5] * 5 + [15] * 2 + [30] * 16,
    "n_flat": 20,
    "n_discard_flat": 1,
    "exp_times_flat": 5,
    "filter": None,
    "grating": None,
    "detectors": [],
    "do_verify": True,
    "generate_calibrations": False,
    "config_options_bias": "-c isr:doDefect=False",
    "config_options_dark": "-c isr:doDefect=False",
    "config_options_flat": "-c isr:doDefect=False",
    "do_defects": False,
    "config_options_defects": "-c isr:doDefect=False",
    "do_ptc": False,
    "config_options_ptc": "-c isr:doCrosstalk=False",
    "do_gain_from_flat_pairs": True,
    "input_collections_bias": "LATISS/calib",
    "input_collections_verify_bias": "LATISS/calib",
    "input_collections_dark": "LATISS/calib",
    "input_collections_verify_dark": "LATISS/calib",
    "input_collections_flat": "LATISS/calib",
    "input_collections_verify_flat": "LATISS/calib",
    "input_collections_defects": "LATISS/calib",
    "input_collections_ptc": "LATISS/calib",
    "calib_collection": "LATISS/calib/daily",
    "repo": "/repo/LATISS",
    "n_processes": 8,
    "certify_calib_begin_date": "1950-01-01",
    "certify_calib_end_date": "2050-01-01",
    "oods_timeout": 120,
}

OTHER_DEFAULTS: dict[str, Any] = {
    "job_timeout": 3600,
    "background_task_timeout": None,
    "wait_between_exposures": 0,
    "number_verification_tests_threshold_bias": 8,
    "number_verification_tests_threshold_dark": 8,
    "number_verification_tests_threshold_flat": 8,
    "known_bad_amplifiers": [],
    "max_known_bad_amplifiers": 4,
    "program": None,
    "reason": None,
    "note": None,
    "resume": None,
    "test_case": None,
}


def test_latiss_has_every_option_of_the_page_with_its_default() -> None:
    assert defaults(load_schema("LATISS")) == PAGE_DEFAULTS | OTHER_DEFAULTS


def test_the_schema_is_one_of_draft_7_and_its_defaults_and_examples_comply() -> None:
    latiss = load_schema("LATISS")
    Draft7Validator.check_schema(latiss)
    assert latiss["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator(latiss).validate(defaults(latiss))
    for option, about in latiss["properties"].items():
        for example in about.get("examples", ()):
            Draft7Validator(latiss).validate({option: example})


def test_every_option_explains_itself_in_love() -> None:
    for option, about in load_schema("LATISS")["properties"].items():
        assert len(about["description"]) > 20, option
        assert about["description"].endswith("."), option
        assert about["title"], option


@pytest.mark.parametrize("unknown", [{"n_biases": 3}, {"test_case": {"name": "a"}}, {"script_mode": "FLAT"}])
def test_what_is_not_an_option_is_refused(unknown: dict[str, Any]) -> None:
    assert not Draft7Validator(load_schema("LATISS")).is_valid(unknown)


def test_a_test_case_is_accepted_as_block_scripts_have_it() -> None:
    case = {
        "name": "LVV-T2190",
        "execution": "LVV-E2390",
        "version": "1.0",
        "initial_step": 2,
        "project": "LVV",
    }
    assert Draft7Validator(load_schema("LATISS")).is_valid({"test_case": case})


def test_the_schema_is_the_callers_own() -> None:
    load_schema("LATISS")["properties"].clear()
    assert "n_bias" in load_schema("LATISS")["properties"]


def test_an_unknown_instrument_is_told_which_there_are() -> None:
    with pytest.raises(ValueError, match=r"no schema for 'DECam'.*LATISS"):
        load_schema("DECam")


def test_a_new_instrument_needs_no_defaults_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "schemas"
    with as_file(files("lsst.ts.calibrations") / "schemas") as schemas:
        shutil.copytree(schemas, folder)
    (folder / "NEWCAM.yaml").write_text("title: MakeNewCamCalibrations v1\n", encoding="utf-8")
    monkeypatch.setattr(schema, "files", lambda _: tmp_path)
    config = examine("do_defects: true", load_schema("NEWCAM"), replace(LATISS, name="NEWCAM")).config
    assert config is not None
    assert {each.input_collections for each in config.images.values()} == {("NEWCAM/calib",)}
    assert {each.verify_collections for each in config.images.values()} == {("NEWCAM/calib",)}
    assert config.products["DEFECTS"].input_collections == ("NEWCAM/calib",)
    assert (config.calib_collection, config.repo) == ("NEWCAM/calib/daily", "/repo/NEWCAM")


def test_loading_a_schema_needs_none_of_the_slow_packages() -> None:
    program = (
        "import sys; from lsst.ts.calibrations.config import config;"
        "from lsst.ts.calibrations.workflow import plan;"
        "from lsst.ts.calibrations.config.schema import load_schema; load_schema('LATISS');"
        "print([name for name in ('numpy', 'astropy', 'jsonschema', 'lsst.daf.butler')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
