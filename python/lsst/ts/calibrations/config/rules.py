"""Checking options against each other and the instrument: what would waste a night, told before it begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import datetime
from typing import Any

from ..domain.exposure_times import fitting_times, flat_pairs, times_per_exposure
from ..domain.instruments import ImageType, Instrument
from .strings import text_problems
from .values import show

__all__ = ["image_types", "parse_date", "rule_problems", "rule_warnings"]

SHORTEST_FLAT = 0.1
"""Shortest exposure that the shutters allow, s."""

LEVELS_OF_PTC = 3
"""Fewest exposure times with a pair: a photon transfer curve has three parameters (gain, a00, noise)."""

SURE_TO_FAIL, MAY_FAIL = 10, 14
"""Below so many images a calibration made from them fails, or may fail, NOISE against these same images:
their residual noise is sqrt(1 - 1/N) of the nominal one, and the test allows 5 % (DMTN-101, 4.3)."""

BEGIN_OF_TIME, END_OF_TIME = datetime(1970, 1, 1), datetime(2100, 1, 1)
"""Between these the Butler tells times, TAI; a validity range that goes on beyond them has no bound there."""

LONGEST_LIST = 100
"""Entries beyond which a list of exposure times is not proposed."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")

Options = Mapping[str, Any]


def image_types(script_mode: str) -> tuple[ImageType, ...]:
    """Image types that a mode takes, in their order."""
    return tuple(ImageType(name) for name in script_mode.split("_"))


