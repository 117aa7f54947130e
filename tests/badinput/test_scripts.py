"""Whole scripts that get bad options: no component hears of them, or they arrive as what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from astropy.io import fits

Make = Callable[..., Any]

EVERYTHING = """
input_collections_verify_bias: "LATISS/calib;$(touch canary)"
calib_collection: ../../canary
config_options_bias: "-c isr:x=1 --register-dataset-types -o other/collection"
filter: "`touch canary`"
program: "BLOCK, imageType: OBJECT"
reason: "\\e[2Jx"
note: "a\\nTELESCOP= 'other'"
n_bias: 1e400
detectors: [0, 0]
certify_calib_begin_date: "2022-11-04; touch canary"
xyzzy: true
"""


def test_a_refused_configuration_moves_nothing_and_names_all_that_is_wrong(script: Make) -> None:
    outcome = script(EVERYTHING)
    outcome.is_refused(
        "The configuration has 11 problems", "input_collections_verify_bias", "calib_collection",
        "config_options_bias", "filter", "program", "reason", "note", "n_bias", "detectors",
        "certify_calib_begin_date", "xyzzy", "Nothing was exposed and nothing was changed",
    )  # fmt: skip
    assert outcome.summary()["state"] == "CONFIGURE_FAILED"
    assert outcome.summary()["exposures"] == []


def test_a_python_object_is_not_made(script: Make) -> None:
    script("n_bias: !!python/object/apply:os.system ['touch canary']").is_refused(
        "is not possible in a configuration"
    )


HEADER = {
    "program": "$(touch canary); `touch canary` | x && 'y' \\\"z\\\" *?",
    "reason": "' OR 1=1; DROP TABLE exposure; -- {0.__class__} %s $(HOME)",
    "note": 'It\'s "quoted" & long / so: ' + "' & " * 100 + "; touch canary",
}
"""Texts that are allowed, of which nothing may be executed, expanded, cut or read as something else."""


def test_texts_arrive_in_header_and_butler_as_they_were_written(script: Make) -> None:
    from lsst.daf.butler import Butler

    outcome = script(HEADER)
    outcome.is_harmless()
    assert outcome.status == 0
    (exposure,) = outcome.summary()["exposures"]
    (path,) = exposure["files"]
    header = fits.getheader(path)
    assert header["PROGRAM"] == HEADER["program"]
    assert header["REASON"] == HEADER["reason"]
    assert header["OBSANNOT"] == HEADER["note"]
    assert header["IMGTYPE"] == "BIAS"
    with Butler.from_config(str(outcome.folder / "repo")) as butler:
        (record,) = butler.query_dimension_records("exposure", instrument="LATISS")
    assert record.science_program == HEADER["program"]
    assert record.observation_reason == HEADER["reason"]
    assert {name: outcome.summary()["config"][name] for name in HEADER} == HEADER


def test_a_collection_that_is_not_there_is_not_there(script: Make) -> None:
    """Names are compared, not expanded: neither as a path nor as a pattern."""
    outcome = script({"input_collections_verify_bias": "LATISS/cali.,LATISS/calib"})
    outcome.is_refused_in_preflight("there is no collection LATISS/cali.")


def test_a_filter_that_is_not_mounted_moves_nothing(script: Make) -> None:
    flats = {"script_mode": "BIAS_DARK_FLAT", "n_dark": 1, "n_discard_dark": 0, "exp_times_dark": 1}
    outcome = script({**flats, "n_flat": 1, "n_discard_flat": 0, "filter": "~root", "grating": "..x"})
    outcome.is_refused_in_preflight("~root")
