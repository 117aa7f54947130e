"""The JSON schemas of the scripts, and every option compared with them by itself."""

from __future__ import annotations

import copy
import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from .text import BRACES

__all__ = ["PLACEHOLDER", "REPLACED", "WITHOUT_EFFECT", "compare", "defaults", "load_schema", "show"]

PLACEHOLDER = re.compile(
    r"\$\{?[A-Za-z_]\w*\}?|\{\{?\s*[A-Za-z_][\w .-]*\}\}?|<[A-Za-z_][\w .-]*>|%\(\w+\)s?"
)
"""What stands for a text that is to be filled in: ``$program``, ``${X}``, ``{x}``, ``<name>``, ``%(x)s``."""

_COMMON = "calibrations"  # name of the file with what all schemas have in common
_NAME = "INSTRUMENT"  # stands in it for the name of the instrument
_UNKNOWN_SHOWN = 20  # unknown names for which the nearest option is looked for
_PART_SHOWN = 4  # most options that are proposed for a name that is part of theirs
_ALIKE = 0.7  # likeness (of difflib) from which on the other name must be meant; ignore and note have 0.6
_WORD_ALIKE = 0.6  # the same of each word of these names; bias and dark have 0.25
_CERTAIN = 4  # letters from which on a part of a single option's name must mean that option, e.g. mode

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
}
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}

_ID_LIST = re.compile(r"^[(\[]?\s*(\d{1,6}(\s*,\s*\d{1,6})*)\s*(?:,\s*)?[)\]]?$", re.ASCII)
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBERS = re.compile(rf"[(\[]?\s*{_NUMBER}(?:[\s,;]+{_NUMBER})*[\s,;]*[)\]]?")
_SECONDS = re.compile(rf"({_NUMBER})\s*s(?:ec|econds?)?\.?", re.IGNORECASE)

# Options that the script of this name in ts_externalscripts has or had, and what became of them. They are
# known by name, so that none is taken for a misspelling of an option of another meaning.
_NO_RETRIES = "an exposure is waited for once, until the OODS confirms it or oods_timeout is over"

WITHOUT_EFFECT = {
    "background_task_timeout": "processing is waited for until it ends",
    "max_counter_archiver_check": "each image is confirmed by the events of the OODS, within oods_timeout",
    "oods_timeout_max_retry": _NO_RETRIES,
    "oods_timeout_max_try": _NO_RETRIES,
    "oods_timeout_retry_rate": _NO_RETRIES,
}
"""Accepted and ignored, by name: what happens instead of what they asked for."""

_IMAGES = ("bias", "dark", "flat")

REPLACED = {
    **{f"n_skip_{kind}": (f"n_discard_{kind}",) for kind in _IMAGES},
    "number_verification_tests_threshold": tuple(
        f"number_verification_tests_threshold_{kind}" for kind in _IMAGES
    ),
    "do_defect": ("do_defects",),
    "config_options_defect": ("config_options_defects",),
    "input_collections_defect": ("input_collections_defects",),
}
"""Refused, by name: the options that mean the same and take the same value."""


def load_schema(instrument: str) -> dict[str, Any]:
    """Load the schema of the configuration of the script of an instrument.

    Parameters
    ----------
    instrument
        Name of the instrument, e.g. ``LATISS``.

    Returns
    -------
    schema
        A JSON schema, draft 7; the caller's own copy.

    Raises
    ------
    ValueError
        There is no schema for the instrument.
    """
    return copy.deepcopy(_load(instrument))


def defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the defaults of a schema.

    Parameters
    ----------
    schema
        Schema of the script, as `load_schema` gives it.

    Returns
    -------
    defaults
        Default of every option that has one; the caller's own copy.
    """
    properties = copy.deepcopy(schema["properties"])
    return {option: about["default"] for option, about in properties.items() if "default" in about}


def show(value: Any, most: int = 70) -> str:
    """Show a value as one would write it.

    Parameters
    ----------
    value, most
        Of an option (text is shown in quotation marks), and the characters beyond which it is shortened.

    Returns
    -------
    text
        For a message.
    """
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= most else f"{text[: most - 3]}..."
    return repr(text) if isinstance(value, str) else text


def compare(
    options: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Compare options with the schema, each by itself.

    Parameters
    ----------
    options, schema
        As they were given, and the schema of the script.

    Returns
    -------
    options, problems, notes
        The options as they are understood: the nearest known name in place of an unknown one (if that was not
        given), so that its value is checked too. What is wrong, by the name of the option. And how a value
        was understood that was not given in the usual form.
    """
    from jsonschema import Draft7Validator  # takes a moment; the schema alone is printed without it

    understood, problems = _renamed(options, list(schema["properties"]))
    notes = _adopt_detectors(understood)
    if "known_bad_amplifiers" in understood:
        understood["known_bad_amplifiers"] = _amplifiers(understood["known_bad_amplifiers"])
    for option, value in understood.items():
        about = schema["properties"][option]
        if not _is_finite(value) or not Draft7Validator(about).is_valid(value):
            allowed, hint = _allowed(about), _hint(option, value, about) or _none_of(option, value, schema)
            allowed = f"{'choose' if allowed.startswith('one of') else 'use'} {allowed}"
            problems[option] = f"{option}: {show(value)} is not allowed; {allowed}{hint}"
    return understood, problems, notes


