"""Gains and read noise of pairs of flats, beside those that are known already."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from lsst.ts.calibrations.report.gains import shortest_pairs

from .html import Markup, details, figure, table, tag
from .results import Results, number, spread
from .svg import Axis, Plot

__all__ = ["gain_parts", "known_from_tests"]

MOST_DETECTORS = 9
"""Detectors of which tables and plots are shown."""

_Nominal = Mapping[tuple[str, str], tuple[float | None, float | None]]
"""Gain [electron/adu] and read noise [electron] by detector and amplifier."""


def gain_parts(
    gains: Sequence[Mapping[str, Any]],
    detectors: Mapping[int, str],
    nominal: _Nominal,
    source: str,
    known_bad: Sequence[Mapping[str, Any]],
    times: Mapping[int, float],
) -> Iterator[Markup]:
    """Show gain and read noise per amplifier and pair of flats, beside those that are known already.

    Parameters
    ----------
    gains, detectors
        ``gains`` of the summary, and names of the detectors by Butler id.
    nominal, source
        What they are compared with, and where that is from, in words.
    known_bad
        ``known_bad_amplifiers`` of the summary.
    times
        Exposure times [s] by id of the exposure.

    Yields
    ------
    markup
        A plot and tables for each detector.
    """
    by_detector: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for each in gains:
        by_detector[each["detector"]].append(each)
    bad = {(each["detector"], each["amplifier"]): each["source"] for each in known_bad}
    for detector, found in list(by_detector.items())[:MOST_DETECTORS]:
        name = detectors.get(detector, str(detector))
        yield _gain_plot(name, found, nominal, source)
        yield _gain_table(name, found, nominal, source, bad, times)
        yield details(f"Every pair, {name}", _pair_table(name, found))


def _finite(values: Sequence[float | None]) -> list[float]:
    return [each for each in values if each is not None and math.isfinite(each)]


def _by_amplifier(found: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    amplifiers: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for each in found:
        amplifiers[each["amplifier"]].append(each)
    return dict(sorted(amplifiers.items()))


def _gain_plot(name: str, found: Sequence[Mapping[str, Any]], nominal: _Nominal, source: str) -> Markup:
    amplifiers = _by_amplifier(found)
    usual = [nominal.get((name, each), (None, None))[0] for each in amplifiers]
    values = [*_finite([each["gain_corrected"] for each in found]), *_finite(usual)]
    ticks = tuple((float(place), each) for place, each in enumerate(amplifiers))
    x = Axis(-0.6, len(ticks) - 0.4, "", ticks)
    y = Axis.over(values, "gain [electron/adu]")
    plot = Plot(x, y, f"Gain of each amplifier of {name}", size=(720.0, 240.0))
    for place, (amplifier, measured) in enumerate(amplifiers.items()):
        about = nominal.get((name, amplifier), (None, None))[0]
        if about is not None and math.isfinite(about):
            ends = [(place - 0.35, about), (place + 0.35, about)]
            plot.line(ends, "fit", f"{amplifier}: {number(about)} electron/adu, {source}")
        for each in measured:
            if _finite([each["gain_corrected"]]):
                pair = " and ".join(map(str, each["exposures"]))
                title = f"{amplifier}: {each['gain_corrected']:.4f} electron/adu, {pair}"
                plot.dot(place, each["gain_corrected"], title)
    line = f"; lines: {source}" if any(each is not None for each in usual) else ""
    return figure(f"{name}: points: pairs of flats, without the brighter-fatter effect{line}", plot.draw())


def _gain_table(
    name: str,
    found: Sequence[Mapping[str, Any]],
    nominal: _Nominal,
    source: str,
    bad: Mapping[tuple[str, str], str],
    times: Mapping[int, float],
) -> Markup:
    several = len({times.get(each["exposures"][0], 0.0) for each in found}) > 1
    by_amplifier = {
        amplifier: (measured, *shortest_pairs(measured, times))
        for amplifier, measured in _by_amplifier(found).items()
    }
    shortest = min((time for _, time, _ in by_amplifier.values() if time is not None), default=0.0)
    head = ["amplifier", "gain [electron/adu]", "spread", "as measured", "pairs", "known gain", "difference"]
    head += ["read noise [electron]", "known noise", "difference"]
    rows: list[list[str | int]] = []
    remarks: dict[str, list[str]] = defaultdict(list)
    for amplifier, (measured, time, quoted) in by_amplifier.items():
        columns = (_finite([each[key] for each in quoted]) for key in ("gain_corrected", "gain", "noise"))
        corrected, raw, noise = columns
        n_given = len(_finite([each["gain_corrected"] for each in measured]))
        gain, read_noise = nominal.get((name, amplifier), (None, None))
        remark = bad.get((name, amplifier)) and f"known bad: {bad[name, amplifier]}"
        if n_given < len(measured) and not remark:
            why = next((each["reason"] for each in measured if each.get("reason")), "it is not finite")
            why = why.partition(",")[0]  # without numbers, so that amplifiers have it in common
            remark = f"{len(measured) - n_given} of {len(measured)} pairs gave none: {why}"
        if time is not None and time > shortest:
            remark = "; ".join(filter(None, (remark, f"from pairs of {time:g} s")))
        if remark:
            remarks[remark].append(amplifier)
        rows.append(
            [
                amplifier,
                _median(corrected),
                number(spread(corrected)) if len(corrected) > 1 else "",
                _median(raw),
                len(corrected),
                "" if gain is None else f"{gain:.4f}",
                _percent(corrected, gain),
                _median(noise),
                "" if read_noise is None else f"{read_noise:.4f}",
                _percent(noise, read_noise),
            ]
        )
    of = f" of {shortest:g} s, the shortest" if several else ""
    caption = f"{name}: medians over the pairs{of}; gain without the brighter-fatter effect"
    caption += f"; known: {source}" if source else ""
    lines = [
        tag(
            "p",
            f"{'All amplifiers' if len(named) == len(rows) else ', '.join(named)}: {remark}.",
            class_="soft",
        )
        for remark, named in remarks.items()
    ]
    return Markup("".join([table(caption, head, rows), *lines]))


def _median(values: Sequence[float]) -> str:
    return f"{median(values):.4f}" if values else "not measured"


def _percent(values: Sequence[float], usual: float | None) -> str:
    return f"{100.0 * (median(values) / usual - 1.0):+.2f} %" if values and usual else ""


def _pair_table(name: str, found: Sequence[Mapping[str, Any]]) -> Markup:
    head = [
        "first flat",
        "second flat",
        "amplifier",
        "gain",
        "without brighter-fatter",
        "read noise",
        "why none",
    ]
    rows = [
        [
            *each["exposures"],
            each["amplifier"],
            *(number(each[key]) for key in ("gain", "gain_corrected", "noise")),
            tag("td", each.get("reason") or "", class_="words"),
        ]
        for each in found
    ]
    return table(f"{name}: gain [electron/adu] and read noise [electron] of every pair", head, rows)


def known_from_tests(results: Results) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Find gain and read noise of the camera model among the references of the tests of a curve.

    Parameters
    ----------
    results
        Tests of the run.

    Returns
    -------
    nominal
        By detector and amplifier.
    """
    by_test = results.of("PTC")
    noise = {(each.detector, each.amplifier): each.reference for each in by_test.get("PTC_NOISE", ())}
    return {
        (each.detector, each.amplifier): (each.reference, noise.get((each.detector, each.amplifier)))
        for each in by_test.get("PTC_GAIN", ())
        if each.detector and each.amplifier
    }
