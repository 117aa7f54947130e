"""Configurations are checked and completed with the defaults of their schema."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from lsst.ts.simulated_observatory.embedded_sal import DefaultingValidator

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "default": 1},
        "flat": {
            "type": "object",
            "properties": {
                "filter": {"type": "string", "default": "r"},
                "times": {"type": "array", "default": [1.0]},
                "deep": {"type": "object", "properties": {"a": {"type": "integer", "default": 5}}},
            },
        },
        "dark": {"type": "object", "properties": {"n": {"type": "integer"}}, "default": {"n": 3}},
        "free": {"type": "string"},
    },
}


def test_a_missing_object_is_made_one_level_deep() -> None:
    validated = DefaultingValidator(SCHEMA).validate(None)
    assert validated == {
        "count": 1,
        "flat": {"filter": "r", "times": [1.0], "deep": {"a": 5}},
        "dark": {"n": 3},
    }


def test_what_is_given_stays() -> None:
    given = {"count": 2, "flat": {"filter": "g", "deep": {}}, "dark": {"n": 4}, "free": "x"}
    before = copy.deepcopy(given)
    validated = DefaultingValidator(SCHEMA).validate(given)
    assert validated == {**given, "flat": {"filter": "g", "times": [1.0], "deep": {"a": 5}}}
    assert given == before


def test_defaults_are_not_shared_between_configurations() -> None:
    validator = DefaultingValidator(SCHEMA)
    validator.validate({})["flat"]["times"].append(2.0)
    validator.validate({})["dark"]["n"] = 9
    assert validator.validate({})["flat"]["times"] == [1.0]
    assert validator.validate({})["dark"] == {"n": 3}


@pytest.mark.parametrize("data", [{"count": "two"}, {"flat": 3}, ["count"]])
def test_what_does_not_match_is_refused(data: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        DefaultingValidator(SCHEMA).validate(data)


def test_a_default_that_does_not_match_is_refused_too() -> None:
    validator = DefaultingValidator(
        {"type": "object", "properties": {"n": {"type": "integer", "default": "x"}}}
    )
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({})


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(jsonschema.SchemaError):
        DefaultingValidator({"type": "nonsense"})
