"""The timeline of a run: exposures, jobs and waiting, against the least time that is possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lsst.ts.calibrations.domain.calibrations import step_name
from lsst.ts.calibrations.journal.record import RunRecord

from .html import Markup, figure, table
from .svg import Axis, picture, rectangle, words

__all__ = ["timeline"]

_COLOURS = {"BIAS": "ca", "DARK": "cb", "FLAT": "cc"}
_ROW, _LEFT, _WIDTH = 20.0, 118.0, 900.0


def timeline(record: RunRecord, summary: Mapping[str, Any]) -> Iterator[Markup]:
    """Draw when exposures were taken and jobs ran, and give the sums beside the floor.

    Parameters
    ----------
    record, summary
        Of the run.

    Yields
    ------
    markup
        Picture and table.
    """
    if record.parts:
        yield _drawn(record)
    seconds = summary["timeline"]
    floor, taken = seconds["floor"], seconds["acquisition"]
    rows = [
        ["shutter open or integrating", f"{seconds['open']:.1f}"],
        ["readout", f"{seconds['readout']:.1f}"],
        ["floor: the least that these exposures can take", f"{floor:.1f}"],
        ["acquisition: first takeImages to last endReadout", f"{taken:.1f}"],
        [
            "above the floor",
            f"{taken - floor:+.1f}{f' ({100.0 * (taken / floor - 1.0):+.1f} %)' if floor else ''}",
        ],
        ["after the last readout", f"{seconds['total'] - taken:.1f}"],
        ["whole run", f"{seconds['total']:.1f}"],
    ]
    yield table("Where the time went", ["part", "seconds"], rows)


def _drawn(record: RunRecord) -> Markup:
    begin, end = record.parts[0].begin, record.parts[-1].end
    axis = Axis(0.0, max(end - begin, 1.0), "")
    width = _WIDTH - _LEFT - 8.0

    def place(time: float) -> float:
        return _LEFT + width * min(max((time - begin) / axis.high, 0.0), 1.0)

    def bar(row: int, start: float, stop: float, class_: str, title: str) -> Markup:
        return rectangle(
            place(start), 4.0 + _ROW * row, max(place(stop) - place(start), 1.0), _ROW - 6.0, class_, title
        )

    jobs = list(record.jobs.values())
    kinds = list(dict.fromkeys(each.taken.image_type for each in record.exposures.values()))
    bottom = 8.0 + _ROW * (len(kinds) + len(jobs))

    def drawn() -> Iterator[Markup]:
        for value, name in axis.ticks:
            yield rectangle(place(begin + value), 2.0, 0.6, bottom - 2.0, "axis")
            yield words(place(begin + value), bottom + 14.0, name, "soft", "middle")
        for row, kind in enumerate(kinds):
            yield words(_LEFT - 6.0, 14.0 + _ROW * row, f"{kind} exposures", None, "end")
        for each in record.exposures.values():
            taken = each.taken
            stop = each.readout_ended or taken.time
            discarded = ", discarded" if taken.discarded else ""
            title = f"{taken.obs_id}: {taken.image_type} of {taken.exp_time:g} s{discarded}"
            yield bar(
                kinds.index(taken.image_type), taken.begun, stop, _COLOURS.get(taken.image_type, "cd"), title
            )
        for number, job in enumerate(jobs, len(kinds)):
            asked, stop = job.submitted, job.ended or end
            name = step_name(asked.kind, asked.calibration)
            yield words(_LEFT - 6.0, 14.0 + _ROW * number, name, None, "end")
            outcome = "no end is known" if job.exit_code is None else f"exit code {job.exit_code}"
            title = f"{name}: {stop - asked.time:.0f} s, {outcome}\njob {asked.job_id}"
            yield bar(number, asked.time, stop, "cd" if job.exit_code == 0 else "defect", title)
        for former, later in zip(record.parts, record.parts[1:], strict=False):
            yield bar(0, former.end, later.begin, "n", "the run was not going on")

    about = "Seconds since the run began: exposures with their readout by type, and the jobs of the OCPS"
    return figure(about, picture(_WIDTH, bottom + 20.0, about, drawn()))
