"""Validation of a configuration against its schema, with the defaults filled in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonschema

__all__ = ["DefaultingValidator"]


class DefaultingValidator:
    """A validator that fills in what the schema has as defaults, at the top level and one level down.

    Parameters
    ----------
    schema
        JSON schema.
    StandardValidatorClass
        Draft of JSON schema that it follows.

    Attributes
    ----------
    final_validator
        The validator that checks the data once the defaults are in.

    Raises
    ------
    jsonschema.exceptions.SchemaError
        The schema itself is wrong.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        StandardValidatorClass: Any = jsonschema.Draft7Validator,  # noqa: N803
    ) -> None:
        StandardValidatorClass.check_schema(schema)
        self.final_validator = StandardValidatorClass(schema)
        self._schema = schema

    def validate(self, data_dict: dict[str, Any] | None) -> dict[str, Any]:
        """Return a copy of the data with defaults, after checking it; None means no data.

        Raises
        ------
        jsonschema.exceptions.ValidationError
            The data do not match the schema.
        """
        data: Any = {} if data_dict is None else copy.deepcopy(data_dict)
        if not isinstance(data, dict):
            raise jsonschema.ValidationError(f"{data_dict} is not a dict")
        for name, subschema in _properties(self._schema).items():
            subdefaults = _defaults(subschema)
            if "default" in subschema:
                data.setdefault(name, copy.deepcopy(subschema["default"]))
            elif subdefaults and subschema.get("type") == "object":
                data.setdefault(name, {})
            if isinstance(data.get(name), dict):
                data[name] = subdefaults | data[name]
        self.final_validator.validate(data)
        return data


def _properties(schema: Any) -> Mapping[str, Any]:
    """Return the properties of a schema that are schemas with a chance to hold a default."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return {name: subschema for name, subschema in properties.items() if isinstance(subschema, dict)}


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = _properties(schema)
    return {name: copy.deepcopy(sub["default"]) for name, sub in properties.items() if "default" in sub}
