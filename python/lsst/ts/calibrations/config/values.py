"""Checking each option by itself: whether it exists, and whether the schema allows its value."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

__all__ = ["adopt_detectors", "allowed_words", "rename_unknown", "show", "wrong_values"]

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
}

_ID_LIST = re.compile(r"^[(\[]?\s*(\d+(\s*,\s*\d+)*)\s*(?:,\s*)?[)\]]?$")
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBERS = re.compile(rf"[(\[]?\s*{_NUMBER}(?:[\s,;]+{_NUMBER})*[\s,;]*[)\]]?")
_SECONDS = re.compile(rf"({_NUMBER})\s*s(?:ec|econds?)?\.?", re.IGNORECASE)
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
_DATE_OPTIONS = "certify_calib_"

PART_SHOWN = 4
"""Most options that are proposed for a name that is part of theirs."""

UNKNOWN_SHOWN = 20
"""Unknown names for which the nearest option is looked for."""

ALIKE = 0.7
"""Likeness, as difflib has it, from which on the other name must be meant; ignore and note have 0.6."""

CERTAIN = 4
"""Letters from which on a part of a single option's name must mean that option, e.g. mode."""


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
    unknown = {name: value for name, value in options.items() if name not in known}
    for name, value in list(unknown.items())[:UNKNOWN_SHOWN]:
        near, certain = _nearest(name, known)
        if not certain:
            problems.append(
                f"there is no option {show(name)}; nearest is {' or '.join(near)};"
                " the schema lists all options"
            )
            continue
        problems.append(f"there is no option {show(name)}; write '{near[0]}: {_plain(value)}'")
        renamed.setdefault(near[0], value)
    if len(unknown) > UNKNOWN_SHOWN:
        problems.append(f"there are {len(unknown) - UNKNOWN_SHOWN} more names that are no option")
    return renamed, problems


def _nearest(name: str, known: Sequence[str]) -> tuple[list[str], bool]:
    """Options that an unknown name is like, and whether the first of them must be meant."""
    bare = name.strip("\"' ")
    if bare in known:
        return [bare], True
    written = re.sub(r"\W+", "_", bare.lower())
    parts = [option for option in known if written and written in option]
    if parts:
        return parts[:PART_SHOWN], len(parts) == 1 and len(written) >= CERTAIN
    near = difflib.get_close_matches(written, known, n=1, cutoff=ALIKE)
    return (near, True) if near else (difflib.get_close_matches(written, known, n=1, cutoff=0.0), False)


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
        hint = _hint(option, value, about)
        problems[option] = f"{option}: {show(value)} is not possible; allowed is {allowed}{hint}"
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
        low, high = about.get("minItems"), about.get("maxItems")
        count = f"{low} to {high} " if low is not None and high is not None else ""
        return f"a list with {count}{different}, each {allowed_words(about['items'])}"
    if kind == "object":
        needed = ", ".join(about.get("required", ()))
        return f"a mapping of {', '.join(about['properties'])} ({needed} are needed)"
    return f"{_TYPES[kind]}{_range_words(about) if kind in ('integer', 'number') else ''}"


def _range_words(about: Mapping[str, Any]) -> str:
    low, high = about.get("minimum"), about.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else ""


def _hint(option: str, value: Any, about: Mapping[str, Any]) -> str:
    """What may have been meant."""
    if value is None:
        return ". Nothing was given: leave the line out to have the default"
    if isinstance(value, str):
        return _text_hint(option, value.strip(), about)
    if isinstance(value, list):
        return _list_hint(value, _types(about))
    if option.startswith(_DATE_OPTIONS):
        return ". A date is written e.g. 2022-11-04"
    if _types(about) == {"array"} and isinstance(value, int):
        return f". A list is written [{value}]"
    if "string" in _types(about) and isinstance(value, bool | int | float):
        return ". What reads as a number, or as true or false, becomes text in quotation marks"
    return ""


def _types(about: Mapping[str, Any]) -> set[str]:
    """Types that a part of a schema allows."""
    parts = [each["type"] for each in about.get("anyOf", [about])]
    return {name for part in parts for name in ([part] if isinstance(part, str) else part)}


def _list_hint(value: Sequence[Any], types: Set[str]) -> str:
    if "array" in types:
        joined = " ".join(map(str, value))
        if any(isinstance(entry, str) for entry in value) and _NUMBERS.fullmatch(joined):
            return f". Commas stand between numbers: {_as_list(joined)}"
    elif "string" in types and value and all(isinstance(entry, str) for entry in value):
        return f". Several are written as one text, with commas: {show(','.join(value))}"
    return ""


def _text_hint(option: str, text: str, about: Mapping[str, Any]) -> str:
    """What may have been meant by a text where something else is wanted."""
    types = _types(about)
    like = re.sub(r"[^A-Z]+", "_", text.upper()).strip("_")
    if like in about.get("enum", ()):
        return f". Write {like}"
    if types == {"boolean"} and text.lower() in _BOOLEANS:
        return f". Write {_BOOLEANS[text.lower()]}, without quotation marks"
    if option == "detectors" and text.lower() in ("", "all"):
        return ". Leave the line out for all detectors"
    if "number" in types and (seconds := _SECONDS.fullmatch(text)):
        return f". A time is a number of seconds: {seconds[1]}"
    if "array" in types and re.search(r"[\s,;]", text) and _NUMBERS.fullmatch(text):
        return f". A list is written {_as_list(text)}"
    try:
        number = float(text)
    except ValueError:
        return ""
    plain = f". A number is written without quotation marks, exponent and leading zeros: {number:g}"
    return plain if types & {"integer", "number"} and math.isfinite(number) else ""


def _as_list(text: str) -> str:
    return f"[{', '.join(re.findall(_NUMBER, text))}]"


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return all(map(_is_finite, value)) if isinstance(value, list) else True


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 70 else show(value)
