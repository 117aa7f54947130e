"""Validation of a configuration against its schema, with the defaults filled in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["DefaultingValidator"]

_LEFT_OUT = frozenset(
    {
        *("additionalItems", "additionalProperties", "default", "definitions", "items", "patternProperties"),
        *("properties", "property", "readOnly", "uniqueItems"),
    }
)
"""Options that are named like words of JSON schema get no defaults."""


class DefaultingValidator:
    """A validator that fills in what the schema has as defaults.

    Every object of the data gets the defaults of its own options, however deep it lies. An object that is
    missing is made if one of its options has a default; what would lie deeper in it needs a default above.

    Parameters
    ----------
    schema
        JSON schema, draft 7; a ``jsonschema.exceptions.SchemaError`` if it is itself wrong.

    Attributes
    ----------
    defaults_validator, final_validator
        One that changes the data that it checks, and one that checks them once the defaults are in.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        import jsonschema  # takes a third of the time in which a script prints its schema

        jsonschema.Draft7Validator.check_schema(schema)
        self.final_validator = jsonschema.Draft7Validator(schema)
        check: Any = jsonschema.Draft7Validator.VALIDATORS["properties"]

        def fill_and_check(validator: Any, properties: Any, instance: Any, subschema: Any) -> Iterator[Any]:
            if isinstance(instance, dict):
                _fill(instance, properties)
            yield from check(validator, properties, instance, subschema)

        extend: Any = jsonschema.validators.extend  # its package has no types for it
        extended = extend(jsonschema.Draft7Validator, {"properties": fill_and_check})
        self.defaults_validator = extended(schema)

    def validate(self, data_dict: dict[str, Any] | None) -> dict[str, Any]:
        """Check data and return a copy with the defaults filled in.

        Parameters
        ----------
        data_dict
            Options; None for none. They are not changed.

        Returns
        -------
        complete : dict

        Raises
        ------
        jsonschema.exceptions.ValidationError
            The data do not match the schema.
        """
        data: Any = {} if data_dict is None else copy.deepcopy(data_dict)
        if not isinstance(data, dict):
            import jsonschema

            raise jsonschema.ValidationError(f"{data_dict} is not a dict")
        self.defaults_validator.validate(data)
        self.final_validator.validate(data)
        return data


def _fill(instance: dict[str, Any], properties: Mapping[str, Any]) -> None:
    """Give an object the defaults of its missing options."""
    for name, subschema in properties.items():
        if name in instance or name in _LEFT_OUT or not isinstance(subschema, dict):
            continue
        if "default" in subschema:
            instance[name] = copy.deepcopy(subschema["default"])
        elif subschema.get("type") == "object" and (made := _defaults(subschema)):
            instance[name] = made


def _defaults(subschema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options of an object have as defaults."""
    return {
        name: copy.deepcopy(option["default"])
        for name, option in subschema.get("properties", {}).items()
        if isinstance(option, dict) and "default" in option
    }
