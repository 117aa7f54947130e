"""``python -m lsst.ts.calibrations_page RUN_DIRECTORY``: write the page of a run and its tables."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS
from lsst.ts.calibrations.journal.journal import JOURNAL, read_journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.journal.summary import SUMMARY, make_summary
from lsst.ts.calibrations.run.page_process import PAGE

from .datasets import Datasets
from .document import Run, make_page
from .tables import write_tables

__all__ = ["load", "write_page"]


def load(folder: Path) -> Run:
    """Read what the page shows.

    Parameters
    ----------
    folder
        Run directory; a run that has not ended, or was killed, is shown as far as its journal tells.

    Returns
    -------
    run : Run

    Raises
    ------
    OSError, ValueError
        There is no run, or its journal or summary is damaged.
    """
    record = RunRecord()
    for fact in read_journal(folder / JOURNAL):
        record.apply(fact)
    if (folder / SUMMARY).is_file():
        return Run(folder, json.loads((folder / SUMMARY).read_text(encoding="utf-8")), record)
    return Run(folder, _summary(folder, record), record)


def _summary(folder: Path, record: RunRecord) -> dict[str, Any]:
    """The summary of a run that has none."""
    began = record.configured
    if began is None:
        raise ValueError(f"the journal in {folder} does not say with what the run began")
    instrument = INSTRUMENTS[began.instrument]
    return make_summary(
        record,
        RunSettings(
            folder,
            repository=None if began.repository is None else Path(began.repository),
            simulated=began.simulated,
            seed=began.seed,
            scale=began.scale,
            date=began.date,
        ),
        instrument,
        script=began.script,
        state="RUNNING",
        reason="",
        config=CalibrationConfig.from_namespace(began.config, instrument),
        started=record.parts[0].begin,
        ended=record.parts[-1].end,
    )


def write_page(folder: Path) -> Path:
    """Write page and tables of a run; readers never see half of them.

    Parameters
    ----------
    folder
        Run directory.

    Returns
    -------
    path
        The page.
    """
    run = load(folder)
    datasets = Datasets(str(run.summary["repo"]), run.instrument.name)
    tables = write_tables(folder, run.summary, datasets, run.detectors)
    path, part = folder / PAGE, folder / f"{PAGE}.part"
    part.write_text(make_page(run, datasets, tables), encoding="utf-8")
    return part.replace(path)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("lsst.ts.calibrations").setLevel(logging.INFO)
    warnings.simplefilter("ignore")
    try:
        print(write_page(Path(sys.argv[1]).absolute()))
    except (OSError, ValueError) as error:
        sys.exit(f"the page cannot be written: {error}")