def parse_date(text: str) -> datetime:
    """Read a TAI date, or date and time, in ISO form.

    Raises
    ------
    ValueError
        It is none, or it has a time zone.
    """
    if not _DATE.fullmatch(text):
        raise ValueError(
            f"{show(text)} is no date; write e.g. 2022-11-04 or 2022-11-04T12:00:00 (TAI, no time zone)"
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{show(text)} is no date of the calendar ({error})") from None


def rule_problems(
    options: Options, instrument: Instrument, *, given: Options, standard: Options, unusable: Set[str]
) -> list[str]:
    """All that is wrong with the options together.

    Parameters
    ----------
    options
        Every option, defaults filled in.
    instrument
        Instrument of the script.
    given, standard
        The options that were given, and all defaults: a default list of exposure times serves only the
        default numbers of images.
    unusable
        Options whose value is known to be wrong; rules that need them are left out.

    Returns
    -------
    problems
        One sentence each.
    """
    unusable = frozenset(unusable)
    usable = {name: value for name, value in options.items() if name not in unusable}
    found = text_problems(usable)
    problems = list(found.values())
    unusable = unusable.union(found)
    for needed, rule in _RULES:
        if not unusable.intersection(needed):
            problems += rule(options, instrument)
    if "script_mode" not in unusable:
        for kind in image_types(options["script_mode"]):
            needed = _names(kind)
            if kind is not ImageType.BIAS and not unusable.intersection(needed):
                problems += _times_fit(options, kind, given, standard)
    return problems


def _names(kind: ImageType) -> tuple[str, str, str]:
    name = kind.lower()
    return f"n_{name}", f"n_discard_{name}", f"exp_times_{name}"


def _times(options: Options, kind: ImageType) -> tuple[float, ...] | None:
    """Exposure times of the images of a type, discarded ones first; None if the list does not fit."""
    n, n_discard, times = (options[name] for name in _names(kind))
    try:
        return times_per_exposure(times, int(n), int(n_discard))
    except ValueError:
        return None


def _times_fit(options: Options, kind: ImageType, given: Options, standard: Options) -> Iterator[str]:
    n_name, discard_name, times_name = _names(kind)
    n, n_discard, times = int(options[n_name]), int(options[discard_name]), options[times_name]
    if not isinstance(times, list):
        return
    counts = f"{n_name}: {n} and {discard_name}: {n_discard}"
    if times_name not in given and (n, n_discard) != (standard[n_name], standard[discard_name]):
        yield (
            f"{counts} do not go with the default of {times_name}, a list of {len(times)} times;"
            f" give both options, e.g. {_proposal(times_name, fitting_times(times, n, n_discard))}"
        )
    elif _times(options, kind) is None:
        fits = f"{n} or {n + n_discard} entries" if n_discard else f"{n} entries"
        yield (
            f"{times_name} has {len(times)} entries, but {counts} need {fits};"
            f" e.g. {_proposal(times_name, fitting_times(times, n, 0))},"
            f" or {n_name}: {len(times)} for this list"
        )


def _proposal(option: str, times: list[float]) -> str:
    if len(times) > LONGEST_LIST:
        return f"{option}: {show(times[0])}, one time for all"
    return f"{option}: {show(times, most=2000)}, or one time for all"


def _flats_are_long_enough(options: Options, _: Instrument) -> Iterator[str]:
    if ImageType.FLAT not in image_types(options["script_mode"]):
        return
    times = options["exp_times_flat"]
    short = sorted({time for time in (times if isinstance(times, list) else [times]) if time < SHORTEST_FLAT})
    if short:
        yield (
            f"exp_times_flat: {', '.join(f'{time:g}' for time in short)} s is too short; the shutter allows"
            f" {SHORTEST_FLAT} s or longer"
        )


def _products_need_flats(options: Options, _: Instrument) -> Iterator[str]:
    mode = options["script_mode"]
    for option in ("do_defects", "do_ptc"):
        if options[option] and ImageType.FLAT not in image_types(mode):
            yield f"{option}: true needs script_mode: BIAS_DARK_FLAT, not {mode}"


def _unverified_is_meant(options: Options, _: Instrument) -> Iterator[str]:
    """To certify without verification takes two options, so that nobody does it in passing."""
    if options["do_verify"] or options["generate_calibrations"]:
        return
    for option in ("do_defects", "do_ptc"):
        if options[option]:
            yield (
                f"{option}: true with do_verify: false would certify what was not verified; leave do_verify"
                " true, or say generate_calibrations: true as well"
            )


def _ptc_has_pairs(options: Options, _: Instrument) -> Iterator[str]:
    if not options["do_ptc"] or ImageType.FLAT not in image_types(options["script_mode"]):
        return
    times = _times(options, ImageType.FLAT)
    if times is None:
        return
    kept = times[int(options["n_discard_flat"]) :]
    pairs = flat_pairs(kept)
    levels = {kept[first] for first, _ in pairs.pairs}
    if len(levels) < LEVELS_OF_PTC:
        yield (
            f"do_ptc: true needs pairs of flats at {LEVELS_OF_PTC} or more exposure times; exp_times_flat has"
            f" them at {len(levels)}; e.g. n_flat: 6 and exp_times_flat: [5, 5, 15, 15, 30, 30]"
        )
    elif pairs.unpaired:
        alone = ", ".join(f"{kept[position]:g} s" for position in pairs.unpaired)
        yield f"do_ptc: true needs pairs of equal flats; exp_times_flat has no second of {alone}"


def _detectors_exist(options: Options, instrument: Instrument) -> Iterator[str]:
    known = instrument.detectors
    unknown = [number for number in options["detectors"] if number not in known]
    if unknown:
        has = f"detector {min(known)}" if len(known) == 1 else f"detectors {min(known)} to {max(known)}"
        yield f"detectors: {instrument.name} has no {show(unknown)}; it has {has}"


def _dates_are_a_range(options: Options, _: Instrument) -> Iterator[str]:
    dates = {}
    for option in ("certify_calib_begin_date", "certify_calib_end_date"):
        try:
            dates[option] = parse_date(options[option])
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


_RULES: tuple[tuple[tuple[str, ...], Callable[[Options, Instrument], Iterator[str]]], ...] = (
    (("script_mode", "exp_times_flat"), _flats_are_long_enough),
    (("script_mode", "do_defects", "do_ptc"), _products_need_flats),
    (("script_mode", "do_ptc", "n_flat", "n_discard_flat", "exp_times_flat"), _ptc_has_pairs),
    (("do_verify", "generate_calibrations", "do_defects", "do_ptc"), _unverified_is_meant),
    (("detectors",), _detectors_exist),
    (("certify_calib_begin_date", "certify_calib_end_date"), _dates_are_a_range),
)


def rule_warnings(options: Options, given: Options) -> list[str]:
    """What is allowed and still deserves a word of warning, for options that have no problem.

    Parameters
    ----------
    options
        Every option, defaults filled in.
    given
        The options that were given.
    """
    warnings = []
    kinds = image_types(options["script_mode"])
    generate = options["generate_calibrations"]
    if generate and not options["do_verify"]:
        warnings.append(
            "do_verify is false: combined calibrations will be certified unverified, and recorded as such"
        )
    if generate and options["do_verify"]:
        warnings += [_few_images(kind, int(options[_names(kind)[0]])) for kind in kinds]
    if generate or options["do_defects"] or options["do_ptc"]:
        warnings += [_range_for_all_time(options, given), _collection_of_no_date(options)]
    return [warning for warning in warnings if warning]


def _range_for_all_time(options: Options, given: Options) -> str:
    dates = ("certify_calib_begin_date", "certify_calib_end_date")
    if any(date in given for date in dates):
        return ""
    begin, end = (options[date] for date in dates)
    return (
        f"{dates[0]} and {dates[1]} are not given: what is certified in {options['calib_collection']} will be"
        f" valid from {begin} to {end}, so that no later run can certify the same there"
    )


def _collection_of_no_date(options: Options) -> str:
    name = options["calib_collection"]
    return f"calib_collection: {show(name)} has a placeholder; is the date meant?" if "YYYY" in name else ""


def _few_images(kind: ImageType, n: int) -> str:
    if n >= MAY_FAIL:
        return ""
    if (
        kind is ImageType.FLAT
    ):  # their noise has an upper limit only, and what it is compared with has no part of it
        outcome = "a flat made of so few takes up their noise, so that the test NOISE says little"
    else:
        outcome = (
            f"the test NOISE {'will' if n < SURE_TO_FAIL else 'may'} fail against a calibration made of them"
        )
    return f"n_{kind.lower()}: {n} images are few: {outcome}; 20 are recommended (DMTN-222)"
