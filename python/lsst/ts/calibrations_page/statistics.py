"""What was measured: summary tables, distributions against limits, statistics exposure by exposure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median, quantiles

from .html import Markup, details, figure, table, tag
from .results import Results, TestResult, number, spread
from .svg import Axis, Plot

__all__ = ["dark_signal", "distributions", "series", "summary_tables"]

MOST_LINES = 48
"""Amplifiers whose statistics are drawn as lines; of more a band is shown."""

MOST_FAILURES = 300
"""Failed tests that are drawn one by one in a plot with a band."""

MOST_TABLES = 9
"""Detectors of which the page has tables; those of all are in the files beside it."""

SHOWN = 3.0
"""How far a plot reaches, in units of what is allowed."""

NEAR = 0.6
"""Part of what is allowed from which a plot of a series shows the limit."""

NARROWEST = 0.1
"""Half of what such a plot shows at least, so that what is far from the limits does not look like a drift."""

BINS = 40
"""Bars of a distribution."""


def summary_tables(results: Results) -> Iterator[Markup]:
    """Make the tables of cp_verify's notebooks: median, spread, limit and number failed by amplifier.

    Parameters
    ----------
    results
        Tests of the run.

    Yields
    ------
    markup
        A table for each calibration and detector; those of which most tests failed first.
    """
    for calibration in results.by_calibration:
        by_test = {
            test: [each for each in tests if each.amplifier]
            for test, tests in results.of(calibration).items()
        }
        by_test = {test: tests for test, tests in by_test.items() if tests}
        made = [each for tests in by_test.values() for each in tests]
        failed = Counter(each.detector or "" for each in made if each.counted and not each.passed)
        detectors = sorted({each.detector or "" for each in made}, key=lambda name: (-failed[name], name))
        for detector in detectors[:MOST_TABLES]:
            inner = _summary_table(calibration, detector, by_test)
            n = f": {failed[detector]} failed" if failed[detector] else ""
            yield details(f"{calibration}, {detector}{n}", inner, opened=len(detectors) == 1)


def _summary_table(calibration: str, detector: str, by_test: Mapping[str, Sequence[TestResult]]) -> Markup:
    cells: dict[tuple[str, str], list[TestResult]] = defaultdict(list)
    for test, tests in by_test.items():
        for each in tests:
            if each.detector == detector:
                cells[each.amplifier or "", test].append(each)
    head: list[str] = ["amplifier"]
    for test, tests in by_test.items():
        unit = f" [{tests[0].unit}]" if tests[0].unit else ""
        head += [f"{test}{unit}", "spread", *(("allowed", "failed") if _has_limits(tests) else ())]
    amplifiers = sorted({place[0] for place in cells})
    rows = [
        [
            name,
            *(
                cell
                for test, tests in by_test.items()
                for cell in _statistics(cells[name, test])[: 4 if _has_limits(tests) else 2]
            ),
        ]
        for name in amplifiers
    ]
    return table(f"{calibration}, {detector}: median over the exposures, and its spread", head, rows)


def _has_limits(tests: Sequence[TestResult]) -> bool:
    """Whether it is a test, and not only a statistic."""
    return any(each.lowest is not None or each.highest is not None or not each.passed for each in tests)


def _statistics(tests: Sequence[TestResult]) -> list[str | int | Markup]:
    values = [each.value for each in tests if each.value is not None]
    failed = sum(not each.passed for each in tests)
    if not tests:
        return ["", "", "", ""]
    middle = sorted(tests, key=lambda each: -math.inf if each.value is None else each.value)[len(tests) // 2]
    wide = number(spread(values)) if len(values) > 1 else ""
    return [
        number(median(values)) if values else "unknown",
        wide,
        middle.allowed,
        tag("td", failed, class_="fail") if failed and middle.counted else failed,
    ]


def distributions(results: Results) -> Iterator[Markup]:
    """Draw how the values of each test lie between their limits.

    Parameters
    ----------
    results
        Tests of the run.

    Yields
    ------
    markup
        A figure for each test.
    """
    for calibration in results.by_calibration:
        for test, tests in results.of(calibration).items():
            known = [each for each in tests if math.isfinite(each.position)]
            if len(known) >= 8:
                yield _distribution(calibration, test, known)


def _distribution(calibration: str, test: str, tests: Sequence[TestResult]) -> Markup:
    positions = [each.position for each in tests]
    one_sided = min(positions) >= 0.0
    high = min(max(1.15, max(map(abs, positions)) * 1.05), SHOWN)
    low = 0.0 if one_sided else -high
    width = (high - low) / BINS
    bins: dict[int, list[TestResult]] = defaultdict(list)
    for each in tests:
        bins[min(max(int((each.position - low) / width), 0), BINS - 1)].append(each)
    top = max(map(len, bins.values()))
    plot = Plot(
        Axis(low, high, "part of what is allowed"), Axis(0.0, 1.08 * top, "tests"), f"{calibration} {test}"
    )
    for place, found in bins.items():
        failed = sum(not each.passed for each in found)
        values = [each.value for each in found if each.value is not None]
        about = f"{len(found)} tests, {failed} failed"
        about += f"\n{number(min(values))} to {number(max(values))} {found[0].unit}"
        begin = low + place * width
        plot.bar(begin, begin + width, len(found), "bar fail" if failed else "bar", about)
    for limit in (-1.0, 1.0):
        plot.down(limit)
    failed = sum(not each.passed for each in tests)
    return figure(f"{calibration} {test}: {len(tests)} tests, {failed} failed", plot.draw())


def series(results: Results, names: Mapping[int, str]) -> Iterator[Markup]:
    """Draw each statistic exposure by exposure, in the order in which they were taken.

    Parameters
    ----------
    results, names
        Tests of the run, and names of the exposures by id.

    Yields
    ------
    markup
        A figure for each test.
    """
    for calibration in results.by_calibration:
        for test, tests in results.of(calibration).items():
            known = [each for each in tests if each.exposure is not None and math.isfinite(each.position)]
            if len({each.exposure for each in known}) > 1:
                yield _series(calibration, test, known, names)


def _series(calibration: str, test: str, tests: Sequence[TestResult], names: Mapping[int, str]) -> Markup:
    ids = sorted({each.exposure or 0 for each in tests})
    places = {each: number_ for number_, each in enumerate(ids)}
    lines: dict[tuple[str, str], list[TestResult]] = defaultdict(list)
    for each in tests:
        lines[each.detector or "", each.amplifier or ""].append(each)
    positions = [min(max(each.position, -SHOWN), SHOWN) for each in tests]
    step = max(1, len(ids) // 8)
    ticks = tuple((float(place), str(ids[place] % 100_000)) for place in range(0, len(ids), step))
    near = [limit for limit in (-1.0, 1.0) if any(each * limit >= NEAR for each in positions)]
    middle = 0.5 * (min(positions) + max(positions))
    y = Axis.over([*positions, *near, middle - NARROWEST, middle + NARROWEST], "part of what is allowed")
    x = Axis(-0.5, len(ids) - 0.5, "image of the day, in the order taken", ticks)
    plot = Plot(x, y, f"{calibration} {test} by exposure")
    if len(lines) > MOST_LINES:
        _add_band(plot, tests, places)
    for (detector, amplifier), found in lines.items() if len(lines) <= MOST_LINES else ():
        points = [(float(places[each.exposure or 0]), each.position) for each in found]
        plot.line(points, "run", f"{detector} {amplifier} {calibration} {test}".replace("  ", " "))
        for each, (x_, y_) in zip(found, points, strict=True):
            title = f"{each.title}\n{names.get(each.exposure or 0, '')}"
            plot.dot(x_, y_, title, "dot" if each.passed else "dot fail", 1.7 if each.passed else 3.0)
    plot.across(1.0)
    plot.across(-1.0)
    return figure(f"{calibration} {test}", plot.draw())


def _add_band(plot: Plot, tests: Sequence[TestResult], places: Mapping[int, int]) -> None:
    """Add range, quartiles and median over the amplifiers, and what failed one by one."""
    by_place: dict[int, list[float]] = defaultdict(list)
    for each in tests:
        by_place[places[each.exposure or 0]].append(each.position)
    order = sorted(by_place)
    quarters = {place: quantiles(by_place[place], n=4, method="inclusive") for place in order}
    plot.area([(p, min(by_place[p])) for p in order], [(p, max(by_place[p])) for p in order])
    plot.area([(p, quarters[p][0]) for p in order], [(p, quarters[p][2]) for p in order])
    plot.line([(p, quarters[p][1]) for p in order], "fit", "median of the amplifiers")
    for each in [one for one in tests if not one.passed][:MOST_FAILURES]:
        plot.dot(places[each.exposure or 0], each.position, each.title, "dot fail", 3.0)


def dark_signal(results: Results, exposure_times: Mapping[int, float]) -> Iterator[Markup]:
    """Draw what is left of the dark signal against the exposure time, and give its slope.

    Parameters
    ----------
    results, exposure_times
        Tests of the run, and exposure times [s] by id.

    Yields
    ------
    markup
        A figure and its explanation.
    """
    tests = [each for each in results.of("DARK").get("MEAN", ()) if each.amplifier and each.value is not None]
    points = [
        (exposure_times[each.exposure or 0], each.value, each)
        for each in tests
        if each.exposure in exposure_times and each.value is not None
    ]
    if not points:
        return
    times, values = [each[0] for each in points], [each[1] for each in points]
    x = Axis(0.0, 1.08 * max(times), "exposure time [s]")
    plot = Plot(x, Axis.over([*values, 0.0], "mean signal left [electron]"), "Dark signal and exposure time")
    by_place: dict[tuple[str | None, float], list[float]] = defaultdict(list)
    drawn = points if len(points) <= 1500 else [each for each in points if not each[2].passed][:MOST_FAILURES]
    for time, value, each in drawn:
        plot.dot(time, value, each.title, "dot" if each.passed else "dot fail", 2.0)
    for time, value, each in points:
        by_place[each.detector, time].append(value)
    for (detector, time), found in by_place.items():
        title = f"{detector}, {time:g} s: mean {number(fmean(found))} electron of {len(found)} values"
        plot.dot(time, fmean(found), title, "dot cb", 4.0)
    rate = sum(t * v for t, v in zip(times, values, strict=True)) / sum(t * t for t in times)
    about = (
        f"Per second of exposure {rate:+.3g} electron are left beside the combined dark, over all amplifiers."
    )
    if len(set(times)) == 1:
        about += (
            " All darks have one exposure time: a signal in proportion to time and a constant one look alike."
        )
    yield figure(f"Mean signal of the darks after subtraction of the combined dark. {about}", plot.draw())
    yield tag(
        "p", "Small points: one amplifier in one exposure; large ones: mean of a detector.", class_="soft"
    )
