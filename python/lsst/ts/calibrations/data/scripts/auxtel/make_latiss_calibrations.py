#!/usr/bin/env python
"""Take LATISS calibrations: started by the ATQueue as ``make_latiss_calibrations.py INDEX [--schema]``."""

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.queue_entry import run_from_queue

run_from_queue(MakeLatissCalibrations)
