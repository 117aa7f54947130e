"""What stands for a day or a free number in a configuration that is queued every day, and its values.

``{day_obs}`` and ``{n}`` stand in names of collections, ``today`` and ``tomorrow`` in place of dates.
Observing days begin at noon, TAI, and so do today and tomorrow: all images of a day are in the range
between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

__all__ = ["DATES", "DAY", "LONGEST_NAME", "NUMBER", "daily_lines", "fill_in", "is_daily", "names_beside"]

DATES = ("certify_calib_begin_date", "certify_calib_end_date")
"""Options with begin and end of the validity range."""

DAY, NUMBER = "{day_obs}", "{n}"
"""What stands for the observing day, as YYYYMMDD, and for a number, in the name of a collection."""

LONGEST_NAME = 64
"""Characters of the name of a collection, a filter or a program: the Butler has no room for more."""

# Option with the collection to certify in, and how the options with collections to search begin.
TARGET, INPUTS = "calib_collection", "input_collections_"
_WORDS = {"today": 0, "tomorrow": 1}
_DATED = re.compile(r"([./](\d+|\d{4}[A-Z]{3}\d{2}))+$")  # the end of a name: .20221104.1 or .2022NOV04.1
# A number at the end of a name, and no part of a date: behind a day, or behind what is no number.
_NUMBERED = re.compile(r"(?P<base>(.*[./])?(\d{8}|[^./]*[^./\d][^./]*))\.(?P<number>[1-9]\d{0,2})")
_OPEN = re.compile(f"{re.escape(DAY)}|{re.escape(NUMBER)}")
_ROOM_FOR_DAY, _ROOM_FOR_NUMBER = len(".20250115.100"), len(".1000.new")


def is_daily(options: Mapping[str, Any]) -> bool:
    """Find out whether options mean something else every day.

    Parameters
    ----------
    options
        As they were given.

    Returns
    -------
    is_daily
    """
    return any(_names_no_one_collection(text) for text in _collections(options).values()) or any(
        str(options.get(date)) in _WORDS for date in DATES
    )


def fill_in(options: Mapping[str, Any], day: int, there: Iterable[str] | None = None) -> dict[str, Any]:
    """Fill in the dates, the observing day, and numbers in names of collections.

    Parameters
    ----------
    options, day
        As they were given, and the observing day, YYYYMMDD.
    there
        Names of all collections. None if they are not known: numbers, and names to search, then stay open.

    Returns
    -------
    options
        The collection to certify in has the number after the highest that there is, or 1. In place of a
        name to search stands the newest collection of that form; a name of which there is none is left out,
        unless it is the only one.
    """
    filled, noon = dict(options), datetime.strptime(f"{day} 12", "%Y%m%d %H")
    for date in DATES:
        if (days := _WORDS.get(str(filled.get(date)))) is not None:
            filled[date] = (noon + timedelta(days=days)).isoformat()
    if isinstance(name := filled.get(TARGET), str):
        filled[TARGET] = name.replace(DAY, str(day))
    return filled if there is None else _fill_in_numbers(filled, list(there))


def _fill_in_numbers(options: dict[str, Any], names: list[str]) -> dict[str, Any]:
    filled = dict(options)
    if isinstance(target := filled.get(TARGET), str) and NUMBER in target:
        last = max((found[-1] for found in _found(target, names).values()), default=0)
        filled[TARGET] = target.replace(NUMBER, str(last + 1))
    for option, text in _collections(options).items():
        if option != TARGET and _names_no_one_collection(text):
            parts = [part.strip() for part in text.split(",")]
            newest = [_newest(part, names) if _names_no_one_collection(part) else part for part in parts]
            filled[option] = ",".join(filter(None, newest)) or text
    return filled


def daily_lines(collection: str) -> tuple[str, str, str]:
    """Write the options with which calibrations can be certified every day.

    Parameters
    ----------
    collection
        The one that was asked for: its name goes on in theirs.

    Returns
    -------
    lines
        Of a configuration.
    """
    base = _DATED.sub("", collection.replace(f".{DAY}", "").replace(f".{NUMBER}", ""))
    base = _shortened(f"{base}/calib" if base.endswith("/daily") else base, _ROOM_FOR_DAY)
    return f"{TARGET}: {base}.{DAY}.{NUMBER}", f"{DATES[0]}: today", f"{DATES[1]}: tomorrow"


def names_beside(collection: str, most: int = 100) -> list[str]:
    """Number names beside one that is taken, as DMTN-222 numbers reruns; a date is no number to count up.

    Parameters
    ----------
    collection, most
        Its name, and how many others are wanted.

    Returns
    -------
    names
        In the order of their numbers, none too long for the Butler.
    """
    numbered = _NUMBERED.fullmatch(collection)
    base, first = (numbered["base"], int(numbered["number"]) + 1) if numbered else (collection, 2)
    base = _shortened(base, _ROOM_FOR_NUMBER)
    return [f"{base}.{number}" for number in range(first, first + most)]


def _shortened(base: str, room: int) -> str:
    """The begin of a name that leaves room for an end, and no half of what stands for a day or a number."""
    if len(base) <= LONGEST_NAME - room:
        return base
    return re.sub(r"\{[^}]*$", "", base[: LONGEST_NAME - room]).rstrip("./_-")


def _collections(options: Mapping[str, Any]) -> dict[str, str]:
    """Options with names of collections."""
    return {
        option: text
        for option, text in options.items()
        if isinstance(text, str) and (option == TARGET or option.startswith(INPUTS))
    }


def _names_no_one_collection(text: str) -> bool:
    return DAY in text or NUMBER in text


def _found(pattern: str, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Collections whose names have a form, with the numbers in them."""
    form = re.escape(pattern)
    form = form.replace(re.escape(DAY), r"(\d{8})").replace(re.escape(NUMBER), r"(\d{1,9})")
    matches = {name: re.fullmatch(form, name) for name in names}
    return {name: tuple(map(int, match.groups())) for name, match in matches.items() if match}


def _newest(pattern: str, names: Iterable[str]) -> str | None:
    found = _found(pattern, names)
    of_days = [each == DAY for each in _OPEN.findall(pattern)]

    def age(name: str) -> list[int]:  # the day first, wherever it stands
        values = sorted(zip(of_days, found[name], strict=True), key=lambda each: not each[0])
        return [value for _, value in values]

    return max(found, key=age, default=None)
