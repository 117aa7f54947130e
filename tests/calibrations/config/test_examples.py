"""Every example of the procedure pages: accepted as it is meant, or refused with the right writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from lsst.ts.calibrations.config.config import CalibrationConfig, Findings, examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType, Instrument
from lsst.ts.calibrations.workflow.plan import Plan, make_plan
from lsst.ts.simulated_observatory.session.flat_light import light_warnings

EXAMPLES = yaml.safe_load((Path(__file__).parents[2] / "data" / "examples.yaml").read_text(encoding="utf-8"))
INSTRUMENTS = {
    "auxtel/make_latiss_calibrations.py": LATISS,
    "maintel/make_comcam_calibrations.py": LSSTCOMCAM,
}


def examples(*, mistaken: bool | None = None) -> pytest.MarkDecorator:
    """Parametrize a test with all examples, or with those that have, or have no, mistakes."""
    chosen = [each for each in EXAMPLES if mistaken in (None, "problems" in each)]
    return pytest.mark.parametrize("example", chosen, ids=[each["name"] for each in chosen])


def instrument(example: dict[str, Any]) -> Instrument:
    return INSTRUMENTS[example["script"]]


def findings(example: dict[str, Any], text: str) -> Findings:
    return examine(text, load_schema(instrument(example).name), instrument(example))


def right(example: dict[str, Any]) -> CalibrationConfig:
    """What an example means, written right."""
    found = findings(example, example.get("right", example["printed"]))
    assert found.errors == ()
    options = yaml.safe_load(found.text) or {}
    Draft7Validator(load_schema(instrument(example).name)).validate(options)
    assert found.config == CalibrationConfig.from_namespace(options, instrument(example))
    return found.config


def light(example: dict[str, Any]) -> list[str]:
    return list(light_warnings(right(example), instrument(example)))


def plan(example: dict[str, Any]) -> Plan:
    return make_plan(right(example), instrument(example))


@examples(mistaken=False)
def test_a_right_example_is_accepted_as_printed(example: dict[str, Any]) -> None:
    found = findings(example, example["printed"])
    assert found.errors == ()
    given = yaml.safe_load(example["printed"]) or {}
    assert (yaml.safe_load(found.text) or {}).keys() == given.keys()


@examples(mistaken=True)
def test_a_mistake_is_answered_with_the_right_writing(example: dict[str, Any]) -> None:
    errors = findings(example, example["printed"]).errors
    assert len(errors) == len(example["problems"])
    for error, words in zip(errors, example["problems"], strict=True):
        assert error.startswith(words)


@examples()
def test_an_example_takes_the_images_that_it_means(example: dict[str, Any]) -> None:
    assert [each.n_images for each in plan(example).sets] == example["images"]


@examples()
def test_its_flats_are_the_pairs_that_it_means(example: dict[str, Any]) -> None:
    flats = [each for each in plan(example).sets if each.image_type is ImageType.FLAT]
    assert sum(len(flat_pairs(each.kept_times).pairs) for each in flats) == example.get("pairs", 0)


@examples()
def test_what_it_will_not_be_good_for_is_told_before_anything_moves(example: dict[str, Any]) -> None:
    text = example.get("right", example["printed"])
    warnings = [*findings(example, text).warnings, *plan(example).warnings, *light(example)]
    expected = example.get("warnings", [])
    assert len(warnings) == len(expected), warnings
    assert all(warning.startswith(words) for warning, words in zip(warnings, expected, strict=True)), warnings


@examples()
def test_what_is_understood_in_another_form_is_noted(example: dict[str, Any]) -> None:
    notes, expected = findings(example, example["printed"]).notes, example.get("notes", [])
    assert len(notes) == len(expected)
    assert all(note.startswith(words) for note, words in zip(notes, expected, strict=True))


def named(name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (each for each in EXAMPLES if each["name"] == name)
    return found


def test_collections_are_searched_in_the_order_in_which_they_are_written() -> None:
    config = right(named("defects and photon transfer curve of short flats"))
    assert not config.generate_calibrations
    for kind in config.images:
        settings = config.images[kind]
        assert settings.verify_collections == ("u/czw/DM-28920/calib.20210720", "LATISS/calib")
        assert settings.input_collections == ("LATISS/calib",)
    assert config.products["PTC"].input_collections == ("LATISS/calib",)


def test_one_exposure_time_serves_all_images_discarded_ones_included() -> None:
    config = right(named("other exposure times"))
    assert config.images[ImageType.DARK].exposure_times == (20.0,) * 23
    assert config.images[ImageType.FLAT].exposure_times == (30.0,) * 21


def test_the_discarded_exposure_of_a_pair_is_as_long_as_the_pair() -> None:
    config = right(named("one pair of flats"))
    assert config.images[ImageType.FLAT].exposure_times == (1.2, 1.2, 1.2)


def test_pipeline_options_broken_into_two_lines_are_one_text() -> None:
    config = right(named("options for the pipelines of LSSTComCam"))
    assert config.images[ImageType.BIAS].config_options.split(" -c ") == [
        "-c isr:doDefect=False",
        "isr:doLinearize=False",
        "isr:doCrosstalk=False",
        "isr:overscan.fitType='MEDIAN_PER_ROW'",
    ]
    assert config.detectors == tuple(range(9))