@cache
def _load(instrument: str) -> dict[str, Any]:
    folder = files("lsst.ts.calibrations") / "schemas"
    names = {path.name for path in folder.iterdir() if path.name.endswith(".yaml")}
    known = sorted({name.removesuffix(".yaml") for name in names} - {_COMMON})
    if instrument not in known:
        raise ValueError(f"there is no schema for {instrument!r}; there are schemas for {', '.join(known)}")
    common, own = ((folder / f"{name}.yaml").read_text(encoding="utf-8") for name in (_COMMON, instrument))
    return _merge(yaml.safe_load(common.replace(_NAME, instrument)), yaml.safe_load(own))


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch (RFC 7396)."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def _renamed(options: Mapping[str, Any], known: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Options with unknown names replaced, and what is wrong with these names."""
    renamed = {name: value for name, value in options.items() if name in known}
    unknown = [name for name in options if name not in known and name not in WITHOUT_EFFECT]
    problems = {}
    for name in unknown[:_UNKNOWN_SHOWN]:
        value, problem = options[name], f"there is no option {show(name)}"
        near, certain = (REPLACED[name], True) if name in REPLACED else _nearest(name, known)
        if certain:
            written = value if isinstance(value, str) and len(value) <= 70 else show(value)
            right = " and ".join(f"'{each}: {written}'" for each in near)
            problems[name] = f"{problem}; write {right}"
            for each in near:
                renamed.setdefault(each, value)
        else:
            problems[name] = f"{problem}; nearest is {' or '.join(near)}; the schema lists all options"
    if len(unknown) > _UNKNOWN_SHOWN:
        problems[""] = f"there are {len(unknown) - _UNKNOWN_SHOWN} more names that are no option"
    return renamed, problems


def _adopt_detectors(options: dict[str, Any]) -> list[str]:
    """Turn detectors given as text, e.g. ``(0,1,2)``, into a list, in place; return a note if so."""
    given = options.get("detectors")
    if not isinstance(given, str) or (match := _ID_LIST.match(given.strip())) is None:
        return []
    options["detectors"] = ids = [int(number) for number in match[1].split(",")]
    return [f"detectors: {show(given)} is understood as {ids}; the form of a list is preferred"]


def _amplifiers(value: Any) -> Any:
    """A list of amplifiers as texts; one alone, or pairs and mappings of detector and amplifier, will do."""
    one = isinstance(value, (str, dict)) or _is_pair(value)
    entries = [value] if one else value
    return [_as_text(each) for each in entries] if isinstance(entries, list) else value


def _as_text(entry: Any) -> Any:
    pair = [entry.get(key) for key in ("detector", "amplifier")] if isinstance(entry, dict) else entry
    return f"{pair[0]} {pair[1]}" if _is_pair(pair) else entry


def _is_pair(value: Any) -> bool:
    """Whether these are an id or name of a detector, and a name of an amplifier."""
    if not isinstance(value, list) or len(value) != 2 or isinstance(value[0], bool):
        return False
    detector = re.fullmatch(r"[^\s,]+", f"{value[0]}") if isinstance(value[0], (int, str)) else None
    return bool(detector and re.fullmatch(r"\s*\w{1,4}\s*", f"{value[1]}"))


def _nearest(name: str, known: Sequence[str]) -> tuple[Sequence[str], bool]:
    """Options that an unknown name is like, and whether the first of them must be meant."""
    bare = name.strip("\"' ")
    if bare in known:
        return [bare], True
    written = re.sub(r"\W+", "_", bare.lower())
    parts = [option for option in known if written and written in option]
    if parts:
        return parts[:_PART_SHOWN], len(parts) == 1 and len(written) >= _CERTAIN
    near = difflib.get_close_matches(written, known, n=1, cutoff=0.0)
    return near, any(_is_misspelt(written, option) for option in near)


