"""The timeline of a run beside a strictly sequential one and beside the procedure of today.

usage: python benchmarks/procedure.py RUN_DIRECTORY

The run directory is that of a run that has ended, as ``bin/run_script`` leaves it behind; times are those of
its journal, simulated or real. With the same exposures and the same durations of jobs

- a strictly sequential procedure takes one image type after the other and waits, before it goes on, until the
  OODS has the last image, and until both jobs of the type have ended;
- the procedure of today needs 8.3 s per frame above the open time (ts_externalscripts' BIAS_DARK list of 44
  frames and 535 s in "about 15 minutes", operations documentation), and then the same jobs one by one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

from lsst.ts.calibrations.journal.facts import ExposureConfirmed, VerdictGiven
from lsst.ts.calibrations.journal.journal import JOURNAL, read_journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.summary import SUMMARY

TODAY = 8.3
"""Seconds per frame above the open time."""


def main(folder: Path) -> None:
    """Print the table."""
    facts, record = list(read_journal(folder / JOURNAL)), RunRecord()
    for fact in facts:
        record.apply(fact)
    seconds = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["timeline"]
    taken = list(record.exposures.values())
    ended = {each.taken.id: each.readout_ended or each.taken.time for each in taken}
    begin, last = taken[0].taken.begun, max(ended.values())
    jobs = [each for each in record.jobs.values() if each.ended is not None]
    processing = sum((job.ended or 0.0) - job.submitted.time for job in jobs)
    ingest = median(each.time - ended[each.id] for each in facts if isinstance(each, ExposureConfirmed))
    verdicts = [each for each in facts if isinstance(each, VerdictGiven)]
    sequential = seconds["floor"] + max(ingest, 0.0) * len({each.taken.image_type for each in taken})
    today = seconds["open"] + TODAY * len(taken)
    rows = {
        "floor: open, readout, shutter, waits asked for": seconds["floor"],
        "acquisition: first takeImages to last endReadout": seconds["acquisition"],
        "to the last verdict": max(each.time for each in verdicts) - begin,
        "strictly sequential, to the last verdict": sequential + processing,
        "overhead of today, acquisition": today,
        "overhead of today, to the last verdict": today + processing,
    }
    print(
        f"{len(taken)} exposures, {seconds['open']:.0f} s open, {len(jobs)} jobs of {processing:.0f} s in all"
    )
    print(f"{'':<50}{'seconds':>9}{'/ floor':>9}")
    for name, value in rows.items():
        print(f"{name:<50}{value:>9.1f}{value / seconds['floor']:>9.3f}")
    for verdict in verdicts:
        own = [job.ended or 0.0 for job in jobs if job.submitted.calibration == verdict.calibration]
        print(
            f"{verdict.calibration}: verdict {verdict.time - last:+.1f} s from the last readout,"
            f" {verdict.time - max(own):.2f} s after its job"
        )


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1], SUMMARY).exists():
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
