"""Parts of the documentation that are made from the program itself, as reStructuredText."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["option_list"]

LIMITS = {"minimum": "from", "maximum": "to"}
"""Keywords of JSON schema for the limits of a number, in words."""


def option_list(schema: Mapping[str, Any], instrument: str) -> str:
    """Definition list of all options of a schema, in its order.

    Parameters
    ----------
    schema, instrument
        JSON schema of the configuration of a script, and name of its instrument, for targets of links.

    Returns
    -------
    text
        For each option: name, title, type, limits, default, description, examples.
    """
    options = schema["properties"].items()
    return "\n".join(
        line
        for name, about in options
        for line in (f".. _{instrument}-{name}:".lower(), "", *_option(name, about))
    )


def _option(name: str, about: Mapping[str, Any]) -> Iterator[str]:
    yield f"``{name}``"
    yield f"    *{about['title']}.* {about['description']}"
    yield ""
    kind = _kind(about)
    default = f" Default: ``{_value(about['default'])}``." if "default" in about else ""
    yield f"    {kind[0].upper()}{kind[1:]}.{default}"
    if "examples" in about:
        yield f"    For example: {', '.join(f'``{_value(each)}``' for each in about['examples'])}."
    yield ""
    if "properties" in about:
        yield from (f"    {line}" for line in _parts(about))
        yield ""


def _parts(about: Mapping[str, Any]) -> Iterator[str]:
    for name, part in about["properties"].items():
        yield f"- ``{name}``: {part['description']}"


def _kind(about: Mapping[str, Any], plural: bool = False) -> str:
    """Type and limits in words, e.g. ``integer from 1 to 1000``."""
    if "enum" in about:
        return f"one of {', '.join(f'``{each}``' for each in about['enum'])}"
    if "anyOf" in about:
        return ", or ".join(_kind(each) for each in about["anyOf"])
    types = about["type"] if isinstance(about["type"], list) else [about["type"]]
    return " or ".join(_type(each, about, plural) for each in types)


def _type(name: str, about: Mapping[str, Any], plural: bool) -> str:
    if name == "array":
        return f"list of {_kind(about['items'], plural=True)}"
    words = {"string": "text", "boolean": "true or false", "object": "mapping", "null": "``null``"}
    if name in words:
        return words[name]
    limits = (f"{word} {about[key]}" for key, word in LIMITS.items() if key in about)
    return " ".join([f"{name}s" if plural else name, *limits])


def _value(value: Any) -> str:
    """A value as one writes it in YAML."""
    return value if isinstance(value, str) else json.dumps(value)
