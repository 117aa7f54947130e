"""What the numbers of the page come from: configuration, versions, collections, and how to get them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, step_name
from lsst.ts.calibrations.journal.summary import is_used

from .html import Markup, details, table, tag

__all__ = ["butler_cell", "provenance"]


def provenance(summary: Mapping[str, Any], instrument: str, detectors: Sequence[int]) -> Iterator[Markup]:
    """Show configuration, versions, collections and jobs, and the cell that gets the numbers.

    Parameters
    ----------
    summary, instrument, detectors
        Of the run, name of the instrument, and Butler ids of the detectors.

    Yields
    ------
    markup
        Tables, and the cell.
    """
    rows = [
        ["script", summary["script"]],
        ["began, ended", f"{summary['started']} to {summary['ended']} (TAI)"],
        ["repository", summary["repo"] or "unknown"],
        ["simulated", _simulated(summary)],
        *([name, version or "not installed"] for name, version in summary["versions"].items()),
    ]
    yield table("The run", ["what", "value"], [[name, _words(value)] for name, value in rows], class_="text")
    yield from _collections(summary)
    options = [[name, _words(str(value))] for name, value in summary["config"].items()]
    yield details(
        f"Configuration, defaults included ({len(options)} options)",
        table("Options", ["option", "value"], options, class_="text"),
    )
    if cell := butler_cell(summary, instrument, detectors):
        yield tag("h3", "The numbers in a notebook")
        yield tag("pre", tag("code", cell), tabindex="0")


def _simulated(summary: Mapping[str, Any]) -> str:
    if not summary["simulated"]:
        return "no"
    about = ((key, summary[key]) for key in ("seed", "scale", "date"))
    return "yes" + "".join(f", {key} {value}" for key, value in about if value is not None)


def _words(value: str) -> Markup:
    return tag("td", tag("code", value), class_="words")


def _collections(summary: Mapping[str, Any]) -> Iterator[Markup]:
    rows = [
        [
            step_name(each["kind"], each["calibration"]),
            _words(each["collection"]),
            "unknown" if each["exit_code"] is None else each["exit_code"],
            _words(each["log"]),
        ]
        for each in summary["jobs"]
    ]
    if rows:
        yield table(
            "Jobs, with the collections of their results",
            ["job", "collection", "exit code", "log"],
            rows,
            class_="text",
        )
    certified = [
        [
            each["dataset_type"],
            _words(each["collection"]),
            each["begin"],
            each["end"],
            "yes" if each["verified"] else "NO",
        ]
        for each in summary["certified"]
    ]
    if certified:
        yield table(
            "Certified",
            ["type", "collection", "valid from", "to (TAI)", "verified"],
            certified,
            class_="text",
        )


def butler_cell(summary: Mapping[str, Any], instrument: str, detectors: Sequence[int]) -> str:
    """Write the lines of Python that read the results of a run in the Butler.

    Parameters
    ----------
    summary, instrument, detectors
        As for `provenance`.

    Returns
    -------
    code
        Empty if there is nothing to read.
    """
    lines: list[str] = []
    about = "detector=detector"
    for name, verdict in summary["verification"].items():
        prefix = CALIBRATIONS[name].statistics_prefix
        verified = next((each for each in summary["exposures"] if _verified(each, name)), None)
        by_itself = CALIBRATIONS[name].verified_by_itself and verdict["generation_collection"] is not None
        if verified is None and not by_itself:
            continue
        where = f'collections="{verdict["verification_collection"]}"'
        exposure = "" if by_itself or verified is None else f", exposure={verified['id']}"
        lines.append(
            f'{name.lower()}_statistics = butler.get("{prefix}DetStats", {about}{exposure}, {where})'
        )
        lines.append(
            f'{name.lower()}_statistics["AMP"]["C05"], {name.lower()}_statistics["VERIFY"]["AMP"]["C05"]'
        )
        lines.append(f'{name.lower()}_table = butler.get("{prefix}Results", {where})')
        if made := verdict["generation_collection"]:
            filter_ = (
                f', physical_filter="{verified["physical_filter"]}"' if name == "FLAT" and verified else ""
            )
            dataset_type = CALIBRATIONS[name].dataset_type
            lines.append(
                f'{dataset_type} = butler.get("{dataset_type}", {about}{filter_}, collections="{made}")'
            )
    lines += _pair_gains(summary)
    if not lines or not detectors:
        return ""
    head = [
        "from lsst.daf.butler import Butler",
        "",
        f'butler = Butler("{summary["repo"]}", instrument="{instrument}")',
        f"detector = {detectors[0]}",
    ]
    return "\n".join([*head, *lines])


def _pair_gains(summary: Mapping[str, Any]) -> list[str]:
    """The lines that read the gains of the first pair of flats."""
    job = next((each for each in summary["jobs"] if each["kind"] == "gain" and each["exit_code"] == 0), None)
    if job is None or not summary["gains"]:
        return []
    name = "cpPtcExtract" if summary["simulated"] else "cpPtcPartial"  # as the present cp_pipe calls it
    where = f'exposure={summary["gains"][0]["exposures"][0]}, collections="{job["collection"]}"'
    return [
        f'gains_of_pair = butler.get("{name}", detector=detector, {where})',
        'gains_of_pair.gain["C05"], gains_of_pair.noise["C05"]',
    ]


def _verified(exposure: Mapping[str, Any], calibration: str) -> bool:
    """Whether an exposure was verified with a calibration, if all went well."""
    kind = CALIBRATIONS[calibration].verified_with
    return exposure["image_type"] == kind and is_used(exposure)
