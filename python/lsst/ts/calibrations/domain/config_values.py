"""Checking each option by itself: whether it exists, and whether the schema allows its value."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["adopt_detectors", "allowed_words", "rename_unknown", "show", "wrong_values"]

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
}

_ID_LIST = re.compile(r"^[(\[]?\s*(\d+(\s*,\s*\d+)*)\s*,?\s*[)\]]?$")


def show(value: Any, most: int = 70) -> str:
    """Show a value as one would write it, shortened."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= most else f"{text[: most - 3]}..."
    return repr(text) if isinstance(value, str) else text


def rename_unknown(options: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Find options that do not exist.

    Parameters
    ----------
    options
        As they were given.
    schema
        The schema that says which options there are.

    Returns
    -------
    options, problems
        The options with an unknown name replaced by the nearest known one (if that was not given), so that
        its value is checked too, and a problem for each unknown name.
    """
    known = list(schema["properties"])
    renamed = {name: value for name, value in options.items() if name in known}
    problems = []
    for name, value in options.items():
        if name in known:
            continue
        bare = name.strip("\"' ")
        near = [bare] if bare in known else difflib.get_close_matches(name.lower(), known, n=1)
        if not near:
            problems.append(f"there is no option {show(name)}; the schema lists all options")
            continue
        problems.append(f"there is no option {show(name)}; write '{near[0]}: {_plain(value)}'")
        renamed.setdefault(near[0], value)
    return renamed, problems


def adopt_detectors(options: dict[str, Any]) -> list[str]:
    """Turn detectors given as text, e.g. ``(0,1,2)``, into a list, in place; return a note if so."""
    given = options.get("detectors")
    match = _ID_LIST.match(given.strip()) if isinstance(given, str) else None
    if match is None:
        return []
    options["detectors"] = [int(number) for number in match[1].split(",")]
    return [
        f"detectors: {show(given)} is understood as {options['detectors']}; the form of a list is preferred"
    ]


def wrong_values(options: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, str]:
    """Compare every value with the schema.

    Parameters
    ----------
    options
        Known options only.
    schema
        The schema.

    Returns
    -------
    problems
        By option: its name, what was given and what is allowed.
    """
    from jsonschema import Draft7Validator  # takes a moment; the schema alone is printed without it

    problems = {}
    for option, value in options.items():
        about = schema["properties"][option]
        if _is_finite(value) and Draft7Validator(about).is_valid(value):
            continue
        allowed = allowed_words(about)
        problems[option] = (
            f"{option}: {show(value)} is not possible; allowed is {allowed}{_hint(option, value)}"
        )
    return problems


def allowed_words(about: Mapping[str, Any]) -> str:
    """Say in words what a part of a schema allows."""
    if "enum" in about:
        return f"one of {', '.join(map(str, about['enum']))}"
    if "anyOf" in about:
        return " or ".join(allowed_words(each) for each in about["anyOf"])
    kinds = [about["type"]] if isinstance(about["type"], str) else about["type"]
    return " or ".join(_kind_words(kind, about) for kind in kinds)


def _kind_words(kind: str, about: Mapping[str, Any]) -> str:
    if kind == "array":
        different = "different entries" if about.get("uniqueItems") else "entries"
        return f"a list with {different}, each {allowed_words(about['items'])}"
    if kind == "object":
        needed = ", ".join(about.get("required", ()))
        return f"a mapping of {', '.join(about['properties'])} ({needed} are needed)"
    return f"{_TYPES[kind]}{_range_words(about) if kind in ('integer', 'number') else ''}"


def _range_words(about: Mapping[str, Any]) -> str:
    low, high = about.get("minimum"), about.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else ""


def _hint(option: str, value: Any) -> str:
    """What may have been meant."""
    if value is None:
        return ". Nothing was given: leave the line out to have the default"
    if not isinstance(value, str):
        return ""
    if "," in value and option.startswith(("exp_times", "detectors")):
        return f". A list is written [{value.strip('()[] ')}]"
    try:
        number = float(value)
    except ValueError:
        return ""
    return (
        f". A number is written without quotation marks and exponent: {number:g}"
        if math.isfinite(number)
        else ""
    )


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return all(map(_is_finite, value)) if isinstance(value, list) else True


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 70 else show(value)
