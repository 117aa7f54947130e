"""LSSTComCam and LSSTCam have the options of LATISS, with collections of their own and without grating."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from lsst.ts.calibrations.config.config import CalibrationConfig, examine
from lsst.ts.calibrations.config.schema import defaults, load_schema
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LSSTCAM, LSSTCOMCAM

SISTERS = ("LSSTComCam", "LSSTCam")
OWN: dict[str, dict[str, Any]] = {"LSSTComCam": {}, "LSSTCam": {"ignore": []}}


@pytest.mark.parametrize("name", SISTERS)
def test_defaults_are_those_of_latiss_with_other_names(name: str) -> None:
    latiss = defaults(load_schema("LATISS"))
    del latiss["grating"]
    renamed = {
        option: value.replace("LATISS", name) if isinstance(value, str) else value
        for option, value in latiss.items()
    }
    assert defaults(load_schema(name)) == renamed | OWN[name]


@pytest.mark.parametrize("name", SISTERS)
def test_the_schema_is_one_of_draft_7_and_explains_itself(name: str) -> None:
    schema = load_schema(name)
    Draft7Validator.check_schema(schema)
    Draft7Validator(schema).validate(defaults(schema))
    for option, about in schema["properties"].items():
        assert about["description"].endswith("."), option
        for example in about.get("examples", ()):
            Draft7Validator(schema).validate({option: example})


@pytest.mark.parametrize("name", SISTERS)
def test_the_daily_default_takes_all_detectors(name: str) -> None:
    instrument = INSTRUMENTS[name]
    config = CalibrationConfig.from_namespace({}, instrument)
    assert config.detectors == tuple(instrument.detectors)
    assert config.grating is None


def test_options_that_the_camera_has_not_are_refused() -> None:
    schema = load_schema("LSSTComCam")
    (error,) = examine("grating: empty_1", schema, LSSTCOMCAM).errors
    assert "no option 'grating'" in error
    (error,) = examine("filter: 2", schema, LSSTCOMCAM).errors
    assert "filter: 2 is not allowed; use text or null" in error
    (error,) = examine("detectors: [9]", schema, LSSTCOMCAM).errors
    assert "LSSTComCam has no [9]; it has detectors 0 to 8" in error
    (error,) = examine("detectors: [189]", load_schema("LSSTCam"), LSSTCAM).errors
    assert "it has detectors 0 to 188" in error


def test_what_the_comcam_page_has_is_accepted_with_a_note() -> None:
    text = "detectors: (0,1,2,3,4,5,6,7,8)\nmax_counter_archiver_check: 10"
    findings = examine(text, load_schema("LSSTComCam"), LSSTCOMCAM)
    assert not findings.errors
    understood, without_effect = findings.notes
    assert "understood as [0, 1, 2, 3, 4, 5, 6, 7, 8]" in understood
    assert "max_counter_archiver_check has no effect" in without_effect
    assert (
        "max_counter_archiver_check has no effect" in examine(text, load_schema("LSSTCam"), LSSTCAM).notes[1]
    )


def test_lsstcam_may_ignore_components_of_the_telescope() -> None:
    config = CalibrationConfig.from_namespace({"ignore": ["mtdome"]}, LSSTCAM)
    assert config.ignore == ("mtdome",)
    assert config.as_dict()["ignore"] == ["mtdome"]
    assert CalibrationConfig.from_namespace({}, LSSTCOMCAM).ignore == ()
    found = examine("ignore: [mtmount, mtdome]", load_schema("LSSTCam"), LSSTCAM)
    assert found.errors == ()
    assert found.notes == ("ignore: mtmount would not be looked at anyway",)
    (error,) = examine("ignore: [MTDome, 'MTHexapod:1']", load_schema("LSSTCam"), LSSTCAM).errors
    assert error.endswith("Write [mtdome, mthexapod_1]")
    assert examine("ignore: [atptg]", load_schema("LSSTCam"), LSSTCAM).errors
