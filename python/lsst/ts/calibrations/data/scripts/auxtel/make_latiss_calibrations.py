#!/usr/bin/env python
"""Take LATISS calibrations: started by the ATQueue as ``make_latiss_calibrations.py INDEX [--schema]``."""

from lsst.ts.calibrations.queue_entry import choose_sal, run_from_queue

choose_sal()

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations  # noqa: E402

run_from_queue(MakeLatissCalibrations)
