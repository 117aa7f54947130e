"""The page: its parts in order, put together to one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, Instrument
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.summary import brief_reason, failed_logs

from . import curves, gains, images, provenance, statistics, timeline, verdicts
from .datasets import Datasets
from .html import Markup, breakable, paragraphs, tag
from .results import Results

__all__ = ["Run", "make_page"]

MOST_LEFT_OUT = 3
"""Exposures left out of a combination that the first screen names."""

MOST_OF_REASON = 420
"""Characters of the reason that the first screen shows of a run with exposures; others have all."""

SIMULATED = (
    "Simulated: the images were made by the simulated observatory of ts_calibrations, not by a telescope."
)
"""What is said of a simulated run."""


@dataclass(frozen=True)
class Run:
    """What the page shows.

    Parameters
    ----------
    folder, summary, record
        Run directory, ``summary.json``, and all facts of the journal.
    """

    folder: Path
    summary: Mapping[str, Any]
    record: RunRecord

    @property
    def instrument(self) -> Instrument:
        """The instrument that took the images.

        Raises
        ------
        ValueError
            The journal does not say with what the run began.
        """
        configured = self.record.configured
        if configured is None:
            raise ValueError(f"the journal in {self.folder} does not say with what the run began")
        return INSTRUMENTS[configured.instrument]

    @property
    def detectors(self) -> dict[int, str]:
        """Names of the detectors in use by Butler id."""
        return images.names_by_id(self.instrument.detectors, self.summary["config"].get("detectors") or ())


def make_page(run: Run, datasets: Datasets, tables: Sequence[str] = ()) -> str:
    """Make the whole page.

    Parameters
    ----------
    run, datasets, tables
        What is shown, what reads the Butler, and names of the tables beside the page.

    Returns
    -------
    html
        A document that needs no other file.
    """
    results = Results(run.summary.get("tests") or ())
    parts = [(title, found) for title, made in _parts(run, results, datasets) if (found := list(made))]
    state = run.summary["state"]
    title = f"{run.instrument.name} calibrations {str(run.summary['started'])[:10]}: {state}"
    here = files(__package__)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup((here / "style.css").read_text(encoding="utf-8"))),
    )
    body = tag(
        "body",
        tag("a", "To the results", class_="skip", href="#results"),
        tag("header", _first_screen(run, results), _contents(parts), class_="top"),
        tag("main", [_section(title, found) for title, found in parts], id="results"),
        tag("footer", _foot(run, tables)),
        tag("script", Markup((here / "hover.js").read_text(encoding="utf-8"))),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _parts(run: Run, results: Results, datasets: Datasets) -> Iterator[tuple[str, Iterable[Markup]]]:
    """Title and content of each part, in the order of the page."""
    summary, record = run.summary, run.record
    names = {one: each.taken.obs_id for one, each in record.exposures.items()}
    failed = "Failed tests" if results.failures() else "Failed tests, none of which counts"
    yield failed, verdicts.failed_tests(results, names)
    yield "Statistics by amplifier", statistics.summary_tables(results)
    yield "Distributions against the limits", _grid(statistics.distributions(results), _LIMITS)
    yield "Exposure by exposure", _grid(statistics.series(results, names), _LIMITS)
    yield "Dark signal", statistics.dark_signal(results, _times(run))
    yield "Gains and read noise", _gains(run, results, datasets)
    yield "Photon transfer curves", _curves(run)
    yield "Defects", _defects(run, datasets)
    yield (
        "Images",
        _grid(images.thumbnails(summary, results, datasets, run.detectors), _STRETCH, "grid small"),
    )
    yield "Timeline", timeline.timeline(record, summary) if summary["exposures"] else ()
    yield (
        "Configuration and provenance",
        provenance.provenance(summary, run.instrument.name, list(run.detectors)),
    )


_LIMITS = (
    "Each value in units of what its test allows. The dashed lines are the limits; between two of them 0 is"
    " the reference, and where there is one alone 1 is that limit, wherever the reference is."
)
_STRETCH = (
    "Means of blocks of pixels, from the 1st to the 99th percentile, on an asinh scale; row 0 is below."
)


def _times(run: Run) -> dict[int, float]:
    """Exposure times by id [s]."""
    return {one: each.taken.exp_time for one, each in run.record.exposures.items()}


def _grid(figures: Iterable[Markup], about: str, class_: str = "grid") -> Iterator[Markup]:
    if found := list(figures):
        yield tag("p", about, class_="soft")
        yield tag("div", found, class_=class_)


def _first_screen(run: Run, results: Results) -> Iterator[Markup]:
    summary = run.summary
    state = summary["state"]
    about = f"{run.instrument.name}, {summary['started'][:16].replace('T', ' ')} TAI"
    about += ", resumed" if len(run.record.parts) > 1 else ""
    word = "under way" if state == "RUNNING" else state
    yield tag(
        "h1",
        "Calibrations",
        tag("span", word, class_=f"pill {verdicts.state_class(state)}"),
        tag("small", about),
    )
    if summary["simulated"]:
        faults = ", ".join(summary.get("faults") or ())
        injected = f" Injected faults: {faults}." if faults else ""
        yield tag("p", f"{SIMULATED}{injected}", class_="soft")
    yield from _ended(summary)
    yield verdicts.cards(summary)
    bad = summary.get("known_bad_amplifiers") or ()
    if bad:
        yield verdicts.known_bad_amplifiers(bad)
    if results.tests:
        several = len(results.detectors) > 1
        maps = verdicts.maps(results, run.instrument.amplifiers, bad)
        yield tag(
            "div",
            tag("div", tag("h3", verdicts.heading(results)), verdicts.reasons(summary, results)),
            tag("div", tag("h3", f"Worst test of each {'detector' if several else 'amplifier'}"), maps),
            class_="two",
        )


def _ended(summary: Mapping[str, Any]) -> Iterator[Markup]:
    """How the run ended, unless it is DONE and the cards say all; what was not done and left out."""
    if summary["state"] not in ("DONE", "RUNNING") and summary["reason"]:
        text = brief_reason(summary)
        if summary["exposures"] and len(text) > MOST_OF_REASON:
            text = f"{text[:MOST_OF_REASON].rpartition(' ')[0] or text[:MOST_OF_REASON]} ..."
        logs = failed_logs(summary)
        yield tag(
            "div",
            paragraphs(text),
            tag("p", "Log of the job: ", breakable(logs[-1])) if logs else None,
            class_="note bad",
        )
    left_out = summary.get("left_out") or ()
    for each in left_out[:MOST_LEFT_OUT]:
        yield tag(
            "p",
            f"Left out of {each['calibration']}: exposure {each['exposure']}: {each['reason']}",
            class_="soft",
        )
    if (more := len(left_out) - MOST_LEFT_OUT) > 0:
        yield tag("p", f"{more} more were left out: report.txt names them.", class_="soft")


def _gains(run: Run, results: Results, datasets: Datasets) -> Iterator[Markup]:
    summary = run.summary
    if not summary["gains"]:
        return
    nominal, source = gains.known_from_tests(results), "camera model"
    if not nominal:
        where = images.configured(summary, "flat")
        first = next((each["exposures"][0] for each in summary["gains"]), None)
        for detector, name in run.detectors.items():
            curve = datasets.get("ptc", where, detector=detector, exposure=first)
            for amplifier in [] if curve is None else curve.gain:
                nominal[name, amplifier] = curve.gain[amplifier], curve.noise[amplifier]
        source = "the ptc in use" if nominal else ""
    bad = summary.get("known_bad_amplifiers") or ()
    yield from gains.gain_parts(summary["gains"], run.detectors, nominal, source, bad, _times(run))


def _curves(run: Run) -> Iterator[Markup]:
    by_detector: dict[int, list[Mapping[str, Any]]] = {}
    for each in run.summary.get("curves") or ():
        by_detector.setdefault(each["detector"], []).append(each)
    for detector, rows in list(by_detector.items())[: curves.MOST_DETECTORS]:
        name = run.detectors.get(detector, str(detector))
        yield tag("h3", name)
        yield tag("div", list(curves.curve_figures(rows)), class_="grid small curves")
        yield curves.curve_table(name, rows)


def _defects(run: Run, datasets: Datasets) -> Iterator[Markup]:
    verdict = run.summary["verification"].get("DEFECTS")
    made = None if verdict is None else verdict["generation_collection"]
    if not made:
        return
    for detector, name in list(run.detectors.items())[: images.MOST_DETECTORS]:
        drawn = images.defect_map(datasets.get("defects", [made], detector=detector), name)
        if drawn is not None:
            yield drawn


def _contents(parts: Iterable[tuple[str, Sequence[Markup]]]) -> Markup:
    links = [tag("li", tag("a", title, href=f"#{_anchor(title)}")) for title, _ in parts]
    return tag("nav", tag("ul", links), aria_label="Contents")


def _section(title: str, content: Sequence[Markup]) -> Markup:
    anchor = _anchor(title)
    return tag("section", tag("h2", title, id=anchor), content, aria_labelledby=anchor)


def _anchor(title: str) -> str:
    return title.partition(",")[0].lower().replace(" ", "-")


def _foot(run: Run, tables: Sequence[str]) -> Iterator[Markup]:
    names = ["summary.json", "report.txt", *tables]
    there = [tag("a", name, href=name) for name in names if (run.folder / name).exists()]
    if there:
        links = [part for each in there for part in (each, Markup(", "))][:-1]
        yield tag("p", "Beside this page: ", links)
    yield tag("p", f"Run directory: {run.folder}")
