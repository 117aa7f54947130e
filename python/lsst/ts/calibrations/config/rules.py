"""Rules that options must keep beyond the schema: texts where they go, options together, the instrument.

Texts go to pipetask, to the Butler and into the headers of the camera. None of them passes a shell; they are
checked all the same, since whoever receives them splits them at blanks, commas or colons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import datetime
from functools import partial
from typing import Any

from ..domain.calibrations import CALIBRATIONS, products
from ..domain.exposure_times import fitting_times, flat_pairs, times_per_exposure
from ..domain.instruments import ImageType, Instrument
from ..domain.jobs import pipetask_flags
from ..domain.text import counted
from .observing_day import DATES, DAY, LONGEST_NAME, NUMBER
from .schema import PLACEHOLDER, show

__all__ = ["BEGIN_OF_TIME", "END_OF_TIME", "amplifier_named", "rule_problems", "text_problems"]

BEGIN_OF_TIME, END_OF_TIME = datetime(1970, 1, 1), datetime(2100, 1, 1)
"""The Butler has dates between these, TAI; a validity range that goes on beyond them has no bound there."""

_LONGEST_REASON = 68  # characters of a reason: the Butler has no room for more
_LONGEST = 2000  # characters that any text may have
_LONGEST_LIST = 100  # entries beyond which a list of exposure times is not proposed
_SHORTEST_FLAT = 0.1  # shortest exposure that the shutters allow, s
_LEVELS_OF_PTC = 3  # signals that its three parameters (gain, a00, noise) need

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")
_COLLECTION = re.compile(r"(?!/)(?!.*(//|/$))[A-Za-z0-9_./][A-Za-z0-9_./-]*")
_CLIMBING = re.compile(r"(^|/)\.\.?(/|$)")
_REPOSITORY = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:+~@-]*")
_SLOT_NAME = re.compile(r"[A-Za-z0-9_.+~][A-Za-z0-9_.+~-]*")
_FIELD = re.compile(r"[A-Za-z_]\w*:[A-Za-z_][\w.\[\]'\"-]*=.+")
_FILE = re.compile(r"[A-Za-z_]\w*:[A-Za-z0-9_./$@{}+-]+")
_PIPETASK = {"-c": _FIELD, "--config": _FIELD, "-C": _FILE, "--config-file": _FILE}
_UNSAFE = re.compile(r"[;|&`<>\\]|\$\(|[^ -~]")
_PLACEHOLDER = re.compile(r"\$|[<{].*[>}]")  # also of a name, in which none of these characters can be
_IN_NAME = re.compile(r"\$\{?\w*\}?|%\(\w*\)s?|\{+[^{}]*\}*|<[^<>]*>?")  # what may be meant as one in a name
_NOTHING = ("none", "null", "nil", "nan", "default")

_Options = Mapping[str, Any]


def rule_problems(
    given: _Options, standard: _Options, instrument: Instrument, *, unusable: Set[str] = frozenset()
) -> list[str]:
    """Find all that is wrong with the options beyond the schema.

    Parameters
    ----------
    given, standard, instrument
        The options that were given, all defaults (a default list of exposure times serves only the default
        numbers of images), and the instrument of the script.
    unusable
        Options whose value is known to be wrong; rules that need them are left out.

    Returns
    -------
    problems
        One sentence each.
    """
    options = {**standard, **given}
    of_texts = text_problems({name: value for name, value in options.items() if name not in unusable})
    problems = list(of_texts.values())
    unusable = {*unusable, *of_texts}
    for needed, rule in _RULES:
        if not unusable.intersection(needed):
            problems += rule(options, instrument)
    for kind in (ImageType.DARK, ImageType.FLAT):
        if not unusable.intersection(("script_mode", *_names(kind))):
            problems += _times_fit(options, kind, given, standard)
    return problems


def text_problems(options: _Options) -> dict[str, str]:
    """Find options whose text would be misunderstood where it goes.

    Parameters
    ----------
    options
        Options and their values; values that are not text, and hold none, are passed over.

    Returns
    -------
    problems
        By option.
    """
    problems = {}
    for option, value in options.items():
        for text in value.values() if isinstance(value, dict) else [value]:
            if isinstance(text, str) and (problem := _text_problem(option, text)) is not None:
                problems[option] = f"{option}: {problem}"
    return problems


def _names(kind: ImageType) -> tuple[str, str, str]:
    name = CALIBRATIONS[kind].option_of
    return name("n"), name("n_discard"), name("exp_times")


def _kinds(options: _Options) -> tuple[ImageType, ...]:
    return tuple(map(ImageType, options["script_mode"].split("_")))


def _times_fit(options: _Options, kind: ImageType, given: _Options, standard: _Options) -> Iterator[str]:
    n_name, discard_name, times_name = _names(kind)
    n, n_discard, times = int(options[n_name]), int(options[discard_name]), options[times_name]
    if not isinstance(times, list) or kind not in _kinds(options):
        return
    counts = f"{n_name}: {n} and {discard_name}: {n_discard}"
    if times_name not in given and (n, n_discard) != (standard[n_name], standard[discard_name]):
        yield (
            f"{counts} do not go with the default of {times_name}, a list of {len(times)} times;"
            f" give both options, e.g. {_proposal(times_name, fitting_times(times, n, n_discard))}"
        )
    elif len(times) not in (n, n_discard + n):
        fits = f"{n} or {n + n_discard} entries" if n_discard else counted(n, "entry", "entries")
        yield (
            f"{times_name} has {counted(len(times), 'entry', 'entries')}, but {counts} need {fits};"
            f" e.g. {_proposal(times_name, fitting_times(times, n, 0))},"
            f" or {n_name}: {len(times)} for this list"
        )


def _proposal(option: str, times: list[float]) -> str:
    if len(set(times)) == 1 or len(times) > _LONGEST_LIST:
        return f"{option}: {show(times[0])}, one time for all"
    return f"{option}: {show(times, most=2000)}, or one time for all"


def _flats_are_long_enough(options: _Options, _: Instrument) -> Iterator[str]:
    if ImageType.FLAT not in _kinds(options):
        return
    times = options["exp_times_flat"]
    each = times if isinstance(times, list) else [times]
    if short := sorted({time for time in each if time < _SHORTEST_FLAT}):
        yield (
            f"exp_times_flat: {', '.join(f'{time:g}' for time in short)} s is too short; the shutter allows"
            f" {_SHORTEST_FLAT} s or longer"
        )


def _products_have_images(options: _Options, _: Instrument) -> Iterator[str]:
    for product in products():
        if options[product.option] and not set(product.made_from).issubset(_kinds(options)):
            order = tuple(ImageType)  # a mode takes all types up to a last one
            needed = "_".join(order[: max(map(order.index, product.made_from)) + 1])
            yield f"{product.option}: true needs script_mode: {needed}, not {options['script_mode']}"


def _unverified_is_meant(options: _Options, _: Instrument) -> Iterator[str]:
    """To certify without verification takes two options, so that nobody does it in passing."""
    asked = [product.option for product in products() if options[product.option]]
    for option in [] if options["do_verify"] or options["generate_calibrations"] else asked:
        yield (
            f"{option}: true with do_verify: false would certify what was not verified; leave do_verify true,"
            " or say generate_calibrations: true as well"
        )


def _ptc_has_pairs(options: _Options, _: Instrument) -> Iterator[str]:
    if not options["do_ptc"] or ImageType.FLAT not in _kinds(options):
        return
    n, n_discard, times = (options[name] for name in _names(ImageType.FLAT))
    if isinstance(times, list) and len(times) not in (n, n_discard + n):
        return  # a problem of its own
    kept = times_per_exposure(times, int(n), int(n_discard))[int(n_discard) :]
    pairs = flat_pairs(kept)
    levels = {kept[first] for first, _ in pairs.pairs}
    if len(levels) < _LEVELS_OF_PTC:
        yield (
            f"do_ptc: true needs pairs of flats at {_LEVELS_OF_PTC} or more exposure times; exp_times_flat"
            f" has them at {len(levels)}; e.g. n_flat: 6 and exp_times_flat: [5, 5, 15, 15, 30, 30]"
        )
    elif pairs.unpaired:
        alone = ", ".join(f"{kept[position]:g} s" for position in pairs.unpaired)
        all_pairs = isinstance(times, list) and not flat_pairs(times).unpaired
        hint = f"; for pairs of all of them write 'n_flat: {len(times)}'" if all_pairs else ""
        yield f"do_ptc: true needs pairs of equal flats; exp_times_flat has no second of {alone}{hint}"


def _detectors_exist(options: _Options, instrument: Instrument) -> Iterator[str]:
    known = instrument.detectors
    if unknown := [number for number in options["detectors"] if number not in known]:
        has = f"detector {min(known)}" if len(known) == 1 else f"detectors {min(known)} to {max(known)}"
        yield f"detectors: {instrument.name} has no {show(unknown)}; it has {has}"


def amplifier_named(entry: str, instrument: Instrument) -> tuple[str, str]:
    """Find the amplifier that is meant.

    Parameters
    ----------
    entry, instrument
        E.g. ``94 C05`` or ``R22_S11 C05``, and whose amplifier it is.

    Returns
    -------
    detector, amplifier
        Their names.

    Raises
    ------
    ValueError
        There is none.
    """
    detectors = instrument.detectors
    words = entry.replace(",", " ").split()
    example = f"{next(iter(detectors.values()))} {instrument.amplifiers[5]}"
    if len(words) != 2:
        raise ValueError(f"{entry!r:.80} is no amplifier; write detector and amplifier, e.g. {example}")
    name, amplifier = words[0].upper(), words[1].upper()
    name = {f"{number}": each for number, each in detectors.items()}.get(name.lstrip("0") or "0", name)
    if name not in detectors.values():
        raise ValueError(f"{entry!r:.80}: {instrument.name} has no detector {words[0]!r:.40}; e.g. {example}")
    if amplifier not in instrument.amplifiers:
        first, last = instrument.amplifiers[0], instrument.amplifiers[-1]
        raise ValueError(f"{entry!r:.80}: there is no amplifier {words[1]!r:.40}; {first} to {last}")
    return name, amplifier


def _amplifiers_exist(options: _Options, instrument: Instrument) -> Iterator[str]:
    for entry in options["known_bad_amplifiers"]:
        try:
            amplifier_named(entry, instrument)
        except ValueError as error:
            yield f"known_bad_amplifiers: {error}"


def _date(text: str) -> datetime:
    """A TAI date in ISO form; raises ValueError if it is none, or has a time zone."""
    if not _DATE.fullmatch(text):
        raise ValueError(
            f"{show(text)} is no date; write e.g. 2022-11-04 or 2022-11-04T12:00:00 (TAI, no time zone), or"
            " today or tomorrow"
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{show(text)} is no date of the calendar ({error})") from None


def _dates_are_a_range(options: _Options, _: Instrument) -> Iterator[str]:
    dates = {}
    for option in DATES:
        try:
            dates[option] = _date(options[option])
        except ValueError as error:
            yield f"{option}: {error}"
    if len(dates) == 2:
        begin, end = dates.values()
        if begin >= end:
            yield f"certify_calib_end_date: {end} is not after certify_calib_begin_date: {begin}"
        elif end <= BEGIN_OF_TIME or begin >= END_OF_TIME:
            known = f"{BEGIN_OF_TIME.year} to {END_OF_TIME.year}"
            yield (
                f"certify_calib_begin_date: {begin} and certify_calib_end_date: {end} are a range outside of"
                f" the times that the Butler can tell, {known}: no image would find what is certified"
            )


_PRODUCTS = tuple(each.option for each in products())
# Rules between options, each with the options that it needs.
_RULES: tuple[tuple[tuple[str, ...], Callable[[_Options, Instrument], Iterator[str]]], ...] = (
    (("script_mode", "exp_times_flat"), _flats_are_long_enough),
    (("script_mode", *_PRODUCTS), _products_have_images),
    (("script_mode", "do_ptc", "n_flat", "n_discard_flat", "exp_times_flat"), _ptc_has_pairs),
    (("do_verify", "generate_calibrations", *_PRODUCTS), _unverified_is_meant),
    (("detectors",), _detectors_exist),
    (("known_bad_amplifiers",), _amplifiers_exist),
    (DATES, _dates_are_a_range),
)


def _text_problem(option: str, text: str) -> str | None:
    if len(text) > _LONGEST:
        return f"{show(text)} has {len(text)} characters; {_LONGEST} is the most"
    if not text.isprintable():
        strange = next(letter for letter in text if not letter.isprintable())
        return (
            f"{show(text)} holds a line break or a character that cannot be printed ({ord(strange):#x});"
            " write it in one line"
        )
    return next((check(text) for prefix, check in _CHECKS.items() if option.startswith(prefix)), None)


def _check_collections(text: str) -> str | None:
    if unknown := [each for each in _IN_NAME.findall(text) if each not in (DAY, NUMBER)]:
        return (
            f"{show(unknown[0])} in the name of a collection stands for nothing; only {DAY} and {NUMBER} can"
            " stand in one"
        )
    open_names = text.replace(DAY, "20220101").replace(NUMBER, "1")
    parts = [part.strip() for part in open_names.split(",")]
    if long := [part for part in parts if len(part) > LONGEST_NAME]:
        return f"{show(long[0])} has {len(long[0])} characters; the Butler has names of up to {LONGEST_NAME}"
    bad = [part for part in parts if not _COLLECTION.fullmatch(part) or _CLIMBING.search(part)]
    if not bad:
        return None
    return (
        f"{show(bad[0]) if bad[0] else 'an empty name'} is no name of a collection; names consist of letters,"
        " digits and . _ -, with / between them, and a comma stands between two names, e.g."
        " u/czw/DM-28920/calib.20210720,LATISS/calib"
    )


def _check_one_collection(text: str) -> str | None:
    return "one collection is needed, not a list of them" if "," in text else _check_collections(text)


def _check_repository(text: str) -> str | None:
    problem = f"{show(text)} is no path or label of a Butler repository, e.g. /repo/LATISS"
    return None if _REPOSITORY.fullmatch(text) else problem


def _check_slot(text: str, kind: str, example: str) -> str | None:
    if _PLACEHOLDER.search(text):
        return (
            f"{show(text)} stands for a name; write that name, e.g. {example}, or leave the line out to leave"
            f" the {kind} as it is"
        )
    if text.lower() in _NOTHING:
        return f"{show(text)} is taken for a name; leave the line out to leave the {kind} as it is"
    is_name = _SLOT_NAME.fullmatch(text) and len(text) <= LONGEST_NAME and text.strip(".")
    return None if is_name else f"{show(text)} is no name of a {kind}"


def _not_filled_in(text: str, of_file: bool = False) -> str | None:
    for found in PLACEHOLDER.finditer(text):
        if not (of_file and found[0].startswith("$")):  # a variable of the environment, in its path
            return (
                f"{show(found[0])} stands for a text that nobody has filled in; write that, or leave the line"
                " out"
            )
    return None


def _check_note(text: str) -> str | None:
    if problem := _not_filled_in(text):
        return problem
    if text.isascii():
        return None
    strange = next(letter for letter in text if not letter.isascii())
    return f"{show(text)} holds {strange!r}, and a FITS header takes ASCII letters only"


def _check_header_value(text: str, most: int) -> str | None:
    if (problem := _check_note(text)) is not None:
        return problem
    if len(text) > most:
        return f"{show(text)} has {len(text)} characters, and the Butler keeps {most}; put the rest into note"
    if "," in text or ":" in text:
        return f"{show(text)} holds a comma or colon, which the camera takes for the end of the text; omit it"
    return None


def _check_pipetask_options(text: str) -> str | None:
    """Only ``-c label:field=value`` and ``-C label:file``: nothing that changes inputs or outputs."""
    if unsafe := _UNSAFE.search(text):
        return f"{show(unsafe[0])} is not possible here; no shell is used, so that it would mean nothing"
    for flag, value in pipetask_flags(text):
        pattern = _PIPETASK.get(flag)
        if pattern is None:
            return (
                f"{show(flag)} is not possible; only '-c label:field=value' and '-C label:file' are, and"
                " blanks always separate, also within quotation marks"
            )
        if problem := _not_filled_in(value, of_file=pattern is _FILE):
            return problem
        if not pattern.fullmatch(value):
            form = "label:field=value" if pattern is _FIELD else "label:file"
            return f"{show(f'{flag} {value}'.strip())} is not of the form '{flag} {form}'"
    return None


# Checks of the texts of options, by the beginning of their names.
_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "input_collections_": _check_collections,
    "calib_collection": _check_one_collection,
    "config_options_": _check_pipetask_options,
    "repo": _check_repository,
    "filter": partial(_check_slot, kind="filter", example="SDSSr_65mm"),
    "grating": partial(_check_slot, kind="grating", example="empty_1"),
    "program": partial(_check_header_value, most=LONGEST_NAME),
    "reason": partial(_check_header_value, most=_LONGEST_REASON),
    "note": _check_note,
    "test_case": _check_note,
}
