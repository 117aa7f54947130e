"""Whatever is typed is either a configuration or refused, with every problem at once; and nothing else."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from lsst.ts.calibrations.config.config import CalibrationConfig, examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.calibrations import products
from lsst.ts.calibrations.domain.errors import ConfigurationError
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS

SCHEMA = load_schema("LATISS")

seconds = st.integers(0, 60) | st.floats(0, 60).map(lambda time: round(time, 2))
times = seconds | st.lists(seconds, min_size=1, max_size=8)
days = st.dates().map(str)
names = st.lists(st.sampled_from(["LATISS/calib", "u/me/a.1", "u/b-2"]), min_size=1, max_size=3)
flags = st.booleans()

PRODUCTS = tuple(each.option for each in products())
FLAGS = ("do_verify", "generate_calibrations", *PRODUCTS, "do_gain_from_flat_pairs")

usual = st.fixed_dictionaries(
    {},
    optional={
        "script_mode": st.sampled_from(["BIAS", "DARK", "BIAS_DARK", "BIAS_DARK_FLAT"]),
        **{f"n_{kind}": st.integers(1, 8) for kind in ("bias", "dark", "flat")},
        **{f"n_discard_{kind}": st.integers(0, 2) for kind in ("bias", "dark", "flat")},
        **{f"exp_times_{kind}": times for kind in ("dark", "flat")},
        **dict.fromkeys(FLAGS, flags),
        "input_collections_verify_bias": names.map(", ".join),
        "calib_collection": st.sampled_from(["LATISS/calib/daily", "LATISS/calib"]),
        "certify_calib_begin_date": days,
        "certify_calib_end_date": days,
        "note": st.text(max_size=20),
        "reason": st.text(max_size=20),
    },
)  # fmt: skip
"""Options as people give them; not all of them go together."""

anything = st.recursive(
    st.none() | flags | st.integers() | st.floats() | st.text(max_size=20) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)

WRONG = {
    "script_mode": "FLAT_ONLY", "n_bias": 0, "n_dark": "many", "n_flat": 2.5, "n_discard_bias": -1,
    "exp_times_dark": [], "exp_times_flat": ["long"], "do_verify": "perhaps", "oods_timeout": 0,
    "certify_calib_begin_date": "yesterday", "input_collections_bias": "a;b", "config_options_dark": "$(id)",
    "n_processes": 0, "number_verification_tests_threshold_flat": 17, "reason": 7, "n_baises": 3,
}  # fmt: skip
"""Options each of which is wrong by itself."""


@given(
    st.dictionaries(st.sampled_from(sorted(SCHEMA["properties"])) | st.text(max_size=8), anything, max_size=5)
)
def test_any_mapping_is_a_configuration_or_is_refused_in_words(options: dict[Any, Any]) -> None:
    found = examine(yaml.safe_dump(options, allow_unicode=True), SCHEMA, LATISS)
    if found.errors:
        assert all(error and "Traceback" not in error for error in found.errors)
        return
    accepted = yaml.safe_load(found.text or "{}")
    Draft7Validator(SCHEMA).validate(accepted)
    assert found.config == CalibrationConfig.from_namespace(accepted, LATISS)


@given(usual)
def test_what_was_accepted_is_accepted_again_and_means_the_same(options: dict[str, Any]) -> None:
    found = examine(yaml.safe_dump(options), SCHEMA, LATISS)
    if found.errors:
        return
    accepted = yaml.safe_load(found.text or "{}")
    first = CalibrationConfig.from_namespace(accepted, LATISS)
    again = examine(yaml.safe_dump(first.as_dict()), SCHEMA, LATISS)
    assert again.errors == ()
    assert again.config == found.config == first
    assert CalibrationConfig.from_namespace(yaml.safe_load(again.text), LATISS) == first


@given(usual, st.sampled_from(list(INSTRUMENTS.values())))
def test_options_that_do_not_go_together_are_a_configuration_error(
    options: dict[str, Any], camera: Any
) -> None:
    """Whether a script examines the text or is handed options: the same are refused, and no other way."""
    schema = load_schema(camera.name)
    options = {name: value for name, value in options.items() if name in schema["properties"]}
    accepted = not examine(yaml.safe_dump(options), schema, camera).errors
    try:
        CalibrationConfig.from_namespace(options, camera)
    except ConfigurationError:
        assert not accepted
    else:
        assert accepted


@given(st.sets(st.sampled_from(sorted(WRONG)), min_size=1))
def test_every_problem_is_told_at_once(wrong: set[str]) -> None:
    errors = examine(yaml.safe_dump({name: WRONG[name] for name in wrong}), SCHEMA, LATISS).errors
    for name in wrong:
        assert any(name in error for error in errors), (name, errors)
    assert len(errors) >= len(wrong)