def _is_misspelt(written: str, option: str) -> bool:
    """Whether a name can be meant for an option: with other words, or more, it has another meaning."""
    if difflib.SequenceMatcher(None, option, written).ratio() < _ALIKE:
        return False
    words, wanted = written.split("_"), option.split("_")
    if len(words) != len(wanted):
        return "".join(words) == "".join(wanted)
    return all(map(_is_alike, words, wanted))


def _is_alike(word: str, right: str) -> bool:
    if word and (right.startswith(word) or word.startswith(right)):
        return True
    return difflib.SequenceMatcher(None, right, word).ratio() >= _WORD_ALIKE


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return all(map(_is_finite, value)) if isinstance(value, list) else True


def _types(about: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Types that a part of a schema allows, each with the part that allows it."""
    parts = [(each["type"], each) for each in about.get("anyOf", [about])]
    return {name: part for names, part in parts for name in ([names] if isinstance(names, str) else names)}


def _allowed(about: Mapping[str, Any]) -> str:
    """Say in words what a part of a schema allows."""
    return " or ".join(_allowed_of_type(name, part) for name, part in _types(about).items())


def _allowed_of_type(name: str, about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return f"one of {', '.join(map(str, about['enum']))}"
    if name == "array":
        different = "different entries" if about.get("uniqueItems") else "entries"
        low, high = about.get("minItems"), about.get("maxItems")
        count = f"{low} to {high} " if low is not None and high is not None else ""
        return f"a list with {count}{different}, each {_allowed(about['items'])}"
    if name == "object":
        return f"a mapping of {', '.join(about['properties'])} ({', '.join(about['required'])} are needed)"
    low, high = about.get("minimum"), about.get("maximum")
    if name not in ("integer", "number") or low is None:
        return _TYPES[name]
    return f"{_TYPES[name]} of at least {low}" if high is None else f"{_TYPES[name]} from {low} to {high}"


def _hint(option: str, value: Any, about: Mapping[str, Any]) -> str:
    """What may have been meant."""
    if value is None:
        return ". Nothing was given: leave the line out to have the default"
    if isinstance(value, str):
        return _text_hint(option, value.strip(), about)
    types = _types(about).keys()
    if "object" not in types and isinstance(value, dict) and not any(value.values()):
        return BRACES
    if isinstance(value, list):
        names = about.get("items", {}).get("enum", ())
        near = [re.sub(r"\W", "_", str(entry).strip().lower()) for entry in value]
        if names and set(near) <= set(names):
            return f". Write [{', '.join(dict.fromkeys(near))}]"
        joined, texts = " ".join(map(str, value)), [isinstance(entry, str) for entry in value]
        if "array" in types and any(texts) and _NUMBERS.fullmatch(joined):
            return f". Commas stand between numbers: {_as_list(joined)}"
        if "array" not in types and "string" in types and value and all(texts):
            return f". Several are written as one text, with commas: {show(','.join(value))}"
        return ""
    if option.startswith("certify_calib_"):
        return ". A date is written e.g. 2022-11-04"
    if types == {"array"} and isinstance(value, int) and not isinstance(value, bool):
        return f". A list is written [{value}]"
    if "string" in types and isinstance(value, bool | int | float):
        return ". What reads as a number, or as true or false, becomes text in quotation marks"
    return ""


def _none_of(option: str, value: Any, schema: Mapping[str, Any]) -> str:
    """How to take no images of a type at all."""
    kind = option.removeprefix("n_").upper()
    modes = [mode for mode in schema["properties"]["script_mode"]["enum"] if kind not in mode.split("_")]
    if value != 0 or isinstance(value, bool) or kind not in ("BIAS", "DARK", "FLAT"):
        return ""
    return f". None are taken with script_mode: {' or '.join(modes)}"


def _text_hint(option: str, text: str, about: Mapping[str, Any]) -> str:
    """What may have been meant by a text where something else is wanted."""
    types = _types(about).keys()
    if PLACEHOLDER.search(text):
        return ". It stands for a value that nobody has filled in: write that value"
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
    plain = f". A number is written without quotation marks, exponent and leading zeros: {number:.15g}"
    return plain if types & {"integer", "number"} and math.isfinite(number) else ""


def _as_list(text: str) -> str:
    return f"[{', '.join(re.findall(_NUMBER, text))}]"
